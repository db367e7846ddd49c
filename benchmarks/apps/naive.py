"""What one would build in an afternoon: `delay()` with the report, a durable-rules Host in the task, one HSET.

Celery is left as it comes. The rules are the made ones of `SHAPE`, which the service gets as a ruleset of its own.
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
    """One round trip, by Celery as it comes."""
    client().incr(NAIVE_DONE)


@app.task(name=NAIVE_DECIDE)  # type: ignore[untyped-decorator]
def decide(report_id: str, report: dict[str, Any]) -> None:
    """Decide, and store."""
    found = engine().read(engine().run(report["findings"]))
    pipe = client().pipeline(transaction=False)
    pipe.hset(f"naive:report:{report_id}", mapping={"level": found.level, "rules": json.dumps(sorted(found.fired))})
    pipe.incr(NAIVE_DONE)  # only so that it can be seen how many are done
    pipe.execute()


@functools.cache
def engine() -> DurableHost:
    """Each process makes its own."""
    return DurableHost(make_ruleset(SHAPE))


@functools.cache
def client() -> redis.Redis:
    """As above."""
    return redis.Redis.from_url(URL)
