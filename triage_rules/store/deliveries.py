"""What begin.lua hands out as a delivery, also if what is stored of the report can't be read."""

from __future__ import annotations

import json
import re
from typing import Any

from triage_rules.foundation.encryption import Seals, is_sealed
from triage_rules.language.model import Level
from triage_rules.records.reports import Delivery, History, Lane, NewReport

UNKNOWN_RULESET = "unknown"
UNKNOWN_DIGEST = "sha256:" + "0" * 64
"""What a dead letter names if the stored report doesn't say: the form that consumers expect."""

_TIME = re.compile(r"\d{1,14}", re.ASCII)


def delivery(report_id: str, reply: list[Any], seals: Seals) -> Delivery:
    """What begin.lua handed out. Raises SealError, ValueError, TypeError or RecursionError if it can't be read."""
    attempt, ruleset, digest, answers, lane, received_ms, subject, reported_at, reports, highest = reply
    received = milliseconds(received_ms)
    if received is None or not ruleset or not digest:
        raise ValueError
    report = NewReport(
        id=report_id,
        ruleset=ruleset,
        digest=digest,
        answers=json.loads(seals.open(answers, report_id, "findings")),
        lane=Lane(lane),
        received_ms=received,
        subject=opened(seals, answers, subject, report_id, "subject"),
        reported_at=opened(seals, answers, reported_at, report_id, "reported_at"),
    )
    history = History(int(reports), Level(int(highest)) if highest else None)
    return Delivery(report=report, history=history, attempt=int(attempt))


def opened(seals: Seals, answers: str, text: str | None, report_id: str, field: str) -> str | None:
    """A field that is sealed if the findings beside it are; it may begin as it likes. Raises SealError."""
    if not text:
        return None
    return seals.open(text, report_id, field) if is_sealed(answers) else text


def unreadable(report_id: str, reply: list[Any], now_ms: int, error: Exception) -> Delivery:
    """As much as it takes to bury the report: what names it, and which attempt this was."""
    attempt, ruleset, digest, _, _, received_ms, *_ = reply
    received = milliseconds(received_ms)
    report = NewReport(
        id=report_id,
        ruleset=ruleset or UNKNOWN_RULESET,
        digest=digest or UNKNOWN_DIGEST,
        answers={},
        lane=Lane.NORMAL,
        received_ms=now_ms if received is None else received,
    )
    return Delivery(report=report, history=History(), attempt=int(attempt), unreadable=type(error).__name__)


def milliseconds(text: str | bytes | None) -> int | None:
    """A stored time; None if it can't be one that a calendar has."""
    return int(text) if isinstance(text, str) and _TIME.fullmatch(text) else None
