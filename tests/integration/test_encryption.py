"""What is stored of a person is encrypted if wanted, and its keys can be changed."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
import redis

from tests.support.actors import TESTER
from tests.support.marked_reports import MARKS, NEW, OLD, Opening, a_marked_report, dump, settled
from tests.support.reports import (
    HOUR_MS,
    NOW_MS,
    ROUTINE,
    a_report,
    a_result,
    deployed,
    glass_test_live,
    now_ms,
    posted,
)
from tests.support.waiting import wait_for
from triage_rules import consumer as consumer_module
from triage_rules.consumer import Consumer, follow
from triage_rules.deployment.live import LiveRulesets
from triage_rules.foundation.encryption import Encryption
from triage_rules.foundation.errors import DecryptionError
from triage_rules.foundation.settings import Settings
from triage_rules.language.model import Level
from triage_rules.records import audit
from triage_rules.records.reports import History, Idempotency, ReportStatus
from triage_rules.store.redis import RedisStore
from workers import attempts
from workers.handlers import Handlers, TaskOutcome
from workers.parts import WorkerParts


def test_without_keys_everything_is_stored_as_it_is(store: RedisStore, redis_client: redis.Redis) -> None:
    """So the search below is able to find what it looks for."""
    deployed(store)
    settled(store, a_marked_report())
    assert [mark for mark in MARKS if mark not in dump(redis_client)] == []


def test_with_keys_no_answer_subject_time_or_result_stands_in_redis(
    opening: Opening, redis_client: redis.Redis
) -> None:
    """What is left readable is what routing needs: level, ruleset, digest, ids, times."""
    store = opening(OLD)
    deployed(store)
    first, second = a_marked_report(), a_marked_report()
    settled(store, first, key="MARKED-subject")
    store.reports.accept(second)
    stored = dump(redis_client)
    assert [mark for mark in MARKS if mark in stored] == []
    delivery = store.work.begin(second.id, NOW_MS)
    assert delivery is not None
    assert delivery.report == replace(second, client="")
    assert delivery.history.reports_last_48h == 1
    result = store.reports.get(first.id).result
    assert result is not None and result["note"] == "MARKED-result"
    ((_, event),) = redis_client.xrange("triage:results")
    assert (event["level"], event["content-type"]) == ("monitor", "application/vnd.triage.sealed")


def test_names_of_subjects_and_idempotency_keys_can_t_be_guessed_without_the_secret(
    opening: Opening, redis_client: redis.Redis
) -> None:
    """A plain hash of "patient 17" is found by trying them all; so is the fingerprint of a few answers."""
    plain, encrypted = opening(secret=""), opening(OLD)
    names = {plain.connection.encryption.hash_name(word).encode() for word in ("patient-17", "k")} | {b"few-answers"}
    deployed(plain)
    settled(plain, a_marked_report("patient-17"), key="k")
    assert all(name in dump(redis_client) for name in names)
    redis_client.flushall()
    deployed(encrypted)
    settled(encrypted, a_marked_report("patient-17"), key="k")
    assert not any(name in dump(redis_client) for name in names)
    assert encrypted.reports.find_idempotent(Idempotency("k", "few-answers")) is not None


def test_swapped_ciphertexts_are_noticed(opening: Opening, redis_client: redis.Redis) -> None:
    """One person's result must not be shown as another's by whoever can write to Redis."""
    store = opening(OLD)
    deployed(store)
    one, two = settled(store, a_marked_report()), settled(store, a_marked_report())
    queued = a_marked_report()
    store.reports.accept(queued)
    redis_client.hset(f"triage:report:{one.id}", "result", redis_client.hget(f"triage:report:{two.id}", "result"))
    with pytest.raises(DecryptionError, match="another report"):
        store.reports.get(one.id)
    redis_client.hset(
        f"triage:report:{queued.id}", "findings", redis_client.hget(f"triage:report:{one.id}", "findings")
    )
    delivery = store.work.begin(queued.id, NOW_MS)
    assert delivery is not None and delivery.unreadable == "DecryptionError"
    redis_client.hset(f"triage:report:{one.id}", "result", redis_client.hget(f"triage:report:{one.id}", "findings"))
    with pytest.raises(DecryptionError, match="another report"):
        store.reports.get(one.id)


@pytest.mark.parametrize("keys", [(), (NEW,)], ids=["none", "another"])
def test_a_process_without_the_right_keys_accepts_and_begins_nothing(opening: Opening, keys: tuple[str, ...]) -> None:
    """It would store what others can't open, and bury what it can't open itself."""
    store, wrong = opening(OLD), opening(*keys)
    deployed(store)
    report = a_marked_report()
    store.reports.accept(report)
    for step in (
        lambda: wrong.reports.accept(a_marked_report()),
        lambda: wrong.reports.accept_many([a_marked_report()]),
        lambda: wrong.work.begin(report.id, NOW_MS),
        wrong.health.check_encryption,
        lambda: wrong.erasure.erase("MARKED-subject", NOW_MS, by=TESTER),
        lambda: wrong.key_rotation.rekey(NOW_MS, by=TESTER),
    ):
        with pytest.raises(DecryptionError):
            step()
    assert store.reports.get(report.id).attempts == 0
    assert store.health.get_backlog(NOW_MS).pending == 1


def test_a_report_that_no_key_opens_ends_as_a_dead_letter_with_the_reason(
    opening: Opening, settings: Settings, redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    """A human must look; the others are none the worse, and a worker with other keys leaves all to the sweep."""
    monkeypatch.setattr(attempts, "BACKOFF_SECONDS", (0.0,))
    store, wrong = opening(OLD), opening(NEW)
    bundle = glass_test_live(store)

    def worker(on: RedisStore) -> Handlers:
        return Handlers(WorkerParts(settings, on, LiveRulesets(on.rulesets), lambda _ids, _lane: None, now_ms))

    spoilt, good = posted(bundle, ROUTINE, subject="MARKED-subject"), posted(bundle, ROUTINE)
    for report in (spoilt, good):
        store.reports.accept(report)
    encrypted_by_another = Encryption([NEW]).encrypt("{}", spoilt.id, "findings")
    redis_client.hset(f"triage:report:{spoilt.id}", "findings", encrypted_by_another)
    assert worker(wrong).evaluate_singly(good.id) is TaskOutcome.LEFT
    assert worker(store).evaluate_singly(spoilt.id) is worker(store).evaluate_singly(good.id) is TaskOutcome.FINISHED
    assert (store.reports.get(spoilt.id).status, store.reports.get(good.id).status) == (
        ReportStatus.DEAD,
        ReportStatus.DONE,
    )
    ((_, letter),) = redis_client.xrange("triage:dead")
    assert letter["reason"] == "evaluation_failed: UnreadableReport (DecryptionError)"
    assert "MARKED" not in caplog.text and "gAAAA" not in caplog.text


def test_a_subject_that_looks_encrypted_is_only_a_word(store: RedisStore) -> None:
    """Whoever posts must not be able to make a report that can't be read."""
    deployed(store)
    report = a_report(subject="sealed:gAAAAA")
    store.reports.accept(report)
    delivery = store.work.begin(report.id, NOW_MS)
    assert delivery is not None and delivery.report.subject == "sealed:gAAAAA"


def test_after_rekeying_the_old_key_can_go_and_everything_is_readable(
    opening: Opening, redis_client: redis.Redis, redis_url: str
) -> None:
    """Two keys, rekey, drop the old one; events are readable with the old key until they are trimmed."""
    before = opening(OLD)
    deployed(before)
    done, queued = settled(before, a_marked_report()), a_marked_report()
    before.reports.accept(queued)
    both = opening(NEW, OLD)
    later = settled(both, a_marked_report())
    told = both.key_rotation.rekey(NOW_MS, by=TESTER)
    assert (told.reports, told.unopened, told.events) == (2, 0, 1)
    assert both.key_rotation.rekey(NOW_MS, by=TESTER).reports == 0
    after = opening(NEW)
    for report in (done, later):
        result = after.reports.get(report.id).result
        assert result is not None and result["note"] == "MARKED-result"
    delivery = after.work.begin(queued.id, NOW_MS)
    assert delivery is not None and delivery.report == queued
    assert after.reports.get_history("spots", "MARKED-subject", NOW_MS).reports_last_48h == 3
    events = list(follow(redis_url, "0", silence=0.1, encryption_keys=[NEW, OLD]))
    assert [event.subject for event in events] == [done.id, later.id]
    assert [event.subject for event in follow(redis_url, "0", silence=0.1, encryption_keys=[NEW])] == [later.id]
    assert audit.verify(after.audit.read_entries()).faults == ()
    assert redis_client.ttl(f"triage:report:{done.id}") > 0
    with pytest.raises(DecryptionError):
        opening(OLD).health.check_encryption()


def test_switching_encryption_on_and_off_keeps_the_subject_s_history(
    opening: Opening, redis_client: redis.Redis
) -> None:
    """A repeated report raises the level: it must not look like the first one because of a setting."""
    plain = opening(secret="")
    deployed(plain)
    settled(plain, a_marked_report(), "urgent")
    encrypted = opening(OLD)
    settled(encrypted, a_marked_report(), "monitor")
    assert encrypted.key_rotation.rekey(NOW_MS, by=TESTER).reports == 1
    history = encrypted.reports.get_history("spots", "MARKED-subject", NOW_MS)
    assert (history.reports_last_48h, history.highest_level_24h) == (2, 2)
    redis_client.xtrim("triage:results", 0)
    assert [mark for mark in MARKS if mark in dump(redis_client)] == []
    assert encrypted.key_rotation.rekey(NOW_MS, by=TESTER, plain=True).reports == 2
    opening().health.check_encryption()
    assert opening().reports.get_history("spots", "MARKED-subject", NOW_MS).reports_last_48h == 2
    assert MARKS[0] in dump(redis_client)


def test_a_level_published_while_its_subject_is_rekeyed_stays_known(
    store: RedisStore, opening: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between reading the subject's levels and writing them under their new name."""
    deployed(store)
    settled(store, a_marked_report())
    web, rekeying = opening(OLD), opening(OLD)
    later, move = NOW_MS + 23 * HOUR_MS, rekeying.key_rotation._move

    def settled_just_now(*told: object) -> None:
        if not web.health.get_backlog(later).results > 1:
            report = replace(a_marked_report(), received_ms=later)
            web.reports.accept(report)
            web.work.settle(report.id, a_result(report, "monitor"), later)
        move(*told)

    monkeypatch.setattr(rekeying.key_rotation, "_move", settled_just_now)
    rekeying.key_rotation.rekey(NOW_MS, by=TESTER)
    history = web.reports.get_history("spots", "MARKED-subject", later + 2 * HOUR_MS)
    assert history == History(reports_last_48h=2, highest_level_24h=Level.MONITOR)


def test_a_consumer_without_keys_says_so_and_loses_nothing(
    opening: Opening, redis_url: str, redis_client: redis.Redis
) -> None:
    """However often it is started: no result becomes a dead letter for want of a setting."""
    store = opening(OLD)
    deployed(store)
    report = settled(store, a_marked_report())
    for _ in range(4):
        with Consumer(redis_url, "ward", max_deliveries=2, claim_after=0) as consumer, pytest.raises(DecryptionError):
            consumer.run(lambda _: None)
    assert redis_client.xlen("triage:dead:ward") == 0
    with Consumer(redis_url, "ward", max_deliveries=9, claim_after=0, encryption_keys=[OLD]) as consumer:
        message = next(iter(consumer))
        assert (message.event.subject, message.event.result["note"]) == (report.id, "MARKED-result")


@pytest.mark.parametrize("results", [1, 4])
def test_a_consumer_with_wrong_keys_says_so_and_loses_nothing(
    opening: Opening, redis_url: str, redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch, results: int
) -> None:
    """However few results there are, and however often it is started again."""
    monkeypatch.setattr(consumer_module, "BLOCK_MS", 20)
    store = opening(OLD)
    deployed(store)
    made = [settled(store, a_marked_report()).id for _ in range(results)]
    for _ in range(3):
        wrong = Consumer(redis_url, "ward", max_deliveries=2, claim_after=0, encryption_keys=[NEW])
        with wrong, pytest.raises(DecryptionError, match=r"entry .* needs the encryption_keys of the service"):
            wrong.run(lambda _: None)
    assert redis_client.xlen("triage:dead:ward") == 0
    with Consumer(redis_url, "ward", max_deliveries=2, claim_after=0, encryption_keys=[NEW, OLD]) as consumer:
        seen = set()
        for message in consumer:
            seen.add(message.event.subject)
            message.ack()
            if len(seen) == results:
                break
    assert seen == set(made)


def test_a_result_that_no_key_opens_ends_with_the_group_s_dead_letters_and_holds_up_no_other(
    opening: Opening, redis_url: str, redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Encrypted as it is, so that it can be opened once the key is found."""
    monkeypatch.setattr(consumer_module, "BLOCK_MS", 20)
    store = opening(OLD)
    deployed(store)
    settled(store, a_marked_report())
    other = settled(opening(NEW, OLD), a_marked_report())
    seen: list[str] = []
    consumer = Consumer(redis_url, "ward", max_deliveries=2, claim_after=0, encryption_keys=[NEW])
    running = threading.Thread(target=consumer.run, args=(lambda event: seen.append(event.subject),))
    running.start()
    try:
        wait_for(lambda: redis_client.xlen("triage:dead:ward") == 1, 5)
    finally:
        consumer.stop()
        running.join(5)
    assert seen == [other.id]
    ((_, letter),) = redis_client.xrange("triage:dead:ward")
    assert letter["data"].startswith("sealed:")
