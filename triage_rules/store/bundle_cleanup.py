"""Old bundles: dropped once they are neither live nor remembered nor named by a stored report."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import redis
from redis.client import Pipeline

from triage_rules.store.clock import DAY_S
from triage_rules.store.connection import Connection, refusals_translated
from triage_rules.store.keyspace import (
    BUNDLE,
    DEPLOYMENTS,
    LEAVING,
    LEAVING_BEGUN,
    LEAVING_CURSOR,
    LIVE,
    PENDING,
    REPORT,
    SOURCE,
)

PAGE = 1000
PAGES_AT_ONCE = 10


class BundleCleanup:
    """A search through all reports once a day, a part at each run.

    At its begin, unused bundles are put on a list. A bundle that a report names, or that is deployed meanwhile, is
    taken off the list; at the end, the bundles still on it are dropped. The store holds all of the search's state: any
    worker goes on where another stopped.
    """

    def __init__(self, connection: Connection) -> None:
        self._redis = connection.client

    def run(self) -> None:
        """Begin the day's search, or do the next part of it."""
        with refusals_translated():
            try:
                cursor: Any = self._redis.get(LEAVING_CURSOR)
                if cursor is not None:
                    self._spare_named(int(cursor))
                elif self._redis.set(LEAVING_BEGUN, "1", nx=True, ex=DAY_S):
                    self._mark()
            except redis.WatchError:
                return  # someone is deploying: the list may be wrong, so nothing is dropped

    def _mark(self) -> None:
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.watch(LIVE)  # type: ignore[no-untyped-call]
            live: Any = pipe.hgetall(LIVE)
            remembered = [DEPLOYMENTS + name for name in live]
            if remembered:
                pipe.watch(*remembered)  # type: ignore[no-untyped-call]
            used = {json.loads(text)["digest"] for text in live.values()}
            for key in remembered:
                used |= {json.loads(text)["digest"] for text in _listed(pipe, key)}
            stored = {key.removeprefix(BUNDLE) for key in self._redis.scan_iter(match=BUNDLE + "*", count=PAGE)}
            if not stored - used:
                return
            pipe.multi()
            pipe.delete(LEAVING)
            pipe.sadd(LEAVING, *(stored - used))
            pipe.set(LEAVING_CURSOR, 0)
            pipe.execute()

    def _spare_named(self, cursor: int) -> None:
        for _ in range(PAGES_AT_ONCE):
            cursor, keys = self._redis.scan(cursor, match=REPORT + "*", count=PAGE)
            named = self._named(map(str, keys))
            if named:
                self._redis.srem(LEAVING, *named)
            if cursor == 0:
                self._drop()
                return
        self._redis.set(LEAVING_CURSOR, cursor)

    def _named(self, reports: Iterable[str]) -> set[str]:
        """Return the digests that these reports name."""
        with self._redis.pipeline(transaction=False) as pipe:
            for key in reports:
                pipe.hget(key, "digest")
            return {digest for digest in pipe.execute() if digest}

    def _drop(self) -> None:
        """Drop the listed bundles except those of pending reports: a search over a restart of Redis may miss some."""
        waiting: Any = self._redis.zrange(PENDING, 0, -1)
        needed = self._named(REPORT + report_id for report_id in waiting)
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.watch(LEAVING)  # type: ignore[no-untyped-call]
            leaving: Any = pipe.smembers(LEAVING)
            pipe.multi()
            pipe.delete(
                LEAVING, LEAVING_CURSOR, *(kind + digest for digest in leaving - needed for kind in (BUNDLE, SOURCE))
            )
            pipe.execute()


def _listed(pipe: Pipeline, key: str) -> list[str]:
    texts: Any = pipe.lrange(key, 0, -1)
    return list(texts)
