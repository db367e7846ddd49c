"""The board of settled reports: who takes care of each, read in a few round trips however many there are."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from typing import cast

from redis.client import Pipeline

from triage_rules.foundation.errors import DecryptionError, ReportNotSettled
from triage_rules.language.model import Level
from triage_rules.records import board
from triage_rules.records.audit import Act, Action, Actor
from triage_rules.records.board import (
    RANKS,
    Acknowledged,
    Bar,
    BoardPage,
    BoardStatus,
    BoardTally,
    Group,
    Noted,
    Row,
    Wanted,
)
from triage_rules.store.audit import AuditedStep, AuditLog
from triage_rules.store.clock import DAY_S
from triage_rules.store.connection import Connection, refusals_translated
from triage_rules.store.deliveries import decrypt_field
from triage_rules.store.keyspace import BOARD_ACKNOWLEDGED, BOARD_GROUPS, BOARD_OPEN, REPORT
from triage_rules.store.settled_reports import read_settled

_INDEXES = {
    BoardStatus.OPEN: (BOARD_OPEN,),
    BoardStatus.ACKNOWLEDGED: (BOARD_ACKNOWLEDGED,),
    BoardStatus.ALL: (BOARD_OPEN, BOARD_ACKNOWLEDGED),
}
_FIELDS = (
    "status",
    "findings",
    "subject",
    "acknowledged_by",
    "acknowledged_ms",
    "redrives",
    "amends",
    "amended_by",
    "lowers",
)


class Board:
    """Settled reports by urgency, and the people who take care of them."""

    def __init__(self, connection: Connection) -> None:
        self._redis = connection.client
        self._encryption = connection.encryption
        self._retention_ms = connection.settings.retention_days * DAY_S * 1000
        self._audit = AuditLog(connection)

    def page(self, wanted: Wanted, now_ms: int, limit: int, after: str | None = None) -> BoardPage:
        """Return up to `limit` settled reports that come after that place. Raises PositionNotFound."""
        with refusals_translated():
            noted = self._select(wanted, now_ms, limit + 1, after)
            rows = self._read_rows(noted[:limit])
        return BoardPage(rows, noted[limit - 1].place if len(noted) > limit else None)

    def tally(self, now_ms: int) -> BoardTally:
        """Count the open, overdue and acknowledged reports."""
        with refusals_translated(), self._redis.pipeline(transaction=False) as pipe:
            groups = self._read_groups()
            for group in groups:
                pipe.zcard(BOARD_OPEN + group.text)
                pipe.zlexcount(BOARD_OPEN + group.text, "-", _overdue_until(group, now_ms))
                pipe.zcard(BOARD_ACKNOWLEDGED + group.text)
            counted: list[int] = pipe.execute()
        return BoardTally(
            open=_by_level(groups, counted[0::3]),
            overdue=_by_level(groups, counted[1::3]),
            acknowledged=sum(counted[2::3]),
            rulesets=tuple(sorted({group.ruleset for group in groups})),
        )

    def count_received(self, starts: Sequence[int], end_ms: int) -> list[Bar]:
        """Count the settled reports by level that were received between each start and the next, or `end_ms`."""
        with refusals_translated(), self._redis.pipeline(transaction=False) as pipe:
            groups = [group for group in self._read_groups() for _ in _INDEXES[BoardStatus.ALL]]
            for start, until in zip(starts, [*starts[1:], end_ms], strict=True):
                for group, index in zip(groups, cycle(_INDEXES[BoardStatus.ALL]), strict=False):
                    pipe.zlexcount(index + group.text, f"[{start:014d}", f"({until:014d}")
            counted: list[int] = pipe.execute()
        size = len(groups)
        return [
            Bar(start, _by_level(groups, counted[number * size : (number + 1) * size]))
            for number, start in enumerate(starts)
        ]

    def acknowledge(self, report_id: str, now_ms: int, *, by: Actor) -> Acknowledged:
        """Note who takes care of a settled report, with its audit entry; an earlier acknowledgement stays.

        Raises ReportNotFound, ReportNotSettled.
        """

        def prepare(pipe: Pipeline) -> AuditedStep[Acknowledged]:
            report = read_settled(pipe, report_id, ReportNotSettled)
            if report.acknowledged is not None:
                return AuditedStep(report.acknowledged)
            noted = report.noted

            def commands(pipe: Pipeline) -> None:
                pipe.hset(REPORT + report_id, mapping={"acknowledged_by": by.name, "acknowledged_ms": now_ms})
                if noted is not None:
                    pipe.zrem(BOARD_OPEN + noted.group.text, noted.text)
                    pipe.zadd(BOARD_ACKNOWLEDGED + noted.group.text, {noted.text: 0})

            act = Act(by, Action.ACKNOWLEDGE, now_ms, {"report": report_id})
            return AuditedStep(Acknowledged(by.name, now_ms), act, commands)

        return self._audit.run_step(prepare, watch=[REPORT + report_id])

    def unacknowledge(self, report_id: str, now_ms: int, *, by: Actor) -> None:
        """Undo an acknowledgement, whoever made it, with its audit entry. Raises ReportNotFound, ReportNotSettled."""

        def prepare(pipe: Pipeline) -> AuditedStep[None]:
            report = read_settled(pipe, report_id, ReportNotSettled)
            if report.acknowledged is None:
                return AuditedStep(None)
            noted = report.noted

            def commands(pipe: Pipeline) -> None:
                pipe.hdel(REPORT + report_id, "acknowledged_by", "acknowledged_ms")
                if noted is not None:
                    pipe.zrem(BOARD_ACKNOWLEDGED + noted.group.text, noted.text)
                    pipe.zadd(BOARD_OPEN + noted.group.text, {noted.text: 0})

            return AuditedStep(None, Act(by, Action.ACKNOWLEDGE_UNDO, now_ms, {"report": report_id}), commands)

        self._audit.run_step(prepare, watch=[REPORT + report_id])

    def drop_expired(self, now_ms: int) -> None:
        """Drop the entries of reports that were received so long ago that they have expired, or soon will."""
        until = f"({max(0, now_ms - self._retention_ms):014d}"
        with refusals_translated(), self._redis.pipeline(transaction=False) as pipe:
            for group in self._read_groups():
                for index in _INDEXES[BoardStatus.ALL]:
                    pipe.zremrangebylex(index + group.text, "-", until)
            pipe.execute()

    def _read_groups(self) -> list[Group]:
        names = cast(set[str], self._redis.smembers(BOARD_GROUPS))
        return [group for group in map(board.read_group, sorted(names)) if group is not None]

    def _select(self, wanted: Wanted, now_ms: int, limit: int, after: str | None) -> list[Noted]:
        """Return the wanted entries in order: `limit`, or all if there are fewer."""
        newest_first = wanted.newest_first
        asked: list[Group] = []
        with self._redis.pipeline(transaction=False) as pipe:
            for group in self._read_groups():
                ends = _ends(group, wanted, now_ms, after)
                if group.level not in wanted.levels or wanted.ruleset not in (None, group.ruleset) or ends is None:
                    continue
                for index in _INDEXES[wanted.status]:
                    asked.append(group)
                    order = ends[::-1] if newest_first else ends
                    pipe.zrange(index + group.text, *order, bylex=True, desc=newest_first, offset=0, num=limit)
            replies: list[list[str]] = pipe.execute()
        entries = [board.read_noted(group, text) for group, texts in zip(asked, replies, strict=True) for text in texts]
        if newest_first:
            return sorted(entries, key=lambda entry: entry.text, reverse=True)[:limit]
        return sorted(entries, key=lambda entry: entry.place)[:limit]

    def _read_rows(self, entries: Sequence[Noted]) -> tuple[Row, ...]:
        """Return the entries' rows, except of reports that were erased or have expired just now."""
        with self._redis.pipeline(transaction=False) as pipe:
            for entry in entries:
                pipe.execute_command("HMGET", REPORT + entry.id, *_FIELDS, NEVER_DECODE=True)  # type: ignore[no-untyped-call]
            stored = [[_text(value) for value in values] for values in pipe.execute()]
        pairs = zip(entries, stored, strict=True)
        return tuple(self._row(entry, values) for entry, values in pairs if values[0] is not None)

    def _row(self, noted: Noted, values: list[str | None]) -> Row:
        _, answers, stored_subject, by, at, redrives, amends, amended_by, lowers = values
        try:
            subject = decrypt_field(self._encryption, answers or "", stored_subject, noted.id, "subject")
        except DecryptionError:
            subject = None
        return Row(
            noted=noted,
            subject=subject,
            acknowledged=Acknowledged(by, int(at or 0)) if by else None,
            redrives=int(redrives or 0),
            amends=amends or None,
            amended_by=tuple((amended_by or "").split()),
            lowers=_read_lowers(lowers),
        )


def _read_lowers(text: str | None) -> tuple[str | None, str | None] | None:
    if not text:
        return None
    level, _, disposition = text.partition(" ")
    return level or None, disposition or None


def _ends(group: Group, wanted: Wanted, now_ms: int, after: str | None) -> tuple[str, str] | None:
    """Return the ends of the wanted part of a group, as ZRANGE BYLEX takes them; None if the part is empty."""
    low, high = "-", "+"
    if wanted.overdue and wanted.status is BoardStatus.OPEN:
        high = _overdue_until(group, now_ms)
    if high == "-":
        return None
    if after is None:
        return low, high
    if wanted.newest_first:
        before = f"({board.received_before(after)}"
        return low, before if high == "+" else min(high, before)
    begins = board.still_to_come(group, after)
    if begins is None:
        return None
    return f"{'[' if begins[1] else '('}{begins[0]}", high


def _overdue_until(group: Group, now_ms: int) -> str:
    """Return the end of a group's overdue part, as ZRANGE BYLEX takes it."""
    return "-" if group.within_ms is None else f"({max(0, now_ms - group.within_ms):014d}"


def _by_level(groups: Sequence[Group], counted: Sequence[int]) -> dict[Level | None, int]:
    counts = dict.fromkeys(RANKS, 0)
    for group, count in zip(groups, counted, strict=True):
        counts[group.level] += count
    return counts


def _text(raw: bytes | None) -> str | None:
    """Return the text of a field. Bytes that are not UTF-8 must not break the page for all other reports."""
    return None if raw is None else raw.decode("utf-8", "replace")
