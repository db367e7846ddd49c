"""The state of the store: can it be used, what waits, which workers are there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from triage_rules.records.board import Queue, Queues
from triage_rules.records.reports import Lane
from triage_rules.records.tasks import BROKER_KEY_PREFIX
from triage_rules.store.clock import DAY_S
from triage_rules.store.connection import Connection, refusals_translated
from triage_rules.store.keyspace import (
    COUNTS,
    DEAD,
    PENDING,
    PENDING_URGENT,
    RESULTS,
    STALLED,
    WORKERS,
    WRITABLE,
)

WORKERS_FORGOTTEN_MS = DAY_S * 1000
WRITABLE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Backlog:
    """Counts of reports and the age of the oldest pending one, of all and of the urgent lane, in ms (0 if none)."""

    pending: int
    oldest_ms: int
    oldest_urgent_ms: int
    dead: int
    results: int


class Health:
    """Checks, counts and heartbeats."""

    def __init__(self, connection: Connection) -> None:
        self._redis = connection.client
        self._connection = connection

    def ping(self) -> None:
        """Raise StoreUnavailable unless the store answers."""
        with refusals_translated():
            self._redis.ping()

    def check_writes(self) -> None:
        """Write a small key that expires. Raises StoreUnavailable if the store is full or a replica, too."""
        with refusals_translated():
            self._redis.set(WRITABLE, "1", ex=WRITABLE_SECONDS)

    def check_encryption(self) -> None:
        """Raise DecryptionError if the store is encrypted under other keys than those that are set, or none is set."""
        self._connection.check_encryption()

    def get_backlog(self, now_ms: int) -> Backlog:
        """Count pending reports, dead letters and results, and return the age of the oldest pending report."""
        with refusals_translated(), self._redis.pipeline(transaction=False) as pipe:
            pipe.zcard(PENDING)
            pipe.zrange(PENDING, 0, 0, withscores=True)
            pipe.zrange(PENDING_URGENT, 0, 0, withscores=True)
            pipe.xlen(DEAD)
            pipe.xlen(RESULTS)
            pending, oldest, urgent, dead, results = pipe.execute()
        return Backlog(
            pending=pending,
            oldest_ms=_age(oldest, now_ms),
            oldest_urgent_ms=_age(urgent, now_ms),
            dead=dead,
            results=results,
        )

    def get_queues(self, now_ms: int) -> Queues:
        """Count the pending reports, of all and of the urgent lane, and return the age of the oldest of each."""
        with refusals_translated(), self._redis.pipeline(transaction=False) as pipe:
            pipe.zcard(PENDING)
            pipe.zcard(PENDING_URGENT)
            pipe.zrange(PENDING, 0, 0, withscores=True)
            pipe.zrange(PENDING_URGENT, 0, 0, withscores=True)
            pending, urgent, oldest, oldest_urgent = pipe.execute()
        return Queues(all=Queue(pending, _age(oldest, now_ms)), urgent=Queue(urgent, _age(oldest_urgent, now_ms)))

    def get_counts(self) -> dict[str, int]:
        """Return the reports settled since the beginning: by level, `dead`, and for each flag `flag:` and its name."""
        with refusals_translated():
            return {str(word): int(number) for word, number in self._redis.hgetall(COUNTS).items()}

    def count_waiting_tasks(self) -> int:
        """Count the tasks that no worker has taken yet."""
        with refusals_translated(), self._redis.pipeline(transaction=False) as pipe:
            for lane in Lane:
                pipe.llen(BROKER_KEY_PREFIX + lane.value)
            return sum(pipe.execute())

    def record_heartbeat(self, worker: str, now_ms: int, *, stalled: bool = False) -> None:
        """Record that a worker is there; forget workers that were silent for a day.

        stalled: it gets nothing done although work waits.
        """
        with refusals_translated(), self._redis.pipeline(transaction=False) as pipe:
            pipe.zadd(STALLED if stalled else WORKERS, {worker: now_ms})
            pipe.zrem(WORKERS if stalled else STALLED, worker)
            for key in (WORKERS, STALLED):
                pipe.zremrangebyscore(key, "-inf", now_ms - WORKERS_FORGOTTEN_MS)
            pipe.execute()

    def get_workers(self, now_ms: int, within_ms: int) -> list[str]:
        """Return the names of the workers heard from within that time, except stalled ones."""
        return self._heard_from(WORKERS, now_ms, within_ms)

    def get_stalled_workers(self, now_ms: int, within_ms: int) -> list[str]:
        """Return the names of the stalled workers heard from within that time."""
        return self._heard_from(STALLED, now_ms, within_ms)

    def get_last_heard(self) -> dict[str, int]:
        """Return when each remembered worker was last heard from, except stalled ones."""
        with refusals_translated():
            workers = cast(list[tuple[str, float]], self._redis.zrange(WORKERS, 0, -1, withscores=True))
        return {worker: int(at) for worker, at in workers}

    def _heard_from(self, key: str, now_ms: int, within_ms: int) -> list[str]:
        # A worker that was heard from in the future died before the clock was set back.
        with refusals_translated():
            return sorted(map(str, self._redis.zrange(key, now_ms - within_ms, now_ms + within_ms, byscore=True)))


def _age(oldest: list[tuple[str, float]], now_ms: int) -> int:
    return max(0, now_ms - int(oldest[0][1])) if oldest else 0
