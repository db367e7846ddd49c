"""How the ledger is doing: counts, ages, who is there, what may be dropped."""

from __future__ import annotations

import math
from typing import Any

import redis

from triage_rules.ledger import Backlog
from triage_rules.ledger.connecting import refusals_translated
from triage_rules.ledger.keyspace import (
    COUNTS,
    DEAD,
    PENDING,
    RESULTS,
    WORKERS,
    WRITABLE,
)
from triage_rules.ledger.store import Store

WORKERS_FORGOTTEN_MS = 24 * 3_600_000
WRITABLE_SECONDS = 60


class Upkeep(Store):
    """See `triage_rules.ledger.Ledger` for what each method promises."""

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

    def ping(self) -> None:
        """Raises LedgerUnavailable."""
        with refusals_translated():
            self._redis.ping()

    def check_writes(self) -> None:
        """Write a small key that expires. Raises LedgerUnavailable also if Redis is full or a replica."""
        with refusals_translated():
            self._redis.set(WRITABLE, "1", ex=WRITABLE_SECONDS)


def _oldest_needed_ms(client: redis.Redis, group: dict[str, Any]) -> int:
    """The time part of the oldest entry id that a group hasn't acknowledged or hasn't read."""
    waiting = client.xpending(RESULTS, group["name"])
    oldest = waiting["min"] if waiting["pending"] else group["last-delivered-id"]
    return int(oldest.partition("-")[0])
