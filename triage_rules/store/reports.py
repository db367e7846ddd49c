"""Reports as clients see them: accepted, fetched, waited for."""

from __future__ import annotations

import json
import time
from typing import Any, cast

import redis
from redis.client import PubSub

from triage_rules.foundation import strict_json
from triage_rules.foundation.errors import (
    IdempotencyMismatch,
    QueueTooOld,
    ReportError,
    ReportFault,
    ReportNotFound,
    StaleRuleset,
    StoreUnavailable,
)
from triage_rules.language.model import Level
from triage_rules.records.board import Acknowledged
from triage_rules.records.chains import ChainResult
from triage_rules.records.events import RESULT_FIELD
from triage_rules.records.reports import (
    AMENDABLE,
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
from triage_rules.store.clock import DAY_S
from triage_rules.store.connection import Connection, is_refusal, refusals_translated
from triage_rules.store.deliveries import read_chain_result, read_delivery, read_time
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

ENQUEUED_LATELY_MS = 1_000
"""A client that sends its report again and again must not feed the queue with copies of it."""

_ACCEPTED = ["attempts", "ruleset", "digest", "findings", "lane", "received_ms", "subject", "reported_at",
             "reports_last_48h", "highest_level_24h", "audience", "amends"]  # fmt: skip
"""The fields in the order of begin.lua's reply."""

ANSWER_TO_SUBSCRIBE = 1.0
"""Seconds for Redis to confirm a subscription. The report is read again after it: nothing is missed in between."""


class Reports:
    """The stored reports."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._redis = connection.client
        self._encryption = connection.encryption
        self._settings = settings = connection.settings
        self._accept = connection.script("accept", "chains")
        self._history = connection.script("history", "chains")
        self._claim_requeue = connection.script("claim_requeue")
        # The index lives as long as anything that it leads to: erasure must find it.
        self._index_s = max(settings.retention_days, 2 * settings.event_retention_days) * DAY_S

    def accept(self, report: NewReport, idempotency: Idempotency | None = None, task: str = "") -> Accepted:
        """Store the report, count it into its subject's history and index it as pending, in one step.

        task: the Celery message that brings the report to a worker. If the report is created, it is put into the
        queue of the report's lane in the same step; without a task the caller enqueues the report.

        Raises:
            StaleRuleset: `report.digest` is not live for its ruleset.
            QueueTooOld: Reports have been waiting too long.
            IdempotencyMismatch: The key was used for another body.
            ReportError: No report of the same client, ruleset and subject has the id that this one amends.
            DecryptionError: The store is encrypted under other keys.
        """
        self._connection.ensure_encryption()
        with refusals_translated():
            reply = self._accept(*self._accept_call(report, idempotency, task))
        return _read_accepted(reply)

    def accept_many(self, reports: list[NewReport]) -> list[Accepted | Exception]:
        """Accept each report, all in one round trip; return a refusal in its report's place."""
        if not reports:
            return []
        self._connection.ensure_encryption()
        with refusals_translated(), self._redis.pipeline(transaction=False) as pipe:
            for report in reports:
                keys, args = self._accept_call(report, None, "")
                self._accept(keys, args, client=pipe)
            replies = pipe.execute(raise_on_error=False)
        return [_read_accepted_or_refused(reply) for reply in replies]

    def _accept_call(
        self, report: NewReport, idempotency: Idempotency | None, task: str
    ) -> tuple[list[str], list[str | int]]:
        """Return keys and arguments of accept.lua."""
        hashed = self._encryption.hash_name(of_client(report.client, report.subject or ""))
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
            subject_key("amendments", report.ruleset, hashed),
            REPORT + (report.amends or ""),
        ]
        args: list[str | int] = [
            report.id,
            report.ruleset,
            report.digest,
            self._encryption.encrypt(strict_json.dumps(report.answers), report.id, "findings"),
            report.lane.value,
            report.received_ms,
            self._encrypted(report.subject, report.id, "subject"),
            self._encrypted(report.reported_at, report.id, "reported_at"),
            self._settings.max_queue_age_seconds * 1000,
            self._index_s,
            self._encryption.hash_fingerprint(idempotency.fingerprint) if idempotency else "",
            self._settings.idempotency_hours * 3600,
            report.client,
            task,
            report.audience.value,
            report.amends or "",
        ]
        return keys, args

    def _encrypted(self, text: str | None, report_id: str, field: str) -> str:
        return self._encryption.encrypt(text, report_id, field) if text else ""

    def _key_of(self, idempotency: Idempotency) -> str:
        return idempotency_key(self._encryption.hash_name(of_client(idempotency.client, idempotency.key)))

    def find_idempotent(self, idempotency: Idempotency) -> str | None:
        """Return the report that an earlier request with this key made.

        Raises IdempotencyMismatch if that request had another body.
        """
        with refusals_translated():
            known = self._redis.hmget(self._key_of(idempotency), ["fingerprint", "id"])
        if known[0] is None:
            return None
        if known[0] != self._encryption.hash_fingerprint(idempotency.fingerprint):
            raise IdempotencyMismatch
        return str(known[1])

    def claim_requeue(self, report_id: str, now_ms: int) -> Lane | None:
        """Return the lane to enqueue the report into again; None if it was begun, or enqueued a moment ago."""
        with refusals_translated():
            lane = self._claim_requeue([REPORT + report_id, DUE], [report_id, now_ms, ENQUEUED_LATELY_MS])
        return None if lane is None else Lane(lane)

    def get_history(
        self, ruleset: str, subject: str | None, now_ms: int, client: str = "", amends: str | None = None
    ) -> History:
        """Return the present history of a client's subject for a report that amends that one; count nothing.

        Raises ReportError if that one can't be amended.
        """
        if subject is None and amends is None:
            return History()
        hashed = self._encryption.hash_name(of_client(client, subject or ""))
        keys = [
            subject_key("subject", ruleset, hashed),
            subject_key("levels", ruleset, hashed),
            REPORT + (amends or ""),
        ]
        with refusals_translated():
            reply = self._history(keys, [now_ms, ruleset, client, "" if subject is None else "1", amends or ""])
        if reply is None:
            raise _not_amendable()
        reports, highest = reply
        return History(int(reports), Level(int(highest)) if highest != "" else None)

    def get(self, report_id: str) -> StoredReport:
        """Return a report. Raises ReportNotFound, DecryptionError."""
        names = ["status", "ruleset", "digest", "received_ms", "attempts", "result", "client"]
        names += ["acknowledged_by", "acknowledged_ms", "amends", "amended_by"]
        with refusals_translated():
            values = self._redis.hmget(REPORT + report_id, names)
        status, ruleset, digest, received_ms, attempts, result, client, by, at, amends, amended_by = values
        if status is None:
            raise ReportNotFound
        return StoredReport(
            id=report_id,
            status=ReportStatus(str(status)),
            ruleset=str(ruleset),
            digest=str(digest),
            received_ms=read_time(received_ms) or 0,
            attempts=int(attempts or 0),
            result=json.loads(self._encryption.decrypt(str(result), report_id, RESULT_FIELD))
            if result is not None
            else None,
            client=str(client or ""),
            acknowledged=Acknowledged(str(by), int(at or 0)) if by else None,
            amends=str(amends) if amends else None,
            amended_by=tuple(str(amended_by or "").split()),
        )

    def get_chain_result(self, report_id: str) -> ChainResult | None:
        """Return the outcome of a settled report, for one that would amend it; None if it has none yet."""
        with refusals_translated():
            result, received_ms = self._redis.hmget(REPORT + report_id, ["result", "received_ms"])
        return None if result is None else read_chain_result([report_id, result, received_ms], self._encryption)

    def get_delivery(self, report_id: str) -> Delivery | None:
        """Return the accepted report and the history its result was made in, for a replay; None if it can't be read.

        Raises ReportNotFound, DecryptionError.
        """
        with refusals_translated():
            values = self._redis.hmget(REPORT + report_id, _ACCEPTED)
        if values[1] is None:
            raise ReportNotFound
        try:
            return read_delivery(report_id, [values[0] or 0, *values[1:]], self._encryption)
        except (ValueError, TypeError, RecursionError):
            return None

    def wait(self, report_id: str, seconds: float) -> StoredReport:
        """Return a report once it is settled, or as it is after `seconds`. Holds one connection meanwhile.

        Raises ReportNotFound, DecryptionError.
        """
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


def _read_accepted(reply: list[str]) -> Accepted:
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
        case ["not amendable"]:
            raise _not_amendable()
        case _:
            raise AssertionError(f"accept.lua answered {reply!r}")


def _read_accepted_or_refused(reply: Any) -> Accepted | Exception:
    if isinstance(reply, Exception):
        return StoreUnavailable() if is_refusal(reply) else reply
    try:
        return _read_accepted(reply)
    except (StaleRuleset, QueueTooOld, ReportError) as refusal:
        return refusal


def _not_amendable() -> ReportError:
    """Return the refusal of an amendment; the same for another client's report as for none."""
    return ReportError((ReportFault("/amends", "not_amendable", AMENDABLE),))


def _listening(client: redis.Redis) -> PubSub:
    return cast(PubSub, client.pubsub(ignore_subscribe_messages=True))  # type: ignore[no-untyped-call]
