"""The result stream as a consumer sees it: groups, claims, what was seen, what was given up."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import Any

import redis

from triage_rules.foundation.timestamps import timestamp
from triage_rules.store.base import registered
from triage_rules.store.connection import connect, refusals_translated
from triage_rules.store.keyspace import DEAD_OF, RESULTS, SEEN

FIELDS_KEPT = 100
"""Of an entry that is given up. An event has far fewer; what is none could have more than a script can pass on."""


@dataclass(frozen=True, slots=True)
class StreamEntry:
    """One entry of the stream as it is handed out. `deliveries`: how often it was, this time included."""

    id: str
    fields: dict[str, str]
    deliveries: int = 1


class ResultStream:
    """All methods raise LedgerUnavailable. Safe for threads."""

    def __init__(self, url: str) -> None:
        self._redis = connect(url, any_bytes=True)  # one such entry must not end every consumer that is given it
        self._move = registered(self._redis, "give_up")

    def close(self) -> None:
        """Give the connections back."""
        self._redis.close()

    def join(self, group: str, start: str) -> None:
        """Create the group unless it exists. `start`: `0` for all that is kept, `$` for what comes from now on.

        What an earlier group of this name has handled counts for nothing in a new one.
        """
        with refusals_translated():
            try:
                self._redis.xgroup_create(RESULTS, group, id=start, mkstream=True)
            except redis.ResponseError as error:
                if not str(error).startswith("BUSYGROUP"):
                    raise
            else:
                self._redis.zremrangebyscore(SEEN + group, "-inf", "+inf")  # which its Redis user may

    def leave(self, group: str, consumer: str) -> None:
        """Forget the consumer's name, unless entries are still noted under it: those are for others to claim."""
        with refusals_translated():
            if not self._redis.xpending_range(RESULTS, group, min="-", max="+", count=1, consumername=consumer):
                self._redis.xgroup_delconsumer(RESULTS, group, consumer)

    def read(self, group: str, consumer: str, *, count: int, block_ms: int | None = None) -> list[StreamEntry]:
        """Entries that no consumer of the group has had, after at most `block_ms`; at once without it."""
        with refusals_translated():
            reply: Any = self._redis.xreadgroup(group, consumer, {RESULTS: ">"}, count=count, block=block_ms)
        return [StreamEntry(entry_id, fields) for entry_id, fields in _entries(reply)]

    def claim(self, group: str, consumer: str, *, idle_ms: int, count: int) -> list[StreamEntry]:
        """Entries that another consumer, or this one, was given that long ago and hasn't finished with."""
        cursor = "0-0"
        while True:
            with refusals_translated():
                reply = self._redis.xautoclaim(RESULTS, group, consumer, idle_ms, start_id=cursor, count=count)
            cursor, claimed = reply[0], [(entry_id, fields) for entry_id, fields in reply[1] if fields]
            if claimed or cursor == "0-0":
                return self._counted(group, consumer, claimed)

    def waiting(self, group: str, count: int) -> list[tuple[str, str, int]]:
        """The oldest entries that the group hasn't finished with: (id, consumer, how often it was handed out)."""
        with refusals_translated():
            rows = self._redis.xpending_range(RESULTS, group, min="-", max="+", count=count)
        return [(str(row["message_id"]), str(row["consumer"]), int(row["times_delivered"])) for row in rows]

    def take(self, group: str, consumer: str, entry_id: str) -> list[StreamEntry]:
        """That entry, whoever has it and for however short a time, as the store believes."""
        with refusals_translated():
            claimed: Any = self._redis.xclaim(RESULTS, group, consumer, 0, [entry_id])
        return self._counted(group, consumer, [(found, fields) for found, fields in claimed if fields])

    def _counted(self, group: str, consumer: str, claimed: list[tuple[str, dict[str, str]]]) -> list[StreamEntry]:
        if not claimed:
            return []
        ids = [entry_id for entry_id, _ in claimed]
        with refusals_translated(), self._redis.pipeline(transaction=False) as pipe:
            for entry_id in ids:
                pipe.xpending_range(RESULTS, group, min=entry_id, max=entry_id, count=1, consumername=consumer)
            pending = pipe.execute()
        times = {row[0]["message_id"]: int(row[0]["times_delivered"]) for row in pending if row}
        return [StreamEntry(entry_id, fields, times[entry_id]) for entry_id, fields in claimed if entry_id in times]

    def excuse(self, group: str, consumer: str, entry: StreamEntry) -> None:
        """Take back that the entry was handed out this time; nothing if the group has finished with it."""
        with refusals_translated():
            self._redis.xclaim(RESULTS, group, consumer, 0, [entry.id], retrycount=entry.deliveries - 1, justid=True)

    def seen(self, group: str, event_id: str) -> bool:
        """Whether the group has handled an event of this id already."""
        with refusals_translated():
            return self._redis.zscore(SEEN + group, event_id) is not None

    def drop(self, group: str, entry: StreamEntry) -> None:
        """The entry isn't for this group, or not again."""
        with refusals_translated():
            self._redis.xack(RESULTS, group, entry.id)

    def done(self, group: str, entry: StreamEntry, event_id: str, *, now_ms: int, keep_ms: int) -> None:
        """The event was handled: note its id for `keep_ms` and acknowledge the entry, in one step."""
        with refusals_translated(), self._redis.pipeline(transaction=True) as pipe:
            if keep_ms:
                pipe.zadd(SEEN + group, {event_id: now_ms})
                pipe.zremrangebyscore(SEEN + group, "-inf", now_ms - keep_ms)
                pipe.pexpire(SEEN + group, keep_ms)
            pipe.xack(RESULTS, group, entry.id)
            pipe.execute()

    def give_up(self, group: str, entry: StreamEntry, reason: str, *, now_ms: int) -> None:
        """Move the entry to the group's dead letters, in one step; one that was erased meanwhile leaves no letter."""
        letter = {
            **dict(islice(entry.fields.items(), FIELDS_KEPT)),
            "dead_entry": entry.id,
            "dead_reason": reason,
            "dead_deliveries": str(entry.deliveries),
            "dead_at": timestamp(now_ms),
        }
        fields = [part.encode("utf-8", "surrogateescape") for pair in letter.items() for part in pair]
        with refusals_translated():
            self._move([RESULTS, DEAD_OF + group], [group, entry.id, *fields])

    def last_id(self) -> str:
        """The id of the newest entry; what comes from now on is after it."""
        with refusals_translated():
            newest: Any = self._redis.xrevrange(RESULTS, count=1)
        return str(newest[0][0]) if newest else "0-0"

    def after(self, entry_id: str, *, count: int, block_ms: int) -> list[StreamEntry]:
        """Entries after that one, outside of any group, after at most `block_ms`."""
        with refusals_translated():
            reply: Any = self._redis.xread({RESULTS: entry_id}, count=count, block=block_ms)
        return [StreamEntry(found, fields) for found, fields in _entries(reply)]


def _entries(reply: Any) -> list[tuple[str, dict[str, str]]]:
    """The entries of the one stream in a reply that names each stream."""
    return reply[0][1] if reply else []
