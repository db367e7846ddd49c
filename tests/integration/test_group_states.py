"""How far each consumer group is, wherever it is told: by the store, `triage status`, /v1/status and /metrics."""

from __future__ import annotations

import json
from typing import Any

import pytest
import redis
from click.testing import CliRunner, Result

from service.boot.app import create_app
from tests.integration.test_consumer import take
from tests.support.reports import NOW_MS, a_report, a_result, glass_test_live
from triage_rules import consumer as consumer_module
from triage_rules.cli import main
from triage_rules.consumer import Consumer
from triage_rules.foundation.settings import Settings
from triage_rules.language.bundle import Bundle
from triage_rules.records.consumer_groups import ConsumerGroup, Groups
from triage_rules.store.redis import RedisStore

STREAM = "triage:results"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumer_module, "BLOCK_MS", 50)


@pytest.fixture
def bundle(store: RedisStore) -> Bundle:
    return glass_test_live(store)


def publish(store: RedisStore, bundle: Bundle, count: int) -> None:
    """So many settled reports."""
    for _ in range(count):
        report = a_report(ruleset=bundle.name, digest=bundle.digest)
        store.reports.accept(report)
        store.work.settle(report.id, a_result(report, "urgent"), NOW_MS)


@pytest.fixture
def behind(store: RedisStore, bundle: Bundle, redis_url: str) -> ConsumerGroup:
    """A group that has acknowledged one result, gave one up, has two in hand, and three to come."""
    publish(store, bundle, 7)
    with Consumer(redis_url, "ward-7") as consumer:
        done, bad, *_ = take(consumer, 4)
        done.ack()
        bad.give_up("no such ward")
    return ConsumerGroup("ward-7", lag=3, pending=2, dead=1)


@pytest.fixture
def unknown(behind: ConsumerGroup, redis_client: redis.Redis) -> ConsumerGroup:
    """The same after one of the results to come was erased: the store can't tell any more how many there are."""
    *_, erased, _ = redis_client.xrange(STREAM)
    redis_client.xdel(STREAM, erased[0])
    return ConsumerGroup(behind.name, None, behind.pending, behind.dead)


def http_status(settings: Settings) -> dict[str, Any]:
    told: dict[str, Any] = create_app(settings).test_client().get("/v1/status").get_json()
    return told


def metrics(settings: Settings) -> list[str]:
    return create_app(settings).test_client().get("/metrics").text.splitlines()


def status(url: str, *arguments: str) -> Result:
    ran = CliRunner().invoke(main, ["status", *arguments], env={"TRIAGE_REDIS_URL": url}, catch_exceptions=False)
    assert ran.exit_code == 0, ran.output
    return ran


def test_before_anything_was_published_there_is_no_group(store: RedisStore) -> None:
    """The stream isn't there yet; that is no fault."""
    assert store.consumer_groups.get_all() == Groups((), 0)


def test_each_group_is_told_by_itself(store: RedisStore, behind: ConsumerGroup, redis_client: redis.Redis) -> None:
    """One that lags must not hide behind one that doesn't."""
    redis_client.xgroup_create(STREAM, "archive", "0")
    redis_client.xgroup_create(STREAM, "display", "$")
    others = (ConsumerGroup("archive", 7, 0, 0), ConsumerGroup("display", 0, 0, 0))
    assert store.consumer_groups.get_all() == Groups((*others, behind), 0)


def test_status_tells_how_far_a_group_is_and_how_its_letters_come_back(redis_url: str, behind: ConsumerGroup) -> None:
    """To people in a line, to programs as numbers."""
    ran = status(redis_url)
    assert "group ward-7: 3 undelivered results, 2 in progress, 1 dead letter" in ran.stdout
    assert "triage redrive --group ward-7" in ran.stderr
    told = json.loads(status(redis_url, "--format", "json").stdout)
    assert told["groups"] == [{"name": "ward-7", "lag": 3, "pending": 2, "dead": 1}]
    assert told["groups_left_out"] == 0


def test_the_status_over_http_tells_how_far_a_group_is(settings: Settings, behind: ConsumerGroup) -> None:
    told = http_status(settings)
    assert told["groups"] == [{"name": "ward-7", "lag": 3, "pending": 2, "dead": 1}]
    assert told["groups_left_out"] == 0


def test_an_alarm_can_be_set_on_a_groups_lag_and_dead_letters(settings: Settings, behind: ConsumerGroup) -> None:
    lines = metrics(settings)
    for name, value in (("lag", 3.0), ("pending", 2.0), ("dead", 1.0)):
        assert f'triage_group_{name}{{group="ward-7"}} {value}' in lines
    assert "triage_groups_left_out 0.0" in lines


def test_a_lag_that_the_store_does_not_know_is_told_as_unknown_and_not_as_nought(
    store: RedisStore, settings: Settings, redis_url: str, unknown: ConsumerGroup
) -> None:
    """Nought would say that all is well."""
    assert store.consumer_groups.get_all() == Groups((unknown,), 0)
    assert "group ward-7: unknown number of undelivered results" in status(redis_url).stdout
    assert json.loads(status(redis_url, "--format", "json").stdout)["groups"][0]["lag"] is None
    assert http_status(settings)["groups"][0]["lag"] is None
    assert 'triage_group_lag{group="ward-7"} NaN' in metrics(settings)


def test_of_very_many_groups_a_hundred_are_told_and_the_others_counted(
    store: RedisStore, settings: Settings, redis_url: str, bundle: Bundle, redis_client: redis.Redis
) -> None:
    """Whoever may read results may make groups: no scrape or answer grows without end by it."""
    publish(store, bundle, 1)
    for number in range(130):
        redis_client.xgroup_create(STREAM, f"g{number:03}", "0")
    groups = store.consumer_groups.get_all()
    assert [one.name for one in groups.shown] == [f"g{number:03}" for number in range(100)]
    assert groups.left_out == http_status(settings)["groups_left_out"] == 30
    assert "and 30 more groups" in status(redis_url).stdout
    lines = metrics(settings)
    assert sum(line.startswith("triage_group_lag{") for line in lines) == 100
    assert "triage_groups_left_out 30.0" in lines


def test_a_group_whose_name_cannot_be_printed_is_counted_and_breaks_nothing(
    store: RedisStore, settings: Settings, redis_url: str, bundle: Bundle, redis_client: redis.Redis
) -> None:
    """No bytes, control characters or endless names in an answer, in a terminal or in a label."""
    publish(store, bundle, 1)
    for name in (b"\xff\xfe", "\x1b[2J", "line\nbreak", "x" * 101, 'odd "but" fine'):
        redis_client.xgroup_create(STREAM, name, "0")
    assert store.consumer_groups.get_all() == Groups((ConsumerGroup('odd "but" fine', 1, 0, 0),), 4)
    assert http_status(settings)["groups_left_out"] == 4
    assert "\x1b" not in status(redis_url).stdout
    assert r'triage_group_lag{group="odd \"but\" fine"} 1.0' in metrics(settings)
