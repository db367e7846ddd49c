"""Several reports in one round trip: those that are decided settled, the next begun, more taken off the queue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from redis.client import Pipeline
from redis.exceptions import NoScriptError

from triage_rules.foundation.settings import Settings
from triage_rules.records.reports import DecidedReport, Lane, TakenBatch
from triage_rules.records.tasks import BROKER_KEY_PREFIX, EVALUATE
from triage_rules.store.connection import refusals_translated
from triage_rules.store.keyspace import DUE, HELD, REPORT, TAKEN
from triage_rules.store.settlement import Work

FORGET_AFTER = 2
"""Times as long as Celery waits before it delivers the task of a dead worker again."""


class Turns(Work):
    """See `triage_rules.store.Ledger` for what each method promises."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._take = self._script("take")
        self._release = self._script("release")
        self._turned = (self._begin, self._settle, self._take)
        self._taught = False
        self._remembered_s = FORGET_AFTER * settings.task_hard_seconds * (settings.max_deliveries + 1)

    def turn(  # noqa: PLR0913 - all but three by name
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
        """Settle, begin and take, in this order. UnicodeDecodeError: a stored report holds bytes that are no text."""
        self._ensure_seals()
        with refusals_translated():
            try:
                replies = self._turn(done, ids, now_ms, holder, lane, most, hold)
            except NoScriptError:  # the store began anew, or forgot; what was done of it may be done again
                self._taught = False
                replies = self._turn(done, ids, now_ms, holder, lane, most, hold)
        begun = replies[len(done) : len(done) + len(ids)]
        pairs = zip(ids, begun, strict=True)
        deliveries = [self._delivery(one, reply, now_ms) for one, reply in pairs if reply is not None]
        return TakenBatch(tuple(deliveries), tuple(replies[-1]) if most else ())

    def _turn(  # noqa: PLR0913, PLR0917 - as `turn`
        self,
        done: Sequence[DecidedReport],
        ids: Sequence[str],
        now_ms: int,
        holder: str,
        lane: Lane,
        most: int,
        hold: bool,
    ) -> list[Any]:
        self._teach()
        with self._redis.pipeline(transaction=False) as pipe:
            for one in done:
                _call(pipe, self._settle.sha, *self._settlement(one, now_ms))
            self._hold(pipe, holder, ids if hold else ())
            for report_id in ids:
                _call(pipe, self._begin.sha, [REPORT + report_id, DUE], [report_id, now_ms])
            if most:
                queues = [BROKER_KEY_PREFIX + lane.value, BROKER_KEY_PREFIX + Lane.URGENT.value, TAKEN + holder]
                _call(pipe, self._take.sha, queues, [most, EVALUATE, self._remembered_s])
            replies: list[Any] = pipe.execute()
        held = len(replies) - len(done) - len(ids) - bool(most)
        return replies[: len(done)] + replies[len(done) + held :]

    def _hold(self, pipe: Pipeline, holder: str, ids: Sequence[str]) -> None:
        pipe.delete(HELD + holder, TAKEN + holder)
        if ids:
            pipe.sadd(HELD + holder, *ids)
            pipe.expire(HELD + holder, self._remembered_s)

    def _teach(self) -> None:
        if not self._taught:
            for script in self._turned:
                self._redis.script_load(script.script)
            self._taught = True

    def release(self, holder: str, lane: Lane) -> list[str]:
        """Let go of what the task had in hand when its process died; the ids of those that it had begun together."""
        keys = [HELD + holder, TAKEN + holder, BROKER_KEY_PREFIX + lane.value]
        with refusals_translated():
            return list(self._release(keys, [REPORT]))


def _call(pipe: Pipeline, sha: str, keys: Sequence[str], args: Sequence[str | int]) -> None:
    pipe.evalsha(sha, len(keys), *keys, *map(str, args))
