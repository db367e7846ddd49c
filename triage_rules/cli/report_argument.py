"""The report that a command decides: reading and deciding it, without a service."""

from __future__ import annotations

import uuid
from typing import Any

from triage_rules.deployment.live import Loaded
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.foundation import strict_json
from triage_rules.foundation.errors import RulesetNotFound
from triage_rules.foundation.timestamps import now_ms
from triage_rules.intake import report as intake
from triage_rules.intake.report import Posted
from triage_rules.records.reports import History

MAX_BYTES = 65_536
"""Largest report that a command reads; the service has a setting of its own."""


def read_report(evaluator: Evaluator, posted: bytes) -> Posted[Loaded]:
    """Return a report as posted, checked by this ruleset. Raises ReportError."""
    raw = strict_json.loads(posted, max_bytes=MAX_BYTES)
    return intake.read_report(raw, _SingleRuleset(evaluator), now_ms())


def decide_answers(evaluator: Evaluator, posted: Posted[Loaded]) -> dict[str, Any]:
    """Return the result of a checked report, for a person without earlier reports."""
    now = now_ms()
    return evaluator.evaluate(
        posted.answers,
        History(),
        report_id=str(uuid.uuid4()),
        received_ms=now,
        evaluated_ms=now,
        audience=posted.audience,
        amends=posted.amends,
    )


class _SingleRuleset:
    """One ruleset in the role of the live rulesets."""

    def __init__(self, evaluator: Evaluator) -> None:
        self._loaded = Loaded(evaluator.ruleset, evaluator.digest, evaluator)

    def names(self) -> list[str]:
        return [self._loaded.ruleset.name]

    def get(self, name: str) -> Loaded:
        if name != self._loaded.ruleset.name:
            raise RulesetNotFound(f"the report is for `{name}`, and this ruleset is `{self._loaded.ruleset.name}`")
        return self._loaded
