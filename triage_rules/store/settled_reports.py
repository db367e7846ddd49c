"""The stored fields of a settled report that the board, dead letters and erasure share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from redis.client import Pipeline

from triage_rules.foundation.errors import ReportNotFound
from triage_rules.records import board
from triage_rules.records.board import Acknowledged, Noted
from triage_rules.records.reports import Lane, ReportStatus
from triage_rules.store.keyspace import BOARD_ACKNOWLEDGED, BOARD_OPEN, REPORT

_FIELDS = ("status", "noted", "letter", "lane", "redrives", "acknowledged_by", "acknowledged_ms")


@dataclass(frozen=True, slots=True)
class SettledReport:
    """A settled report's place on the board and among the dead letters.

    `noted`: None if it was settled before there was a board. `letter`: its entry's id, or ''.
    """

    status: ReportStatus
    noted: Noted | None
    letter: str
    lane: Lane
    redrives: int
    acknowledged: Acknowledged | None


def read_settled(pipe: Pipeline, report_id: str, refusal: type[Exception]) -> SettledReport:
    """Return a settled report. Raises ReportNotFound, and `refusal` if the report is still queued."""
    values: Any = pipe.hmget(REPORT + report_id, _FIELDS)
    fields: dict[str, str | None] = dict(zip(_FIELDS, values, strict=True))
    if fields["status"] is None:
        raise ReportNotFound
    status, by = ReportStatus(fields["status"]), fields["acknowledged_by"]
    if status is ReportStatus.QUEUED:
        raise refusal
    return SettledReport(
        status=status,
        noted=read_noted(report_id, fields["noted"]),
        letter=fields["letter"] or "",
        lane=Lane(fields["lane"] or Lane.NORMAL),
        redrives=int(fields["redrives"] or 0),
        acknowledged=Acknowledged(by, int(fields["acknowledged_ms"] or 0)) if by else None,
    )


def read_noted(report_id: str, stored: str | None) -> Noted | None:
    """Return a report's entry on the board, from its field `noted`; None if it has none."""
    name, _, received = (stored or "").rpartition(":")
    group = board.read_group(name)
    return None if group is None or not received.isdigit() else Noted(group, int(received), report_id)


def queue_removal(pipe: Pipeline, noted: Noted) -> None:
    """Queue the commands that take a report off the board."""
    for index in (BOARD_OPEN, BOARD_ACKNOWLEDGED):
        pipe.zrem(index + noted.group.text, noted.text)
