"""Reports as clients see them: accepted, found again, asked for, waited for."""

from __future__ import annotations

import json
import time
from typing import Any, cast

import redis
from redis.client import PubSub

from triage_rules.foundation import strict_json
from triage_rules.foundation.errors import (
    IdempotencyMismatch,
    LedgerUnavailable,
    QueueTooOld,
    ReportNotFound,
    StaleRuleset,
)
from triage_rules.foundation.settings import Settings
from triage_rules.language.model import Level
from triage_rules.records.board import Acknowledged
from triage_rules.records.events import SEALED_AS
from triage_rules.records.reports import (
    Accepted,
    Delivery,
    History,
    Idempotency,
    Lane,
    NewReport,
    ReportStatus,
    StoredReport,
)
from triage_rules.records.tasks import BROKER_KEY_PREFIX
from triage_rules.store.base import DAY_S, Store
from triage_rules.store.connection import is_refusal, refusals_translated
from triage_rules.store.deliveries import delivery, milliseconds
from triage_rules.store.keyspace import (
    DUE,
    LIVE,
    PENDING,
    PENDING_URGENT,
    REPORT,
    SETTLED,
    idempotency_key,
    of_client,
    subject_key,
)

HOUR_MS = 3_600_000
ENQUEUED_LATELY_MS = 1_000
"""A client that asks for its report again and again must not feed the queue with copies of it."""

_ACCEPTED = ["attempts", "ruleset", "digest", "findings", "lane", "received_ms", "subject", "reported_at",
             "reports_last_48h", "highest_level_24h"]  # fmt: skip
"""As begin.lua hands them out."""

ANSWER_TO_SUBSCRIBE = 1.0
"""Seconds for Redis to confirm a subscription; the report is read again after it, so that nothing falls in between."""


class Intake(Store):
    """See `triage_rules.store.Ledger` for what each method promises."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._accept = self._script("accept")
        self._again = self._script("again")
        # As long as anything is kept that it leads to, so that erasing finds it.
        self._index_s = max(settings.retention_days, 2 * settings.event_retention_days) * DAY_S

    def accept(self, report: NewReport, idempotency: Idempotency | None = None, task: str = "") -> Accepted:
        """Store, count, index and, with a task, enqueue, in one step."""
        self._ensure_seals()
        with refusals_translated():
            reply = self._accept(*self._acceptance(report, idempotency, task))
        return _accepted(reply)

    def accept_many(self, reports: list[NewReport]) -> list[Accepted | Exception]:
        """As `accept` for each; a refusal stands in its report's place. LedgerUnavailable also for the whole list."""
        if not reports:
            return []
        self._ensure_seals()
        with refusals_translated(), self._redis.pipeline(transaction=False) as pipe:
            for report in reports:
                keys, args = self._acceptance(report, None, "")
                self._accept(keys, args, client=pipe)
            replies = pipe.execute(raise_on_error=False)
        return [_accepted_or_refused(reply) for reply in replies]

    def _acceptance(
        self, report: NewReport, idempotency: Idempotency | None, task: str
    ) -> tuple[list[str], list[str | int]]:
        hashed = self._seals.named(of_client(report.client, report.subject or ""))
        keys = [
            REPORT + report.id,
            PENDING,
            DUE,
            LIVE,
            self._key_of(idempotency) if idempotency else idempotency_key(""),
            subject_key("subject", report.ruleset, hashed),
            subject_key("levels", report.ruleset, hashed),
            PENDING_URGENT,
            BROKER_KEY_PREFIX + report.lane.value,
        ]
        args: list[str | int] = [
            report.id,
            report.ruleset,
            report.digest,
            self._seals.seal(strict_json.dumps(report.answers), report.id, "findings"),
            report.lane.value,
            report.received_ms,
            self._sealed(report.subject, report.id, "subject"),
            self._sealed(report.reported_at, report.id, "reported_at"),
            self._settings.max_queue_age_seconds * 1000,
            self._index_s,
            self._seals.marked(idempotency.fingerprint) if idempotency else "",
            self._settings.idempotency_hours * 3600,
            report.client,
            task,
        ]
        return keys, args

    def _sealed(self, text: str | None, report_id: str, field: str) -> str:
        return self._seals.seal(text, report_id, field) if text else ""

    def _key_of(self, idempotency: Idempotency) -> str:
        return idempotency_key(self._seals.named(of_client(idempotency.client, idempotency.key)))

    def find_idempotent(self, idempotency: Idempotency) -> str | None:
        """The report an earlier request with this key made."""
        with refusals_translated():
            known = self._redis.hmget(self._key_of(idempotency), ["fingerprint", "id"])
        if known[0] is None:
            return None
        if known[0] != self._seals.marked(idempotency.fingerprint):
            raise IdempotencyMismatch
        return str(known[1])

    def again(self, report_id: str, now_ms: int) -> Lane | None:
        """The lane to enqueue the report into once more; None if it was begun, or enqueued a moment ago."""
        with refusals_translated():
            lane = self._again([REPORT + report_id, DUE], [report_id, now_ms, ENQUEUED_LATELY_MS])
        return None if lane is None else Lane(lane)

    def history(self, ruleset: str, subject: str, now_ms: int, client: str = "") -> History:
        """What the subject's history is now, nothing counted."""
        hashed = self._seals.named(of_client(client, subject))
        with refusals_translated(), self._redis.pipeline(transaction=False) as pipe:
            pipe.zcount(subject_key("subject", ruleset, hashed), now_ms - 48 * HOUR_MS, "+inf")
            pipe.hgetall(subject_key("levels", ruleset, hashed))
            reports, levels = pipe.execute()
        recent = [Level(int(level)) for level, at in levels.items() if int(at) >= now_ms - 24 * HOUR_MS]
        return History(reports_last_48h=int(reports), highest_level_24h=max(recent, default=None))

    def get(self, report_id: str) -> StoredReport:
        """Raises ReportNotFound, SealError."""
        names = ["status", "ruleset", "digest", "received_ms", "attempts", "result", "client"]
        names += ["acknowledged_by", "acknowledged_ms"]
        with refusals_translated():
            found = self._redis.hmget(REPORT + report_id, names)
        status, ruleset, digest, received_ms, attempts, result, client, by, at = found
        if status is None:
            raise ReportNotFound
        return StoredReport(
            id=report_id,
            status=ReportStatus(str(status)),
            ruleset=str(ruleset),
            digest=str(digest),
            received_ms=milliseconds(received_ms) or 0,
            attempts=int(attempts or 0),
            result=json.loads(self._seals.open(str(result), report_id, SEALED_AS)) if result is not None else None,
            client=str(client or ""),
            acknowledged=Acknowledged(str(by), int(at or 0)) if by else None,
        )

    def accepted(self, report_id: str) -> Delivery | None:
        """What was accepted, and the history its result was made in; None if that can't be read."""
        with refusals_translated():
            found = self._redis.hmget(REPORT + report_id, _ACCEPTED)
        if found[1] is None:
            raise ReportNotFound
        try:
            return delivery(report_id, [found[0] or 0, *found[1:]], self._seals)
        except (ValueError, TypeError, RecursionError):
            return None

    def wait(self, report_id: str, seconds: float) -> StoredReport:
        """As `get`, but up to `seconds` later, as soon as the report is settled. Holds one connection meanwhile."""
        deadline = time.monotonic() + seconds
        report = self.get(report_id)
        if report.status is not ReportStatus.QUEUED:
            return report
        with refusals_translated(), _listening(self._redis) as listening:
            listening.subscribe(SETTLED + report_id)
            listening.get_message(timeout=ANSWER_TO_SUBSCRIBE)
            report = self.get(report_id)
            while report.status is ReportStatus.QUEUED and (left := deadline - time.monotonic()) > 0:
                listening.get_message(timeout=min(left, 1.0))
                report = self.get(report_id)
        return report


def _accepted(reply: list[str]) -> Accepted:
    match reply:
        case ["created", str(report_id)]:
            return Accepted(report_id, created=True)
        case ["existing", str(report_id)]:
            return Accepted(report_id, created=False)
        case ["stale"]:
            raise StaleRuleset
        case ["old", str(over_ms)]:
            raise QueueTooOld(int(over_ms))
        case ["mismatch"]:
            raise IdempotencyMismatch
        case _:
            raise AssertionError(f"accept.lua answered {reply!r}")


def _accepted_or_refused(reply: Any) -> Accepted | Exception:
    if isinstance(reply, Exception):
        return LedgerUnavailable() if is_refusal(reply) else reply
    try:
        return _accepted(reply)
    except (StaleRuleset, QueueTooOld) as refusal:
        return refusal


def _listening(client: redis.Redis) -> PubSub:
    return cast(PubSub, client.pubsub(ignore_subscribe_messages=True))  # type: ignore[no-untyped-call]
