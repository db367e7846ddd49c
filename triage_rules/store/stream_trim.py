"""Trimming of the result stream and the dead letters."""

from __future__ import annotations

from typing import Any

import redis

from triage_rules.store.clock import DAY_S
from triage_rules.store.connection import Connection, refusals_translated
from triage_rules.store.keyspace import DEAD, DEAD_OF, RESULTS


class StreamTrim:
    """Drops events and dead letters after their retention time."""

    def __init__(self, connection: Connection) -> None:
        self._redis = connection.client
        self._events_ms = connection.settings.event_retention_days * DAY_S * 1000
        self._letters_s = connection.settings.dead_letter_retention_days * DAY_S

    def trim(self, now_ms: int) -> int:
        """Drop events and dead letters older than their retention time; return how many.

        A consumer group that hasn't finished with an event keeps it, and all later ones, for up to twice that time.
        """
        kept_from, kept_at_most = now_ms - self._events_ms, now_ms - 2 * self._events_ms
        with refusals_translated():
            groups = self._read_groups()
            needed = min([kept_from, *(_oldest_needed_ms(self._redis, group) for group in groups)])
            dropped = int(self._redis.xtrim(RESULTS, minid=max(needed, kept_at_most), approximate=False))
            for letters in [DEAD, *(DEAD_OF + str(group["name"]) for group in groups)]:
                dropped += int(self._redis.xtrim(letters, minid=now_ms - self._letters_s * 1000, approximate=False))
                # Nothing trims the letters of a group that is gone: the whole stream expires.
                self._redis.expire(letters, self._letters_s)
        return dropped

    def _read_groups(self) -> list[dict[str, Any]]:
        return list(self._redis.xinfo_groups(RESULTS)) if self._redis.exists(RESULTS) else []


def _oldest_needed_ms(client: redis.Redis, group: dict[str, Any]) -> int:
    """Return the time part of the oldest entry id that a group hasn't acknowledged or hasn't read."""
    waiting = client.xpending(RESULTS, group["name"])
    oldest = waiting["min"] if waiting["pending"] else group["last-delivered-id"]
    return int(oldest.partition("-")[0])
