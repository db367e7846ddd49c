"""Reports on their way between the processes: accepted, delivered, decided, stored. Frozen."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any

from triage_rules.language.model import Answers, Audience, Level
from triage_rules.records.board import Acknowledged
from triage_rules.records.chains import NO_VIEW, UNCHAINED, ChainStanding, ChainView

AMENDABLE = "expected the id of an earlier report of yours, for the same ruleset and with the same subject"
"""What a report may amend, for the message about any other id."""

REPORT_ID = "[0-9a-f]{32}"
"""The form of a report's id."""

SUBJECT_MAX = 128
"""Letters in a subject, at most."""


class Lane(enum.StrEnum):
    """A Celery queue. Reports that look urgent at intake don't wait behind the others."""

    URGENT = "urgent"
    NORMAL = "normal"


class ReportStatus(enum.StrEnum):
    """The state of a report. `done` and `dead` are final and have a result."""

    QUEUED = "queued"
    DONE = "done"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class NewReport:
    """A validated report that is to be accepted.

    `findings`: the answers, typed, without those counted by the service. Times are UTC, milliseconds since the epoch.
    `client`: the owner of the report; '' where no API keys are required. `amends`: the id of the report that it amends.
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
    audience: Audience = Audience.PATIENT
    amends: str | None = None


@dataclass(frozen=True, slots=True)
class History:
    """The counts of a subject's earlier reports in the store (same ruleset).

    A chain of amendments counts as one report; the other reports of its own chain don't count for a report.
    """

    reports_last_48h: int = 0
    highest_level_24h: Level | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """An attempt at a report: the accepted report, its history at that time, and the attempt's number (from 1)."""

    report: NewReport
    history: History
    attempt: int
    unreadable: str | None = None
    """The error's class if the stored report can't be read: `report` then holds only names, and must not be decided."""
    chain: ChainView = NO_VIEW


@dataclass(frozen=True, slots=True)
class DecidedReport:
    """A report's id, its result, the history that was used, and the result's place in its chain."""

    id: str
    result: dict[str, Any]
    history: History | None = None
    standing: ChainStanding = UNCHAINED


@dataclass(frozen=True, slots=True)
class TakenBatch:
    """The reports begun in one round trip, and the Celery messages taken for them, one report each.

    `changed`: the ids of decided reports that were not settled, because their chains had changed.
    """

    deliveries: tuple[Delivery, ...]
    taken: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredReport:
    """A report as callers read it. `result`: the published JSON object, once status is done or dead.

    `amended_by`: the ids of the reports that amend it directly, in the order of their acceptance.
    """

    id: str
    status: ReportStatus
    ruleset: str
    digest: str
    received_ms: int
    attempts: int
    result: dict[str, Any] | None = None
    client: str = ""
    acknowledged: Acknowledged | None = None
    amends: str | None = None
    amended_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Idempotency:
    """The client's key and the SHA-256 fingerprint of the canonical body. Two clients' keys never meet."""

    key: str
    fingerprint: str
    client: str = ""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The report of a request. `created`: False if an earlier request with the same key created it."""

    id: str
    created: bool


def subject_fault(text: str) -> str | None:
    """Return why no report can have this subject: `too_short`, `too_long` or `invalid`; None if one can."""
    if not text:
        return "too_short"
    if len(text) > SUBJECT_MAX:
        return "too_long"
    return None if text.isprintable() and text == text.strip() else "invalid"
