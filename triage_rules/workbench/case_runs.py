"""The cases of a draft, run: which fail, and of these, which what is live passes, so that the draft broke them."""

from __future__ import annotations

import time
from typing import Any

from triage_rules.assurance.cases import Case, CaseOutcome, run_case
from triage_rules.evaluation.answers import asked
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.language.model import Ruleset
from triage_rules.workbench.draft import OpenedDraft
from triage_rules.workbench.try_patient import words_of

Json = dict[str, Any]

SECONDS = 45.0
"""What running them may take; how many were not run by then is told."""

SHOWN = 100
"""Failing cases that are shown."""

BROKEN, BEFORE, UNKNOWN = "broken", "before", "unknown"
"""Of a failing case: what is live passes it, fails it too, or can't be asked (nothing is live, or lacks a question)."""


def run(opened: OpenedDraft, live: Evaluator | None, seconds: float = SECONDS) -> Json:
    """All cases, in their order. `failing`: those that differ from what they want, those that the draft broke first."""
    evaluator = opened.evaluator
    if evaluator is None:
        return {"total": len(opened.cases), "ran": 0, "passed": 0, "broken": 0, "failing": []}
    until = time.monotonic() + seconds
    ran: list[CaseOutcome] = []
    for case in opened.cases:
        if time.monotonic() >= until:
            break
        ran.append(run_case(evaluator, case))
    failing = [_told(evaluator.ruleset, outcome, _since(outcome.case, live)) for outcome in ran if not outcome.passed]
    failing.sort(key=lambda one: (BROKEN, UNKNOWN, BEFORE).index(one["since"]))
    return {
        "total": len(opened.cases),
        "ran": len(ran),
        "passed": len(ran) - len(failing),
        "broken": sum(one["since"] == BROKEN for one in failing),
        "failing": failing[:SHOWN],
        "failed": len(failing),
    }


def _since(case: Case, live: Evaluator | None) -> str:
    if live is None or not set(case.answers) <= {read.name for read in asked(live.ruleset)}:
        return UNKNOWN
    return BROKEN if run_case(live, case).passed else BEFORE


def _told(ruleset: Ruleset, outcome: CaseOutcome, since: str) -> Json:
    result = outcome.result
    return {
        "id": outcome.case.id,
        "note": outcome.case.note,
        "line": outcome.case.place.line,
        "differences": list(outcome.differences),
        "since": since,
        "level": None if result is None else result["level"],
        "patient": words_of(ruleset, outcome.case.answers, outcome.case.history),
    }
