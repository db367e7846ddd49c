"""A quick build: `delay()` with the report, a durable-rules Host in the task, one HSET.

Celery has its defaults. The rules are generated from `SHAPE`; the service gets the same rules as a ruleset.
"""

from __future__ import annotations

import functools
import json
import os
from typing import Any

import redis
from celery import Celery

from benchmarks.apps.names import NAIVE_DECIDE, NAIVE_DONE, NAIVE_ROUND_TRIP
from benchmarks.apps.shape import SHAPE
from benchmarks.engines.durable_host import DurableHost
from benchmarks.rulesets import make_ruleset

URL = os.environ["TRIAGE_REDIS_URL"]

app = Celery("naive", broker=URL)
app.conf.update(task_ignore_result=True, broker_connection_retry_on_startup=True)


@app.task(name=NAIVE_ROUND_TRIP)  # type: ignore[untyped-decorator]
def round_trip(_: str) -> None:
    """Make one round trip, with Celery's defaults."""
    client().incr(NAIVE_DONE)


@app.task(name=NAIVE_DECIDE)  # type: ignore[untyped-decorator]
def decide(report_id: str, report: dict[str, Any]) -> None:
    """Decide, and store the result."""
    found = engine().read(engine().run(report["findings"]))
    pipe = client().pipeline(transaction=False)
    pipe.hset(f"naive:report:{report_id}", mapping={"level": found.level, "rules": json.dumps(sorted(found.fired))})
    pipe.incr(NAIVE_DONE)  # only so that it can be seen how many are done
    pipe.execute()


@functools.cache
def engine() -> DurableHost:
    """Return this process's own engine."""
    return DurableHost(make_ruleset(SHAPE))


@functools.cache
def client() -> redis.Redis:
    """Return this process's own client."""
    return redis.Redis.from_url(URL)
