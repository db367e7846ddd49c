"""Old bundles: dropped once they are neither live nor remembered nor named by a report that is kept."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import redis
from redis.client import Pipeline

from triage_rules.store.base import DAY_S, Store
from triage_rules.store.connection import refusals_translated
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


class Tidying(Store):
    """Once a day bundles are marked as leaving; then all reports are looked at, a part at each sweep.

    What a report names, or somebody deploys, is taken off the list; at the end, what is still on it is dropped.
    All that is known is in the store, so that any worker goes on where another stopped.
    """

    def _drop_bundles(self) -> None:
        """One part of it. Raises LedgerUnavailable."""
        with refusals_translated():
            try:
                cursor: Any = self._redis.get(LEAVING_CURSOR)
                if cursor is not None:
                    self._spare_named(int(cursor))
                elif self._redis.set(LEAVING_BEGUN, "1", nx=True, ex=DAY_S):
                    self._mark()
            except redis.WatchError:
                return  # somebody deploys just now: what was read may be wrong, so nothing is done

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
        """The digests that these reports name."""
        with self._redis.pipeline(transaction=False) as pipe:
            for key in reports:
                pipe.hget(key, "digest")
            return {digest for digest in pipe.execute() if digest}

    def _drop(self) -> None:
        """What waits is asked once more: a look that goes on after Redis was started again may have missed some."""
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
    found: Any = pipe.lrange(key, 0, -1)
    return list(found)
