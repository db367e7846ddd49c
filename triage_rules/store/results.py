"""The result stream as a consumer sees it: groups, claims, handled events, dead letters."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import Any

import redis

from triage_rules.foundation.timestamps import timestamp
from triage_rules.store.connection import connect, load_script, refusals_translated
from triage_rules.store.keyspace import DEAD_OF, RESULTS, SEEN

FIELDS_KEPT = 100
"""Fields that a dead letter keeps of its entry. An event has far fewer; other entries could exceed a script's limit."""


@dataclass(frozen=True, slots=True)
class StreamEntry:
    """An entry of the stream as delivered. `deliveries`: how often it was delivered, including this time."""

    id: str
    fields: dict[str, str]
    deliveries: int = 1


class ResultStream:
    """The stream of results. All methods raise StoreUnavailable. Safe for threads."""

    def __init__(self, url: str) -> None:
        self._redis = connect(url, any_bytes=True)  # such an entry must not end every consumer that gets it
        self._give_up = load_script(self._redis, "give_up")

    def close(self) -> None:
        """Close the connections."""
        self._redis.close()

    def join(self, group: str, start: str) -> None:
        """Create the group unless it exists. `start`: `0` for all stored entries, `$` for entries from now on.

        A new group forgets what an earlier group of this name has handled.
        """
        with refusals_translated():
            try:
                self._redis.xgroup_create(RESULTS, group, id=start, mkstream=True)
            except redis.ResponseError as error:
                if not str(error).startswith("BUSYGROUP"):
                    raise
            else:
                self._redis.zremrangebyscore(
                    SEEN + group, "-inf", "+inf"
                )  # a command that the consumer's Redis user may run

    def leave(self, group: str, consumer: str) -> None:
        """Remove the consumer from the group, unless it still holds entries: others claim those."""
        with refusals_translated():
            if not self._redis.xpending_range(RESULTS, group, min="-", max="+", count=1, consumername=consumer):
                self._redis.xgroup_delconsumer(RESULTS, group, consumer)

    def read(self, group: str, consumer: str, *, count: int, block_ms: int | None = None) -> list[StreamEntry]:
        """Return entries that no consumer of the group has had, after at most `block_ms`; at once without it."""
        with refusals_translated():
            reply: Any = self._redis.xreadgroup(group, consumer, {RESULTS: ">"}, count=count, block=block_ms)
        return [StreamEntry(entry_id, fields) for entry_id, fields in _entries(reply)]

    def claim(self, group: str, consumer: str, *, idle_ms: int, count: int) -> list[StreamEntry]:
        """Claim entries that a consumer was given that long ago and hasn't finished with."""
        cursor = "0-0"
        while True:
            with refusals_translated():
                reply = self._redis.xautoclaim(RESULTS, group, consumer, idle_ms, start_id=cursor, count=count)
            cursor, claimed = reply[0], [(entry_id, fields) for entry_id, fields in reply[1] if fields]
            if claimed or cursor == "0-0":
                return self._counted(group, consumer, claimed)

    def get_unfinished(self, group: str, count: int) -> list[tuple[str, str, int]]:
        """Return the oldest entries that the group hasn't finished with: (id, consumer, deliveries)."""
        with refusals_translated():
            rows = self._redis.xpending_range(RESULTS, group, min="-", max="+", count=count)
        return [(str(row["message_id"]), str(row["consumer"]), int(row["times_delivered"])) for row in rows]

    def claim_entry(self, group: str, consumer: str, entry_id: str) -> list[StreamEntry]:
        """Claim an entry, however short a time another consumer has had it by the store's clock."""
        with refusals_translated():
            claimed: Any = self._redis.xclaim(RESULTS, group, consumer, 0, [entry_id])
        return self._counted(group, consumer, [(claimed_id, fields) for claimed_id, fields in claimed if fields])

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

    def refund_delivery(self, group: str, consumer: str, entry: StreamEntry) -> None:
        """Take back one delivery of the entry; do nothing if the group has finished with it."""
        with refusals_translated():
            self._redis.xclaim(RESULTS, group, consumer, 0, [entry.id], retrycount=entry.deliveries - 1, justid=True)

    def has_handled(self, group: str, event_id: str) -> bool:
        """Return whether the group has handled an event of this id already."""
        with refusals_translated():
            return self._redis.zscore(SEEN + group, event_id) is not None

    def drop(self, group: str, entry: StreamEntry) -> None:
        """Acknowledge an entry that the group doesn't want, or has handled before."""
        with refusals_translated():
            self._redis.xack(RESULTS, group, entry.id)

    def acknowledge(self, group: str, entry: StreamEntry, event_id: str, *, now_ms: int, keep_ms: int) -> None:
        """Note for `keep_ms` that the event was handled and acknowledge its entry, in one step."""
        with refusals_translated(), self._redis.pipeline(transaction=True) as pipe:
            if keep_ms:
                pipe.zadd(SEEN + group, {event_id: now_ms})
                pipe.zremrangebyscore(SEEN + group, "-inf", now_ms - keep_ms)
                pipe.pexpire(SEEN + group, keep_ms)
            pipe.xack(RESULTS, group, entry.id)
            pipe.execute()

    def give_up(self, group: str, entry: StreamEntry, reason: str, *, now_ms: int) -> None:
        """Move the entry to the group's dead letters, in one step; an entry that was erased meanwhile leaves none."""
        letter = {
            **dict(islice(entry.fields.items(), FIELDS_KEPT)),
            "dead_entry": entry.id,
            "dead_reason": reason,
            "dead_deliveries": str(entry.deliveries),
            "dead_at": timestamp(now_ms),
        }
        fields = [part.encode("utf-8", "surrogateescape") for pair in letter.items() for part in pair]
        with refusals_translated():
            self._give_up([RESULTS, DEAD_OF + group], [group, entry.id, *fields])

    def get_last_id(self) -> str:
        """Return the id of the newest entry; all later entries come after it."""
        with refusals_translated():
            newest: Any = self._redis.xrevrange(RESULTS, count=1)
        return str(newest[0][0]) if newest else "0-0"

    def read_after(self, entry_id: str, *, count: int, block_ms: int) -> list[StreamEntry]:
        """Return entries after that one, outside of any group, after at most `block_ms`."""
        with refusals_translated():
            reply: Any = self._redis.xread({RESULTS: entry_id}, count=count, block=block_ms)
        return [StreamEntry(entry_id, fields) for entry_id, fields in _entries(reply)]


def _entries(reply: Any) -> list[tuple[str, dict[str, str]]]:
    """Return the entries in a reply on one stream."""
    return reply[0][1] if reply else []
