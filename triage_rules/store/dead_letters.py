"""Dead letters: reports that could not be decided, for a person to look at, and requeued after the cause is fixed."""

from __future__ import annotations

from typing import Any

from redis.client import Pipeline

from triage_rules.foundation.errors import RequeueRefused
from triage_rules.records.audit import Act, Action, Actor
from triage_rules.records.board import MOST_REDRIVES, Letter
from triage_rules.records.reports import Lane, ReportStatus
from triage_rules.store.audit import AuditedStep, AuditLog
from triage_rules.store.connection import Connection, refusals_translated
from triage_rules.store.keyspace import DEAD, DUE, PENDING, PENDING_URGENT, REPORT
from triage_rules.store.settled_reports import queue_removal, read_settled

_OF_THE_END = ("result", "settled_ms", "noted", "letter", "lowers", "acknowledged_by", "acknowledged_ms")
"""Fields of a report that go when it is requeued."""


class DeadLetters:
    """The dead letters of reports; those of consumer groups are in `consumer_groups`."""

    def __init__(self, connection: Connection) -> None:
        self._redis = connection.client
        self._audit = AuditLog(connection)

    def get_fields(self, limit: int) -> list[dict[str, str]]:
        """Return the stored fields of the newest dead letters, newest first.

        These are report, reason, attempts, ruleset, digest, lane, buried_at.
        """
        with refusals_translated():
            entries: Any = self._redis.xrevrange(DEAD, count=limit)
        return [fields for _, fields in entries]

    def page(self, limit: int, before: str | None = None) -> list[Letter]:
        """Return the newest dead letters older than the entry `before`, newest first."""
        with refusals_translated():
            entries: Any = self._redis.xrevrange(DEAD, max="+" if before is None else f"({before}", count=limit)
            with self._redis.pipeline(transaction=False) as pipe:
                for _, fields in entries:
                    pipe.hget(REPORT + fields.get("report", ""), "redrives")
                redrives = pipe.execute()
        return [_letter(entry, fields, count) for (entry, fields), count in zip(entries, redrives, strict=True)]

    def requeue(self, report_id: str, now_ms: int, *, by: Actor) -> Lane:
        """Requeue a dead letter's report, with its audit entry; return the lane to enqueue it into.

        The report has all its attempts again, and ends in one more event. If the caller doesn't enqueue it, the sweep
        does. It waits from now on: the time of its first receipt must not make the queue look old.
        Raises ReportNotFound, RequeueRefused.
        """

        def prepare(pipe: Pipeline) -> AuditedStep[Lane]:
            report = read_settled(pipe, report_id, RequeueRefused)
            if report.status is not ReportStatus.DEAD or report.redrives >= MOST_REDRIVES:
                raise RequeueRefused
            letter = report.letter or _find_letter(pipe, report_id)

            def commands(pipe: Pipeline) -> None:
                key = REPORT + report_id
                pipe.hset(
                    key,
                    mapping={
                        "status": ReportStatus.QUEUED.value,
                        "attempts": 0,
                        "sweeps": 0,
                        "redrives": report.redrives + 1,
                        "redriven_ms": now_ms,
                    },
                )
                pipe.hdel(key, *_OF_THE_END)
                pipe.persist(key)
                pipe.zadd(PENDING, {report_id: now_ms})
                pipe.zadd(DUE, {report_id: 0})
                if report.lane is Lane.URGENT:
                    pipe.zadd(PENDING_URGENT, {report_id: now_ms})
                if letter:
                    pipe.xdel(DEAD, letter)
                if report.noted is not None:
                    queue_removal(pipe, report.noted)

            return AuditedStep(report.lane, Act(by, Action.REDRIVE, now_ms, {"report": report_id}), commands)

        return self._audit.run_step(prepare, watch=[REPORT + report_id])


def _letter(entry: str, fields: dict[str, str], redrives: str | None) -> Letter:
    values = {name: fields.get(name, "") for name in ("report", "reason", "attempts", "ruleset", "buried_at")}
    return Letter(entry, **values, redrives=int(redrives or 0))


def _find_letter(pipe: Pipeline, report_id: str) -> str:
    """Return the entry of a report that an older version buried, if it is among the newest; else ''."""
    newest: Any = pipe.xrevrange(DEAD, count=1000)
    return next((str(entry) for entry, fields in newest if fields.get("report") == report_id), "")
