"""What is told of consumer groups: how far each is, what it gave up, what became of that."""

from __future__ import annotations

import enum
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ConsumerGroup:
    """How far a consumer group is. `lag`: results it wasn't given yet, None if the store doesn't know how many.

    `pending`: results that were handed out and not acknowledged. `dead`: those that it gave up.
    """

    name: str
    lag: int | None
    pending: int
    dead: int


@dataclass(frozen=True, slots=True)
class Groups:
    """Consumer groups by name, and how many more there are."""

    shown: tuple[ConsumerGroup, ...]
    left_out: int


@dataclass(frozen=True, slots=True)
class GroupLetter:
    """What a consumer group gave up: an entry of the result stream, its event's id, the report that it is about.

    `id`: of the letter. `entry`: empty if the letter names none. `deliveries`, `at`: as the letter says.
    """

    id: str
    entry: str
    event: str
    report: str
    reason: str
    deliveries: str
    at: str


class PutBack(enum.Enum):
    """What became of a group's dead letter that was to be put back."""

    DONE = enum.auto()
    TRIMMED = enum.auto()
    """Its entry is no longer in the result stream; the letter stays."""
    GONE = enum.auto()
    """There is no such letter any more."""
