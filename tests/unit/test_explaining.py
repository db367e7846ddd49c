"""Why: what a derivation cites is enough to derive it again, and reads well."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

import pytest

from tests import golden
from tests.support.rulesets.generated import make_findings, make_ruleset
from triage_rules.evaluation.decision import Decider, keyed_outcomes
from triage_rules.evaluation.explanation import (
    NOT_ESTABLISHED,
    OPEN,
    DerivationNode,
    as_json,
    derive,
    describe_node,
    find_reasons,
    outcome_condition,
)
from triage_rules.evaluation.reference import Reference
from triage_rules.explanation.not_asked import derivation_lines
from triage_rules.language.model import (
    All,
    Answers,
    AtLeast,
    Compare,
    Condition,
    Inferred,
    IsOpen,
    Not,
    OneOf,
    Op,
    Ruleset,
    Unless,
    Value,
    Yes,
)
from triage_rules.language.model import Any as AnyOf
from triage_rules.language.reading import read_ruleset

REPORT: Answers = {
    "age_years": 4,
    "temperature_c": 38.5,
    "blanches_on_pressure": "does_not_blanch",
    "itchy": False,
    "free_text": True,
    "red_flag_words": True,
    "reports_last_48h": 2,
    "highest_level_24h": "none",
}


@pytest.fixture(scope="module")
def spots() -> Ruleset:
    return read_ruleset(golden.GOLDEN / "spots")


def why(ruleset: Ruleset, condition: Condition, side: bool | None = True, answers: Answers = REPORT) -> object:
    return find_reasons(Reference(ruleset, answers), condition, side)


def leaves(nodes: Iterable[DerivationNode]) -> Iterable[DerivationNode]:
    for node in nodes:
        yield node
        yield from leaves(node.because)


# --- what is cited --------------------------------------------------------------------------


def test_each_form_of_condition_cites_what_makes_it_so(spots: Ruleset) -> None:
    hot, old = Compare("temperature_c", Op.AT_LEAST, 38), Compare("age_years", Op.MORE_THAN, 65)
    stays = OneOf("blanches_on_pressure", ("does_not_blanch",))
    cases: list[tuple[Condition, bool | None, dict[str, Value]]] = [
        (hot, True, {"temperature_c": 38.5}),
        (old, False, {"age_years": 4}),
        (All((hot, stays)), True, {"temperature_c": 38.5, "blanches_on_pressure": "does_not_blanch"}),
        (All((hot, old)), False, {"age_years": 4}),
        (AnyOf((hot, old, Yes("drowsy"))), True, {"temperature_c": 38.5}),
        (AtLeast(2, (hot, old, stays)), True, {"temperature_c": 38.5, "blanches_on_pressure": "does_not_blanch"}),
        (Not(Yes("itchy")), True, {"itchy": False}),
        (IsOpen("drowsy"), True, {"drowsy": OPEN}),
        (Not(IsOpen("itchy")), True, {"itchy": False}),
        (Inferred("child"), True, {"child": True}),
        (Unless(Inferred("explained")), True, {"explained": NOT_ESTABLISHED}),
        (Unless(Inferred("child")), False, {"child": True}),
        (Unless(Yes("itchy")), True, {"itchy": NOT_ESTABLISHED}),
        (Yes("red_flag_words"), True, {"red_flag_words": True}),
        (All((hot, Yes("drowsy"))), None, {"temperature_c": 38.5, "drowsy": OPEN}),
        (Inferred("explained"), None, {"explained": OPEN}),
    ]
    for condition, side, wanted in cases:
        assert why(spots, condition, side) == wanted, condition


def test_what_is_not_so_cites_nothing(spots: Ruleset) -> None:
    assert why(spots, Yes("itchy")) == {}
    assert why(spots, Yes("drowsy"), side=False) == {}
    assert why(spots, Inferred("child"), side=None) == {}


def test_the_cited_answers_are_enough_to_establish_the_rule_again() -> None:
    """Every fired outcome of made rulesets: with only what its derivation cites, and with any more of the same report."""
    derived = unless = 0
    for seed in range(400):
        random = Random(seed)
        ruleset = make_ruleset(random)
        answers = make_findings(random, ruleset)
        reference = Reference(ruleset, answers)
        for condition in map(outcome_condition, keyed_outcomes(ruleset.rules_and_floors)):
            if reference.value(condition) is not True:
                continue
            nodes = list(leaves(derive(ruleset, reference, condition)))
            cited = {node.name: answers[node.name] for node in nodes if node.name in answers and node.answer != OPEN}
            more = {name: value for name, value in answers.items() if random.random() < 0.5}
            for enough in (cited, {**more, **cited}):
                assert Reference(ruleset, enough).value(condition) is True
            derived += 1
            unless += any(node.answer == NOT_ESTABLISHED for node in nodes)
    assert derived > 500
    assert unless > 50


def test_a_derivation_says_what_is_so() -> None:
    """An answer is the report's own; what is called open is open; a statement is what the evaluator says it is."""
    for seed in range(200):
        random = Random(seed)
        ruleset = make_ruleset(random)
        answers = make_findings(random, ruleset)
        reference = Reference(ruleset, answers)
        for condition in map(outcome_condition, keyed_outcomes(ruleset.rules_and_floors)):
            for node in leaves(derive(ruleset, reference, condition)):
                if node.name in ruleset.inferences:
                    value = reference.value(Inferred(node.name))
                    assert node.answer in ({None: OPEN}.get(value, value), NOT_ESTABLISHED)
                    assert node.answer != NOT_ESTABLISHED or value is not True
                elif node.answer == OPEN:
                    assert node.name not in answers
                elif node.answer != NOT_ESTABLISHED:
                    assert node.answer == answers[node.name]


# --- views ----------------------------------------------------------------------------------


def test_the_text_view_is_what_the_golden_file_says(spots: Ruleset) -> None:
    """In the ruleset's words, with units and labels; it is there to be read by a clinician."""
    reference = Reference(spots, REPORT)
    established = reference.rails().established
    lines = []
    deciding = Decider(spots)
    rules, floors = deciding.fired(deciding.numbering.mask(established))
    for statement in sorted([*rules, *floors], key=lambda one: spots.rules_and_floors.index(one.rule)):
        lines.append(f"{statement.rule.id} {statement.rule.title}")
        for node in derive(spots, reference, outcome_condition(statement)):
            lines += derivation_lines(spots, node, 1)
    golden.check("spots/explained.txt", "\n".join(lines) + "\n")


def test_answers_in_words(spots: Ruleset) -> None:
    cases = [
        (DerivationNode("temperature_c", "?", 38.5), "38.5 °C"),
        (DerivationNode("temperature_c", "?", OPEN), "open"),
        (DerivationNode("blanches_on_pressure", "?", "does_not_blanch"), "No, they stay"),
        (DerivationNode("blanches_on_pressure", "?", OPEN), "open"),
        (DerivationNode("itchy", "?", answer=False), "no"),
        (DerivationNode("child", "?", answer=True), "yes"),
        (DerivationNode("explained", "?", NOT_ESTABLISHED), "not established"),
        (DerivationNode("reports_last_48h", "?", 1), "1"),
        (DerivationNode("reports_last_48h", "?", 0), "0"),
    ]
    for node, words in cases:
        assert describe_node(spots, node) == words


def test_the_json_view_holds_the_whole_derivation(spots: Ruleset) -> None:
    (node,) = derive(spots, Reference(spots, REPORT), Inferred("febrile"))
    assert as_json(node) == {
        "name": "febrile",
        "says": "Has or had a fever",
        "answer": True,
        "source": {"text": "definition", "marks": []},
        "because": [{"name": "temperature_c", "says": "Temperature?", "answer": 38.5}],
    }
