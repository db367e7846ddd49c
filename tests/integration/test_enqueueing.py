"""A report and its task are stored in one step, and the task is the one that Celery itself would have sent."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
import redis

from service.use.dispatch import CeleryDispatch
from service.use.task_messages import TaskMessage
from tests.support.reports import NOW_MS, ROUTINE, URGENT, a_report, deployed, glass_test
from tests.support.services.workers import Crew
from tests.support.waiting import wait_for
from triage_rules.foundation.errors import IdempotencyMismatch, QueueTooOld, StaleRuleset, StoreUnavailable
from triage_rules.foundation.settings import Settings
from triage_rules.records.reports import Accepted, Idempotency, Lane
from triage_rules.records.tasks import BROKER_KEY_PREFIX
from triage_rules.store.redis import RedisStore

REPORT = "0123456789abcdef" * 2
KEY = Idempotency("key", "a" * 64)


def _queued(client: redis.Redis, lane: Lane) -> list[Any]:
    return [json.loads(text) for text in client.lrange(BROKER_KEY_PREFIX + lane.value, 0, -1)]


def _comparable(message: dict[str, Any]) -> tuple[dict[str, Any], Any, set[str]]:
    """The message without what is another in each, its body, and the task's ids in it."""
    body = json.loads(base64.b64decode(message.pop("body")))
    headers, properties = message["headers"], message["properties"]
    ids = {headers.pop("id"), headers.pop("root_id"), properties.pop("correlation_id")}
    assert properties.pop("delivery_tag")
    properties.pop("reply_to")  # one for each client
    headers.pop("origin")  # likewise
    return message, body, ids


@pytest.mark.parametrize("lane", Lane)
def test_the_written_task_is_the_one_that_celery_sends(
    settings: Settings, redis_client: redis.Redis, lane: Lane
) -> None:
    """Field by field, whatever the version of Celery: a worker must not be able to tell them apart."""
    dispatch = CeleryDispatch(settings)
    dispatch([REPORT], lane)
    (sent,) = _queued(redis_client, lane)
    written = json.loads(dispatch.written(REPORT, lane))
    sent_parts, written_parts = _comparable(sent), _comparable(written)
    assert written_parts[:2] == sent_parts[:2]
    assert len(written_parts[2]) == len(sent_parts[2]) == 1


def test_each_written_task_has_ids_of_its_own() -> None:
    """By the tag kombu tells messages apart; two with the same would be acknowledged as one."""
    text_of = TaskMessage(Lane.NORMAL)
    first, second = json.loads(text_of(REPORT)), json.loads(text_of(REPORT))
    assert first["headers"]["id"] != second["headers"]["id"]
    assert first["properties"]["delivery_tag"] != second["properties"]["delivery_tag"]
    assert "of-a-task" not in text_of(REPORT)


def test_a_report_and_its_task_are_stored_in_one_step(store: RedisStore, redis_client: redis.Redis) -> None:
    """Nothing can happen between the two."""
    deployed(store)
    for lane in Lane:
        store.reports.accept(a_report(lane=lane), task=f'"{lane.value}"')
    assert [_queued(redis_client, lane) for lane in Lane] == [[lane.value] for lane in Lane]


def test_without_a_task_nothing_is_enqueued(store: RedisStore, redis_client: redis.Redis) -> None:
    """Those of a batch are enqueued in chunks."""
    deployed(store)
    store.reports.accept(a_report())
    store.reports.accept_many([a_report()])
    assert _queued(redis_client, Lane.NORMAL) == []


def test_a_command_that_is_sent_twice_enqueues_once(store: RedisStore, redis_client: redis.Redis) -> None:
    """The answer to the first was lost: the task is there already."""
    deployed(store)
    report = a_report()
    for _ in range(2):
        assert store.reports.accept(report, KEY, "1") == Accepted(report.id, created=True)
    assert _queued(redis_client, Lane.NORMAL) == [1]


def test_what_is_refused_or_known_is_not_enqueued(store: RedisStore, redis_client: redis.Redis) -> None:
    """Else a worker would be asked for a report that isn't there, or a second time for one that is."""
    deployed(store)
    first = a_report()
    store.reports.accept(first, KEY)
    with pytest.raises(StaleRuleset):
        store.reports.accept(a_report(digest="sha256:other"), task="1")
    with pytest.raises(QueueTooOld):
        store.reports.accept(a_report(received_ms=NOW_MS + 10**9), task="1")
    with pytest.raises(IdempotencyMismatch):
        store.reports.accept(a_report(), Idempotency("key", "b" * 64), "1")
    assert store.reports.accept(a_report(), KEY, "1") == Accepted(first.id, created=False)
    assert _queued(redis_client, Lane.NORMAL) == []


def test_if_the_task_cannot_be_written_the_report_is_not_accepted(store: RedisStore, redis_client: redis.Redis) -> None:
    """Whatever is wrong with the queue: whoever is told 503 must be able to rely on it."""
    deployed(store)
    redis_client.set(BROKER_KEY_PREFIX + Lane.NORMAL.value, "no list")
    with pytest.raises((redis.ResponseError, StoreUnavailable)):
        store.reports.accept(a_report(), task="1")
    assert store.health.get_backlog(NOW_MS).pending == 0
    assert list(redis_client.scan_iter("triage:report:*")) == []


def test_a_worker_decides_reports_whose_tasks_were_stored_with_them(
    crew: Crew, store: RedisStore, settings: Settings, redis_client: redis.Redis
) -> None:
    """No sweep helps here, and Celery's own sending was never used."""
    bundle = glass_test()
    deployed(store, bundle.name, bundle.digest)
    redis_client.set(f"triage:bundle:{bundle.digest}", bundle.data)
    dispatch = CeleryDispatch(settings)
    wanted = {}
    for answers, lane in ((URGENT, Lane.URGENT), (ROUTINE, Lane.NORMAL)) * 5:
        report = a_report(ruleset=bundle.name, digest=bundle.digest, answers=answers, lane=lane)
        store.reports.accept(report, task=dispatch.written(report.id, lane))
        wanted[report.id] = lane
    crew.worker()
    wait_for(lambda: redis_client.xlen("triage:results") == len(wanted), 60)
    assert {fields["ce_subject"] for _, fields in redis_client.xrange("triage:results")} == set(wanted)
