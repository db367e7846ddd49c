"""Reports on their way between the processes: accepted, delivered, decided, stored. Frozen."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any

from triage_rules.language.model import Answers, Level
from triage_rules.records.board import Acknowledged

SUBJECT_MAX = 128
"""Letters in a subject, at most."""


class Lane(enum.StrEnum):
    """A Celery queue. Reports that look urgent at intake don't wait behind the others."""

    URGENT = "urgent"
    NORMAL = "normal"


class ReportStatus(enum.StrEnum):
    """Where a report is. `done` and `dead` are final and have a result."""

    QUEUED = "queued"
    DONE = "done"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class NewReport:
    """A validated report that is to be accepted.

    `findings`: the answered ones, typed, without service-counted ones. Times are UTC, milliseconds since the epoch.
    `client`: whose report it is; '' if nobody has to say who they are.
    """

    id: str
    ruleset: str
    digest: str
    answers: Answers
    lane: Lane
    received_ms: int
    subject: str | None = None
    reported_at: str | None = None
    client: str = ""


@dataclass(frozen=True, slots=True)
class History:
    """What the store knows of a subject from before this report (same ruleset)."""

    reports_last_48h: int = 0
    highest_level_24h: Level | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One attempt at a report: what was accepted, the history counted then, and which attempt this is (from 1)."""

    report: NewReport
    history: History
    attempt: int
    unreadable: str | None = None
    """The class of the error if what is stored can't be read: then `report` only names it, and must not be decided."""


@dataclass(frozen=True, slots=True)
class DecidedReport:
    """A report's id, its result, and the history that this was made in."""

    id: str
    result: dict[str, Any]
    history: History | None = None


@dataclass(frozen=True, slots=True)
class TakenBatch:
    """What a round trip for several reports gave: those that were begun, and Celery messages that ask for one each."""

    deliveries: tuple[Delivery, ...]
    taken: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredReport:
    """A report as it can be asked for. `result`: the published JSON object, once status is done or dead."""

    id: str
    status: ReportStatus
    ruleset: str
    digest: str
    received_ms: int
    attempts: int
    result: dict[str, Any] | None = None
    client: str = ""
    acknowledged: Acknowledged | None = None


@dataclass(frozen=True, slots=True)
class Idempotency:
    """The client's key and the SHA-256 fingerprint of the canonical body. Two clients' keys never meet."""

    key: str
    fingerprint: str
    client: str = ""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The report that now stands for the request; `created` False if an earlier request had made it."""

    id: str
    created: bool


def subject_fault(text: str) -> str | None:
    """Return why no report can have this subject: `too_short`, `too_long` or `invalid`; None if one can."""
    if not text:
        return "too_short"
    if len(text) > SUBJECT_MAX:
        return "too_long"
    return None if text.isprintable() and text == text.strip() else "invalid"
