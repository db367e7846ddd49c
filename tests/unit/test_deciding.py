"""Rails to a decision, and what to ask: by hand where a rule of the language is at stake, by law on made rulesets."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from tests import golden
from tests.support.oracles.questions import questions
from tests.support.rulesets.generated import DISPOSITIONS, SOURCE, make_completion, make_findings, make_ruleset
from triage_rules.evaluation.decision import Decider, Decision, KeyedOutcome, OpenQuestion, decide
from triage_rules.evaluation.justification import missing
from triage_rules.evaluation.reference import Reference
from triage_rules.evaluation.signals import Rails
from triage_rules.language.model import (
    All,
    Answers,
    AskedOf,
    Basis,
    Condition,
    Default,
    Floor,
    Input,
    InputKind,
    IsOpen,
    Level,
    Mandatory,
    Mention,
    Not,
    Panel,
    PanelLine,
    Rule,
    RuleOutcome,
    Ruleset,
    Unless,
    Validity,
    Yes,
)
from triage_rules.language.model import Any as AnyOf
from triage_rules.language.reading import read_ruleset


def rule(name: str, when: Condition, *outcomes: str | RuleOutcome) -> Rule:
    made = tuple(RuleOutcome(outcome) if isinstance(outcome, str) else outcome for outcome in outcomes)
    return Rule(name, name, when, made, "r", SOURCE, "us", "2030-01-01")


def floor(name: str, when: Condition, disposition: str) -> Floor:
    return Floor(name, name, when, (RuleOutcome(disposition),), "r", SOURCE, "us", "2030-01-01")


def one_up(name: str, when: Condition, monitor: str = "M1", urgent: str = "U2") -> Floor:
    raises = ((Level.MONITOR, monitor), (Level.URGENT, urgent))
    return Floor(name, name, when, (), "r", SOURCE, "us", "2030-01-01", raise_one=raises)


def ruleset_of(*rules: Rule | Floor, default: str = "M1") -> Ruleset:
    """A ruleset of these rules and floors, over yes/no inputs a to f."""
    return replace(
        make_ruleset(Random(0)),
        inputs={name: Input(name, InputKind.YES_NO, f"{name}?", "g") for name in "abcdef"},
        mentions={},
        mandatory=(),
        inferences={},
        rules={each.id: each for each in rules if isinstance(each, Rule)},
        floors={each.id: each for each in rules if isinstance(each, Floor)},
        conflicts={},
        dispositions=DISPOSITIONS,
        default=Default(default, "nothing matched"),
        validity=Validity(1440),
        panels={},
    )


def decided(ruleset: Ruleset, answers: Answers) -> Decision:
    return decide(ruleset, Reference(ruleset, answers).rails())


def asked(ruleset: Ruleset, answers: Answers) -> list[OpenQuestion]:
    return questions(ruleset, Reference(ruleset, answers))


A, B, C, D = map(Yes, "abcd")
ALL_NO: Answers = dict.fromkeys("abcdef", False)


# --- the level ------------------------------------------------------------------------------


def test_the_highest_level_counts() -> None:
    ruleset = ruleset_of(rule("R1", A, "R1"), rule("R2", B, "U2"), rule("R3", C, "M1"))
    assert decided(ruleset, {"a": True, "b": True, "c": True}).disposition == "U2"
    assert decided(ruleset, {**ALL_NO, "a": True, "c": True}).level is Level.MONITOR
    assert decided(ruleset, {**ALL_NO, "a": True}).level is Level.ROUTINE


def test_of_two_dispositions_at_the_level_the_more_urgent_counts() -> None:
    ruleset = ruleset_of(rule("R1", A, "U2"), rule("R2", B, "U1"))
    assert decided(ruleset, {"a": True, "b": True}).disposition == "U1"


def test_the_order_of_rules_and_floors_never_matters() -> None:
    for seed in range(100):
        random = Random(seed)
        ruleset = make_ruleset(random)
        answers = make_findings(random, ruleset)
        rules, floors = list(ruleset.rules.items()), list(ruleset.floors.items())
        random.shuffle(rules)
        random.shuffle(floors)
        shuffled = replace(ruleset, rules=dict(rules), floors=dict(floors))
        assert decided(ruleset, answers) == decided(shuffled, answers)


def test_a_raised_outcome_raises_and_is_nothing_without_its_rule() -> None:
    ruleset = ruleset_of(rule("R1", A, "M1", RuleOutcome("U2", B)))
    assert decided(ruleset, {"a": True, "b": False}).disposition == "M1"
    assert decided(ruleset, {"a": True, "b": True}).disposition == "U2"
    assert decided(ruleset, {"a": False, "b": True}).by_default


def test_nothing_established_is_the_default_and_never_routine() -> None:
    """Whatever is answered, or not: silence is no good news."""
    ruleset = ruleset_of(rule("R1", A, "R1"))
    for answers in ({}, ALL_NO):
        decision = decided(ruleset, answers)
        assert decision.by_default
        assert decision.disposition == "M1"


def test_the_default_counts_only_while_no_rule_is_established() -> None:
    """A routine rule that holds is below the default, and takes its place."""
    ruleset = ruleset_of(rule("R1", A, "R1"), default="U2")
    assert decided(ruleset, {}).level is Level.URGENT
    assert decided(ruleset, {"a": True}).level is Level.ROUTINE


def test_a_floor_raises_and_never_lowers() -> None:
    ruleset = ruleset_of(rule("R1", A, "R1"), rule("R2", B, "U2"), floor("S1", C, "M1"))
    assert decided(ruleset, {"a": True, "b": False, "c": True}).disposition == "M1"
    assert decided(ruleset, {"a": True, "b": True, "c": True}).disposition == "U2"


def test_a_floor_alone_leaves_the_default_in_place() -> None:
    """Only rules can take the default's place: a routine floor is no reason for routine."""
    ruleset = ruleset_of(rule("R1", A, "R1"), floor("S1", C, "R1"))
    decision = decided(ruleset, {"a": False, "c": True})
    assert decision.by_default
    assert decision.level is Level.MONITOR


def test_one_up_comes_last_and_stops_at_urgent() -> None:
    ruleset = ruleset_of(rule("R1", A, "R1"), rule("R2", B, "U1"), floor("S1", C, "M2"), one_up("S2", D))
    assert decided(ruleset, {**ALL_NO, "a": True, "d": True}).disposition == "M1"
    assert decided(ruleset, {**ALL_NO, "a": True, "c": True, "d": True}).disposition == "U2"
    assert decided(ruleset, {**ALL_NO, "b": True, "d": True}).disposition == "U1"


def test_two_that_raise_by_one_raise_by_one_to_the_more_urgent_disposition() -> None:
    """Whichever stands first in the file."""
    floors = [one_up("S1", A, "M2", "U2"), one_up("S2", B, "M1", "U1")]
    for order in (floors, floors[::-1]):
        ruleset = ruleset_of(rule("R1", C, "R1"), *order)
        assert decided(ruleset, {"a": True, "b": True, "c": True}).disposition == "M1"
        assert decided(ruleset, {"a": True, "b": True, "c": False}).disposition == "U1"


# --- what could be --------------------------------------------------------------------------


def test_could_be_is_what_open_findings_could_still_lead_to() -> None:
    ruleset = ruleset_of(rule("R1", A, "M1"), rule("R2", All((A, B)), "U1"))
    assert decided(ruleset, {"a": True}).could_be is Level.URGENT
    assert decided(ruleset, {"a": True}).could_be_disposition == "U1"
    assert decided(ruleset, {"a": True, "b": False}).determined
    assert decided(ruleset, {"a": False}).determined


def test_could_be_counts_the_default_that_is_left_when_a_rule_falls() -> None:
    """R1 holds because a was not answered; once it is, nothing holds, and the default is urgent."""
    ruleset = ruleset_of(rule("R1", IsOpen("a"), "R1"), default="U2")
    decision = decided(ruleset, {})
    assert decision.level is Level.ROUTINE
    assert decision.could_be is Level.URGENT
    assert decision.could_be_disposition == "U2"


def test_the_disposition_that_could_be_is_at_the_level_that_could_be() -> None:
    for seed in range(300):
        random = Random(seed)
        ruleset = make_ruleset(random)
        answers = make_findings(random, ruleset)
        decision = decided(ruleset, answers)
        assert ruleset.dispositions[decision.could_be_disposition].level is decision.could_be
        for _ in range(5):
            later = decided(ruleset, make_completion(random, ruleset, answers))
            assert ruleset.urgency(decision.could_be_disposition) >= ruleset.urgency(later.disposition)


def test_the_bounds_hold_what_stands_now() -> None:
    for seed in range(300):
        random = Random(seed)
        ruleset = make_ruleset(random)
        decision = decided(ruleset, make_findings(random, ruleset))
        assert decision.lowest <= decision.level <= decision.could_be
        codes = (decision.lowest_disposition, decision.disposition, decision.could_be_disposition)
        assert sorted(codes, key=ruleset.urgency) == list(codes)


def test_a_complete_report_is_determined() -> None:
    for seed in range(200):
        random = Random(seed)
        ruleset = make_ruleset(random)
        decision = decided(ruleset, make_findings(random, ruleset, 1))
        assert decision.determined
        assert decision.could_be_disposition == decision.disposition


# --- what to ask ----------------------------------------------------------------------------


def test_a_question_names_the_highest_and_the_lowest_disposition_that_its_answer_could_lead_to() -> None:
    ruleset = ruleset_of(
        rule("R1", A, "R1"), rule("R2", B, "U1"), rule("R3", C, "M1"), rule("R4", All((D, Yes("e"))), "U2")
    )
    assert asked(ruleset, {"c": True}) == [
        OpenQuestion("b", "U1", None),
        OpenQuestion("d", "U2", None),
        OpenQuestion("e", "U2", None),
    ]
    assert asked(ruleset, {"b": False, "c": False, "d": False}) == [OpenQuestion("a", None, "R1")]


def test_a_mandatory_question_comes_before_others_as_dangerous() -> None:
    ruleset = ruleset_of(rule("R1", A, "U1"), rule("R2", B, "U1"), rule("R3", C, "U1"))
    wanted = replace(ruleset, mandatory=(Mandatory(("c",)), Mandatory(("b",))))
    assert [question.input for question in asked(ruleset, {})] == ["a", "b", "c"]
    assert [question.input for question in asked(wanted, {})] == ["c", "b", "a"]


def test_signs_of_immediate_danger_come_before_mandatory_questions() -> None:
    ruleset = ruleset_of(rule("R1", A, "U2"), rule("R2", B, "U1"), rule("R3", C, "U1"))
    danger = Panel("now", "Now?", (PanelLine("c"), PanelLine("a")), immediate_danger=True)
    wanted = replace(ruleset, mandatory=(Mandatory(("b",)),), panels={"now": danger})
    assert [question.input for question in asked(wanted, {})] == ["c", "a", "b"]


def test_nothing_is_asked_that_can_not_change_the_outcome() -> None:
    """With a yes to a the outcome is U2; b would only name another reason, c a lesser one."""
    ruleset = ruleset_of(rule("R1", A, "U2"), rule("R2", B, "U2"), rule("R3", C, "M1"))
    assert asked(ruleset, {"a": True}) == []


def test_a_raise_that_may_fall_is_asked_for() -> None:
    """S1 raises because b is open; an answer to b lowers the level again."""
    ruleset = ruleset_of(rule("R1", A, "R1"), one_up("S1", IsOpen("b")))
    assert decided(ruleset, {"a": True}).level is Level.MONITOR
    assert asked(ruleset, {"a": True}) == [OpenQuestion("b", None, "R1")]


def test_a_raise_that_may_come_is_asked_for() -> None:
    ruleset = ruleset_of(rule("R1", A, "R1"), one_up("S1", B))
    assert asked(ruleset, {"a": True}) == [OpenQuestion("b", "M1", None)]


def test_beside_a_danger_the_fall_to_the_default_is_asked_for_too() -> None:
    """R1 holds unless a is a yes; then the default is left, which is higher. b could be worse still."""
    ruleset = ruleset_of(rule("R1", Unless(A), "R1"), rule("R2", B, "U1"))
    assert asked(ruleset, {}) == [OpenQuestion("a", "M1", None), OpenQuestion("b", "U1", None)]


def test_below_a_raise_a_rule_at_the_raised_level_still_raises() -> None:
    """S1 has raised routine to monitor; a monitor rule under it would make that urgent."""
    ruleset = ruleset_of(rule("R1", A, "R1"), rule("R2", B, "M1"), one_up("S1", C))
    assert asked(ruleset, {"a": True, "c": True}) == [OpenQuestion("b", "U2", None)]


def test_a_question_may_raise_or_lower() -> None:
    ruleset = ruleset_of(rule("R1", Not(A), "R1"), rule("R2", All((A, B)), "U1"))
    assert asked(ruleset, {})[0] == OpenQuestion("a", "U1", "R1")


def test_what_the_service_counts_is_not_asked() -> None:
    ruleset = ruleset_of(rule("R1", AnyOf((A, B)), "U1"))
    inputs = {**ruleset.inputs, "b": replace(ruleset.inputs["b"], asked_of=AskedOf.SERVICE)}
    assert [q.input for q in asked(replace(ruleset, inputs=inputs), {})] == ["a"]


def test_for_a_mention_the_text_is_asked() -> None:
    ruleset = ruleset_of(rule("R1", Yes("says_so"), "U1"))
    text = Input("text", InputKind.TEXT, "Anything else?", "g", max_length=100)
    mentioned = replace(
        ruleset,
        inputs={**ruleset.inputs, "text": text},
        mentions={"says_so": Mention("says_so", "text", ("so",), "says so")},
    )
    assert [q.input for q in asked(mentioned, {})] == ["text"]
    assert asked(mentioned, {"text": True, "says_so": False}) == []


# --- what is missing ------------------------------------------------------------------------


def test_missing_are_the_mandatory_findings_that_are_open() -> None:
    ruleset = read_ruleset(golden.GOLDEN / "spots")
    always, child = ["age_years", "temperature_c", "fever_reported"], {"age_years": 4}
    cases: list[tuple[Answers, list[str]]] = [
        ({}, [*always, "itchy"]),  # who is no child yet may be one
        ({"age_years": 30}, always[1:]),
        (child, [*always[1:], "itchy"]),
        ({**child, "fever_reported": False}, ["itchy"]),
        ({**child, "temperature_c": 37, "itchy": False}, []),
    ]
    for answers, wanted in cases:
        assert missing(ruleset, Reference(ruleset, answers)) == wanted


@pytest.mark.parametrize("seed", range(5))
def test_missing_goes_with_the_statement_that_something_mandatory_is_open(seed: int) -> None:
    """Unless it hangs on a condition that is itself open: then it is named, but not yet established."""
    random = Random(seed)
    for _ in range(60):
        ruleset = make_ruleset(random)
        if not ruleset.mandatory:
            continue
        answers = make_findings(random, ruleset)
        reference = Reference(ruleset, answers)
        value = reference.value(ruleset.inferences["mandatory_open"].when)
        assert (missing(ruleset, reference) == []) == (value is False)


def test_deciding_needs_nothing_but_the_rails() -> None:
    """The same whether engine or reference answered: only what they answered counts."""
    ruleset = ruleset_of(rule("R1", A, "U1"))
    rails = Rails(frozenset({"R1"}), frozenset({"R1"}), frozenset({"R1"}))
    found = decide(ruleset, rails)
    urgent = (Level.URGENT, "U1")
    wanted = Decision(*urgent, *urgent, *urgent, Basis.RULES, "U1", found.outcome_changes)
    assert found == wanted


# --- the outcome that fired -----------------------------------------------------------------


def test_of_a_rule_the_most_urgent_established_outcome_fired() -> None:
    raised = tuple(RuleOutcome(code, Yes(name)) for code, name in (("U2", "b"), ("U1", "c")))
    deciding = Decider(ruleset_of(rule("R08", Yes("a"), "M1", *raised)))

    def outcomes(*keys: str) -> list[str | None]:
        rules, _ = deciding.fired(deciding.numbering.mask(keys))
        return [one.outcome and one.outcome.disposition for one in rules]

    assert outcomes() == []
    assert outcomes("R08") == ["M1"]
    assert outcomes("R08", "R08+1") == ["U2"]
    assert outcomes("R08", "R08+1", "R08+2") == ["U1"]


def test_a_floor_that_raises_by_one_fired_without_an_outcome() -> None:
    raising = one_up("S12", Yes("a"))
    deciding = Decider(ruleset_of(rule("R1", Yes("b"), "R1"), raising))
    assert deciding.fired(deciding.numbering.mask({"S12"})) == ([], [KeyedOutcome(raising, "S12", None)])
    assert deciding.fired(0) == ([], [])
