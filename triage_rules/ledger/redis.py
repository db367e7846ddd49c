"""The ledger's contract, kept in Redis: the one door for reports, results and rulesets.

Key space (each script opens with the part it uses):

    triage:report:{id}                    hash     a report, its attempts, its result; expires only once settled
    triage:pending                        zset     accepted and not settled: id by received_ms
    triage:due                            zset     the same ids by the time they were last enqueued
    triage:results                        stream   one event a report
    triage:dead                           stream   one entry a dead letter
    triage:settled:{id}                   channel  told when a report is settled
    triage:idempotency:{sha256}           hash     what a client's key was used for; 24 h
    triage:subject:{ruleset}:{sha256}     zset     a subject's report ids by received_ms
    triage:levels:{ruleset}:{sha256}      hash     a subject's levels and when each was last published
    triage:live                           hash     ruleset name -> JSON {digest, version, activated_ms, previous}
    triage:bundle:{digest}                string   a ruleset's bundle
    triage:deployments:{name}             list     what rollback returns to, the live one first
    triage:workers                        zset     worker by its last heartbeat
    triage:counts                         hash     settled since the beginning, by level, `dead` and flag:{flag}
    triage:writable                       string   written to see whether Redis takes it; 60 s
    triage:seen:{group}, triage:dead:{group}       of the consumers, see results.py
    triage:celery:*                       Celery's own

The scripts read keys that they find in other keys, so this is for one server and its replicas, not for Redis Cluster.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import time
from importlib import resources
from typing import Any, Self, cast

import redis
from redis.client import PubSub
from redis.commands.core import Script

from triage_rules import events, strict_json
from triage_rules.errors import (
    IdempotencyMismatch,
    LedgerUnavailable,
    QueueTooOld,
    ReportNotFound,
    RulesetNotFound,
    StaleRuleset,
)
from triage_rules.ledger import Backlog, LiveRuleset
from triage_rules.ledger.connecting import connect, is_refusal, refusals_translated
from triage_rules.ledger.handing_out import delivery, milliseconds, unreadable
from triage_rules.ledger.results import RESULTS
from triage_rules.messages import Accepted, Delivery, History, Idempotency, NewReport, Status, StoredReport
from triage_rules.ruleset import Level
from triage_rules.settings import Settings

HOUR_MS = 3_600_000
IDEMPOTENCY_SECONDS = 24 * 3600
DEPLOYMENTS_KEPT = 50
WORKERS_FORGOTTEN_MS = 24 * HOUR_MS

REPORT = "triage:report:"
PENDING = "triage:pending"
DUE = "triage:due"
DEAD = "triage:dead"
SETTLED = "triage:settled:"
LIVE = "triage:live"
BUNDLE = "triage:bundle:"
DEPLOYMENTS = "triage:deployments:"
WORKERS = "triage:workers"
COUNTS = "triage:counts"
WRITABLE = "triage:writable"
WRITABLE_SECONDS = 60


class RedisLedger:
    """See `triage_rules.ledger.Ledger` for what each method promises. Safe for threads and over a fork."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._redis = connect(settings.redis_url)
        self._retention_s = settings.retention_days * 24 * 3600
        self._accept = self._script("accept")
        self._begin = self._script("begin")
        self._settle = self._script("settle")
        self._overdue = self._script("overdue")
        self._deploy = self._script("deploy")
        self._rollback = self._script("rollback")

    def _script(self, name: str) -> Script:
        text = resources.files("triage_rules.ledger").joinpath(f"{name}.lua").read_text(encoding="utf-8")
        return self._redis.register_script(text)

    def close(self) -> None:
        """Give the connections back."""
        self._redis.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- reports in ---------------------------------------------------------------------------

    def accept(self, report: NewReport, idempotency: Idempotency | None = None) -> Accepted:
        """Store, count and index, in one step."""
        with refusals_translated():
            reply = self._accept(*self._acceptance(report, idempotency))
        return _accepted(reply)

    def accept_many(self, reports: list[NewReport]) -> list[Accepted | Exception]:
        """As `accept` for each; a refusal stands in its report's place. LedgerUnavailable also for the whole list."""
        if not reports:
            return []
        with refusals_translated(), self._redis.pipeline(transaction=False) as pipe:
            for report in reports:
                keys, args = self._acceptance(report, None)
                self._accept(keys, args, client=pipe)
            replies = pipe.execute(raise_on_error=False)
        return [_accepted_or_refused(reply) for reply in replies]

    def _acceptance(self, report: NewReport, idempotency: Idempotency | None) -> tuple[list[str], list[str | int]]:
        hashed = _sha256(report.subject or "")
        keys = [
            REPORT + report.id,
            PENDING,
            DUE,
            LIVE,
            _idempotency_key(idempotency.key if idempotency else ""),
            _subject_key("subject", report.ruleset, hashed),
            _subject_key("levels", report.ruleset, hashed),
        ]
        args: list[str | int] = [
            report.id,
            report.ruleset,
            report.digest,
            strict_json.dumps(report.findings),
            report.lane.value,
            report.received_ms,
            report.subject or "",
            report.reported_at or "",
            self._settings.max_queue_age_seconds * 1000,
            self._retention_s,
            idempotency.fingerprint if idempotency else "",
            IDEMPOTENCY_SECONDS,
        ]
        return keys, args

    def find_idempotent(self, idempotency: Idempotency) -> str | None:
        """The report an earlier request with this key made."""
        with refusals_translated():
            known = self._redis.hmget(_idempotency_key(idempotency.key), ["fingerprint", "id"])
        if known[0] is None:
            return None
        if known[0] != idempotency.fingerprint:
            raise IdempotencyMismatch
        return str(known[1])

    def history(self, ruleset: str, subject: str, now_ms: int) -> History:
        """What the subject's history is now, nothing counted."""
        hashed = _sha256(subject)
        with refusals_translated(), self._redis.pipeline(transaction=False) as pipe:
            pipe.zcount(_subject_key("subject", ruleset, hashed), now_ms - 48 * HOUR_MS, "+inf")
            pipe.hgetall(_subject_key("levels", ruleset, hashed))
            reports, levels = pipe.execute()
        recent = [Level(int(level)) for level, at in levels.items() if int(at) >= now_ms - 24 * HOUR_MS]
        return History(reports_last_48h=int(reports), highest_level_24h=max(recent, default=None))

    # --- reports asked for --------------------------------------------------------------------

    def get(self, report_id: str) -> StoredReport:
        """Raises ReportNotFound."""
        names = ["status", "ruleset", "digest", "received_ms", "attempts", "result"]
        with refusals_translated():
            status, ruleset, digest, received_ms, attempts, result = self._redis.hmget(REPORT + report_id, names)
        if status is None:
            raise ReportNotFound
        return StoredReport(
            id=report_id,
            status=Status(str(status)),
            ruleset=str(ruleset),
            digest=str(digest),
            received_ms=milliseconds(received_ms) or 0,
            attempts=int(attempts or 0),
            result=json.loads(result) if result is not None else None,
        )

    def wait(self, report_id: str, seconds: float) -> StoredReport:
        """As `get`, but up to `seconds` later, as soon as the report is settled. Holds one connection meanwhile."""
        deadline = time.monotonic() + seconds
        report = self.get(report_id)
        if report.status is not Status.QUEUED:
            return report
        with refusals_translated(), _listening(self._redis) as listening:
            listening.subscribe(SETTLED + report_id)
            listening.get_message(timeout=ANSWER_TO_SUBSCRIBE)
            report = self.get(report_id)
            while report.status is Status.QUEUED and (left := deadline - time.monotonic()) > 0:
                listening.get_message(timeout=min(left, 1.0))
                report = self.get(report_id)
        return report

    # --- reports worked on --------------------------------------------------------------------

    def begin(self, report_id: str, now_ms: int) -> Delivery | None:
        """Count one more attempt; None if there is nothing to do (settled or erased)."""
        with refusals_translated():
            try:
                reply = self._begin([REPORT + report_id, DUE], [report_id, now_ms])
            except UnicodeDecodeError as error:  # bytes that are no text; the attempt is counted all the same
                attempts = self._redis.hget(REPORT + report_id, "attempts")
                return unreadable(report_id, [attempts, *[None] * 9], now_ms, error)
        if reply is None:
            return None
        try:
            return delivery(report_id, reply)
        except (ValueError, TypeError, RecursionError) as error:
            return unreadable(report_id, reply, now_ms, error)

    def settle(self, report_id: str, result: dict[str, Any], now_ms: int, history: History | None = None) -> bool:
        """Store the result, publish its event, drop it from pending, in one step. False if settled already."""
        return self._finish(report_id, result, now_ms, Status.DONE, "", history)

    def bury(self, report_id: str, result: dict[str, Any], reason: str, now_ms: int) -> bool:
        """As `settle`, but as a dead letter with its reason."""
        return self._finish(report_id, result, now_ms, Status.DEAD, reason, None)

    def _finish(  # noqa: PLR0913, PLR0917 - what a report ends in
        self,
        report_id: str,
        result: dict[str, Any],
        now_ms: int,
        status: Status,
        reason: str,
        history: History | None,
    ) -> bool:
        event = events.encode(events.event_of(report_id, result, source=self._settings.source, now_ms=now_ms))
        level = result["level"]
        keys = [REPORT + report_id, PENDING, DUE, RESULTS, DEAD, SETTLED + report_id, COUNTS]
        counted = [event["level"] or status.value, *(f"flag:{flag}" for flag in result["flags"])]
        args: list[str | int] = [
            report_id,
            now_ms,
            status.value,
            event["data"],
            _number(None if level is None else Level.of(level)),
            self._retention_s,
            reason,
            event["ce_time"],
            " ".join(counted),
            "-" if history is None else _number(history.highest_level_24h),
        ]
        for name, value in event.items():
            args += [name, value]
        with refusals_translated():
            return bool(self._settle(keys, args))

    def overdue(self, now_ms: int, older_than_ms: int, limit: int) -> list[tuple[str, str]]:
        """(id, lane) of pending reports not enqueued for that long; each is left alone for longer the next time."""
        with refusals_translated():
            found = self._overdue([DUE, PENDING], [now_ms, older_than_ms, limit, REPORT])
        return list(zip(found[0::2], found[1::2], strict=True))

    def backlog(self, now_ms: int) -> Backlog:
        """Counts, and the age of the oldest pending report."""
        with refusals_translated(), self._redis.pipeline(transaction=False) as pipe:
            pipe.zcard(PENDING)
            pipe.zrange(PENDING, 0, 0, withscores=True)
            pipe.xlen(DEAD)
            pipe.xlen(RESULTS)
            pending, oldest, dead, results = pipe.execute()
        age = max(0, now_ms - int(oldest[0][1])) if oldest else 0
        return Backlog(pending=pending, oldest_ms=age, dead=dead, results=results)

    def counts(self) -> dict[str, int]:
        """Reports settled since the beginning: by level, `dead`, and for each flag `flag:` and its name."""
        with refusals_translated():
            return {str(word): int(number) for word, number in self._redis.hgetall(COUNTS).items()}

    def trim(self, now_ms: int) -> int:
        """Drop events and dead letters, also those of groups, that are older than the retention time; how many.

        A consumer group that hasn't finished with an event keeps it, and what came after, for up to twice that time.
        """
        kept_from, kept_at_most = now_ms - self._retention_s * 1000, now_ms - 2 * self._retention_s * 1000
        with refusals_translated():
            groups = self._groups()
            needed = min([kept_from, *(_oldest_needed_ms(self._redis, group) for group in groups)])
            dropped = int(self._redis.xtrim(RESULTS, minid=max(needed, kept_at_most), approximate=False))
            for letters in [DEAD, *(f"{DEAD}:{group['name']}" for group in groups)]:
                dropped += int(self._redis.xtrim(letters, minid=kept_from, approximate=False))
            return dropped

    def _groups(self) -> list[dict[str, Any]]:
        return list(self._redis.xinfo_groups(RESULTS)) if self._redis.exists(RESULTS) else []

    # --- workers ------------------------------------------------------------------------------

    def heartbeat(self, worker: str, now_ms: int) -> None:
        """A worker was heard from. Forgets those that were silent for a day."""
        with refusals_translated(), self._redis.pipeline(transaction=False) as pipe:
            pipe.zadd(WORKERS, {worker: now_ms})
            pipe.zremrangebyscore(WORKERS, "-inf", now_ms - WORKERS_FORGOTTEN_MS)
            pipe.execute()

    def workers(self, now_ms: int, within_ms: int) -> list[str]:
        """Workers heard from within that time, by name."""
        with refusals_translated():
            return sorted(map(str, self._redis.zrange(WORKERS, now_ms - within_ms, math.inf, byscore=True)))

    # --- rulesets -----------------------------------------------------------------------------

    def deploy(self, name: str, version: str, digest: str, bundle: bytes, now_ms: int) -> LiveRuleset:
        """Store the bundle and make it live, in one step. Nothing changes if it is live already."""
        keys = [LIVE, BUNDLE + digest, DEPLOYMENTS + name]
        text = base64.b64encode(bundle).decode("ascii")
        with refusals_translated():
            reply = self._deploy(keys, [name, digest, version, text, now_ms, DEPLOYMENTS_KEPT])
        return _live(name, reply)

    def rollback(self, name: str, now_ms: int) -> LiveRuleset:
        """Make the one before live again, in one step. Raises RulesetNotFound if there is none."""
        now_live = self.live().get(name)
        if now_live is None:
            raise RulesetNotFound(f"no ruleset `{name}` is live")
        with refusals_translated():
            reply = self._rollback([LIVE, DEPLOYMENTS + name], [name, now_live.digest, now_ms])
        if reply is None:
            raise RulesetNotFound(f"`{name}` has no earlier deployment to return to")
        return _live(name, reply)

    def live(self) -> dict[str, LiveRuleset]:
        """What decides now, by name."""
        with refusals_translated():
            found = cast(dict[str, str], self._redis.hgetall(LIVE))
        return {name: _live(name, text) for name, text in sorted(found.items())}

    def bundle(self, digest: str) -> bytes:
        """Raises RulesetNotFound."""
        with refusals_translated():
            text = self._redis.get(BUNDLE + digest)
        if text is None:
            raise RulesetNotFound(f"no bundle {digest} is stored")
        return base64.b64decode(text)

    def ping(self) -> None:
        """Raises LedgerUnavailable."""
        with refusals_translated():
            self._redis.ping()

    def check_writes(self) -> None:
        """Write a small key that expires. Raises LedgerUnavailable also if Redis is full or a replica."""
        with refusals_translated():
            self._redis.set(WRITABLE, "1", ex=WRITABLE_SECONDS)


ANSWER_TO_SUBSCRIBE = 1.0
"""Seconds for Redis to confirm a subscription; the report is read again after it, so that nothing falls in between."""


def _accepted(reply: list[str]) -> Accepted:
    match reply:
        case ["created", str(report_id)]:
            return Accepted(report_id, created=True)
        case ["existing", str(report_id)]:
            return Accepted(report_id, created=False)
        case ["stale"]:
            raise StaleRuleset
        case ["old"]:
            raise QueueTooOld
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


def _number(level: Level | None) -> str:
    return "" if level is None else str(int(level))


def _listening(client: redis.Redis) -> PubSub:
    return cast(PubSub, client.pubsub(ignore_subscribe_messages=True))  # type: ignore[no-untyped-call]


def _live(name: str, text: str) -> LiveRuleset:
    said = json.loads(text)
    return LiveRuleset(
        name=name,
        digest=said["digest"],
        version=said["version"],
        activated_ms=int(said["activated_ms"]),
        previous=said["previous"],
    )


def _oldest_needed_ms(client: redis.Redis, group: dict[str, Any]) -> int:
    """The time part of the oldest entry id that a group hasn't acknowledged or hasn't read."""
    waiting = client.xpending(RESULTS, group["name"])
    oldest = waiting["min"] if waiting["pending"] else group["last-delivered-id"]
    return int(oldest.partition("-")[0])


def _subject_key(kind: str, ruleset: str, hashed: str) -> str:
    return f"triage:{kind}:{ruleset}:{hashed}"


def _idempotency_key(key: str) -> str:
    return "triage:idempotency:" + _sha256(key)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
