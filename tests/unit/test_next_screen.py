"""The next screen asks only what can be answered: gates that open on the way, and lines that no longer make sense."""

from __future__ import annotations

from functools import cache

import pytest

from tests.support.rulesets.faulty_files import example
from triage_rules.evaluation.answers import UNKNOWN
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.interview.conversation import interview
from triage_rules.interview.persona_runs import expected_of_form
from triage_rules.interview.plan import Planner
from triage_rules.language.model import Answers, Audience, Value
from triage_rules.language.reading import parse_ruleset
from triage_rules.records.reports import History

HEAD = example().split("inputs:")[0].split("default:")[0]
RULES = """\
default: {disposition: M1_clinician_48h, reason: Nothing matched.}
validity: {minutes: 60}
always: {patient: Ask again if it gets worse., clinician: A draft.}
inputs:
  owns_thermometer: {type: yes_no, group: g, question: Do you have a thermometer?, expected: true}
  temperature_c:
    {type: number, group: g, unit: Cel, minimum: 30, maximum: 43, question: Temperature?, available_if: owns_thermometer,
    expected: 36.8}
  inr: {type: number, group: g, minimum: 0, maximum: 20, question: INR?, asked_of: laboratory}
  bruises: {type: yes_no, group: g, question: Bruises?, available_if: {inr: {at_least: 3}}}
  age_years: {type: number, group: g, unit: a, minimum: 0, maximum: 120, question: Age?, expected: 40}
  itchy: {type: yes_no, group: g, question: Itchy?}
  feeds_badly: {type: yes_no, group: g, question: Feeding less?, relevant: {when: {age_years: {less_than: 3}}}}
  sweats: {type: yes_no, group: g, question: Sweats?, available_if: itchy}
  seizure: {type: yes_no, group: g, question: A fit?}
  confused: {type: choice, group: g, question: Confused?, choices: {not: No, slightly: A little, very: Very}}
panels:
  more: {question: Any of this?, lines: [itchy, feeds_badly, sweats]}
  danger: {question: Or this?, lines: [seizure, {finding: confused, none_means: not, text: Confused}]}
"""
RULE = "reason: Because., source: {text: from memory}"


@cache
def planner(rules: str, screens: str = "{}") -> Planner:
    text = f"{HEAD}{RULES}rules:\n{rules}screens: {screens}\n"
    return Planner(Evaluator(parse_ruleset(text.encode(), "ruleset.yaml"), f"sha256:{'0' * 64}"))


def rule(when: str, disposition: str = "U2_emergency_dept_now", name: str = "R1") -> str:
    return f"  {name}: {{title: T, when: {when}, disposition: {disposition}, {RULE}}}\n"


FEVER = rule("{temperature_c: {at_least: 38}}") + rule("{temperature_c: {less_than: 38}}", "R2_self_care_info", "R2")


def asked(planner: Planner, answers: Answers, audience: Audience = Audience.PATIENT) -> tuple[str, ...]:
    shown = planner.next_screen(answers, History(), audience)
    return () if shown is None else shown.inputs


@pytest.mark.parametrize(
    "screens",
    ["{}", "{first: [[owns_thermometer, temperature_c]]}", "{then: [[temperature_c], [owns_thermometer]]}"],
)
def test_an_input_is_asked_only_once_it_is_available(screens: str) -> None:
    """Also where the plan could do without the question that opens it, and on the screen of that question."""
    measuring = planner(FEVER, screens)
    assert asked(measuring, {}) == ("owns_thermometer",)
    assert asked(measuring, {"owns_thermometer": True}) == ("temperature_c",)
    assert asked(measuring, {"owns_thermometer": False}) == ()
    assert asked(measuring, {"owns_thermometer": UNKNOWN}) == ()


def test_an_interview_opens_what_it_needs() -> None:
    truth: dict[str, Value] = {"owns_thermometer": True, "temperature_c": 39.0}
    talk = interview(planner(FEVER), truth)
    assert [each.shown.inputs for each in talk.exchanges] == [("owns_thermometer",), ("temperature_c",)]
    assert talk.decision is not None and talk.decision.disposition == "U2_emergency_dept_now"


PANEL = rule("{any: [itchy, feeds_badly, sweats]}")


@pytest.mark.parametrize(
    ("answers", "lines"),
    [
        ({}, ("itchy", "feeds_badly")),
        ({"age_years": 40}, ("itchy",)),
        ({"age_years": 40, "feeds_badly": False}, ("itchy", "feeds_badly")),
        ({"age_years": 2}, ("itchy", "feeds_badly")),
        ({"itchy": False, "age_years": 40}, ()),
        ({"itchy": UNKNOWN, "age_years": 2}, ("itchy", "feeds_badly")),
    ],
)
def test_a_panel_leaves_out_lines_that_are_ruled_out_or_not_available(answers: Answers, lines: tuple[str, ...]) -> None:
    """Also lines without an implied answer. A line that was answered stays, so that the answer can be changed."""
    assert asked(planner(PANEL, "{first: [more]}"), answers) == lines


DANGER = rule("{any: [seizure, {confused: {is: very}}]}")


def test_a_choice_that_must_have_been_ticked_is_asked_by_itself() -> None:
    """A stored report doesn't say what was ticked; its panel again would get the same answer for ever."""
    dangerous = planner(DANGER, "{first: [danger]}")
    assert asked(dangerous, {}) == ("seizure", "confused")
    assert asked(dangerous, {"confused": "slightly"}) == ("seizure", "confused")
    for seizure in (False, UNKNOWN):
        shown = dangerous.next_screen({"seizure": seizure}, History(), Audience.PATIENT)
        assert shown is not None
        assert (shown.screen.panel, shown.inputs) == (None, ("confused",))


def test_a_full_form_has_only_what_its_audience_gets_to_see() -> None:
    """Without the INR a patient isn't asked for bruises, whatever is true."""
    evaluator = Evaluator(planner(rule("bruises")).ruleset, f"sha256:{'0' * 64}")
    truth: dict[str, Value] = {"inr": 5, "bruises": True}
    assert expected_of_form(evaluator, truth, Audience.PATIENT)[1] == "M1_clinician_48h"
    assert expected_of_form(evaluator, truth, Audience.CLINICIAN)[1] == "U2_emergency_dept_now"
