"""The laws of interviews: what is called settled is settled, and until then there is something to ask.

On made rulesets by brute force, on red-dots by its evaluators and by the solver.
`make campaign-interview` looks at 20,000 reports and 500 people.
"""

from __future__ import annotations

import itertools
import runpy
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.support.oracles import interview_laws as laws
from tests.support.oracles.interview_laws import Case, OtherOutcomes, Subject, cases_of, cases_of_large
from tests.support.oracles.reach import ByEvaluator, Reach
from tests.support.paths import RED_DOTS
from tests.support.rulesets import repository
from tests.support.rulesets.generated import DIGEST
from tests.support.rulesets.interviewed import with_another_order
from tests.support.shares import examples
from triage_rules.assurance.solver.solver import Model, NoReport
from triage_rules.evaluation.answers import UNKNOWN
from triage_rules.evaluation.decision import Decider, Decision
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.evaluation.generated.program import Reach as Reached
from triage_rules.evaluation.reference import Reference
from triage_rules.evaluation.signals import input_bits
from triage_rules.interview.conversation import Conversation, interview
from triage_rules.interview.plan import NextScreen, Planner
from triage_rules.interview.random_people import random_person
from triage_rules.language.gates import InputsBehind
from triage_rules.language.model import Answers, Audience, InputKind, Ruleset
from triage_rules.records.reports import History

CAMPAIGN = Path(__file__).parents[1] / "campaigns" / "interviews.py"
SMALL = {"inputs": 4, "statements": 3, "rules": 4, "depth": 2}
MEDIUM = {"inputs": 7, "statements": 4, "rules": 6, "depth": 2}
PEOPLE = examples(50, 500)


# --- made rulesets ---


@pytest.fixture(scope="module")
def seen() -> Counter[str]:
    """What the tests of made rulesets have looked at."""
    return Counter()


def made_cases(seen: Counter[str], seeds: range, *, reports: int = 4, **sizes: int) -> Iterator[Case]:
    for seed in seeds:
        random = Random(seed)
        subject = replace(laws.made(random, **sizes), seen=seen)
        yield from cases_of(subject, random, reports)


def test_every_law_holds_for_partial_reports_of_made_rulesets(seen: Counter[str]) -> None:
    cases = made_cases(seen, range(examples(30, 1000)), **MEDIUM)
    assert [fault for case in cases for fault in laws.exceptions(case, laws.LAWS)] == []


def test_no_way_to_go_on_changes_a_settled_outcome_of_a_small_ruleset(seen: Counter[str]) -> None:
    exact = (laws.every_completion_is_sound, laws.what_is_irrelevant_counts_as_its_declared_value)
    cases = made_cases(seen, range(examples(45, 1000)), **SMALL)
    assert [fault for case in cases for fault in laws.exceptions(case, exact)] == []


def test_copies_of_made_rulesets_agree_as_far_as_they_must(seen: Counter[str]) -> None:
    """Replayed, without gates, in another order."""
    cases = made_cases(seen, range(60, 60 + examples(15, 500)), reports=2, **SMALL)
    assert [fault for case in cases for fault in laws.exceptions(case, laws.LAWS_OF_COPIES)] == []


def test_interviews_by_made_rulesets_end_with_the_outcome_of_the_full_form(seen: Counter[str]) -> None:
    for seed in range(examples(25, 1000)):
        random = Random(seed)
        subject = replace(laws.made(random, **MEDIUM), seen=seen)
        for audience in Audience:
            truth = random_person(subject.ruleset, random, unknown=random.choice([0, 0.3]), usual=random.random())
            talk, faults = laws.interview_exceptions(subject, truth, audience)
            assert faults == []
            assert talk.screens <= len(truth) + len({name for each in talk.exchanges for name in each.ticked})


def test_the_made_cases_are_of_every_kind(seen: Counter[str]) -> None:
    """Laws are worth little if nothing could break them."""
    if not seen:
        test_every_law_holds_for_partial_reports_of_made_rulesets(seen)
        test_no_way_to_go_on_changes_a_settled_outcome_of_a_small_ruleset(seen)
        test_copies_of_made_rulesets_agree_as_far_as_they_must(seen)
    for kind in (
        "determined, with inputs open",
        "complete, not determined",
        "complete, with inputs in reach",
        "every way from determined",
        "every way from complete",
        "not complete",
        "open elsewhere",
    ):
        assert seen[kind] >= 20, (kind, seen)
    for kind in ("panels next", "irrelevant"):
        assert seen[kind] >= 3, (kind, seen)
    for kind in ("another next screen", "answers against their relevance"):
        assert seen[kind] >= 1, (kind, seen)
    assert seen["completions"] > 2000


# --- the laws notice defects ---


def all_settled(patch: pytest.MonkeyPatch) -> None:
    """Every outcome counts as determined."""
    patch.setattr(Decision, "determined", property(lambda _: True))


def nothing_in_reach(patch: pytest.MonkeyPatch) -> None:
    """Every open input counts as out of reach."""
    patch.setattr(Evaluator, "reach", lambda self, *_: Reached(0, self._asked))


def everything_in_reach(patch: pytest.MonkeyPatch) -> None:
    """Audiences don't count, and "unknown" is no answer."""
    patch.setattr(Evaluator, "reach", lambda self, _, facts, *__: Reached(self._asked & ~self_mask(self, facts), 0))


def self_mask(evaluator: Evaluator, facts: Answers) -> int:
    return sum(bit for name, bit in input_bits(evaluator.ruleset).items() if name in facts)


def no_next_screen(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Planner, "next_screen", lambda *_, **__: None)


def any_next_screen(patch: pytest.MonkeyPatch) -> None:
    """The first screen is shown again and again."""
    patch.setattr(
        Planner, "next_screen", lambda self, *_, **__: NextScreen(self.screens[0], self.screens[0].inputs[:3])
    )


def none_elsewhere(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Decider, "may_change", lambda *_: 0)


def mild_bound(patch: pytest.MonkeyPatch) -> None:
    """The gravest outcome that is still possible counts as the present one."""
    patch.setattr(Decider, "_highest_rank", lambda _, now, *__: now)


def expected_as_answer(patch: pytest.MonkeyPatch) -> None:
    """An open question counts as answered with the expected answer."""
    complete = Evaluator._complete

    def changed(self: Evaluator, answers: Answers, history: History, mentions: Answers) -> Answers:
        expected = {n: read.expected for n, read in self.ruleset.inputs.items() if read.expected is not None}
        return complete(self, expected | answers, history, mentions)

    patch.setattr(Evaluator, "_complete", changed)


def relevance_beats_answers(patch: pytest.MonkeyPatch) -> None:
    """What is answered against its relevance is overwritten."""
    complete = Evaluator._complete

    def changed(self: Evaluator, answers: Answers, history: History, mentions: Answers) -> Answers:
        found = complete(self, answers, history, mentions)
        for name in answers:
            others = {other: value for other, value in answers.items() if other != name}
            without = complete(self, others, history, mentions)
            found |= {name: without[name]} if name in without else {}
        return found

    patch.setattr(Evaluator, "_complete", changed)


def irrelevant_as_open(patch: pytest.MonkeyPatch) -> None:
    """Relevance is shown with another value than the one that it implies."""
    make = Evaluator.evaluate

    def changed(self: Evaluator, *args: Any, **options: Any) -> dict[str, Any]:
        result = make(self, *args, **options)
        inputs = self.ruleset.inputs
        turned = [
            {**entry, "taken_as": not entry["taken_as"]}
            for entry in result["irrelevant"]
            if inputs[entry["finding"]].kind is InputKind.YES_NO
        ]
        return {**result, "irrelevant": turned}

    patch.setattr(Evaluator, "evaluate", changed)


def order_counts(patch: pytest.MonkeyPatch) -> None:
    """The answer that was given last is forgotten."""
    complete = Evaluator._complete
    patch.setattr(
        Evaluator,
        "_complete",
        lambda self, answers, history, mentions: complete(self, dict(list(answers.items())[:-1]), history, mentions),
    )


DEFECTS = [
    (laws.determined_is_sound, all_settled),
    (laws.every_completion_is_sound, all_settled),
    (laws.complete_is_sound, nothing_in_reach),
    (laws.every_completion_is_sound, nothing_in_reach),
    (laws.a_question_is_left_until_complete, everything_in_reach),
    (laws.a_question_is_left_until_complete, no_next_screen),
    (laws.a_question_is_left_until_complete, any_next_screen),
    (laws.what_others_can_answer_is_listed, everything_in_reach),
    (laws.what_others_can_answer_is_listed, none_elsewhere),
    (laws.less_is_never_milder, mild_bound),
    (laws.what_is_irrelevant_counts_as_its_declared_value, irrelevant_as_open),
    (laws.an_explicit_answer_beats_relevance, relevance_beats_answers),
    (laws.a_replay_is_the_original, order_counts),
    (laws.only_the_order_rests_on_expected_and_screens, expected_as_answer),
]


FIRST_SEEDS = {
    (laws.what_is_irrelevant_counts_as_its_declared_value, irrelevant_as_open): 26,
    (laws.an_explicit_answer_beats_relevance, relevance_beats_answers): 71,
}
"""Seeds to begin with, where few made rulesets show the defect."""


@pytest.mark.parametrize(("law", "defect"), DEFECTS, ids=lambda each: each.__name__)
def test_a_law_notices_a_planted_defect(
    law: laws.Law, defect: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    defect(monkeypatch)
    first = FIRST_SEEDS.get((law, defect), 0)
    cases = made_cases(Counter(), range(first, first + 150), **SMALL)
    assert any(list(law(case)) for case in cases)


def test_interviews_notice_a_screen_that_is_shown_again(monkeypatch: pytest.MonkeyPatch) -> None:
    any_next_screen(monkeypatch)
    subject = laws.made(Random(0), **SMALL)
    _, faults = laws.interview_exceptions(subject, random_person(subject.ruleset, Random(0)), Audience.PATIENT)
    assert faults[0].startswith("does not end")


# --- red-dots ---


@pytest.fixture(scope="module")
def red_dots(red_dots_evaluator: Evaluator) -> Subject:
    return Subject(red_dots_evaluator)


@pytest.fixture(scope="module")
def reach(red_dots: Subject) -> Reach:
    return Reach(ByEvaluator(red_dots.evaluator))


@pytest.fixture(scope="module")
def people() -> list[tuple[Answers, Audience]]:
    """Random people; every third doesn't know a third, and for every fifth a clinician answers."""
    ruleset = repository.ruleset(RED_DOTS)
    return [
        (
            random_person(ruleset, Random(seed), unknown=1 / 3 if seed % 3 == 0 else 0.02),
            Audience.CLINICIAN if seed % 5 == 0 else Audience.PATIENT,
        )
        for seed in range(PEOPLE)
    ]


@pytest.fixture(scope="module")
def talks(red_dots: Subject, people: list[tuple[Answers, Audience]]) -> list[tuple[Conversation, Audience]]:
    """Their interviews."""
    found = [(laws.interview_exceptions(red_dots, truth, audience), audience) for truth, audience in people]
    assert [fault for (_, faults), _ in found for fault in faults] == []
    return [(talk, audience) for (talk, _), audience in found]


def test_interviews_by_red_dots_end_with_the_outcome_of_the_full_form(
    red_dots: Subject, talks: list[tuple[Conversation, Audience]]
) -> None:
    """Each screen at most once, except one for each choice that was ticked."""
    assert len(talks) == PEOPLE
    for talk, _ in talks:
        assert talk.screens <= laws.most_screens(red_dots, talk)


def test_no_completion_in_reach_has_another_outcome_at_the_end_of_an_interview(
    red_dots: Subject, reach: Reach, talks: list[tuple[Conversation, Audience]]
) -> None:
    """The solver proves it; one screen earlier, it mostly finds another outcome."""
    others = OtherOutcomes(red_dots.ruleset)
    earlier: Counter[type] = Counter()
    for talk, audience in talks:
        end = Case(red_dots, talk.answers, History(), audience, reach, Random(0))
        assert others.find(end) == NoReport()
        if talk.exchanges:
            answers = {name: value for each in talk.exchanges[:-1] for name, value in each.answers.items()}
            earlier[type(others.find(Case(red_dots, answers, History(), audience, reach, Random(0))))] += 1
    assert earlier[Model] > 0.8 * PEOPLE


def test_every_law_holds_for_partial_reports_of_red_dots(red_dots: Subject, reach: Reach) -> None:
    before = Counter(red_dots.seen)
    cases = cases_of_large(red_dots, reach, Random(3), examples(12, 400))
    assert [fault for case in cases for fault in laws.exceptions(case, laws.LAWS)] == []
    assert (red_dots.seen - before)["complete"] > 3
    assert (red_dots.seen - before)["not complete"] > 2


def test_other_expected_answers_and_screens_change_no_outcome_of_a_persons_interview(
    red_dots: Subject, people: list[tuple[Answers, Audience]], talks: list[tuple[Conversation, Audience]]
) -> None:
    other = Subject(Evaluator(with_another_order(Random(3), red_dots.ruleset), DIGEST))
    some = examples(5, 60)
    different = 0
    for (truth, audience), (talk, _) in zip(people[:some], talks[:some], strict=True):
        again = interview(other.planner, truth, audience=audience)
        assert again.decision is not None and talk.decision is not None
        assert again.decision.disposition == talk.decision.disposition
        different += [each.shown.inputs for each in again.exchanges] != [each.shown.inputs for each in talk.exchanges]
        results = [laws.evaluate(each.evaluator, talk.answers, History(), audience) for each in (red_dots, other)]
        assert results[0] == results[1]
    assert different


# --- explicit answers against each gate of red-dots ---

GATED = [name for name, read in repository.ruleset(RED_DOTS).inputs.items() if read.relevant is not None]


@pytest.fixture(scope="module")
def without_gates(red_dots: Subject) -> Evaluator:
    inputs = {name: replace(read, relevant=None) for name, read in red_dots.ruleset.inputs.items()}
    return Evaluator(replace(red_dots.ruleset, inputs=inputs), DIGEST)


def closing(ruleset: Ruleset, reach: Reach, name: str) -> Answers:
    """Answers that rule out the relevance of the input."""
    relevant = ruleset.inputs[name].relevant
    assert relevant is not None
    behind = [ruleset.input_behind(need).name for need in InputsBehind(ruleset.inferences).of(relevant.when)]
    for values in itertools.product(*(reach.ways(need) for need in behind)):
        answers = dict(zip(behind, values, strict=True))
        if Reference(ruleset, reach.judge.facts(answers)).value(relevant.when) is False:
            return answers
    raise AssertionError(f"no answers rule out the relevance of {name}")


@pytest.mark.parametrize("name", GATED)
def test_an_explicit_answer_beats_the_relevance_of_each_gated_input(
    red_dots: Subject, reach: Reach, without_gates: Evaluator, name: str
) -> None:
    """It is neither overwritten nor ignored: the result is that of a ruleset without gates."""
    read = red_dots.ruleset.inputs[name]
    assert read.relevant is not None
    gate = closing(red_dots.ruleset, reach, name)
    left_out = laws.evaluate(red_dots.evaluator, gate, History(), Audience.PATIENT)
    taken = {entry["finding"]: entry["taken_as"] for entry in left_out["irrelevant"]}
    assert taken.get(name) == read.relevant.otherwise
    unknown = laws.evaluate(red_dots.evaluator, gate | {name: UNKNOWN}, History(), Audience.PATIENT)
    assert {entry["finding"]: entry["taken_as"] for entry in unknown["irrelevant"]} == taken
    for value in (way for way in reach.ways(name) if way != read.relevant.otherwise):
        answers = gate | {name: value}
        stands = True if read.kind is InputKind.TEXT else value
        assert red_dots.evaluator.facts(answers, History())[name] == stands
        given = laws.evaluate(red_dots.evaluator, answers, History(), Audience.PATIENT)
        implied = {entry["finding"]: entry["taken_as"] for entry in given["irrelevant"]}
        assert name not in implied
        free = laws.evaluate(without_gates, answers | implied, History(), Audience.PATIENT)
        for key in ("level", "disposition", "by_rules", "rules", "safety_net", "conflicts"):
            assert given[key] == free[key]


# --- the campaign ---


@pytest.fixture
def campaign(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[object, str]]:
    """Runs the campaign with these arguments; returns its exit code and its output."""

    def run(*arguments: str) -> tuple[object, str]:
        monkeypatch.setattr(sys, "argv", [str(CAMPAIGN), *arguments])
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(str(CAMPAIGN), run_name="__main__")
        return ended.value.code, capsys.readouterr().out

    return run


def test_the_campaign_finds_no_exception(campaign: Callable[..., tuple[object, str]]) -> None:
    code, out = campaign("2", "1")
    assert code == 0
    assert ", 0 exceptions, " in out
    assert "exception: " not in out


def test_the_campaign_reports_each_exception_and_exits_with_1(
    campaign: Callable[..., tuple[object, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An evaluator that calls every outcome determined breaks the law that no answers change a determined one."""
    evaluate = Evaluator.evaluate

    def hasty(self: Evaluator, *args: Any, **named: Any) -> laws.Json:
        return evaluate(self, *args, **named) | {"determined": True}

    monkeypatch.setattr(Evaluator, "evaluate", hasty)
    code, out = campaign("4", "0")
    assert code == 1
    reported = [line for line in out.splitlines() if line.startswith("exception: seed ")]
    assert any("determined_is_sound: determined, and another outcome with" in line for line in reported)
    assert f", {out.count('exception: ')} exceptions, " in out
