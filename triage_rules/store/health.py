"""How the ledger is doing: counts, ages, who is there, what may be dropped."""

from __future__ import annotations

from typing import Any

import redis

from triage_rules.records.reports import Lane
from triage_rules.records.tasks import BROKER_KEY_PREFIX
from triage_rules.store import Backlog
from triage_rules.store.base import DAY_S
from triage_rules.store.board import Board
from triage_rules.store.bundle_cleanup import Tidying
from triage_rules.store.connection import refusals_translated
from triage_rules.store.keyspace import (
    COUNTS,
    DEAD,
    DEAD_OF,
    PENDING,
    PENDING_URGENT,
    RESULTS,
    STALLED,
    WORKERS,
    WRITABLE,
)
from triage_rules.store.proposals import Proposals

WORKERS_FORGOTTEN_MS = 24 * 3_600_000
WRITABLE_SECONDS = 60


class Upkeep(Tidying, Proposals, Board):
    """See `triage_rules.store.Ledger` for what each method promises."""

    def backlog(self, now_ms: int) -> Backlog:
        """Counts, and the age of the oldest pending report."""
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

    def tasks_waiting(self) -> int:
        """Tasks that no worker has taken yet."""
        with refusals_translated(), self._redis.pipeline(transaction=False) as pipe:
            for lane in Lane:
                pipe.llen(BROKER_KEY_PREFIX + lane.value)
            return sum(pipe.execute())

    def counts(self) -> dict[str, int]:
        """Reports settled since the beginning: by level, `dead`, and for each flag `flag:` and its name."""
        with refusals_translated():
            return {str(word): int(number) for word, number in self._redis.hgetall(COUNTS).items()}

    def dead_letters(self, limit: int) -> list[dict[str, str]]:
        """The newest dead letters, the newest first."""
        with refusals_translated():
            found: Any = self._redis.xrevrange(DEAD, count=limit)
        return [fields for _, fields in found]

    def trim(self, now_ms: int) -> int:
        """Drop events and dead letters that are older than they may be; how many. Also bundles that nobody
        needs, old proposals, and what the board notes of reports whose time is over.

        A consumer group that hasn't finished with an event keeps it, and what came after, for up to twice that time.
        """
        keep_ms = self._settings.event_retention_days * DAY_S * 1000
        kept_from, kept_at_most = now_ms - keep_ms, now_ms - 2 * keep_ms
        letters_s = self._settings.dead_letter_retention_days * DAY_S
        with refusals_translated():
            groups = self._groups()
            needed = min([kept_from, *(_oldest_needed_ms(self._redis, group) for group in groups)])
            dropped = int(self._redis.xtrim(RESULTS, minid=max(needed, kept_at_most), approximate=False))
            for letters in [DEAD, *(DEAD_OF + str(group["name"]) for group in groups)]:
                dropped += int(self._redis.xtrim(letters, minid=now_ms - letters_s * 1000, approximate=False))
                # The letters of a group that is gone are trimmed by nobody: they go by themselves.
                self._redis.expire(letters, letters_s)
        self._drop_old_notes(now_ms)
        self._drop_bundles()
        self._drop_proposals(now_ms)
        return dropped

    def _groups(self) -> list[dict[str, Any]]:
        return list(self._redis.xinfo_groups(RESULTS)) if self._redis.exists(RESULTS) else []

    def heartbeat(self, worker: str, now_ms: int, *, stalled: bool = False) -> None:
        """A worker was heard from; `stalled`: it gets nothing done. Forgets those that were silent for a day."""
        with refusals_translated(), self._redis.pipeline(transaction=False) as pipe:
            pipe.zadd(STALLED if stalled else WORKERS, {worker: now_ms})
            pipe.zrem(WORKERS if stalled else STALLED, worker)
            for heard in (WORKERS, STALLED):
                pipe.zremrangebyscore(heard, "-inf", now_ms - WORKERS_FORGOTTEN_MS)
            pipe.execute()

    def workers(self, now_ms: int, within_ms: int) -> list[str]:
        """Workers heard from within that time, by name; without those that are stalled."""
        return self._heard(WORKERS, now_ms, within_ms)

    def stalled(self, now_ms: int, within_ms: int) -> list[str]:
        """Workers heard from within that time that get nothing done although work waits, by name."""
        return self._heard(STALLED, now_ms, within_ms)

    def _heard(self, key: str, now_ms: int, within_ms: int) -> list[str]:
        # Whoever was heard from in the future died before the clock was set back.
        with refusals_translated():
            return sorted(map(str, self._redis.zrange(key, now_ms - within_ms, now_ms + within_ms, byscore=True)))

    def ping(self) -> None:
        """Raises LedgerUnavailable."""
        with refusals_translated():
            self._redis.ping()

    def check_writes(self) -> None:
        """Write a small key that expires. Raises LedgerUnavailable also if Redis is full or a replica."""
        with refusals_translated():
            self._redis.set(WRITABLE, "1", ex=WRITABLE_SECONDS)


def _age(oldest: list[tuple[str, float]], now_ms: int) -> int:
    return max(0, now_ms - int(oldest[0][1])) if oldest else 0


def _oldest_needed_ms(client: redis.Redis, group: dict[str, Any]) -> int:
    """The time part of the oldest entry id that a group hasn't acknowledged or hasn't read."""
    waiting = client.xpending(RESULTS, group["name"])
    oldest = waiting["min"] if waiting["pending"] else group["last-delivered-id"]
    return int(oldest.partition("-")[0])
