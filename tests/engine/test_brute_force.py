"""What is said of answers still to come, held against giving every one of them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from random import Random

import pytest

from tests.support.oracles import brute_force
from tests.support.oracles.questions import questions
from tests.support.rulesets.generated import make_findings, make_ruleset
from triage_rules.evaluation.compiling import compile_ruleset
from triage_rules.evaluation.decision import Decision, OpenQuestion, decide
from triage_rules.evaluation.engine import Engine
from triage_rules.evaluation.reference import Reference
from triage_rules.evaluation.signals import Numbering, Rails
from triage_rules.language.model import (
    All,
    Answers,
    Any,
    AskedOf,
    AtLeast,
    Basis,
    Condition,
    Inferred,
    IsOpen,
    Level,
    Not,
    Ruleset,
    Unless,
    Yes,
)

SEEDS = range(120)
MOST_COMPLETIONS = 400


@dataclass(frozen=True)
class Small:
    """A small ruleset, a partial report, what is said of it, and every way to go on."""

    ruleset: Ruleset
    answers: Answers
    rails: Rails
    decision: Decision
    ask: list[OpenQuestion]
    completions: list[Answers]

    def makes_sense(self, name: str) -> bool:
        """Whether the question is asked at all: its relevance is not ruled out."""
        gate = self.ruleset.inputs[name].relevant
        return gate is None or brute_force.truth(self.ruleset, self.answers, gate.when) is not False


def make_small(seed: int) -> Small | None:
    """None if there are too many ways to go on."""
    random = Random(seed)
    ruleset = make_ruleset(random, inputs=4, statements=3, rules=4, depth=2)
    answers = make_findings(random, ruleset, random.choice([0, 0.3, 0.5, 0.8]))
    ways = list(itertools.islice(brute_force.completions(ruleset, answers), MOST_COMPLETIONS + 1))
    if len(ways) > MOST_COMPLETIONS:
        return None
    reference = Reference(ruleset, answers)
    rails = reference.rails()
    decision = decide(ruleset, rails)
    return Small(ruleset, answers, rails, decision, questions(ruleset, reference), ways)


@pytest.fixture(scope="module")
def smalls() -> list[Small]:
    return [small for small in map(make_small, SEEDS) if small is not None]


def test_the_made_rulesets_are_many_and_of_every_kind(smalls: list[Small]) -> None:
    """Laws are worth little on a heap of easy cases: levels, and what is still open, must vary."""
    assert len(smalls) > 80
    assert {small.decision.level for small in smalls} == set(Level)
    assert sum(not small.decision.determined for small in smalls) > 20
    assert sum(small.decision.determined and len(small.completions) > 1 for small in smalls) > 10
    assert sum(any(floor.raise_one for floor in small.ruleset.floors.values()) for small in smalls) > 10


def test_engine_reference_and_brute_force_agree_now(smalls: list[Small]) -> None:
    """Three ways to evaluate that share no code come to the same outcomes and level."""
    for small in smalls:
        wanted = {key for key, held in brute_force.outcomes(small.ruleset, small.answers).items() if held}
        engine = Engine(compile_ruleset(small.ruleset, "small"))
        rails = Numbering(small.ruleset).rails(engine.run(small.answers))
        engine.close()
        assert rails == small.rails
        keys = brute_force.outcomes(small.ruleset, small.answers).keys()
        assert rails.established & keys == wanted
        assert small.decision.level == brute_force.level(small.ruleset, small.answers)
        assert small.decision.disposition == brute_force.disposition(small.ruleset, small.answers)
        assert small.decision.by_rules == brute_force.by_rules(small.ruleset, small.answers)


def test_the_basis_says_who_reached_the_outcome(smalls: list[Small]) -> None:
    """Rules, or the default in their place; or a safety net above both, which answers alone may have reached."""
    above = set()
    for small in smalls:
        rank = small.ruleset.urgency
        start = small.decision.by_rules or small.ruleset.default.disposition
        now = rank(small.decision.disposition)
        if now <= rank(start):
            assert small.decision.basis is (Basis.DEFAULT if small.decision.by_rules is None else Basis.RULES)
            continue
        above.add(small.decision.basis)
        if small.decision.basis is Basis.RULES:
            later = [brute_force.disposition(small.ruleset, answers) for answers in small.completions]
            assert all(rank(disposition) >= now for disposition in later)
    assert above == {Basis.RULES, Basis.SAFETY_NET}
    assert {small.decision.basis for small in smalls} == set(Basis)


def test_could_be_is_never_too_mild_and_lowest_never_too_urgent(smalls: list[Small]) -> None:
    """A report called harmless whatever is answered must be harmless whatever is answered."""
    for small in smalls:
        rank, decision = small.ruleset.urgency, small.decision
        codes = {brute_force.disposition(small.ruleset, answers) for answers in small.completions}
        assert rank(decision.could_be_disposition) >= max(map(rank, codes))
        assert rank(decision.lowest_disposition) <= min(map(rank, codes))
        assert decision.could_be == small.ruleset.dispositions[decision.could_be_disposition].level
        assert decision.lowest == small.ruleset.dispositions[decision.lowest_disposition].level
        if decision.determined:
            assert codes == {decision.disposition}


def test_could_be_is_mostly_exact(smalls: list[Small]) -> None:
    """It may be too high, but a bound that is too high everywhere would say nothing."""
    exact = [0, 0]
    for small in smalls:
        rank = small.ruleset.urgency
        ranks = [rank(brute_force.disposition(small.ruleset, answers)) for answers in small.completions]
        exact[0] += rank(small.decision.could_be_disposition) == max(ranks)
        exact[1] += rank(small.decision.lowest_disposition) == min(ranks)
    assert exact[0] / len(smalls) > 0.9
    assert exact[1] / len(smalls) > 0.7  # a rule that may still come counts, even if others would come with it


def test_possible_holds_all_that_can_come_and_certain_only_what_must(smalls: list[Small]) -> None:
    for small in smalls:
        every = [brute_force.outcomes(small.ruleset, answers) for answers in small.completions]
        for key in every[0]:
            if any(held[key] for held in every):
                assert key in small.rails.possible
            if key in small.rails.certain:
                assert all(held[key] for held in every)


def test_the_shorter_validity_holds_unless_it_is_ruled_out_for_good(smalls: list[Small]) -> None:
    for small in smalls:
        sooner = small.ruleset.validity.sooner
        if sooner is not None and any(
            brute_force.truth(small.ruleset, answers, sooner) for answers in small.completions
        ):
            assert "validity.sooner" in small.rails.possible


# --- what to ask ----------------------------------------------------------------------------


def test_ask_is_empty_exactly_when_the_outcome_is_determined(smalls: list[Small]) -> None:
    """An undetermined outcome with nothing to ask would leave the patient without a way on."""
    for small in smalls:
        if all(map(small.makes_sense, brute_force.open_inputs(small.ruleset, small.answers))):
            assert (small.ask == []) == small.decision.determined
        else:
            assert small.ask == [] or not small.decision.determined


def test_an_answer_that_changes_the_outcome_was_asked_for(smalls: list[Small]) -> None:
    """And the question says that it could raise or lower so far."""
    changes = 0
    for small in smalls:
        asked, rank = {question.input: question for question in small.ask}, small.ruleset.urgency
        for name, answers in brute_force.single_answers(small.ruleset, small.answers):
            if not small.makes_sense(name):
                continue
            after, now = brute_force.disposition(small.ruleset, answers), small.decision.disposition
            if rank(after) > rank(now):
                assert rank(asked[name].could_raise_to) >= rank(after)
            if rank(after) < rank(now):
                assert rank(asked[name].could_lower_to) <= rank(after)
            changes += after != now
    assert changes > 100


def test_only_what_is_open_and_somebody_can_answer_is_asked(smalls: list[Small]) -> None:
    for small in smalls:
        rank = small.ruleset.urgency
        for question in small.ask:
            assert question.input not in small.answers
            assert small.makes_sense(question.input)
            assert small.ruleset.inputs[question.input].asked_of is not AskedOf.SERVICE
            now = rank(small.decision.disposition)
            assert question.could_raise_to is None or rank(question.could_raise_to) > now
            assert question.could_lower_to is None or rank(question.could_lower_to) < now
            assert question.could_raise_to is not None or question.could_lower_to is not None


def test_signs_of_danger_come_first_then_mandatory_questions_then_the_files_order(smalls: list[Small]) -> None:
    for small in smalls:
        ruleset = small.ruleset
        danger = [name for panel in ruleset.panels.values() if panel.immediate_danger for name in panel.inputs]
        mandatory = [name for item in ruleset.mandatory for name in item.inputs]
        order = list(dict.fromkeys([*danger, *mandatory, *ruleset.inputs]))
        asked = [question.input for question in small.ask]
        assert asked == sorted(asked, key=order.index)


# --- what is missing ------------------------------------------------------------------------


def test_a_missing_answer_never_lowers_what_could_be() -> None:
    """Leaving answers away may make the picture vaguer, never safer."""
    for seed in range(300):
        random = Random(seed)
        ruleset = make_ruleset(random)
        answers = make_findings(random, ruleset)
        texts = {mention.text for mention in ruleset.mentions.values()}
        kept = {name: value for name, value in answers.items() if random.random() < 0.6}
        kept = {n: v for n, v in kept.items() if n not in texts and n not in ruleset.mentions}
        more, less = (decide(ruleset, Reference(ruleset, some).rails()) for some in (answers, kept))
        rank = ruleset.urgency
        assert rank(less.could_be_disposition) >= rank(more.could_be_disposition) >= rank(more.disposition)
        assert rank(less.lowest_disposition) <= rank(more.lowest_disposition) <= rank(more.disposition)


# --- three values ---------------------------------------------------------------------------

TRUTHS = (True, False, None)


def with_truths(*truths: bool | None) -> Answers:
    return {f"f{place}": value for place, value in enumerate(truths) if value is not None}


def conditions(count: int) -> list[Condition]:
    parts = tuple(Yes(f"f{place}") for place in range(count))
    return [All(parts), Any(parts), Not(All(parts)), Not(Any(parts)), *(AtLeast(k, parts) for k in range(1, count + 1))]


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_connectives_have_their_three_valued_tables(count: int) -> None:
    """`all`, `any`, `not` and `at_least` come to what they come to whichever way the open parts go; else to open."""
    ruleset = make_ruleset(Random(0), gates=False)
    for truths in itertools.product(TRUTHS, repeat=count):
        reference = Reference(ruleset, with_truths(*truths))
        for condition in conditions(count):
            assert reference.value(condition) is brute_force.truth(ruleset, with_truths(*truths), condition)


KLEENE = [
    # (a, b, all, any, at least 1, at least 2, not a)
    (True, True, True, True, True, True, False),
    (True, False, False, True, True, False, False),
    (True, None, None, True, True, None, False),
    (False, True, False, True, True, False, True),
    (False, False, False, False, False, False, True),
    (False, None, False, None, None, False, True),
    (None, True, None, True, True, None, None),
    (None, False, False, None, None, False, None),
    (None, None, None, None, None, None, None),
]


@pytest.mark.parametrize("row", KLEENE)
def test_the_table_as_it_is_written_down(row: tuple[bool | None, ...]) -> None:
    """The table of the language, by hand: neither evaluator wrote it."""
    a, b, *wanted = row
    reference = Reference(make_ruleset(Random(0), gates=False), with_truths(a, b))
    parts = (Yes("f0"), Yes("f1"))
    found = [
        reference.value(condition)
        for condition in (All(parts), Any(parts), AtLeast(1, parts), AtLeast(2, parts), Not(parts[0]))
    ]
    assert found == wanted


@pytest.mark.parametrize("value", TRUTHS)
def test_open_and_unless_are_never_open(value: bool | None) -> None:
    reference = Reference(make_ruleset(Random(0), gates=False), with_truths(value))
    assert reference.value(IsOpen("f0")) is (value is None)
    assert reference.value(Unless(Yes("f0"))) is (value is not True)
    assert reference.value(Not(Unless(Yes("f0")))) is (value is True)


def test_silence_makes_neither_a_condition_nor_its_not_true() -> None:
    """Absent is not false: without `open` and `unless`, an empty report establishes nothing, whatever the rules."""
    for seed in range(200):
        ruleset = make_ruleset(Random(seed))
        reference = Reference(ruleset, {})
        for inference in ruleset.inferences.values():
            if not speaks_of_silence(ruleset, inference.when):
                assert reference.value(inference.when) is None
                assert reference.value(Not(inference.when)) is None


def speaks_of_silence(ruleset: Ruleset, condition: Condition) -> bool:
    match condition:
        case IsOpen() | Unless():
            return True
        case All(parts) | Any(parts) | AtLeast(_, parts):
            return any(speaks_of_silence(ruleset, part) for part in parts)
        case Not(part):
            return speaks_of_silence(ruleset, part)
        case Inferred(name):
            return speaks_of_silence(ruleset, ruleset.inferences[name].when)
        case _:
            return False
