"""Our worker, with extra tasks that make one Redis round trip: the same processes, settings and broker for all."""

from __future__ import annotations

import functools
import os

import redis

from benchmarks.apps.names import BARE_DONE, ROUND_TRIP, TELL
from triage_rules.records.reports import Lane
from workers.app import app


@app.task(name=ROUND_TRIP, queue=Lane.NORMAL.value)  # type: ignore[untyped-decorator]
def round_trip(_: str) -> None:
    """Do the least that a task can do."""
    client().incr(BARE_DONE)


@app.task(name=TELL, queue=Lane.NORMAL.value)  # type: ignore[untyped-decorator]
def tell(report_id: str) -> None:
    """Append an event that holds only the report's id."""
    client().xadd("triage:results", {"ce_subject": report_id})


@functools.cache
def client() -> redis.Redis:
    """Return this process's own client."""
    return redis.Redis.from_url(os.environ["TRIAGE_REDIS_URL"])
