"""The exact difference of two versions, and the smallest other answers: what they claim is so of every report."""

from __future__ import annotations

import itertools
import runpy
import sys
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from tests.engine.test_encoding import FEVER, HEAD, fever
from tests.support.oracles.diff_agreement import diff_faults, small_pair, why_not_faults
from tests.support.rulesets.edits import edited
from tests.support.rulesets.generated import DIGEST, make_ruleset
from tests.support.shares import examples
from triage_rules.assurance.diff import report
from triage_rules.assurance.diff.edits import find_edits
from triage_rules.assurance.diff.outcomes import Aspect, DifferenceSearch, ResultDifference, SearchState, Way
from triage_rules.assurance.diff.text_changes import ChangeKind, list_changes
from triage_rules.assurance.solver.solver import Budget
from triage_rules.assurance.solver.witness import EncoderBugError
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.evaluation.reference import Reference
from triage_rules.explanation.why_not.counterfactual import Counterfactual, LevelGoal
from triage_rules.explanation.why_not.missing import ObstacleFinder
from triage_rules.language.model import (
    All,
    Any,
    AtLeast,
    Compare,
    Conflict,
    IsOpen,
    Level,
    Not,
    Op,
    Ruleset,
    Unless,
    Yes,
)
from triage_rules.language.reading import parse_ruleset

CAMPAIGN = Path(__file__).parents[1] / "campaigns" / "differences.py"


def changed(*replacements: tuple[str, str]) -> Ruleset:
    """The ruleset of `fever` with these texts replaced, each once."""
    text = FEVER
    for before, after in replacements:
        assert before in text
        text = text.replace(before, after, 1)
    return parse_ruleset((HEAD + text).encode(), "ruleset.yaml")


def differences(old: Ruleset, new: Ruleset, budget: Budget | None = None) -> dict[tuple[Aspect, Way], ResultDifference]:
    search = DifferenceSearch(Evaluator(old, DIGEST), Evaluator(new, DIGEST), budget or Budget(), 100)
    return {(one.aspect, one.way): one for one in search.all()}


# --- against every report ---


def test_the_difference_is_what_every_report_shows() -> None:
    """Lowered at all, differs at all, each kind real, none left; also every smallest set of other answers."""
    pairs = ((seed, pair) for seed in itertools.count() if (pair := small_pair(seed)) is not None)
    told = [
        fault
        for seed, (old, new) in itertools.islice(pairs, examples(6, 20))
        for fault in (*diff_faults(seed, old, new), *why_not_faults(seed, old))
    ]
    assert told == []


def test_the_campaign_counts_what_it_finds(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", [str(CAMPAIGN), "2", "7"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(CAMPAIGN), run_name="__main__")
    assert ended.value.code is False
    assert "2 pairs, 0 faults" in capsys.readouterr().out


def test_a_difference_that_overlooks_a_rule_is_noticed() -> None:
    """The comparison with every report is no empty one: of another new version than it was told of, it finds faults."""
    old = fever()
    small = replace(old, inputs={n: i for n, i in old.inputs.items() if n in {"hurt", "temperature_c"}}, mentions={},
                    rules={n: r for n, r in old.rules.items() if n in {"R1", "R2"}}, floors={})  # fmt: skip
    lowered = replace(small, rules={"R1": small.rules["R1"]})
    assert list(diff_faults(0, small, lowered)) == []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            DifferenceSearch, "levels", lambda _self, way: ResultDifference(Aspect.LEVEL, way, (), SearchState.COMPLETE)
        )
        assert any("level lower" in fault for fault in diff_faults(0, small, lowered))


# --- what is told ---


def test_a_threshold_moved_up_lowers_those_between_and_nobody_is_raised() -> None:
    found = differences(fever(), changed(("at_least: 38", "at_least: 38.5")))
    lower = found[Aspect.LEVEL, Way.LOWER]
    assert [(kind.before, kind.after) for kind in lower.kinds] == [
        (("urgent",), ("routine",)),
        (("urgent",), ("monitor",)),
    ]
    assert lower.kinds[1].witness.answers == {"temperature_c": 38}
    assert lower.kinds[1].causes == ("old R1", "rule R1: `temperature_c` at least 38.5; before: at least 38")
    assert lower.kinds[1].rules == (("R1",), ("default",))
    assert found[Aspect.LEVEL, Way.HIGHER].proved_none
    assert report.statement(lower) == "Every report that is decided at a lower level has one of these: proved."


def test_the_same_ruleset_twice_differs_for_nobody() -> None:
    found = differences(fever(), replace(fever()))
    assert all(one.proved_none for one in found.values())
    assert report.result(found.values()) == "No report differs at all: proved."


def test_another_text_differs_for_those_who_get_it() -> None:
    found = differences(fever(), changed(("reason: A fever.", "reason: A high fever.")))
    (kind,) = found[Aspect.ADVICE, Way.OTHER].kinds
    assert kind.before == ("patient: A fever.", "clinician: R1: Fever. A fever.")
    assert kind.after == ("patient: A high fever.", "clinician: R1: Fever. A high fever.")
    assert kind.witness.answers == {"temperature_c": 38}
    assert [key for key, one in found.items() if one.kinds] == [(Aspect.ADVICE, Way.OTHER)]


def test_two_changes_that_lower_alone_are_two_kinds() -> None:
    found = differences(fever(), changed(("at_least: 38", "at_least: 39"), ("when: hurt", "when: {not: hurt}")))
    causes = {kind.causes for kind in found[Aspect.LEVEL, Way.LOWER].kinds}
    assert {len(some) for some in causes} == {2}
    assert {some[0] for some in causes} == {"old R1", "old R2"}


def test_no_time_is_said_and_is_no_proof() -> None:
    found = differences(fever(), changed(("at_least: 38", "at_least: 38.5")), Budget(0))
    lower = found[Aspect.LEVEL, Way.LOWER]
    assert (lower.state, lower.proved_none) == (SearchState.GAVE_UP, False)
    assert report.statement(lower).startswith(
        "Gave up (the time ran out): it is not known whether any report is decided at a lower level"
    )
    assert "not everything was proved" in report.result(found.values())


def test_a_rule_that_is_gone_and_one_that_is_new_are_told_with_their_lines() -> None:
    old = fever()
    new = replace(old, rules={name: rule for name, rule in old.rules.items() if name != "R2"})
    (gone,) = list_changes(old, new)
    assert (gone.part, gone.id, gone.how, gone.title) == ("rule", "R2", ChangeKind.REMOVED, "Safe")
    (added,) = list_changes(new, old)
    assert (added.how, {line.what: line.after for line in added.lines}["when"]) == (ChangeKind.ADDED, "`hurt`")


def test_a_changed_input_and_source_are_told_with_before_and_after() -> None:
    new = changed(
        ("maximum: 43", "maximum: 44"),
        ("reason: A fever., source: {text: made", "reason: A fever., source: {text: NICE"),
    )
    told = {
        (change.id, line.what): (line.before, line.after)
        for change in list_changes(fever(), new)
        for line in change.lines
    }
    assert told == {("temperature_c", "maximum"): ("43", "44"), ("R1", "source"): ("made", "NICE")}


INTERVIEW = """
panels:
  now: {question: Is any of this so?, lines: [hurt, {finding: spots, none_means: few, text: Many spots}]}
screens:
  first: [now, [age_years, temperature_c]]
"""


@pytest.mark.parametrize(
    ("before", "after", "lines"),
    [
        ("Age?}", "Age?, expected: 0}", {("age_years", "expected"): (None, "0")}),
        ("Age?}", "Age?, asked_of: measured}", {("age_years", "asked_of"): ("anyone", "measured")}),
        ("Age?}", "Age?, available_if: hurt}", {("age_years", "available_if"): (None, "`hurt`")}),
        (
            "question: Hurt by somebody?",
            "question: Hurt by somebody?, relevant: {when: {age_years: {less_than: 16}}, otherwise: false}",
            {
                ("hurt", "relevant: when"): (None, "`age_years` less than 16"),
                ("hurt", "relevant: otherwise"): (None, "no"),
            },
        ),
        ("lines: [hurt, ", "lines: [", {("now", "lines"): ("`hurt`", None)}),
        (
            "none_means: few",
            "none_means: many",
            {
                ("now", "lines"): (
                    "`spots`: Many spots (none of these: `few`)",
                    "`spots`: Many spots (none of these: `many`)",
                )
            },
        ),
        (
            "{question: Is any of this so?, ",
            "{question: Is any of this so?, immediate_danger: true, ",
            {("now", "immediate_danger"): ("no", "yes")},
        ),
        (
            "[age_years, temperature_c]",
            "[temperature_c]",
            {("fever", "screens: first"): ("now, [age_years, temperature_c]", "now, [temperature_c]")},
        ),
    ],
)
def test_a_change_of_the_interview_is_listed(
    before: str, after: str, lines: dict[tuple[str, str], tuple[str | None, str | None]]
) -> None:
    text = HEAD + FEVER + INTERVIEW
    assert before in text
    old, new = (parse_ruleset(each.encode(), "ruleset.yaml") for each in (text, text.replace(before, after)))
    listed = {
        (change.id, line.what): (line.before, line.after) for change in list_changes(old, new) for line in change.lines
    }
    assert listed == lines


def test_a_new_panel_is_listed_with_its_lines() -> None:
    new = parse_ruleset((HEAD + FEVER + INTERVIEW).encode(), "ruleset.yaml")
    panel = next(change for change in list_changes(fever(), new) if change.part == "panel")
    assert (panel.how, panel.title) == (ChangeKind.ADDED, "Is any of this so?")
    assert [(line.what, line.after) for line in panel.lines] == [
        ("question", "Is any of this so?"),
        ("lines", "`hurt`; `spots`: Many spots (none of these: `few`)"),
    ]


def test_one_report_may_imply_an_answer_in_one_version_only() -> None:
    """Both versions read the same report; the gate of the new one answers for people who are too old for it."""
    gate = ", relevant: {when: {age_years: {less_than: 16}}, otherwise: false}"
    new = changed(("question: Hurt by somebody?", f"question: Hurt by somebody?{gate}"))
    found = differences(fever(), new)[Aspect.LEVEL, Way.LOWER]
    assert found.kinds[-1].witness.answers == {"age_years": 16, "spots": "few"}
    assert [result["level"] for result in found.kinds[-1].witness.results] == ["monitor", "routine"]
    assert found.kinds[-1].causes == ("old default", "input hurt: when it is relevant")


def test_the_inputs_of_a_conflict_are_listed_under_the_key_of_the_file() -> None:
    """Programs that read the JSON of `triage diff` look for `findings`."""
    conflict = Conflict("C1", "Contradicting answers", All((Yes("hurt"), Yes("hurt"))), ("hurt",))
    old, new = (replace(fever(), conflicts={"C1": replace(conflict, inputs=inputs)}) for inputs in [("hurt",), ("x",)])
    (change,) = list_changes(old, new)
    assert [(line.what, line.before, line.after) for line in change.lines] == [("findings", "hurt", "x")]


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (Yes("a"), Yes("a"), []),
        (Compare("t", Op.AT_LEAST, 38), Compare("t", Op.MORE_THAN, 38), ["`t` more than 38; before: at least 38"]),
        (All((Yes("a"), Yes("b"))), Yes("a"), ["no longer needs `b`"]),
        (Any((Yes("a"), Yes("b"))), Any((Yes("b"), Not(Yes("c")))), ["no longer counts: `a`", "now also counts: not `c`"]),
        (Not(All((Yes("a"), Yes("b")))), Not(Any((Yes("a"), Yes("b")))), ["any of: `a`, `b`; before: all of: `a`, `b`"]),
        (AtLeast(1, (Yes("a"), Yes("b"))), AtLeast(2, (Yes("a"), Yes("b"))),
         ["at least 2 of: `a`, `b`; before: at least 1 of: `a`, `b`"]),
    ],
)  # fmt: skip
def test_an_edit_is_as_small_as_can_be_told(before: object, after: object, told: list[str]) -> None:
    assert [str(edit) for edit in find_edits(before, after)] == told  # type: ignore[arg-type]


def test_the_words_are_empty_exactly_if_the_rulesets_are_equal() -> None:
    """Made rulesets and edited copies; what rules infer is told with the rules."""
    for seed in range(60):
        old = make_ruleset(Random(seed), inputs=4, statements=3, rules=4)
        new = edited(Random(seed + 1), old)
        assert bool(list_changes(old, new)) is (old != new), seed


# --- why not ---


def test_the_smallest_other_answers_are_found_nearest_numbers_first() -> None:
    counterfactual = Counterfactual(
        Evaluator(fever(), DIGEST), {"age_years": 3, "temperature_c": 36.5}, {"age_years"}, Budget()
    )
    found = counterfactual.alternatives(LevelGoal(Level.URGENT, upwards=True))
    assert {frozenset(one.answers) for one in found.sets} == {
        frozenset({"temperature_c"}), frozenset({"hurt"}), frozenset({"note"})
    }  # fmt: skip
    assert {"temperature_c": 38} in [one.answers for one in found.sets]
    assert found.complete


def test_kept_facts_stay_and_then_nothing_may_be_left_to_change() -> None:
    answers = {"temperature_c": 39, "hurt": False, "spots": "few"}
    lower = LevelGoal(Level.ROUTINE, upwards=False)
    evaluator = Evaluator(fever(), DIGEST)
    assert [one.answers for one in Counterfactual(evaluator, answers, (), Budget()).alternatives(lower).sets] == [
        {"temperature_c": 37}
    ]
    none = Counterfactual(evaluator, answers, {"temperature_c"}, Budget()).alternatives(lower)
    assert (none.sets, none.complete) == ((), True)


def test_other_answers_without_time_are_not_called_impossible() -> None:
    found = Counterfactual(Evaluator(fever(), DIGEST), {}, (), Budget(0)).alternatives(
        LevelGoal(Level.URGENT, upwards=True)
    )
    assert (found.sets, found.complete, found.gave_up) == ((), False, "the time ran out")


def test_an_answer_that_engine_and_reference_do_not_confirm_is_never_shown() -> None:
    counterfactual = Counterfactual(Evaluator(fever(), DIGEST), {}, (), Budget())
    other = Evaluator(replace(fever(), rules={"R3": fever().rules["R3"]}), DIGEST)
    counterfactual._evaluator = other
    with pytest.raises(EncoderBugError):
        counterfactual.alternatives(LevelGoal(Level.URGENT, upwards=True))


def test_what_a_rule_lacked_is_told_with_the_answer_given_and_the_one_wanted() -> None:
    ruleset = fever()
    lacking = ObstacleFinder(ruleset, Reference(ruleset, {"temperature_c": 37.2, "hurt": True}))
    (lack,) = lacking.of(ruleset.rules["R1"].when)
    assert (lack.says, lack.given, lack.wanted) == ("Temperature?", "37.2", "at least 38")
    told = [(lack.says, lack.given, lack.wanted) for lack in lacking.of(ruleset.rules["R3"].when)]
    assert told == [("Hurt by somebody?", "yes", "no"), ("Spots?", "open", "Few")]
    assert lacking.of(ruleset.rules["R2"].when) == ()


def test_an_unless_lacks_what_its_statement_has_too_much_or_too_little() -> None:
    ruleset = fever()
    established = ObstacleFinder(ruleset, Reference(ruleset, {"hurt": True}))
    assert [(one.given, one.wanted) for one in established.of(Unless(Yes("hurt")))] == [("yes", "no, or open")]
    silent = ObstacleFinder(ruleset, Reference(ruleset, {}))
    assert silent.of(Unless(Yes("hurt"))) == ()
    assert [(one.given, one.wanted) for one in silent.of(Unless(Yes("hurt")), wanted=False)] == [("open", "yes")]


def test_of_at_least_so_many_it_says_how_many_more() -> None:
    ruleset = fever()
    warm = Compare("temperature_c", Op.AT_LEAST, 38)
    some = AtLeast(2, (Yes("hurt"), warm, Not(Yes("hurt")), IsOpen("note")))
    (lack,) = ObstacleFinder(ruleset, Reference(ruleset, {"hurt": True, "note": "x"})).of(some)
    assert (lack.needed, [(part.given, part.wanted) for part in lack.parts]) == (
        1,
        [("open", "at least 38"), ("yes", "no"), ("x", "left open")],
    )


def test_the_nearest_rule_comes_first_and_an_impossible_one_is_left_out() -> None:
    counterfactual = Counterfactual(Evaluator(fever(), DIGEST), {"temperature_c": 37}, {"temperature_c"}, Budget())
    assert counterfactual.nearest(LevelGoal(Level.URGENT, upwards=True)) == [("R2", 1), ("R4", 1)]
