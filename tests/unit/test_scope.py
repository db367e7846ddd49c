"""`scope` of a file: what the no asks, decides and leaves out, and what is wrong with it."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.support.rulesets.generated import DIGEST
from tests.support.rulesets.scoped import TEXT, edited, read_scoped
from triage_rules.assurance.checking import CheckOptions, check
from triage_rules.assurance.coverage.goals import CoverageMeasure, Plan
from triage_rules.assurance.diff.text_changes import list_changes
from triage_rules.assurance.mutation.mutants import apply_mutation
from triage_rules.assurance.mutation.operators import Operator, make_mutants
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.foundation.errors import RulesetError
from triage_rules.interview.plan import Planner
from triage_rules.language.check_types import CheckType
from triage_rules.language.model import SCOPE, Audience, Ruleset
from triage_rules.language.reading import parse_document, parse_ruleset
from triage_rules.language.reading.schema import ruleset_json_schema
from triage_rules.records.reports import History
from triage_rules.workbench.completion import complete

QUESTION = "  question: about_spots\n"
NO = {"fit": False, "chest_pain": False, "about_spots": False}
SCOPE_TEXT = TEXT[TEXT.index("scope:\n") : TEXT.index("mandatory:")]


@cache
def evaluator() -> Evaluator:
    return Evaluator(read_scoped(), DIGEST)


def evaluate(answers: dict[str, Any]) -> dict[str, Any]:
    return evaluator().evaluate(answers, History(), report_id="r", received_ms=0, evaluated_ms=0)


def asked(result: dict[str, Any]) -> list[str]:
    return [entry["finding"] for entry in result["ask"]]


def shown(answers: dict[str, Any]) -> tuple[str, ...] | None:
    screen = Planner(evaluator()).next_screen(answers, History(), Audience.PATIENT)
    return None if screen is None else screen.inputs


# --- what the no does ---


def test_a_no_gives_the_disposition_with_its_reason_and_flag() -> None:
    result = evaluate(NO)
    assert (result["level"], result["disposition"], result["basis"]) == ("monitor", "M0_not_assessed", "rules")
    assert [(rule["id"], rule["because"]) for rule in result["rules"]] == [(SCOPE, ["about_spots"])]
    assert result["flags"] == ["out_of_scope"]  # and neither the default's nor the safety net's
    assert result["safety_net"] == result["missing"] == []
    assert "Nobody has assessed this." in result["advice"]["patient"]


def test_after_the_no_only_what_follows_it_is_asked_and_then_nothing() -> None:
    assert shown({}) == ("fit", "chest_pain")
    assert set(shown({"fit": False, "chest_pain": False}) or ()) <= {"about_spots", "age"}
    assert shown(NO) == ("self_harm",)
    assert asked(evaluate(NO)) == ["self_harm"]
    assert asked(evaluate({"about_spots": False})) == ["fit", "chest_pain", "self_harm"]
    for answer in (False, "unknown"):
        result = evaluate({**NO, "self_harm": answer})
        assert shown({**NO, "self_harm": answer}) is None
        assert (result["interview"]["complete"], result["ask"], result["level"]) == (True, [], "monitor")
    assert "fever" not in {entry["finding"] for entry in evaluate({**NO, "age": 95})["open_elsewhere"]}


@pytest.mark.parametrize(
    ("answers", "disposition"),
    [
        ({"fit": True}, "U1_now"),
        ({"words": "blue lips"}, "U1_now"),
        ({"self_harm": True}, "U1_now"),
        ({"fading": True, "fever": False, "age": 30}, "M0_not_assessed"),
        ({"fever": True}, "M0_not_assessed"),
    ],
)
def test_the_danger_wins_and_nothing_lowers(answers: dict[str, Any], disposition: str) -> None:
    assert evaluate({**answers, "about_spots": False})["disposition"] == disposition


def test_without_a_no_the_outcome_is_that_of_the_ruleset_without_a_scope() -> None:
    """An older client doesn't know the question."""
    text = TEXT.replace(SCOPE_TEXT, "").replace("    in_scope_only: true\n", "")
    before = Evaluator(parse_ruleset(text.encode(), "ruleset.yaml"), DIGEST)
    for about in ({}, {"about_spots": True}, {"about_spots": "unknown"}):
        for answers in (
            {},
            {"fading": True},
            {"fading": True, "fever": False, "age": 30},
            {"age": 95, "fading": False},
        ):
            report = {**answers, **about}
            old = before.evaluate(report, History(), report_id="r", received_ms=0, evaluated_ms=0)
            new = evaluate(report)
            for key in ("level", "disposition", "flags", "advice", "missing", "by_rules", "basis", "valid_until"):
                assert new[key] == old[key], (key, report)


def test_the_scope_question_expects_a_yes() -> None:
    assert read_scoped().inputs["about_spots"].expected is True


# --- faults ---


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (QUESTION, "  question: age\n", "`scope`: `question`: `age` is a number input; expected a yes/no input"),
        (QUESTION, "  question: about_spot\n", "unknown input `about_spot`; did you mean `about_spots`?"),
        (QUESTION, "  question: self_harm\n", "`self_harm` is asked of `private`; everybody must be able to answer"),
        (QUESTION, "  question: fever\n", "a yes/no input"),
        (QUESTION, "  question: fit\n", "is a line of panel `danger`: \u201cnone of these\u201d would be a no"),
        ("  disposition: M0_not_assessed\n", "  disposition: R1_wait\n", "`R1_wait` is routine"),
        ("  disposition: M0_not_assessed\n", "  disposition: M9\n", "unknown disposition `M9`"),
        ("then_ask: [self_harm]", "then_ask: [selfharm]", "`then_ask`: unknown input `selfharm`"),
        ("then_ask: [self_harm]", "then_ask: [about_spots]", "is the scope's question itself"),
        ("then_ask: [self_harm]", "then_ask: [fever]", "`fever` depends on `age`, which is not asked after the no"),
        ("lines: [fit, chest_pain]}", "lines: [fit, chest_pain]}\n  b: {question: B?, lines: [self_harm]}",
         "`self_harm` is private, so it can't be a line of panel `b`; it gets a page of its own"),
        ("[about_spots, age]]", "[about_spots, age, self_harm]]", "it gets a page of its own"),
        ("clinician_only: true, ", "", "rule `R3`: it reads `self_harm`, which is private"),
        ("when: mandatory_open,", "when: {any: [mandatory_open, self_harm]},", "safety net `S1`: it reads `self_harm`"),
        ("scope:\n", "SCOPE:\n", "`in_scope_only` needs `scope`, which is missing"),
        ("  R4:", "  SCOPE:", "the id `SCOPE` is already used"),
        ("  words: {", "  in_scope: {type: yes_no, group: other, question: So?}\n  words: {", "already used for `scope`"),
        (SCOPE_TEXT, "scope: about_spots\n", "`scope`: expected a mapping"),
    ],
)  # fmt: skip
def test_a_fault_says_where_and_what(old: str, new: str, message: str) -> None:
    if message == "a yes/no input":  # a question that depends on others may never be asked
        message = "must always be asked: remove its `relevant` or `available_if`"
    with pytest.raises(RulesetError) as error:
        parse_ruleset(edited(**{old: new}).encode(), "ruleset.yaml")
    assert message in str(error.value)


def test_in_scope_can_be_read_by_conditions_only_with_a_scope() -> None:
    assert read_scoped(**{"when: mandatory_open,": "when: {any: [mandatory_open, {not: in_scope}]},"})
    with pytest.raises(RulesetError, match="`in_scope` needs `scope`, which is missing"):
        parse_ruleset(
            TEXT.replace(SCOPE_TEXT, "")
            .replace("in_scope_only: true", "raised: [{to: U1_now, when: in_scope}]")
            .encode(),
            "ruleset.yaml",
        )


def test_the_schema_accepts_a_scope_and_completion_offers_its_keys_and_names() -> None:
    data = parse_document(TEXT.encode(), "x").data
    assert [error.message for error in Draft202012Validator(ruleset_json_schema()).iter_errors(data)] == []
    text = TEXT.replace(QUESTION, "  question: \n").replace("then_ask: [self_harm]", "then_ask: []\n  ")
    line = text.split("\n").index("  question: ") + 1
    offered = complete({"ruleset.yaml": text}, "ruleset.yaml", line, len("  question: ") + 1)
    assert offered is not None
    assert {"about_spots", "fit"} <= {option.label for option in offered.options}
    assert "age" not in {option.label for option in offered.options}


# --- check, coverage, mutants, diff ---


def checked(text: str) -> set[tuple[str, str]]:
    document = parse_document(text.encode(), "ruleset.yaml")
    ruleset = parse_ruleset(text.encode(), "ruleset.yaml")
    return {(finding.type, finding.of) for finding in check(ruleset, document, CheckOptions(date(2030, 1, 1)))}


def test_a_scope_question_that_no_first_screen_asks_is_found() -> None:
    assert (CheckType.LATE_SCOPE, "about_spots") in checked(
        edited(**{"first: [danger, [about_spots, age]]": "first: [danger]"})
    )


def test_a_good_scope_has_no_finding_of_its_own() -> None:
    names = {"about_spots", "in_scope", "self_harm", SCOPE}
    assert {found for found in checked(TEXT) if found[1] in names} == set()


def test_the_no_is_a_goal_of_coverage() -> None:
    keys = {goal.key for goal in Plan(read_scoped()).goals}
    assert f"{CoverageMeasure.RULES}:{SCOPE}:true" in keys
    assert "possible:in_scope:open" not in keys  # no report can show it


def test_mutants_drop_the_scope_and_its_marks() -> None:
    ruleset = read_scoped()
    root = parse_document(TEXT.encode(), "ruleset.yaml").root
    made = {mutant.id: mutant for mutant in make_mutants(ruleset, root, "ruleset.yaml")}
    line = TEXT.split("\n").index("scope:") + 1
    assert made["SCOPE:drop_scope:1"].place.line == line
    no = {"about_spots": False}

    def outcome(mutant: str) -> str:
        changed: Ruleset = apply_mutation(ruleset, made[mutant].change)
        result = Evaluator(changed, DIGEST).evaluate(no, History(), report_id="r", received_ms=0, evaluated_ms=0)
        return str([rule["id"] for rule in [*result["rules"], *result["safety_net"]]])

    assert outcome("SCOPE:drop_scope:1") == "[]"
    assert outcome("S2:drop_scope:1") == "['SCOPE', 'S2']"
    assert "SCOPE:lower_level:1" not in made  # nothing routine can be written there
    assert {mutant.operator for mutant in made.values()} >= {Operator.DROP_SCOPE, Operator.DROP_MANDATORY}
    other = apply_mutation(ruleset, made["S2:open_as_false:1"].change)
    assert other.floors["S2"].in_scope_only and other.floors["S2"].when != ruleset.floors["S2"].when


def test_a_changed_scope_is_listed_in_the_files_words() -> None:
    old, new = read_scoped(), read_scoped(**{"then_ask: [self_harm]": "then_ask: [self_harm, words]"})
    (change,) = list_changes(old, new)
    assert [(line.what, line.before, line.after) for line in change.lines] == [("scope: then_ask", None, "words")]
    without = parse_ruleset(TEXT.replace(SCOPE_TEXT, "").replace("    in_scope_only: true\n", "").encode(), "x")
    added = {line.what for change in list_changes(without, old) for line in change.lines}
    assert {"scope: question", "scope: disposition", "scope: reason", "scope: then_ask"} <= added
    assert not {change.id for change in list_changes(without, old)} & {SCOPE}
