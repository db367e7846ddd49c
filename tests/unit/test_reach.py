"""What is complete, and what only others can answer, where an answer to one input decides on another."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from tests.support.rulesets.faulty_files import example
from triage_rules.evaluation.answers import UNKNOWN
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.language.model import Answers, Audience
from triage_rules.language.reading import parse_ruleset
from triage_rules.records.reports import History

RULES = """\
default: {disposition: M1_clinician_48h, reason: Nothing matched.}
validity: {minutes: 60}
always: {patient: Ask again if it gets worse., clinician: A draft.}
inputs:
  drinks: {type: yes_no, group: g, question: Do you drink?}
  daily: {type: yes_no, group: g, question: Daily?, relevant: {when: drinks, otherwise: false}}
  liver_value:
    {type: number, group: g, minimum: 0, maximum: 900, question: GGT?, asked_of: laboratory,
    relevant: {when: drinks, otherwise: 10}}
  platelet_count: {type: number, group: g, minimum: 0, maximum: 900, question: Platelets?, asked_of: laboratory}
rules:
"""


@cache
def evaluator(when: str, disposition: str) -> Evaluator:
    head = example().split("default:")[0].split("inputs:")[0]
    rule = f"  R1: {{title: T, when: {when}, disposition: {disposition}, reason: B., source: {{text: from memory}}}}\n"
    return Evaluator(parse_ruleset(f"{head}{RULES}{rule}".encode(), "ruleset.yaml"), f"sha256:{'0' * 64}")


def result(
    when: str, answers: Answers, audience: Audience = Audience.PATIENT, disposition: str = "U2_emergency_dept_now"
) -> dict[str, Any]:
    by = evaluator(when, disposition)
    return by.evaluate(answers, History(), report_id="r", received_ms=0, evaluated_ms=0, audience=audience)


@pytest.mark.parametrize(
    "when", ["{open: daily}", "{all: [{open: daily}, {open: platelet_count}]}", "{unless: drinks}"]
)
def test_an_unknown_input_may_still_get_the_answer_that_relevance_implies(when: str) -> None:
    """So the question that its relevance rests on is asked."""
    found = result(when, {"daily": UNKNOWN})
    assert found["disposition"] == "U2_emergency_dept_now"
    assert not found["interview"]["complete"]
    assert [entry["finding"] for entry in found["ask"]] == ["drinks"]
    assert result(when, {"daily": UNKNOWN, "drinks": UNKNOWN})["interview"]["complete"]


@pytest.mark.parametrize(
    ("when", "is_complete"),
    [
        ("{liver_value: {less_than: 60}}", False),
        ("{liver_value: {at_most: 10}}", False),
        ("{liver_value: {less_than: 10}}", True),
        ("{not: {liver_value: {at_least: 60}}}", False),
        ("{liver_value: {at_least: 60}}", True),
        ("{open: liver_value}", False),
        ("{not: {open: liver_value}}", False),
    ],
)
def test_of_an_implied_answer_only_its_own_value_may_come(when: str, is_complete: bool) -> None:
    """A value that only a laboratory has can come in no other way."""
    found = result(when, {})
    assert found["interview"]["complete"] is is_complete
    assert [entry["finding"] for entry in found["ask"]] == ([] if is_complete else ["drinks"])
    assert [entry["finding"] for entry in found["open_elsewhere"]] == ["liver_value"]


def test_an_answer_that_takes_back_a_rule_below_the_default_is_listed() -> None:
    """The outcome then rises to the default."""
    when = "{any: [{open: platelet_count}, {platelet_count: {at_least: 150}}]}"
    found = result(when, {}, disposition="R2_self_care_info")
    assert (found["disposition"], found["could_be_disposition"]) == ("R2_self_care_info", "M1_clinician_48h")
    assert found["interview"]["complete"]
    assert [entry["finding"] for entry in found["open_elsewhere"]] == ["platelet_count"]
    after = result(when, {"platelet_count": 20}, disposition="R2_self_care_info")
    assert after["disposition"] == "M1_clinician_48h"


def test_an_answer_that_implies_another_is_listed() -> None:
    """The rule reads only the second; the first was answered "unknown", and others may know it."""
    found = result("{open: daily}", {"daily": UNKNOWN, "drinks": UNKNOWN})
    assert [entry["finding"] for entry in found["open_elsewhere"]] == ["drinks", "daily"]
    assert result("{open: daily}", {"daily": UNKNOWN, "drinks": False})["disposition"] == "M1_clinician_48h"


def test_an_answer_that_raises_what_a_floor_then_raises_is_listed() -> None:
    """The present outcome is raised from routine to monitor; a monitor outcome would be raised to urgent."""
    spots = "{platelet_count: {less_than: 100}}"
    head = example().split("default:")[0].split("inputs:")[0]
    text = f"""{head}{RULES}  R1: {{title: T, when: drinks, disposition: R2_self_care_info, reason: B., source: {{text: x}}}}
safety_net:
  S1: {{title: T, when: drinks, raise_one: {{monitor: M1_clinician_48h, urgent: U2_emergency_dept_now}}, reason: B., source: {{text: x}}}}
  S2: {{title: T, when: {spots}, disposition: M1_clinician_48h, reason: B., source: {{text: x}}}}
"""
    by = Evaluator(parse_ruleset(text.encode(), "ruleset.yaml"), f"sha256:{'0' * 64}")
    found, after = (
        by.evaluate(answers, History(), report_id="r", received_ms=0, evaluated_ms=0)
        for answers in ({"drinks": True}, {"drinks": True, "platelet_count": 20})
    )
    assert (found["disposition"], after["disposition"]) == ("M1_clinician_48h", "U2_emergency_dept_now")
    assert [entry["finding"] for entry in found["open_elsewhere"]] == ["platelet_count"]
