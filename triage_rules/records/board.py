"""What people see of settled reports: which ones, in which order, and what became of each. Values in, values out.

Settled reports are noted in groups: those of one ruleset and level with which somebody must act within the same time.
In a group, those received first are due first, so one text for each, its time and id, sorts them by either. There are
about as many groups as rulesets have dispositions, and a page takes a few of each, wherever it begins.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass

from triage_rules.foundation.errors import NoPlace
from triage_rules.language.model import Level

RANKS: tuple[Level | None, ...] = (Level.URGENT, None, Level.MONITOR, Level.ROUTINE)
"""The order in which people look. None: a report that could not be decided."""

NO_LIMIT_MS = 10**14 - 1
"""Stands for the time until which somebody must act where there is none."""

MOST_REDRIVES = 9
"""How often a dead letter may go back into the queue."""

_GROUP = re.compile(r"([^:]+):([0-3]):([0-9]{0,14})", re.ASCII)
_PLACE = re.compile(r"([0-3])([0-9]{14})([0-9]{14})([0-9a-f-]{1,40})", re.ASCII)
_DIGITS = 14


class BoardStatus(enum.StrEnum):
    """Whether somebody said that they take care of a report."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which settled reports are to be seen. Open ones come by rank and by when somebody must act, others newest first.

    `levels`: None among them means those that could not be decided. For open ones alone: `overdue`, only those with
    which somebody should have acted by now; `newest`, the newest first.
    """

    status: BoardStatus = BoardStatus.OPEN
    levels: tuple[Level | None, ...] = RANKS
    ruleset: str | None = None
    overdue: bool = False
    newest: bool = False

    @property
    def newest_first(self) -> bool:
        """Whether they come in that order."""
        return self.newest or self.status is not BoardStatus.OPEN


@dataclass(frozen=True, slots=True)
class Group:
    """Reports of one ruleset and level with which somebody must act within the same time (None: no limit)."""

    ruleset: str
    level: Level | None
    within_ms: int | None

    @property
    def rank(self) -> int:
        """Its level's place among RANKS."""
        return RANKS.index(self.level)

    @property
    def text(self) -> str:
        """Its name in the store."""
        return f"{self.ruleset}:{self.rank}:{'' if self.within_ms is None else self.within_ms}"


@dataclass(frozen=True, slots=True)
class Noted:
    """What is noted of a settled report. Times: UTC, milliseconds since the epoch."""

    group: Group
    received_ms: int
    """Of a dead letter that was tried anew, when it was put back."""
    id: str

    @property
    def text(self) -> str:
        """What it is noted under in its group: sorted, those received first come first."""
        return f"{self.received_ms:014d}{self.id}"

    @property
    def due_ms(self) -> int | None:
        """Until when somebody must act; None: there is no limit."""
        return None if self.group.within_ms is None else self.received_ms + self.group.within_ms

    @property
    def place(self) -> str:
        """Its place among all: sorted, the urgent ones and of these the soonest due come first."""
        due = NO_LIMIT_MS if self.due_ms is None else self.due_ms
        return f"{self.group.rank}{due:014d}{self.text}"


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """Who takes care of a report, since when."""

    by: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Row:
    """A settled report on the board. `subject`: None if there is none, or no key opens it."""

    noted: Noted
    subject: str | None
    acknowledged: Acknowledged | None
    redrives: int


@dataclass(frozen=True, slots=True)
class BoardPage:
    """Some rows, and what the next page begins after (None: these were the last)."""

    rows: tuple[Row, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class BoardTally:
    """How many there are: open and overdue ones by level, all acknowledged ones; and which rulesets have any."""

    open: dict[Level | None, int]
    overdue: dict[Level | None, int]
    acknowledged: int
    rulesets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Bar:
    """How many reports of those that are settled were received from then on, until the next bar begins, by level."""

    from_ms: int
    counts: dict[Level | None, int]


@dataclass(frozen=True, slots=True)
class Queue:
    """Reports that wait, or are being evaluated, and the age of the oldest in ms."""

    waiting: int
    oldest_ms: int


@dataclass(frozen=True, slots=True)
class Queues:
    """All reports that wait, and the urgent ones of them, which go before the others."""

    all: Queue
    urgent: Queue


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter. `entry`: its place in the stream; `redrives`: how often its report was tried anew before."""

    entry: str
    report: str
    reason: str
    attempts: str
    ruleset: str
    buried_at: str
    redrives: int


def read_group(text: str) -> Group | None:
    """What `Group.text` made; None if it is no such text."""
    form = _GROUP.fullmatch(text)
    return None if form is None else Group(form[1], RANKS[int(form[2])], int(form[3]) if form[3] else None)


def read_noted(group: Group, text: str) -> Noted:
    """What `Noted.text` made in that group."""
    return Noted(group, int(text[:_DIGITS]), text[_DIGITS:])


def still_to_come(group: Group, place: str) -> tuple[str, bool] | None:
    """Where the members of a group begin that come after `place` among all: a text, and whether it comes too.

    None: there are none. Raises NoPlace if `place` is none.
    """
    form = _PLACE.fullmatch(place)
    if form is None:
        raise NoPlace
    rank, due, received, report_id = int(form[1]), int(form[2]), int(form[3]), form[4]
    if group.rank != rank:
        return ("", True) if group.rank > rank else None
    if group.within_ms is None:
        return (f"{received:014d}{report_id}", False) if due == NO_LIMIT_MS else ("", True)
    if due == NO_LIMIT_MS:
        return None
    same = due - group.within_ms  # received then, it is due at the same time
    if same == received:
        return f"{received:014d}{report_id}", False
    return (f"{max(0, same if same > received else same + 1):014d}", True)


def received_before(place: str) -> str:
    """What those are noted before, in each group, that come after `place`, newest first. Raises NoPlace."""
    form = _PLACE.fullmatch(place)
    if form is None:
        raise NoPlace
    return form[3] + form[4]
