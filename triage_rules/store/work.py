"""Reports at the workers: begun, settled, buried, singly or several in a round trip; claimed again when overdue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from redis.client import Pipeline
from redis.exceptions import NoScriptError

from triage_rules.foundation.errors import DecryptionError
from triage_rules.language.model import Basis, Level
from triage_rules.records import events
from triage_rules.records.board import Group
from triage_rules.records.chains import UNCHAINED, ChainChanged, ChainStanding
from triage_rules.records.reports import DecidedReport, Delivery, History, Lane, ReportStatus, TakenBatch
from triage_rules.records.tasks import BROKER_KEY_PREFIX, EVALUATE
from triage_rules.store.clock import DAY_S
from triage_rules.store.connection import Connection, refusals_translated
from triage_rules.store.deliveries import read_delivery, unreadable_delivery
from triage_rules.store.keyspace import (
    BOARD_GROUPS,
    BOARD_OPEN,
    COUNTS,
    DEAD,
    DUE,
    HELD,
    PENDING,
    PENDING_URGENT,
    REPORT,
    RESULTS,
    SETTLED,
    TAKEN,
)

CHAIN_CHANGED = 2
"""settle.lua's reply if another report of the chain was settled in between."""

FORGET_AFTER = 2
"""How many times as long as Celery waits before it delivers the task of a dead worker again."""


class Work:
    """The reports that workers evaluate."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._redis = connection.client
        self._encryption = connection.encryption
        self._settings = settings = connection.settings
        self._begin = connection.script("begin", "chains")
        self._settle = connection.script("settle", "chains")
        self._take = connection.script("take")
        self._release = connection.script("release")
        self._overdue = connection.script("overdue")
        self._refund_attempt = connection.script("refund_attempt")
        self._scripts_loaded = False
        self._remembered_s = FORGET_AFTER * settings.task_hard_seconds * (settings.max_deliveries + 1)

    def begin(self, report_id: str, now_ms: int) -> Delivery | None:
        """Count one more attempt; return None if there is nothing to do (settled or erased).

        Raises DecryptionError, and counts nothing, if the store is encrypted under other keys.
        """
        self._connection.ensure_encryption()
        with refusals_translated():
            try:
                reply = self._begin(*_begin_call(report_id, now_ms))
            except UnicodeDecodeError as error:  # bytes that are no text; the attempt is counted all the same
                attempts = self._redis.hget(REPORT + report_id, "attempts")
                return unreadable_delivery(report_id, [attempts, *[None] * 17], now_ms, error)
        return None if reply is None else self._delivery(report_id, reply, now_ms)

    def refund_attempts(self, ids: Sequence[str]) -> None:
        """Take back one attempt of each report: its evaluation was not at fault."""
        with refusals_translated(), self._redis.pipeline(transaction=False) as pipe:
            for report_id in ids:
                self._refund_attempt([REPORT + report_id], client=pipe)
            pipe.execute()

    def settle(
        self,
        report_id: str,
        result: dict[str, Any],
        now_ms: int,
        history: History | None = None,
        standing: ChainStanding = UNCHAINED,
    ) -> bool:
        """Store the result, publish its event, drop the report from pending, in one step. False if settled already.

        history: the history that the result was made in; it is kept with the report, so that a replay gives the same.
        standing: the result's place in its chain. Raises ChainChanged if that is no longer right.
        """
        decided = DecidedReport(report_id, result, history, standing)
        with refusals_translated():
            reply = int(self._settle(*self._settle_call(decided, now_ms)))
        if reply == CHAIN_CHANGED:
            raise ChainChanged
        return bool(reply)

    def bury(self, report_id: str, result: dict[str, Any], reason: str, now_ms: int) -> bool:
        """Settle the report as a dead letter: its event has no level, and `triage:dead` names the reason."""
        with refusals_translated():
            return bool(
                self._settle(*self._settle_call(DecidedReport(report_id, result), now_ms, ReportStatus.DEAD, reason))
            )

    def take_batch(  # noqa: PLR0913 - all but three by name
        self,
        done: Sequence[DecidedReport],
        ids: Sequence[str],
        now_ms: int,
        *,
        holder: str,
        lane: Lane,
        most: int = 0,
        hold: bool = True,
    ) -> TakenBatch:
        """Settle `done`, begin `ids`, and take up to `most` messages off the lane's queue, in one round trip.

        holder: the Celery task's id. hold: whether the begun reports are noted under it until its next batch; if its
        process dies, `release` undoes that.

        Raises:
            DecryptionError: The store is encrypted under other keys; nothing is counted.
            UnicodeDecodeError: A stored report holds bytes that are no text; the attempts are counted all the same.
        """
        self._connection.ensure_encryption()
        with refusals_translated():
            try:
                replies = self._send_batch(done, ids, now_ms, holder, lane, most, hold)
            except NoScriptError:  # the store lost its scripts; a part of the batch may run a second time
                self._scripts_loaded = False
                replies = self._send_batch(done, ids, now_ms, holder, lane, most, hold)
        begun = replies[len(done) : len(done) + len(ids)]
        pairs = zip(ids, begun, strict=True)
        deliveries = [self._delivery(report_id, reply, now_ms) for report_id, reply in pairs if reply is not None]
        changed = [decided.id for decided, reply in zip(done, replies, strict=False) if reply == CHAIN_CHANGED]
        return TakenBatch(tuple(deliveries), tuple(replies[-1]) if most else (), tuple(changed))

    def release(self, holder: str, lane: Lane) -> list[str]:
        """Let go of what a task held when its process died: its messages are requeued, its attempts refunded.

        Return the ids of the reports that it had begun together: each must now be evaluated by itself.
        """
        keys = [HELD + holder, TAKEN + holder, BROKER_KEY_PREFIX + lane.value]
        with refusals_translated():
            return list(self._release(keys, [REPORT]))

    def claim_overdue(self, now_ms: int, older_than_ms: int, limit: int) -> list[tuple[str, str]]:
        """Return (id, lane) of pending reports that were not enqueued for that long; the caller enqueues them.

        Each is not returned again for a while, longer each time.
        """
        with refusals_translated():
            reply = self._overdue([DUE, PENDING, PENDING_URGENT], [now_ms, older_than_ms, limit, REPORT])
        return list(zip(reply[0::2], reply[1::2], strict=True))

    def _delivery(self, report_id: str, reply: list[Any], now_ms: int) -> Delivery:
        try:
            return read_delivery(report_id, reply, self._encryption)
        except (DecryptionError, ValueError, TypeError, RecursionError) as error:
            return unreadable_delivery(report_id, reply, now_ms, error)

    def _settle_call(
        self, decided: DecidedReport, now_ms: int, status: ReportStatus = ReportStatus.DONE, reason: str = ""
    ) -> tuple[list[str], list[str | int]]:
        """Return keys and arguments of settle.lua."""
        report_id, result, history, standing = decided.id, decided.result, decided.history, decided.standing
        lowers = result.get("lowers")
        event = events.event_of(report_id, result, source=self._settings.source, now_ms=now_ms)
        fields = events.encode(event, self._encryption)
        level = result["level"]
        known, within = None if level is None else Level.of(level), result["act_within_minutes"]
        keys = [REPORT + report_id, PENDING, DUE, RESULTS, DEAD, SETTLED + report_id, COUNTS, PENDING_URGENT]
        basis = Basis.RULES if known is None else Basis(result["basis"])
        group = Group(event.ruleset, known, None if within is None else within * 60_000, basis)
        keys += [BOARD_OPEN + group.text, BOARD_GROUPS]
        counted = [fields["level"] or status.value, *(f"flag:{flag}" for flag in result["flags"])]
        args: list[str | int] = [
            report_id,
            now_ms,
            status.value,
            _number(known),
            self._settings.retention_days * DAY_S,
            reason,
            event.time,
            " ".join(counted),
            "-" if history is None else _number(history.highest_level_24h),
            self._settings.history_hours * 3600,
            group.text,
            standing.place or "",
            standing.above,
            standing.shown,
            standing.undecided,
            f"{lowers['level'] or ''} {lowers['disposition'] or ''}" if lowers else "",
        ]
        for name, value in fields.items():
            args += [name, value]
        return keys, args

    def _send_batch(  # noqa: PLR0913, PLR0917 - as `take_batch`
        self,
        done: Sequence[DecidedReport],
        ids: Sequence[str],
        now_ms: int,
        holder: str,
        lane: Lane,
        most: int,
        hold: bool,
    ) -> list[Any]:
        """Return the replies of settling, beginning and taking, in this order."""
        self._load_scripts()
        with self._redis.pipeline(transaction=False) as pipe:
            for decided in done:
                _queue_script(pipe, self._settle.sha, *self._settle_call(decided, now_ms))
            self._note_held(pipe, holder, ids if hold else ())
            for report_id in ids:
                _queue_script(pipe, self._begin.sha, *_begin_call(report_id, now_ms))
            if most:
                queues = [BROKER_KEY_PREFIX + lane.value, BROKER_KEY_PREFIX + Lane.URGENT.value, TAKEN + holder]
                _queue_script(pipe, self._take.sha, queues, [most, EVALUATE, self._remembered_s])
            replies: list[Any] = pipe.execute()
        held = len(replies) - len(done) - len(ids) - bool(most)
        return replies[: len(done)] + replies[len(done) + held :]

    def _note_held(self, pipe: Pipeline, holder: str, ids: Sequence[str]) -> None:
        pipe.delete(HELD + holder, TAKEN + holder)
        if ids:
            pipe.sadd(HELD + holder, *ids)
            pipe.expire(HELD + holder, self._remembered_s)

    def _load_scripts(self) -> None:
        if not self._scripts_loaded:
            for script in (self._begin, self._settle, self._take):
                self._redis.script_load(script.script)
            self._scripts_loaded = True


def _begin_call(report_id: str, now_ms: int) -> tuple[list[str], list[str | int]]:
    """Return keys and arguments of begin.lua."""
    return [REPORT + report_id, DUE], [report_id, now_ms]


def _queue_script(pipe: Pipeline, sha: str, keys: Sequence[str], args: Sequence[str | int]) -> None:
    pipe.evalsha(sha, len(keys), *keys, *map(str, args))


def _number(level: Level | None) -> str:
    return "" if level is None else str(int(level))
