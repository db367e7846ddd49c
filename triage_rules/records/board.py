"""The board of settled reports: its filters, its order, its rows. Values in, values out.

Settled reports are noted in groups: the reports of one ruleset, level and basis with the same time to act. Within a
level, what the answers say comes before what only missing answers raised. In a group, the reports received first are
due first, so one text for each, its time and id, sorts them by either. There are about as many groups as rulesets have
dispositions, and a page reads a few reports of each, wherever it begins.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass

from triage_rules.foundation.errors import PositionNotFound
from triage_rules.language.model import Basis, Level

RANKS: tuple[Level | None, ...] = (Level.URGENT, None, Level.MONITOR, Level.ROUTINE)
"""The order of levels on the board. None: a report that could not be decided."""

NO_LIMIT_MS = 10**14 - 1
"""The due time of reports without a time limit."""

MOST_REDRIVES = 9
"""The number of times that a dead letter may be requeued."""

BASES: tuple[Basis, ...] = (Basis.RULES, Basis.SAFETY_NET, Basis.DEFAULT)
"""The order of bases within a level. Undecided reports count as the first."""

_GROUP = re.compile(r"([^:]+):([0-3])([12]?):([0-9]{0,14})", re.ASCII)
_PLACE = re.compile(r"([0-3][0-2])([0-9]{14})([0-9]{14})([0-9a-f-]{1,40})", re.ASCII)
_DIGITS = 14


class BoardStatus(enum.StrEnum):
    """The acknowledgement of reports, as a filter."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A filter of settled reports. Open reports are sorted by rank and due time, others newest first.

    `levels`: None means reports that could not be decided. Only for open reports: `overdue`, only those past their due
    time; `newest`, the newest first.
    """

    status: BoardStatus = BoardStatus.OPEN
    levels: tuple[Level | None, ...] = RANKS
    ruleset: str | None = None
    overdue: bool = False
    newest: bool = False

    @property
    def newest_first(self) -> bool:
        """Return whether the newest reports come first."""
        return self.newest or self.status is not BoardStatus.OPEN


@dataclass(frozen=True, slots=True)
class Group:
    """The reports of one ruleset, level and basis with the same time to act (None: no limit)."""

    ruleset: str
    level: Level | None
    within_ms: int | None
    basis: Basis = Basis.RULES

    @property
    def rank(self) -> str:
        """Return the place among groups: the level's index in RANKS, then the basis's in BASES."""
        return f"{RANKS.index(self.level)}{BASES.index(self.basis)}"

    @property
    def text(self) -> str:
        """Return the group's name in the store; of results by rules, as it was before there were bases."""
        basis = BASES.index(self.basis) or ""
        return f"{self.ruleset}:{RANKS.index(self.level)}{basis}:{'' if self.within_ms is None else self.within_ms}"


@dataclass(frozen=True, slots=True)
class Noted:
    """The note of a settled report on the board. Times: UTC, milliseconds since the epoch."""

    group: Group
    received_ms: int
    """The time of receipt; of a requeued dead letter, the time of requeueing."""
    id: str

    @property
    def text(self) -> str:
        """Return the member's text in its group: sorted, the reports received first come first."""
        return f"{self.received_ms:014d}{self.id}"

    @property
    def due_ms(self) -> int | None:
        """Return the due time; None if there is no limit."""
        return None if self.group.within_ms is None else self.received_ms + self.group.within_ms

    @property
    def place(self) -> str:
        """Return the position on the board: sorted by level, then by basis, and of these the soonest due first."""
        due = NO_LIMIT_MS if self.due_ms is None else self.due_ms
        return f"{self.group.rank}{due:014d}{self.text}"


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The acknowledgement of a report: by whom, and when."""

    by: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Row:
    """A settled report on the board. `subject`: None if there is none, or no key decrypts it.

    `amends`, `amended_by`: ids of other reports of its chain. `lowers`: the level and the disposition that it
    lowers, as its result says.
    """

    noted: Noted
    subject: str | None
    acknowledged: Acknowledged | None
    redrives: int
    amends: str | None = None
    amended_by: tuple[str, ...] = ()
    lowers: tuple[str | None, str | None] | None = None


@dataclass(frozen=True, slots=True)
class BoardPage:
    """Some rows, and the position after which the next page begins (None: these are the last rows)."""

    rows: tuple[Row, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class BoardTally:
    """The number of open and overdue reports by level, of acknowledged reports, and the rulesets that have any."""

    open: dict[Level | None, int]
    overdue: dict[Level | None, int]
    acknowledged: int
    rulesets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Bar:
    """The number of settled reports by level that were received from this time until the next bar."""

    from_ms: int
    counts: dict[Level | None, int]


@dataclass(frozen=True, slots=True)
class Queue:
    """The number of reports that wait or are being evaluated, and the age of the oldest in ms."""

    waiting: int
    oldest_ms: int


@dataclass(frozen=True, slots=True)
class Queues:
    """The waiting reports, and the urgent ones of them, which are evaluated first."""

    all: Queue
    urgent: Queue


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter. `entry`: its id in the stream; `redrives`: how often its report was requeued before."""

    entry: str
    report: str
    reason: str
    attempts: str
    ruleset: str
    buried_at: str
    redrives: int


def read_group(text: str) -> Group | None:
    """Parse a `Group.text`; return None for any other text."""
    form = _GROUP.fullmatch(text)
    if form is None:
        return None
    return Group(form[1], RANKS[int(form[2])], int(form[4]) if form[4] else None, BASES[int(form[3] or 0)])


def read_noted(group: Group, text: str) -> Noted:
    """Parse a `Noted.text` of a group."""
    return Noted(group, int(text[:_DIGITS]), text[_DIGITS:])


def still_to_come(group: Group, place: str) -> tuple[str, bool] | None:
    """Return the first member's text of a group that comes after `place`, and whether that text is included.

    None: the whole group comes before. Raises PositionNotFound if `place` is malformed.
    """
    form = _PLACE.fullmatch(place)
    if form is None:
        raise PositionNotFound
    rank, due, received, report_id = form[1], int(form[2]), int(form[3]), form[4]
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
    """Return the text before which a group notes the reports older than `place`. Raises PositionNotFound."""
    form = _PLACE.fullmatch(place)
    if form is None:
        raise PositionNotFound
    return form[3] + form[4]
