"""Consumer groups: their progress, their dead letters, and the outcome of requeueing these."""

from __future__ import annotations

import enum
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ConsumerGroup:
    """The progress of a consumer group. `lag`: results not delivered yet; None if the store doesn't know the number.

    `pending`: results that were delivered and not acknowledged. `dead`: the number of its dead letters.
    """

    name: str
    lag: int | None
    pending: int
    dead: int


@dataclass(frozen=True, slots=True)
class Groups:
    """Consumer groups by name, and the number of further groups."""

    shown: tuple[ConsumerGroup, ...]
    left_out: int


@dataclass(frozen=True, slots=True)
class GroupLetter:
    """A dead letter of a consumer group: an entry of the result stream, its event's id, its report.

    `id`: of the letter. `entry`: empty if the letter names none. `deliveries`, `at`: as written in the letter.
    """

    id: str
    entry: str
    event: str
    report: str
    reason: str
    deliveries: str
    at: str


class PutBack(enum.Enum):
    """The outcome of requeueing a group's dead letter."""

    DONE = enum.auto()
    TRIMMED = enum.auto()
    """The entry is no longer in the result stream; the letter stays."""
    GONE = enum.auto()
    """The letter no longer exists."""
