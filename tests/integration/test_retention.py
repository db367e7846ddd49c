"""Each kind of data is kept for its own time."""

from __future__ import annotations

from dataclasses import replace

import pytest
import redis

from tests.support.marked_reports import a_marked_report, settled
from tests.support.reports import (
    DAY_MS,
    HOUR_MS,
    NOW_MS,
    a_report,
    a_result,
    deployed,
)
from triage_rules.consumer import Consumer
from triage_rules.foundation.settings import Settings
from triage_rules.records.reports import ReportStatus
from triage_rules.store.redis import RedisStore


def test_each_kind_is_kept_for_its_own_time(settings: Settings, redis_client: redis.Redis) -> None:
    told = replace(
        settings, retention_days=2, event_retention_days=3, dead_letter_retention_days=4, idempotency_hours=5,
        history_hours=30,
    )  # fmt: skip
    with RedisStore(told) as store:
        deployed(store)
        report = settled(store, a_marked_report(), key="k")
        dead = a_marked_report()
        store.reports.accept(dead)
        store.work.bury(dead.id, a_result(dead, None), "worker_lost", NOW_MS)
        hours = {
            key.split(":")[1]: round(redis_client.ttl(key) / 3600)
            for kind in ("report", "idempotency", "subject", "levels")
            for key in redis_client.keys(f"triage:{kind}:*")
        }
        assert hours == {"report": 48, "idempotency": 5, "subject": 6 * 24, "levels": 30}
        now = int(redis_client.xrevrange("triage:results", count=1)[0][0].partition("-")[0])
        store.trim(now + 3 * DAY_MS - HOUR_MS)
        assert redis_client.xlen("triage:results") == 2
        store.trim(now + 3 * DAY_MS + HOUR_MS)
        assert (redis_client.xlen("triage:results"), redis_client.xlen("triage:dead")) == (0, 1)
        store.trim(now + 4 * DAY_MS + HOUR_MS)
        assert redis_client.xlen("triage:dead") == 0
        assert store.reports.get(report.id).status is ReportStatus.DONE


def test_letters_of_a_group_that_is_gone_expire(store: RedisStore, redis_url: str, redis_client: redis.Redis) -> None:
    """Nobody trims them any more."""
    deployed(store)
    settled(store, a_marked_report())
    with Consumer(redis_url, "ward") as consumer:
        next(iter(consumer)).give_up("no use")
    store.trim(NOW_MS)
    redis_client.xgroup_destroy("triage:results", "ward")
    assert 0 < redis_client.ttl("triage:dead:ward") <= 30 * 24 * 3600


def test_a_bundle_is_dropped_once_nothing_needs_it(
    store: RedisStore, redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither live, nor what rollback returns to, nor named by a kept report; also one deployed again meanwhile stays."""
    monkeypatch.setattr("triage_rules.store.rulesets.DEPLOYMENTS_KEPT", 2)
    monkeypatch.setattr("triage_rules.store.bundle_cleanup.PAGES_AT_ONCE", 1)
    for digest in ("sha256:old", "sha256:kept", "sha256:again", "sha256:previous"):
        deployed(store, digest=digest)
        if digest == "sha256:kept":
            kept = settled(store, a_report(digest=digest))
    deployed(store, digest="sha256:live")
    store.trim(NOW_MS)
    deployed(store, name="other", digest="sha256:again")
    for _ in range(20):
        store.trim(NOW_MS)
    stored = {key.removeprefix("triage:bundle:") for key in redis_client.keys("triage:bundle:*")}
    assert stored == {"sha256:kept", "sha256:again", "sha256:previous", "sha256:live"}
    redis_client.delete(f"triage:report:{kept.id}", "triage:leaving:begun")
    for _ in range(20):
        store.trim(NOW_MS)
    assert not redis_client.exists("triage:bundle:sha256:kept")
    assert not redis_client.exists("triage:leaving", "triage:leaving:cursor")


def test_a_bundle_that_a_waiting_report_names_stays_also_if_the_look_missed_it(
    store: RedisStore, redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when Redis is started again in its middle, and goes through its keys in another order."""
    monkeypatch.setattr("triage_rules.store.rulesets.DEPLOYMENTS_KEPT", 1)
    deployed(store, digest="sha256:waiting")
    store.reports.accept(a_report(digest="sha256:waiting"))
    deployed(store, digest="sha256:live")
    store.trim(NOW_MS)
    assert redis_client.smembers("triage:leaving") == {"sha256:waiting"}
    monkeypatch.setattr(store.connection.client, "scan", lambda *_, **__: (0, []))
    store.trim(NOW_MS)
    assert not redis_client.exists("triage:leaving", "triage:leaving:cursor")
    assert store.rulesets.get_bundle("sha256:waiting") == b"one"
