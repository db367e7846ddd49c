"""What people do about settled reports: say that they take care of one, and have a dead letter tried anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from redis.client import Pipeline

from triage_rules.foundation.errors import NotRedrivable, NotSettled, ReportNotFound
from triage_rules.records import board
from triage_rules.records.audit import Act, Action, Actor
from triage_rules.records.board import MOST_REDRIVES, Acknowledged, Noted
from triage_rules.records.reports import Lane, ReportStatus
from triage_rules.store.audit import Audited, AuditedStep
from triage_rules.store.keyspace import (
    BOARD_ACKNOWLEDGED,
    BOARD_OPEN,
    DEAD,
    DUE,
    PENDING,
    PENDING_URGENT,
    REPORT,
)

_FIELDS = ("status", "noted", "letter", "lane", "redrives", "acknowledged_by", "acknowledged_ms")
_OF_THE_END = ("result", "settled_ms", "noted", "letter", "acknowledged_by", "acknowledged_ms")
"""Fields of a report that go when it is tried anew."""


@dataclass(frozen=True, slots=True)
class _Settled:
    """What is stored of a report that concerns us here. `noted` None: it was settled before there was a board."""

    status: ReportStatus
    noted: Noted | None
    letter: str
    lane: Lane
    redrives: int
    acknowledged: Acknowledged | None


class FollowingUp(Audited):
    """See `triage_rules.store.Ledger` for what each method promises."""

    def acknowledge(self, report_id: str, now_ms: int, *, by: Actor) -> Acknowledged:
        """Note who takes care of the report. One that somebody takes care of already stays theirs."""

        def prepare(pipe: Pipeline) -> AuditedStep[Acknowledged]:
            found = _settled(pipe, report_id)
            if found.acknowledged is not None:
                return AuditedStep(found.acknowledged)
            noted = found.noted

            def commands(pipe: Pipeline) -> None:
                pipe.hset(REPORT + report_id, mapping={"acknowledged_by": by.name, "acknowledged_ms": now_ms})
                if noted is not None:
                    pipe.zrem(BOARD_OPEN + noted.group.text, noted.text)
                    pipe.zadd(BOARD_ACKNOWLEDGED + noted.group.text, {noted.text: 0})

            act = Act(by, Action.ACKNOWLEDGE, now_ms, {"report": report_id})
            return AuditedStep(Acknowledged(by.name, now_ms), act, commands)

        return self._audited(prepare, watch=[REPORT + report_id])

    def unacknowledge(self, report_id: str, now_ms: int, *, by: Actor) -> None:
        """Nobody takes care of the report any more. Nothing happens if nobody did."""

        def prepare(pipe: Pipeline) -> AuditedStep[None]:
            found = _settled(pipe, report_id)
            if found.acknowledged is None:
                return AuditedStep(None)
            noted = found.noted

            def commands(pipe: Pipeline) -> None:
                pipe.hdel(REPORT + report_id, "acknowledged_by", "acknowledged_ms")
                if noted is not None:
                    pipe.zrem(BOARD_ACKNOWLEDGED + noted.group.text, noted.text)
                    pipe.zadd(BOARD_OPEN + noted.group.text, {noted.text: 0})

            return AuditedStep(None, Act(by, Action.ACKNOWLEDGE_UNDO, now_ms, {"report": report_id}), commands)

        self._audited(prepare, watch=[REPORT + report_id])

    def redrive(self, report_id: str, now_ms: int, *, by: Actor) -> Lane:
        """Put a dead letter's report back into the queue; the lane to enqueue it into, or else the sweep does soon.

        It waits from now on: the age of its first receipt must not make the queue look old.
        """

        def prepare(pipe: Pipeline) -> AuditedStep[Lane]:
            found = _settled(pipe, report_id, NotRedrivable)
            if found.status is not ReportStatus.DEAD or found.redrives >= MOST_REDRIVES:
                raise NotRedrivable
            letter = found.letter or _letter_of(pipe, report_id)

            def commands(pipe: Pipeline) -> None:
                key, again = REPORT + report_id, found.redrives + 1
                pipe.hset(
                    key,
                    mapping={
                        "status": ReportStatus.QUEUED.value,
                        "attempts": 0,
                        "sweeps": 0,
                        "redrives": again,
                        "redriven_ms": now_ms,
                    },
                )
                pipe.hdel(key, *_OF_THE_END)
                pipe.persist(key)
                pipe.zadd(PENDING, {report_id: now_ms})
                pipe.zadd(DUE, {report_id: 0})
                if found.lane is Lane.URGENT:
                    pipe.zadd(PENDING_URGENT, {report_id: now_ms})
                if letter:
                    pipe.xdel(DEAD, letter)
                if found.noted is not None:
                    forget(pipe, found.noted)

            return AuditedStep(found.lane, Act(by, Action.REDRIVE, now_ms, {"report": report_id}), commands)

        return self._audited(prepare, watch=[REPORT + report_id])


def forget(pipe: Pipeline, noted: Noted) -> None:
    """Queue what takes a report off the board."""
    for index in (BOARD_OPEN, BOARD_ACKNOWLEDGED):
        pipe.zrem(index + noted.group.text, noted.text)


def noted_as(report_id: str, stored: str | None) -> Noted | None:
    """What the report is noted as, by its field `noted`; None if it isn't."""
    name, _, received = (stored or "").rpartition(":")
    group = board.read_group(name)
    return None if group is None or not received.isdigit() else Noted(group, int(received), report_id)


def _settled(pipe: Pipeline, report_id: str, refusal: type[Exception] = NotSettled) -> _Settled:
    """Raises ReportNotFound, and `refusal` if the report is queued."""
    found: Any = pipe.hmget(REPORT + report_id, _FIELDS)
    stored: dict[str, str | None] = dict(zip(_FIELDS, found, strict=True))
    if stored["status"] is None:
        raise ReportNotFound
    status, by = ReportStatus(stored["status"]), stored["acknowledged_by"]
    if status is ReportStatus.QUEUED:
        raise refusal
    return _Settled(
        status=status,
        noted=noted_as(report_id, stored["noted"]),
        letter=stored["letter"] or "",
        lane=Lane(stored["lane"] or Lane.NORMAL),
        redrives=int(stored["redrives"] or 0),
        acknowledged=Acknowledged(by, int(stored["acknowledged_ms"] or 0)) if by else None,
    )


def _letter_of(pipe: Pipeline, report_id: str) -> str:
    """The entry of a report that was buried by an older version, if it is among the newest."""
    newest: Any = pipe.xrevrange(DEAD, count=1000)
    return next((str(entry) for entry, fields in newest if fields.get("report") == report_id), "")
