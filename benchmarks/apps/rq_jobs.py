"""RQ with rule-engine: the other quick build."""

from __future__ import annotations

import functools
import json
import os
from typing import Any

import redis

from benchmarks.apps.names import RQ_DONE
from benchmarks.apps.shape import SHAPE
from benchmarks.engines.rule_engine_peer import RuleEngine
from benchmarks.rulesets import make_ruleset


def decide(report_id: str, report: dict[str, Any]) -> None:
    """Decide, and store the result."""
    found = engine().read(engine().run(report["findings"]))
    pipe = client().pipeline(transaction=False)
    pipe.hset(f"rqjobs:report:{report_id}", mapping={"level": found.level, "rules": json.dumps(sorted(found.fired))})
    pipe.incr(RQ_DONE)  # only so that it can be seen how many are done
    pipe.execute()


@functools.cache
def engine() -> RuleEngine:
    """Return this process's own engine."""
    return RuleEngine(make_ruleset(SHAPE))


@functools.cache
def client() -> redis.Redis:
    """Return this process's own client."""
    return redis.Redis.from_url(os.environ["TRIAGE_REDIS_URL"])
