"""What people see of settled reports, read in a few round trips however many there are."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from typing import Any, cast

from triage_rules.foundation.errors import SealError
from triage_rules.language.model import Level
from triage_rules.records import board
from triage_rules.records.board import (
    RANKS,
    Acknowledged,
    Bar,
    BoardPage,
    BoardStatus,
    BoardTally,
    Group,
    Letter,
    Noted,
    Queue,
    Queues,
    Row,
    Wanted,
)
from triage_rules.store.base import DAY_S, Store
from triage_rules.store.connection import refusals_translated
from triage_rules.store.deliveries import opened
from triage_rules.store.keyspace import (
    BOARD_ACKNOWLEDGED,
    BOARD_GROUPS,
    BOARD_OPEN,
    DEAD,
    PENDING,
    PENDING_URGENT,
    REPORT,
    WORKERS,
)

_INDEXES = {
    BoardStatus.OPEN: (BOARD_OPEN,),
    BoardStatus.ACKNOWLEDGED: (BOARD_ACKNOWLEDGED,),
    BoardStatus.ALL: (BOARD_OPEN, BOARD_ACKNOWLEDGED),
}
_FIELDS = ("status", "findings", "subject", "acknowledged_by", "acknowledged_ms", "redrives")


class Board(Store):
    """See `triage_rules.store.Ledger` for what each method promises."""

    def board(self, wanted: Wanted, now_ms: int, limit: int, after: str | None = None) -> BoardPage:
        """Up to `limit` rows that come after that place. Raises NoPlace."""
        with refusals_translated():
            found = self._found(wanted, now_ms, limit + 1, after)
            rows = self._rows(found[:limit])
        return BoardPage(rows, found[limit - 1].place if len(found) > limit else None)

    def tally(self, now_ms: int) -> BoardTally:
        """How many there are."""
        with refusals_translated(), self._redis.pipeline(transaction=False) as pipe:
            groups = self._groups_noted()
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

    def mix(self, starts: Sequence[int], end_ms: int) -> list[Bar]:
        """How many were received between those times and the next, or `end_ms`, by level."""
        with refusals_translated(), self._redis.pipeline(transaction=False) as pipe:
            groups = [group for group in self._groups_noted() for _ in _INDEXES[BoardStatus.ALL]]
            for start, until in zip(starts, [*starts[1:], end_ms], strict=True):
                for group, index in zip(groups, cycle(_INDEXES[BoardStatus.ALL]), strict=False):
                    pipe.zlexcount(index + group.text, f"[{start:014d}", f"({until:014d}")
            counted: list[int] = pipe.execute()
        size = len(groups)
        return [
            Bar(start, _by_level(groups, counted[number * size : (number + 1) * size]))
            for number, start in enumerate(starts)
        ]

    def queues(self, now_ms: int) -> Queues:
        """What waits."""
        with refusals_translated(), self._redis.pipeline(transaction=False) as pipe:
            pipe.zcard(PENDING)
            pipe.zcard(PENDING_URGENT)
            pipe.zrange(PENDING, 0, 0, withscores=True)
            pipe.zrange(PENDING_URGENT, 0, 0, withscores=True)
            pending, urgent, *oldest = pipe.execute()
        ages = [max(0, now_ms - int(first[0][1])) if first else 0 for first in oldest]
        return Queues(all=Queue(pending, ages[0]), urgent=Queue(urgent, ages[1]))

    def heard(self) -> dict[str, int]:
        """When each worker that is remembered was last heard from, also those that are silent now."""
        with refusals_translated():
            found = cast(list[tuple[str, float]], self._redis.zrange(WORKERS, 0, -1, withscores=True))
        return {worker: int(at) for worker, at in found}

    def letters(self, limit: int, before: str | None = None) -> list[Letter]:
        """The newest dead letters before that entry, the newest first."""
        with refusals_translated():
            found: Any = self._redis.xrevrange(DEAD, max="+" if before is None else f"({before}", count=limit)
            with self._redis.pipeline(transaction=False) as pipe:
                for _, fields in found:
                    pipe.hget(REPORT + fields.get("report", ""), "redrives")
                redrives = pipe.execute()
        return [_letter(entry, fields, again) for (entry, fields), again in zip(found, redrives, strict=True)]

    def _groups_noted(self) -> list[Group]:
        found = cast(set[str], self._redis.smembers(BOARD_GROUPS))
        return [group for group in map(board.read_group, sorted(found)) if group is not None]

    def _found(self, wanted: Wanted, now_ms: int, limit: int, after: str | None) -> list[Noted]:
        """The wanted ones, in order: `limit`, or all if there are fewer."""
        newest_first = wanted.newest_first
        asked: list[Group] = []
        with self._redis.pipeline(transaction=False) as pipe:
            for group in self._groups_noted():
                ends = _ends(group, wanted, now_ms, after)
                if group.level not in wanted.levels or wanted.ruleset not in (None, group.ruleset) or ends is None:
                    continue
                for index in _INDEXES[wanted.status]:
                    asked.append(group)
                    order = ends[::-1] if newest_first else ends
                    pipe.zrange(index + group.text, *order, bylex=True, desc=newest_first, offset=0, num=limit)
            found: list[list[str]] = pipe.execute()
        noted = [board.read_noted(group, text) for group, texts in zip(asked, found, strict=True) for text in texts]
        if newest_first:
            return sorted(noted, key=lambda one: one.text, reverse=True)[:limit]
        return sorted(noted, key=lambda one: one.place)[:limit]

    def _rows(self, noted: Sequence[Noted]) -> tuple[Row, ...]:
        """Without those that were erased, or whose time was over, just now."""
        with self._redis.pipeline(transaction=False) as pipe:
            for one in noted:
                pipe.execute_command("HMGET", REPORT + one.id, *_FIELDS, NEVER_DECODE=True)  # type: ignore[no-untyped-call]
            stored = [[_text(value) for value in values] for values in pipe.execute()]
        return tuple(self._row(one, values) for one, values in zip(noted, stored, strict=True) if values[0] is not None)

    def _row(self, noted: Noted, values: list[str | None]) -> Row:
        _, answers, subject, by, at, redrives = values
        try:
            told = opened(self._seals, answers or "", subject, noted.id, "subject")
        except SealError:
            told = None
        return Row(
            noted=noted,
            subject=told,
            acknowledged=Acknowledged(by, int(at or 0)) if by else None,
            redrives=int(redrives or 0),
        )

    def _drop_old_notes(self, now_ms: int) -> None:
        """Of reports that were received so long ago that they have expired, or soon do."""
        until = f"({max(0, now_ms - self._settings.retention_days * DAY_S * 1000):014d}"
        with refusals_translated(), self._redis.pipeline(transaction=False) as pipe:
            for group in self._groups_noted():
                for index in _INDEXES[BoardStatus.ALL]:
                    pipe.zremrangebylex(index + group.text, "-", until)
            pipe.execute()


def _ends(group: Group, wanted: Wanted, now_ms: int, after: str | None) -> tuple[str, str] | None:
    """The ends of the group's part that is wanted, as ZRANGE BYLEX takes them; None if there is nothing."""
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
    """The end of those of a group with which somebody should have acted."""
    return "-" if group.within_ms is None else f"({max(0, now_ms - group.within_ms):014d}"


def _by_level(groups: Sequence[Group], counted: Sequence[int]) -> dict[Level | None, int]:
    told = dict.fromkeys(RANKS, 0)
    for group, count in zip(groups, counted, strict=True):
        told[group.level] += count
    return told


def _text(raw: bytes | None) -> str | None:
    """Bytes that are no text must not take the others off the board."""
    return None if raw is None else raw.decode("utf-8", "replace")


def _letter(entry: str, fields: dict[str, str], redrives: str | None) -> Letter:
    told = {name: fields.get(name, "") for name in ("report", "reason", "attempts", "ruleset", "buried_at")}
    return Letter(entry, **told, redrives=int(redrives or 0))
