"""Worked cases: reports with the results that their author expects, run against the ruleset beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from triage_rules.assurance.cases.reading import (
    EQUAL,
    FORBIDDEN_TEXTS,
    INCLUDED,
    REQUIRED_TEXTS,
    Case,
    parse_cases,
    read_cases,
)
from triage_rules.evaluation.answers import UNKNOWN, read_answers
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.evaluation.panel_answers import read_panels
from triage_rules.evaluation.phrases import folded
from triage_rules.foundation.errors import ReportError
from triage_rules.language.model import Answers, Ruleset


class AnsweredCase(Protocol):
    """Case with its findings (`answers`) and panels, as in a posted report."""

    @property
    def answers(self) -> Mapping[str, Any]: ...

    @property
    def panels(self) -> Mapping[str, Any]: ...


def answers_of(ruleset: Ruleset, case: AnsweredCase) -> Answers:
    """Return the typed answers of a case: its findings, merged with its panels. Raises ReportError."""
    return read_panels(ruleset, case.panels, read_answers(ruleset, dict(case.answers)))


def findings_of(ruleset: Ruleset, case: AnsweredCase) -> dict[str, Any]:
    """Return the answers of a case as findings, as they would be posted without panels. Raises ReportError."""
    answers = answers_of(ruleset, case)
    return {**case.answers, **{n: value for n, value in answers.items() if value != UNKNOWN or n not in case.answers}}


@dataclass(frozen=True, slots=True)
class CaseOutcome:
    """Run of a case: its typed answers and result (None if rejected), and the differences from the expected result."""

    case: Case
    answers: Answers | None
    result: dict[str, Any] | None
    differences: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        return not self.differences


def run_case(evaluator: Evaluator, case: Case) -> CaseOutcome:
    """Evaluate a case, and compare its result with the expected values."""
    try:
        answers = answers_of(evaluator.ruleset, case)
    except ReportError as error:
        pointers = sorted(fault.pointer.rsplit("/", 1)[-1] for fault in error.faults)
        wanted = sorted(case.expect.get("refused", []))
        return CaseOutcome(case, None, None, () if pointers == wanted else (f"refused: {error}",))
    result = evaluator.evaluate(
        answers, case.history, report_id=case.id, received_ms=0, evaluated_ms=0, audience=case.audience
    )
    return CaseOutcome(case, answers, result, tuple(differences(case.expect, result)))


def fired_ids(result: Mapping[str, Any]) -> set[str]:
    """Return the ids of the rules and floors that fired."""
    return {rule["id"] for rule in [*result["rules"], *result["safety_net"]]}


def differences(expect: Mapping[str, Any], result: Mapping[str, Any]) -> list[str]:
    """Return the differences of the result from a case's expected values; none if it passes."""
    values = {**result, "complete": result["interview"]["complete"]}
    lines = [f"{k}: wanted {expect[k]}, got {values[k]}" for k in EQUAL if k in expect and expect[k] != values[k]]
    fired = fired_ids(result)
    asked = [question["finding"] for question in result["ask"]]
    elsewhere = [question["finding"] for question in result["open_elsewhere"]]
    conflicts = {conflict["id"] for conflict in result["conflicts"]}
    included = {"fires": fired, "ask_includes": asked, "open_elsewhere_includes": elsewhere, "conflicts": conflicts}
    for key, here in included.items():
        lines += [f"{key}: `{name}` is not there" for name in expect.get(key, []) if name not in here]
    for key, here in (("silent", fired), ("ask_excludes", asked)):
        lines += [f"{key}: `{name}` is there" for name in expect.get(key, []) if name in here]
    for key in INCLUDED:
        lines += [f"{key}: `{name}` is not there" for name in expect.get(key, []) if name not in result[key]]
    if expect.get("ask", asked) != asked:
        lines.append(f"ask: wanted {', '.join(expect['ask']) or 'nothing'}, got {', '.join(asked) or 'nothing'}")
    lines += _compare_texts(expect, result["advice"])
    if "refused" in expect:
        lines.append("the report was accepted, although the case expects its rejection")
    return lines


def _compare_texts(expect: Mapping[str, Any], advice: Mapping[str, str]) -> list[str]:
    """Return phrases that are missing or forbidden; letter case and line ends don't count."""
    texts = {audience: folded(text) for audience, text in advice.items()}
    lines = [
        f"{key}: `{phrase}` is not there"
        for key, audience in REQUIRED_TEXTS.items()
        for phrase in expect.get(key, [])
        if folded(phrase) not in texts[audience]
    ]
    lines += [
        f"{key}: `{phrase}` is there"
        for key, audience in FORBIDDEN_TEXTS.items()
        for phrase in expect.get(key, [])
        if folded(phrase) in texts[audience]
    ]
    return lines


__all__ = [
    "Case",
    "CaseOutcome",
    "answers_of",
    "differences",
    "findings_of",
    "fired_ids",
    "parse_cases",
    "read_cases",
    "run_case",
]
