"""Runs of a draft's cases and personas: the failing ones, and those cases among them that the live version passes."""

from __future__ import annotations

import time
from typing import Any

from triage_rules.assurance.cases import Case, CaseOutcome, findings_of, run_case
from triage_rules.evaluation.answers import asked
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.evaluation.panel_answers import read_panels
from triage_rules.foundation.errors import ReportError
from triage_rules.interview.persona_runs import PersonaRun, run_persona
from triage_rules.interview.plan import Planner
from triage_rules.language.model import Ruleset
from triage_rules.workbench.draft import OpenedDraft
from triage_rules.workbench.try_patient import words_of

Json = dict[str, Any]

SECONDS = 45.0
"""Time limit of a run; the answer gives the number of cases that ran."""

SHOWN = 100
"""Number of failing cases that are shown."""

BROKEN, BEFORE, UNKNOWN = "broken", "before", "unknown"
"""State of a failing case: the live version passes it, fails it too, or can't run it (none, or it lacks a question)."""


def run(opened: OpenedDraft, live: Evaluator | None, seconds: float = SECONDS) -> Json:
    """Run the cases in their order, then the personas in the time that is left.

    failing: those with differences, first the ones that the draft broke.
    """
    evaluator = opened.evaluator
    if evaluator is None:
        return {"total": len(opened.cases), "ran": 0, "passed": 0, "broken": 0, "failing": []}
    until = time.monotonic() + seconds
    ran: list[CaseOutcome] = []
    for case in opened.cases:
        if time.monotonic() >= until:
            break
        ran.append(run_case(evaluator, case))
    failing = [
        _describe(evaluator.ruleset, outcome, _state(outcome.case, live)) for outcome in ran if not outcome.passed
    ]
    failing.sort(key=lambda case: (BROKEN, UNKNOWN, BEFORE).index(case["since"]))
    return {
        "total": len(opened.cases),
        "ran": len(ran),
        "passed": len(ran) - len(failing),
        "broken": sum(case["since"] == BROKEN for case in failing),
        "failing": failing[:SHOWN],
        "failed": len(failing),
        "personas": _run_personas(evaluator, opened, until),
    }


def _run_personas(evaluator: Evaluator, opened: OpenedDraft, until: float) -> Json:
    """Return the counts of the personas, and the failing ones."""
    ran, planner = list[PersonaRun](), Planner(evaluator)
    for persona in opened.personas:
        if time.monotonic() >= until:
            break
        ran.append(run_persona(evaluator, planner, persona))
    failing = [
        {
            "name": run.persona.name,
            "title": run.persona.title,
            "line": run.persona.place.line,
            "differences": list(run.differences),
        }
        for run in ran
        if not run.passed
    ]
    return {"total": len(opened.personas), "ran": len(ran), "failing": failing}


def _state(case: Case, live: Evaluator | None) -> str:
    if live is None or _lacks_a_question(live.ruleset, case):
        return UNKNOWN
    return BROKEN if run_case(live, case).passed else BEFORE


def _lacks_a_question(ruleset: Ruleset, case: Case) -> bool:
    """Return whether the case answers an input, a panel or a panel's line that the ruleset doesn't have."""
    if not set(case.answers) <= {read.name for read in asked(ruleset)}:
        return True
    try:
        read_panels(ruleset, case.panels, {})
    except ReportError as error:
        return any(fault.code in {"unknown_panel", "unknown_line"} for fault in error.faults)
    return False


def _describe(ruleset: Ruleset, outcome: CaseOutcome, since: str) -> Json:
    case, result = outcome.case, outcome.result
    findings = case.answers if outcome.answers is None else findings_of(ruleset, case)
    return {
        "id": case.id,
        "note": case.note,
        "line": case.place.line,
        "differences": list(outcome.differences),
        "since": since,
        "level": None if result is None else result["level"],
        "patient": words_of(ruleset, findings, case.history),
    }
