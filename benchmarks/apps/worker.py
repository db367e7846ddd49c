"""Our worker, with one task more that does one Redis round trip: the same processes, settings and broker for both."""

from __future__ import annotations

import functools
import os

import redis

from benchmarks.apps.names import BARE_DONE, ROUND_TRIP
from triage_rules.messages import Lane
from workers.app import app


@app.task(name=ROUND_TRIP, queue=Lane.NORMAL.value)  # type: ignore[untyped-decorator]
def round_trip(_: str) -> None:
    """What a task can't do less than."""
    client().incr(BARE_DONE)


@functools.cache
def client() -> redis.Redis:
    """Each process makes its own."""
    return redis.Redis.from_url(os.environ["TRIAGE_REDIS_URL"])
