"""A store that the version before has written, or still writes: nothing is lost, stuck or left behind."""

from __future__ import annotations

import pytest
import redis

from tests.support.actors import TESTER
from tests.support.reports import HOUR_MS, NOW_MS, a_report, a_result, deployed
from triage_rules.foundation.errors import QueueTooOld
from triage_rules.language.model import Level
from triage_rules.records.board import Wanted
from triage_rules.records.chains import ChainPlace, ChainStanding
from triage_rules.records.reports import History, Lane, ReportStatus
from triage_rules.store.redis import RedisStore

NEW_FIELDS = ("client", "idempotency", "audience")
"""Of a report: 0.1.0 doesn't write them."""


@pytest.fixture(autouse=True)
def _live(store: RedisStore) -> None:
    deployed(store)


def test_what_the_version_before_accepted_is_decided_and_erased(store: RedisStore, redis_client: redis.Redis) -> None:
    """It names no client and no idempotency key, and isn't noted as urgent."""
    report = a_report(subject="person-1", lane=Lane.URGENT)
    store.reports.accept(report)
    redis_client.hdel(f"triage:report:{report.id}", *NEW_FIELDS)
    redis_client.delete("triage:pending:urgent")
    assert store.work.claim_overdue(NOW_MS + HOUR_MS, 30_000, 10) == [(report.id, "urgent")]
    delivery = store.work.begin(report.id, NOW_MS)
    assert delivery is not None
    assert delivery.report == report
    assert store.work.settle(report.id, a_result(report, "urgent"), NOW_MS, delivery.history)
    assert (store.reports.get(report.id).status, store.reports.get(report.id).client) == (ReportStatus.DONE, "")
    assert store.reports.get_history("spots", "person-1", NOW_MS) == History(1, Level.URGENT)
    erased = store.erasure.erase("person-1", NOW_MS, by=TESTER)
    assert (erased.reports, erased.events) == (1, 1)


def test_what_the_version_before_accepted_and_settled_can_be_amended(
    store: RedisStore, redis_client: redis.Redis
) -> None:
    """It knows no chains: its levels are in one hash, and hold for a day."""
    report = a_report(subject="person-1")
    store.reports.accept(report)
    store.work.settle(report.id, a_result(report, "urgent"), NOW_MS)
    redis_client.hdel(f"triage:report:{report.id}", *NEW_FIELDS)
    redis_client.delete(*redis_client.keys("triage:levels:*:*:*"))
    amendment = a_report(subject="person-1", amends=report.id)
    assert store.reports.accept(amendment).created
    delivery = store.work.begin(amendment.id, NOW_MS)
    assert delivery is not None
    assert delivery.history == History(0, Level.URGENT)
    assert delivery.chain.above is not None
    standing = ChainStanding(ChainPlace.FRONT, delivery.chain.above.id)
    assert store.work.settle(amendment.id, a_result(amendment, "monitor"), NOW_MS, delivery.history, standing)
    assert [row.noted.id for row in store.board.page(Wanted(), NOW_MS, 5).rows] == [amendment.id]
    assert store.reports.get_history("spots", "person-1", NOW_MS) == History(1, Level.URGENT)
    erased = store.erasure.erase("person-1", NOW_MS, by=TESTER)
    assert (erased.reports, erased.events) == (2, 2)


def test_what_an_older_worker_settled_does_not_make_the_queue_look_old(
    store: RedisStore, redis_client: redis.Redis
) -> None:
    """During a release, or after going back a version: urgent reports would be refused for ever."""
    settled, waiting = (a_report(lane=Lane.URGENT, received_ms=at) for at in (NOW_MS, NOW_MS + HOUR_MS))
    store.reports.accept(settled)
    store.work.settle(settled.id, a_result(settled, "urgent"), NOW_MS)
    for index in ("triage:pending", "triage:pending:urgent"):
        redis_client.zadd(index, {settled.id: NOW_MS, "erased": NOW_MS})
    now = NOW_MS + HOUR_MS
    with pytest.raises(QueueTooOld):
        store.reports.accept(waiting)
    assert store.work.claim_overdue(now, 30_000, 100) == []
    backlog = store.health.get_backlog(now)
    assert (backlog.pending, backlog.oldest_ms, backlog.oldest_urgent_ms) == (0, 0, 0)
    assert store.reports.accept(waiting).created
    assert store.work.claim_overdue(now, 30_000, 100) == []
    assert store.health.get_backlog(now).pending == 1
