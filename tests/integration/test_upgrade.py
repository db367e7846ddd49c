"""A store that the version before has written, or still writes: nothing is lost, stuck or left behind."""

from __future__ import annotations

import pytest
import redis

from tests.actors import TESTER
from tests.integration.making import HOUR_MS, NOW_MS, a_report, a_result, deployed
from triage_rules.foundation.errors import QueueTooOld
from triage_rules.language.model import Level
from triage_rules.records.reports import History, Lane, ReportStatus
from triage_rules.store.redis import RedisLedger

NEW_FIELDS = ("client", "idempotency")
"""Of a report: 0.1.0 doesn't write them."""


@pytest.fixture(autouse=True)
def _live(ledger: RedisLedger) -> None:
    deployed(ledger)


def test_what_the_version_before_accepted_is_decided_and_erased(ledger: RedisLedger, redis_client: redis.Redis) -> None:
    """It names no client and no idempotency key, and isn't noted as urgent."""
    report = a_report(subject="person-1", lane=Lane.URGENT)
    ledger.accept(report)
    redis_client.hdel(f"triage:report:{report.id}", *NEW_FIELDS)
    redis_client.delete("triage:pending:urgent")
    assert ledger.overdue(NOW_MS + HOUR_MS, 30_000, 10) == [(report.id, "urgent")]
    delivery = ledger.begin(report.id, NOW_MS)
    assert delivery is not None
    assert delivery.report == report
    assert ledger.settle(report.id, a_result(report, "urgent"), NOW_MS, delivery.history)
    assert (ledger.get(report.id).status, ledger.get(report.id).client) == (ReportStatus.DONE, "")
    assert ledger.history("spots", "person-1", NOW_MS) == History(1, Level.URGENT)
    erased = ledger.erase("person-1", NOW_MS, by=TESTER)
    assert (erased.reports, erased.events) == (1, 1)


def test_what_an_older_worker_settled_does_not_make_the_queue_look_old(
    ledger: RedisLedger, redis_client: redis.Redis
) -> None:
    """During a release, or after going back a version: urgent reports would be refused for ever."""
    settled, waiting = (a_report(lane=Lane.URGENT, received_ms=at) for at in (NOW_MS, NOW_MS + HOUR_MS))
    ledger.accept(settled)
    ledger.settle(settled.id, a_result(settled, "urgent"), NOW_MS)
    for index in ("triage:pending", "triage:pending:urgent"):
        redis_client.zadd(index, {settled.id: NOW_MS, "erased": NOW_MS})
    now = NOW_MS + HOUR_MS
    with pytest.raises(QueueTooOld):
        ledger.accept(waiting)
    assert ledger.overdue(now, 30_000, 100) == []
    backlog = ledger.backlog(now)
    assert (backlog.pending, backlog.oldest_ms, backlog.oldest_urgent_ms) == (0, 0, 0)
    assert ledger.accept(waiting).created
    assert ledger.overdue(now, 30_000, 100) == []
    assert ledger.backlog(now).pending == 1
