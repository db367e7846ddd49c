"""Reports as workers see them: begun, settled, buried, overdue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from triage_rules.foundation.errors import SealError
from triage_rules.foundation.settings import Settings
from triage_rules.language.model import Level
from triage_rules.records import events
from triage_rules.records.board import Group
from triage_rules.records.reports import DecidedReport, Delivery, History, ReportStatus
from triage_rules.store.base import Store
from triage_rules.store.connection import refusals_translated
from triage_rules.store.deliveries import delivery, unreadable
from triage_rules.store.keyspace import (
    BOARD_GROUPS,
    BOARD_OPEN,
    COUNTS,
    DEAD,
    DUE,
    PENDING,
    PENDING_URGENT,
    REPORT,
    RESULTS,
    SETTLED,
)


class Work(Store):
    """See `triage_rules.store.Ledger` for what each method promises."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._begin = self._script("begin")
        self._settle = self._script("settle")
        self._overdue = self._script("overdue")
        self._excuse = self._script("excuse")

    def begin(self, report_id: str, now_ms: int) -> Delivery | None:
        """Count one more attempt; None if there is nothing to do (settled or erased)."""
        self._ensure_seals()
        with refusals_translated():
            try:
                reply = self._begin([REPORT + report_id, DUE], [report_id, now_ms])
            except UnicodeDecodeError as error:  # bytes that are no text; the attempt is counted all the same
                attempts = self._redis.hget(REPORT + report_id, "attempts")
                return unreadable(report_id, [attempts, *[None] * 9], now_ms, error)
        return None if reply is None else self._delivery(report_id, reply, now_ms)

    def _delivery(self, report_id: str, reply: list[Any], now_ms: int) -> Delivery:
        try:
            return delivery(report_id, reply, self._seals)
        except (SealError, ValueError, TypeError, RecursionError) as error:
            return unreadable(report_id, reply, now_ms, error)

    def excuse(self, ids: Sequence[str]) -> None:
        """Take one attempt back of each: it was not at fault."""
        with refusals_translated(), self._redis.pipeline(transaction=False) as pipe:
            for report_id in ids:
                self._excuse([REPORT + report_id], client=pipe)
            pipe.execute()

    def settle(self, report_id: str, result: dict[str, Any], now_ms: int, history: History | None = None) -> bool:
        """Store the result, publish its event, drop it from pending, in one step. False if settled already."""
        with refusals_translated():
            return bool(self._settle(*self._settlement(DecidedReport(report_id, result, history), now_ms)))

    def bury(self, report_id: str, result: dict[str, Any], reason: str, now_ms: int) -> bool:
        """As `settle`, but as a dead letter with its reason."""
        with refusals_translated():
            return bool(
                self._settle(*self._settlement(DecidedReport(report_id, result), now_ms, ReportStatus.DEAD, reason))
            )

    def _settlement(
        self, decided: DecidedReport, now_ms: int, status: ReportStatus = ReportStatus.DONE, reason: str = ""
    ) -> tuple[list[str], list[str | int]]:
        """Keys and arguments of settle.lua."""
        report_id, result, history = decided.id, decided.result, decided.history
        event = events.event_of(report_id, result, source=self._settings.source, now_ms=now_ms)
        fields = events.encode(event, self._seals)
        level = result["level"]
        known, within = None if level is None else Level.of(level), result["act_within_minutes"]
        keys = [REPORT + report_id, PENDING, DUE, RESULTS, DEAD, SETTLED + report_id, COUNTS, PENDING_URGENT]
        group = Group(event.ruleset, known, None if within is None else within * 60_000)
        keys += [BOARD_OPEN + group.text, BOARD_GROUPS]
        counted = [fields["level"] or status.value, *(f"flag:{flag}" for flag in result["flags"])]
        args: list[str | int] = [
            report_id,
            now_ms,
            status.value,
            _number(known),
            self._retention_s,
            reason,
            event.time,
            " ".join(counted),
            "-" if history is None else _number(history.highest_level_24h),
            self._settings.history_hours * 3600,
            group.text,
        ]
        for name, value in fields.items():
            args += [name, value]
        return keys, args

    def overdue(self, now_ms: int, older_than_ms: int, limit: int) -> list[tuple[str, str]]:
        """(id, lane) of pending reports not enqueued for that long; each is left alone for longer the next time."""
        with refusals_translated():
            found = self._overdue([DUE, PENDING, PENDING_URGENT], [now_ms, older_than_ms, limit, REPORT])
        return list(zip(found[0::2], found[1::2], strict=True))


def _number(level: Level | None) -> str:
    return "" if level is None else str(int(level))
