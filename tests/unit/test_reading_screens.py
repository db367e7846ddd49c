"""Relevance, availability, expected answers, panels and screens as a ruleset's file has them. Faults: faulty_files."""

from __future__ import annotations

import pytest

from tests.support.rulesets.faulty_files import GATES, PANELS, SCREENS, example
from triage_rules.foundation.errors import RulesetError
from triage_rules.language.model import (
    AskedOf,
    Compare,
    Inferred,
    Not,
    Op,
    PanelLine,
    Relevance,
    Ruleset,
    ScreenPlan,
)
from triage_rules.language.reading import build_ruleset, parse_document, parse_ruleset

ITCHY = "{type: yes_no, group: spots, question: Do they itch?}"
MORE = """
panels:
  signs:
    question: Is any of this so?
    section: Feeling ill
    immediate_danger: true
    lines:
      - fever_reported
      - {finding: blanches_on_pressure, none_means: blanches, text: The spots stay under a glass}
  private: {question: Has this happened?, lines: [{finding: hurt_by_somebody, none_means: false, text: I was hurt}]}
screens:
  first: [signs, [age_years, temperature_c, itchy]]
  then: [[explanation_inconsistent], private]
"""


def read(**replaced: str) -> Ruleset:
    text = example()
    for old, new in replaced.items():
        assert text.count(old) == 1
        text = text.replace(old, new)
    return parse_ruleset((text + MORE).encode(), "ruleset.yaml")


def itchy(keys: str) -> Ruleset:
    return read(**{ITCHY: ITCHY.removesuffix("}") + f", {keys}}}"})


def test_relevance_has_a_condition_and_the_answer_that_it_implies() -> None:
    under_five = Compare("age_years", Op.LESS_THAN, 5)
    relevant = itchy("relevant: {when: {age_years: {less_than: 5}}, otherwise: false}").inputs["itchy"].relevant
    assert relevant == Relevance(under_five, False)
    assert itchy("relevant: {when: {age_years: {less_than: 5}}}").inputs["itchy"].relevant == Relevance(
        under_five, None
    )
    assert itchy("available_if: {not: child}").inputs["itchy"].available_if == Not(Inferred("child"))
    assert itchy("expected: true").inputs["itchy"].expected is True


@pytest.mark.parametrize(
    ("name", "old", "new", "expected"),
    [
        ("temperature_c", "    maximum: 43\n", "    maximum: 43\n    expected: 36.8\n", 36.8),
        ("temperature_c", "    maximum: 43\n", "    maximum: 43\n    expected: 43\n", 43),
        (
            "blanches_on_pressure",
            "    choices:\n      bl",
            "    expected: blanches\n    choices:\n      bl",
            "blanches",
        ),
    ],
)
def test_an_expected_answer_is_one_that_the_input_takes(name: str, old: str, new: str, expected: object) -> None:
    assert read(**{old: new}).inputs[name].expected == expected


def test_asked_of_names_each_kind_of_people() -> None:
    for word in ("anyone", "private", "measured", "laboratory", "clinician"):
        assert itchy(f"asked_of: {word}").inputs["itchy"].asked_of is AskedOf(word)


def test_panels_and_screens_are_read_in_their_order() -> None:
    ruleset = read()
    signs, private = ruleset.panels.values()
    assert (signs.name, signs.question, signs.section, signs.immediate_danger) == (
        "signs",
        "Is any of this so?",
        "Feeling ill",
        True,
    )
    assert signs.lines == (
        PanelLine("fever_reported", False, None),
        PanelLine("blanches_on_pressure", "blanches", "The spots stay under a glass"),
    )
    assert (private.section, private.immediate_danger) == (None, False)
    assert private.lines == (PanelLine("hurt_by_somebody", False, "I was hurt"),)
    assert ruleset.screens == ScreenPlan(
        ("signs", ("age_years", "temperature_c", "itchy")), (("explanation_inconsistent",), "private")
    )


def test_a_ruleset_without_them_asks_each_question_by_itself() -> None:
    ruleset = parse_ruleset(example().encode(), "ruleset.yaml")
    assert (ruleset.panels, ruleset.screens) == ({}, ScreenPlan())


def test_plain_data_gives_the_same_panels_and_screens() -> None:
    text = example() + MORE
    data = parse_document(text.encode(), "ruleset.yaml").data
    again = build_ruleset(data)
    assert (again.panels, again.screens) == (read().panels, read().screens)


def test_gates_may_depend_on_each_other_in_a_chain() -> None:
    """In any order of the file, and twice on the same input."""
    chain = (
        f"{ITCHY.removesuffix('}')}, relevant: {{when: {{all: [later, child]}}, otherwise: false}}}}\n"
        "  later: {type: yes_no, group: spots, question: Q?, relevant: {when: {any: [child, febrile]}}}\n"
        "  last: {type: yes_no, group: spots, question: Q?, relevant: {when: itchy}, available_if: later}"
    )
    ruleset = read(**{ITCHY: chain})
    assert ruleset.inputs["last"].relevant == Relevance(ruleset.inputs["last"].relevant.when, None)  # type: ignore[union-attr]
    assert ruleset.inputs["last"].available_if is not None


def test_faults_of_inputs_panels_and_screens_are_listed_together_in_the_order_of_the_file() -> None:
    text = example().replace(ITCHY, ITCHY.removesuffix("}") + ", expected: often, relevant: {when: {open: age_years}}}")
    text += MORE.replace("- fever_reported", "- fever").replace("[explanation_inconsistent]", "[itchy]")
    with pytest.raises(RulesetError) as refused:
        parse_ruleset(text.encode(), "ruleset.yaml")
    faults = [fault.message.split(";")[0] for fault in refused.value.faults]
    assert faults == [
        "input `itchy`: `expected`: expected `true` or `false`, an answer to `itchy`, found `often`",
        "input `itchy`: `relevant`: the condition can't rest on `open` or `unless`, here or in a statement: it must stay as it is once decided",
        "panel `signs`: `lines`: unknown input `fever`",
        "`screens`: `then`: `itchy` is already on another screen",
    ]


def test_the_corpus_has_faults_of_every_part() -> None:
    """A check of the check in test_reading_faults.py: each is told once, with line and column."""
    assert len(GATES) >= 30
    assert len(PANELS) >= 25
    assert len(SCREENS) >= 15


def test_none_of_these_must_mean_the_expected_answer() -> None:
    """Else everyone who ticks it would be taken for someone with the sign."""
    choices = "    choices:\n      blanches:"
    text = (example() + MORE).replace(choices, f"    expected: does_not_blanch\n{choices}")
    with pytest.raises(RulesetError, match="`none_means`: `blanches` is not `does_not_blanch`, the `expected` answer"):
        parse_ruleset(text.encode(), "ruleset.yaml")
