"""What is stored of a person is erased on demand, wherever a copy is."""

from __future__ import annotations

import threading

import pytest
import redis
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.support.actors import TESTER
from tests.support.marked_reports import MARKS, OLD, Opening, a_marked_report, dump, settled
from tests.support.reports import (
    HOUR_MS,
    NOW_MS,
    a_report,
    a_result,
    deployed,
)
from tests.support.waiting import wait_for
from triage_rules import consumer as consumer_module
from triage_rules.consumer import Consumer
from triage_rules.foundation.errors import ReportNotFound, SubjectOfSeveral
from triage_rules.foundation.settings import Settings
from triage_rules.records import audit
from triage_rules.records.reports import Idempotency, ReportStatus
from triage_rules.store.erasure import Erased
from triage_rules.store.redis import RedisStore


@pytest.mark.parametrize("keys", [(), (OLD,)], ids=["plain", "encrypted"])
def test_erasing_removes_every_copy(
    opening: Opening, redis_url: str, redis_client: redis.Redis, keys: tuple[str, ...]
) -> None:
    """Report, result, event, dead letter, a group's dead letter, history, idempotency key, pending; nobody else's."""
    store = opening(*keys)
    deployed(store)
    other = settled(store, a_marked_report("somebody else"), key="other")
    done = settled(store, a_marked_report(), key="k")
    dead, queued = a_marked_report(), a_marked_report()
    for report in (dead, queued):
        store.reports.accept(report)
    store.work.bury(dead.id, a_result(dead, None), "worker_lost", NOW_MS)
    with Consumer(redis_url, "ward", encryption_keys=keys) as consumer:
        for message in consumer:
            if message.event.subject == done.id:
                message.give_up("no use")
            else:
                message.ack()
            if message.event.subject == dead.id:
                break
    ids = {report.id.encode() for report in (done, dead, queued)}
    assert all(one in dump(redis_client) for one in ids)
    erased = store.erasure.erase("MARKED-subject", NOW_MS, by=TESTER)
    assert erased == Erased(reports=3, events=2, dead_letters=2, keys=4, unopened=0)
    stored = dump(redis_client)
    assert not any(one in stored for one in (*ids, b"MARKED-subject"))
    assert store.reports.get(other.id).status is ReportStatus.DONE
    assert store.reports.find_idempotent(Idempotency("other", "few-answers")) == other.id
    assert store.reports.find_idempotent(Idempotency("k", "few-answers")) is None
    with pytest.raises(ReportNotFound):
        store.reports.get(done.id)
    assert store.erasure.erase("MARKED-subject", NOW_MS, by=TESTER) == Erased(0, 0, 0, 0, 0)
    assert [one["action"] for one in store.audit.read_entries()] == ["deploy", "erase", "erase"]
    assert audit.verify(store.audit.read_entries()).faults == ()


def test_what_is_erased_while_it_is_evaluated_is_not_published(store: RedisStore, redis_client: redis.Redis) -> None:
    """And a task that is still in the queue finds nothing to do."""
    deployed(store)
    report = a_marked_report()
    store.reports.accept(report)
    delivery = store.work.begin(report.id, NOW_MS)
    assert delivery is not None
    assert store.erasure.erase("MARKED-subject", NOW_MS, by=TESTER).reports == 1
    assert store.work.settle(report.id, a_result(report, "urgent"), NOW_MS, delivery.history) is False
    assert store.work.bury(report.id, a_result(report, None), "worker_lost", NOW_MS) is False
    assert store.work.begin(report.id, NOW_MS) is None
    assert store.work.claim_overdue(NOW_MS + HOUR_MS, 1, 10) == []
    assert (redis_client.xlen("triage:results"), redis_client.xlen("triage:dead")) == (0, 0)
    assert not redis_client.exists(f"triage:report:{report.id}")


def test_a_report_that_is_settled_during_the_erasure_leaves_no_event(
    store: RedisStore, redis_client: redis.Redis, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between looking for its events and erasing them."""
    deployed(store)
    report = a_marked_report()
    store.reports.accept(report)
    looked = store.erasure._entries
    with RedisStore(settings) as worker:

        def settled_just_now(stream: str, ids: list[str]) -> list[str]:
            found = list(looked(stream, ids))
            worker.work.settle(report.id, a_result(report, "urgent"), NOW_MS)
            return found

        monkeypatch.setattr(store.erasure, "_entries", settled_just_now)
        assert store.erasure.erase("MARKED-subject", NOW_MS, by=TESTER).events == 1
    assert redis_client.xlen("triage:results") == 0


def test_a_report_that_is_accepted_during_the_erasure_is_erased_too(
    store: RedisStore, redis_client: redis.Redis, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it would stay behind without the index that leads to its events."""
    deployed(store)
    settled(store, a_marked_report())
    find = store.erasure._select
    with RedisStore(settings) as web:

        def accepted_just_now(subject: str, client: str | None) -> object:
            found = find(subject, client)
            web.reports.accept(a_marked_report(), Idempotency("again", "few-answers"))
            return found

        monkeypatch.setattr(store.erasure, "_select", accepted_just_now)
        erased = store.erasure.erase("MARKED-subject", NOW_MS, by=TESTER)
    assert (erased.reports, erased.events) == (2, 1)
    assert store.health.get_backlog(NOW_MS).pending == 0
    assert not redis_client.keys("triage:idempotency:*")
    assert not [mark for mark in MARKS if mark in dump(redis_client)]


def test_erasing_finds_reports_without_the_index_and_under_another_secret(
    opening: Opening, redis_client: redis.Redis
) -> None:
    """The index is a shortcut, and never the truth."""
    before, after = opening(OLD), opening(OLD, secret="t" * 32)
    deployed(before)
    settled(before, a_marked_report())
    for key in redis_client.keys("triage:subject:*"):
        redis_client.delete(key)
    erased = after.erasure.erase("MARKED-subject", NOW_MS, by=TESTER)
    assert (erased.reports, erased.events) == (1, 1)
    assert redis_client.keys("triage:levels:*") == []


def test_events_whose_report_has_expired_are_found_by_the_index(store: RedisStore, redis_client: redis.Redis) -> None:
    """A group that is behind keeps them for longer than the report."""
    deployed(store)
    report = settled(store, a_marked_report())
    redis_client.delete(f"triage:report:{report.id}")
    assert store.erasure.erase("MARKED-subject", NOW_MS, by=TESTER).events == 1


def test_a_subject_of_several_clients_is_erased_for_one_alone(store: RedisStore) -> None:
    """Two clients' "patient 17" are two people."""
    deployed(store)
    north, south = (settled(store, a_marked_report("17", client)) for client in ("north", "south"))
    with pytest.raises(SubjectOfSeveral) as refused:
        store.erasure.erase("17", NOW_MS, by=TESTER)
    assert refused.value.clients == ("north", "south")
    assert store.erasure.erase("17", NOW_MS, by=TESTER, client="north").reports == 1
    with pytest.raises(ReportNotFound):
        store.reports.get(north.id)
    assert store.reports.get(south.id).status is ReportStatus.DONE
    assert store.erasure.erase("17", NOW_MS, by=TESTER).reports == 1


def test_a_report_that_no_key_opens_is_told_of(opening: Opening, redis_client: redis.Redis) -> None:
    """Nobody may believe that all is gone when it can't be known."""
    store = opening(OLD)
    deployed(store)
    report = settled(store, a_marked_report("x"))
    redis_client.hset(f"triage:report:{report.id}", "subject", "sealed:bad")
    for key in redis_client.keys("triage:subject:*"):
        redis_client.delete(key)
    assert store.erasure.erase("x", NOW_MS, by=TESTER).unopened == 1


def test_a_consumer_that_was_given_an_event_which_is_then_erased_goes_on(
    store: RedisStore, redis_url: str, redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Acknowledging it, giving it up and claiming it do nothing, and no copy comes back."""
    monkeypatch.setattr(consumer_module, "BLOCK_MS", 20)
    deployed(store)
    for _ in range(3):
        settled(store, a_marked_report())
    first = Consumer(redis_url, "ward", prefetch=3)
    messages = iter(first)
    held, given_up = next(messages), next(messages)
    redis_client.xdel("triage:results", held._entry.id)  # as by another's hand: still pending, nothing to claim
    store.erasure.erase("MARKED-subject", NOW_MS, by=TESTER)
    held.ack()
    given_up.give_up("no use")
    assert redis_client.xlen("triage:dead:ward") == 0
    other = settled(store, a_marked_report("somebody else"))
    seen: list[str] = []
    second = Consumer(redis_url, "ward", claim_after=0)
    running = threading.Thread(target=second.run, args=(lambda event: seen.append(event.subject),))
    running.start()
    try:
        wait_for(lambda: seen == [other.id], 5)
    finally:
        second.stop()
        running.join(5)
    assert not running.is_alive()
    assert redis_client.xpending("triage:results", "ward")["pending"] == 0


def test_pending_entries_that_are_gone_neither_stop_nor_loop_a_consumer(
    store: RedisStore, redis_url: str, redis_client: redis.Redis
) -> None:
    """Deleted by another's hand, so that they are still noted as pending when they are claimed."""
    deployed(store)
    reports = [settled(store, a_marked_report()) for _ in range(3)]
    first = Consumer(redis_url, "ward", prefetch=3)
    next(iter(first))
    gone = [entry_id for entry_id, _ in redis_client.xrange("triage:results")][:2]
    redis_client.xdel("triage:results", *gone)
    with Consumer(redis_url, "ward", claim_after=0) as second:
        assert next(iter(second)).event.subject == reports[2].id


WORDS = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), max_size=20).map(
    lambda word: f"mark-{word}-mark"
)


@given(subject=WORDS, answers=st.dictionaries(WORDS, WORDS, min_size=1, max_size=3), ends=st.sampled_from(["", "monitor", "dead"]))  # fmt: skip
@hypothesis_settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)
def test_after_erasing_no_key_holds_anything_of_the_person(
    store: RedisStore, redis_client: redis.Redis, subject: str, answers: dict[str, str], ends: str
) -> None:
    """Every key, every type, raw bytes: no subject, no hash of it, no answer, no id."""
    redis_client.flushall()
    deployed(store)
    report = a_report(answers=dict(answers), subject=subject)
    store.reports.accept(report, Idempotency(subject[:5], "few-answers"))
    if ends == "monitor":
        store.work.settle(report.id, {**a_result(report, ends), "note": answers}, NOW_MS)
    elif ends == "dead":
        store.work.bury(report.id, a_result(report, None), "worker_lost", NOW_MS)
    hashed = store.connection.encryption.hash_name(subject)
    traces = [word.encode() for word in (report.id, hashed)]
    words = [subject, *answers, *answers.values()]
    # as stored: in JSON a quotation mark or a backslash is escaped
    traces += [word.encode() for word in words if '"' not in word and "\\" not in word]
    assert [trace for trace in traces if trace not in dump(redis_client)] == []
    assert store.erasure.erase(subject, NOW_MS, by=TESTER).reports == 1
    stored = dump(redis_client)
    assert [trace for trace in traces if trace in stored] == []
