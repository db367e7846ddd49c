"""What is stored of a person: encrypted if wanted, kept for its time, and erased wherever a copy is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import redis
from cryptography.fernet import Fernet
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.actors import TESTER
from tests.integration.conftest import wait_for
from tests.integration.making import (
    DAY_MS,
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
from triage_rules import audit
from triage_rules import consumer as consumer_module
from triage_rules.consumer import Consumer, follow
from triage_rules.errors import ReportNotFound, SealError, SubjectOfSeveral
from triage_rules.ledger import Erased
from triage_rules.ledger.redis import RedisLedger
from triage_rules.messages import History, Idempotency, NewReport, Status
from triage_rules.ruleset import Findings, Level
from triage_rules.rulesets_live import LiveRulesets
from triage_rules.sealing import Seals
from triage_rules.settings import Settings
from workers import handling as handling_module
from workers.handling import Handling, Outcome

SECRET = "s" * 32
OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()
MARKED: Findings = {"note": "MARKED-finding"}
MARKS = (b"MARKED-finding", b"MARKED-subject", b"MARKED-result", b"2026-11-11T11:11:11Z")
Opening = Callable[..., RedisLedger]


@pytest.fixture
def opening(settings: Settings) -> Iterator[Opening]:
    """Opens ledgers on the same store, with these encryption keys."""
    made: list[RedisLedger] = []

    def open_with(*keys: str, secret: str = SECRET) -> RedisLedger:
        told = replace(settings, encryption_keys=",".join(keys), index_secret=secret)
        made.append(RedisLedger(told))
        return made[-1]

    yield open_with
    for ledger in made:
        ledger.close()


def a_marked_report(subject: str = "MARKED-subject", client: str = "") -> NewReport:
    made = a_report(findings=MARKED, subject=subject, reported_at="2026-11-11T11:11:11Z")
    return replace(made, client=client)


def settled(ledger: RedisLedger, report: NewReport, level: str = "monitor", key: str | None = None) -> NewReport:
    """Accepted and settled; the result says something marked."""
    ledger.accept(report, Idempotency(key, "few-answers", report.client) if key else None)
    ledger.settle(report.id, {**a_result(report, level), "note": "MARKED-result"}, NOW_MS)
    return report


def dump(client: redis.Redis) -> bytes:
    """Every key and every value of every type, as raw bytes."""
    known = client.connection_pool.connection_kwargs
    raw = redis.Redis(host=known["host"], port=known["port"], db=known["db"])
    found = []
    with raw:
        for key in raw.scan_iter(count=1000):
            read = {
                b"string": lambda key=key: raw.get(key),
                b"hash": lambda key=key: raw.hgetall(key),
                b"list": lambda key=key: raw.lrange(key, 0, -1),
                b"set": lambda key=key: raw.smembers(key),
                b"zset": lambda key=key: raw.zrange(key, 0, -1, withscores=True),
                b"stream": lambda key=key: raw.xrange(key),
            }[raw.type(key)]
            found += [key, *_flat(read())]
    return b"\n".join(found)


def _flat(value: object) -> Iterator[bytes]:
    match value:
        case bytes():
            yield value
        case dict():
            for name, one in value.items():
                yield from (*_flat(name), *_flat(one))
        case list() | tuple() | set():
            for one in value:
                yield from _flat(one)


# encryption


def test_without_keys_everything_is_stored_as_it_is(ledger: RedisLedger, redis_client: redis.Redis) -> None:
    """So the search below is able to find what it looks for."""
    deployed(ledger)
    settled(ledger, a_marked_report())
    assert [mark for mark in MARKS if mark not in dump(redis_client)] == []


def test_with_keys_no_answer_subject_time_or_result_stands_in_redis(
    opening: Opening, redis_client: redis.Redis
) -> None:
    """What is left readable is what routing needs: level, ruleset, digest, ids, times."""
    ledger = opening(OLD)
    deployed(ledger)
    first, second = a_marked_report(), a_marked_report()
    settled(ledger, first, key="MARKED-subject")
    ledger.accept(second)
    stored = dump(redis_client)
    assert [mark for mark in MARKS if mark in stored] == []
    delivery = ledger.begin(second.id, NOW_MS)
    assert delivery is not None
    assert delivery.report == replace(second, client="")
    assert delivery.history.reports_last_48h == 1
    result = ledger.get(first.id).result
    assert result is not None and result["note"] == "MARKED-result"
    ((_, event),) = redis_client.xrange("triage:results")
    assert (event["level"], event["content-type"]) == ("monitor", "application/vnd.triage.sealed")


def test_names_of_subjects_and_idempotency_keys_can_t_be_guessed_without_the_secret(
    opening: Opening, redis_client: redis.Redis
) -> None:
    """A plain hash of "patient 17" is found by trying them all; so is the fingerprint of a few answers."""
    plain, sealed = opening(secret=""), opening(OLD)
    names = {plain._seals.named(word).encode() for word in ("patient-17", "k")} | {b"few-answers"}
    deployed(plain)
    settled(plain, a_marked_report("patient-17"), key="k")
    assert all(name in dump(redis_client) for name in names)
    redis_client.flushall()
    deployed(sealed)
    settled(sealed, a_marked_report("patient-17"), key="k")
    assert not any(name in dump(redis_client) for name in names)
    assert sealed.find_idempotent(Idempotency("k", "few-answers")) is not None


def test_swapped_ciphertexts_are_noticed(opening: Opening, redis_client: redis.Redis) -> None:
    """One person's result must not be shown as another's by whoever can write to Redis."""
    ledger = opening(OLD)
    deployed(ledger)
    one, two = settled(ledger, a_marked_report()), settled(ledger, a_marked_report())
    queued = a_marked_report()
    ledger.accept(queued)
    redis_client.hset(f"triage:report:{one.id}", "result", redis_client.hget(f"triage:report:{two.id}", "result"))
    with pytest.raises(SealError, match="another report"):
        ledger.get(one.id)
    redis_client.hset(
        f"triage:report:{queued.id}", "findings", redis_client.hget(f"triage:report:{one.id}", "findings")
    )
    delivery = ledger.begin(queued.id, NOW_MS)
    assert delivery is not None and delivery.unreadable == "SealError"
    redis_client.hset(f"triage:report:{one.id}", "result", redis_client.hget(f"triage:report:{one.id}", "findings"))
    with pytest.raises(SealError, match="another report"):
        ledger.get(one.id)


@pytest.mark.parametrize("keys", [(), (NEW,)], ids=["none", "another"])
def test_a_process_without_the_right_keys_accepts_and_begins_nothing(opening: Opening, keys: tuple[str, ...]) -> None:
    """It would store what others can't open, and bury what it can't open itself."""
    ledger, wrong = opening(OLD), opening(*keys)
    deployed(ledger)
    report = a_marked_report()
    ledger.accept(report)
    for step in (
        lambda: wrong.accept(a_marked_report()),
        lambda: wrong.accept_many([a_marked_report()]),
        lambda: wrong.begin(report.id, NOW_MS),
        wrong.check_seals,
        lambda: wrong.erase("MARKED-subject", NOW_MS, by=TESTER),
        lambda: wrong.rekey(NOW_MS, by=TESTER),
    ):
        with pytest.raises(SealError):
            step()
    assert ledger.get(report.id).attempts == 0
    assert ledger.backlog(NOW_MS).pending == 1


def test_a_report_that_no_key_opens_ends_as_a_dead_letter_with_the_reason(
    opening: Opening, settings: Settings, redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    """A human must look; the others are none the worse, and a worker with other keys leaves all to the sweep."""
    monkeypatch.setattr(handling_module, "BACKOFF_SECONDS", (0.0,))
    ledger, wrong = opening(OLD), opening(NEW)
    bundle = glass_test_live(ledger)

    def worker(on: RedisLedger) -> Handling:
        return Handling(settings, on, LiveRulesets(on), lambda _ids, _lane: None, now_ms)

    spoilt, good = posted(bundle, ROUTINE, subject="MARKED-subject"), posted(bundle, ROUTINE)
    for report in (spoilt, good):
        ledger.accept(report)
    sealed_by_another = Seals([NEW]).seal("{}", spoilt.id, "findings")
    redis_client.hset(f"triage:report:{spoilt.id}", "findings", sealed_by_another)
    assert worker(wrong).evaluate(good.id) is Outcome.LEFT
    assert worker(ledger).evaluate(spoilt.id) is worker(ledger).evaluate(good.id) is Outcome.FINISHED
    assert (ledger.get(spoilt.id).status, ledger.get(good.id).status) == (Status.DEAD, Status.DONE)
    ((_, letter),) = redis_client.xrange("triage:dead")
    assert letter["reason"] == "evaluation_failed: UnreadableReport (SealError)"
    assert "MARKED" not in caplog.text and "gAAAA" not in caplog.text


def test_a_subject_that_looks_sealed_is_only_a_word(ledger: RedisLedger) -> None:
    """Whoever posts must not be able to make a report that can't be read."""
    deployed(ledger)
    report = a_report(subject="sealed:gAAAAA")
    ledger.accept(report)
    delivery = ledger.begin(report.id, NOW_MS)
    assert delivery is not None and delivery.report.subject == "sealed:gAAAAA"


def test_after_rekeying_the_old_key_can_go_and_everything_is_readable(
    opening: Opening, redis_client: redis.Redis, redis_url: str
) -> None:
    """Two keys, rekey, drop the old one; events are readable with the old key until they are trimmed."""
    before = opening(OLD)
    deployed(before)
    done, queued = settled(before, a_marked_report()), a_marked_report()
    before.accept(queued)
    both = opening(NEW, OLD)
    later = settled(both, a_marked_report())
    told = both.rekey(NOW_MS, by=TESTER)
    assert (told.reports, told.unopened, told.events) == (2, 0, 1)
    assert both.rekey(NOW_MS, by=TESTER).reports == 0
    after = opening(NEW)
    for report in (done, later):
        result = after.get(report.id).result
        assert result is not None and result["note"] == "MARKED-result"
    delivery = after.begin(queued.id, NOW_MS)
    assert delivery is not None and delivery.report == queued
    assert after.history("spots", "MARKED-subject", NOW_MS).reports_last_48h == 3
    events = list(follow(redis_url, "0", silence=0.1, encryption_keys=[NEW, OLD]))
    assert [event.subject for event in events] == [done.id, later.id]
    assert [event.subject for event in follow(redis_url, "0", silence=0.1, encryption_keys=[NEW])] == [later.id]
    assert audit.verify(after.audit_log()).faults == ()
    assert redis_client.ttl(f"triage:report:{done.id}") > 0
    with pytest.raises(SealError):
        opening(OLD).check_seals()


def test_switching_encryption_on_and_off_keeps_the_subject_s_history(
    opening: Opening, redis_client: redis.Redis
) -> None:
    """A repeated report raises the level: it must not look like the first one because of a setting."""
    plain = opening(secret="")
    deployed(plain)
    settled(plain, a_marked_report(), "urgent")
    sealed = opening(OLD)
    settled(sealed, a_marked_report(), "monitor")
    assert sealed.rekey(NOW_MS, by=TESTER).reports == 1
    history = sealed.history("spots", "MARKED-subject", NOW_MS)
    assert (history.reports_last_48h, history.highest_level_24h) == (2, 2)
    redis_client.xtrim("triage:results", 0)
    assert [mark for mark in MARKS if mark in dump(redis_client)] == []
    assert sealed.rekey(NOW_MS, by=TESTER, plain=True).reports == 2
    opening().check_seals()
    assert opening().history("spots", "MARKED-subject", NOW_MS).reports_last_48h == 2
    assert MARKS[0] in dump(redis_client)


def test_a_level_published_while_its_subject_is_rekeyed_stays_known(
    ledger: RedisLedger, opening: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between reading the subject's levels and writing them under their new name."""
    deployed(ledger)
    settled(ledger, a_marked_report())
    web, rekeying = opening(OLD), opening(OLD)
    later, move = NOW_MS + 23 * HOUR_MS, rekeying._move

    def settled_just_now(*told: object) -> None:
        if not web.backlog(later).results > 1:
            report = replace(a_marked_report(), received_ms=later)
            web.accept(report)
            web.settle(report.id, a_result(report, "monitor"), later)
        move(*told)

    monkeypatch.setattr(rekeying, "_move", settled_just_now)
    rekeying.rekey(NOW_MS, by=TESTER)
    history = web.history("spots", "MARKED-subject", later + 2 * HOUR_MS)
    assert history == History(reports_last_48h=2, highest_level_24h=Level.MONITOR)


def test_a_consumer_without_keys_says_so_and_loses_nothing(
    opening: Opening, redis_url: str, redis_client: redis.Redis
) -> None:
    """However often it is started: no result becomes a dead letter for want of a setting."""
    ledger = opening(OLD)
    deployed(ledger)
    report = settled(ledger, a_marked_report())
    for _ in range(4):
        with Consumer(redis_url, "ward", max_deliveries=2, claim_after=0) as consumer, pytest.raises(SealError):
            consumer.run(lambda _: None)
    assert redis_client.xlen("triage:dead:ward") == 0
    with Consumer(redis_url, "ward", max_deliveries=9, claim_after=0, encryption_keys=[OLD]) as consumer:
        message = next(iter(consumer))
        assert (message.event.subject, message.event.result["note"]) == (report.id, "MARKED-result")


def test_a_result_that_no_key_opens_ends_with_the_group_s_dead_letters_and_holds_up_no_other(
    opening: Opening, redis_url: str, redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sealed as it is, so that it can be opened once the key is found."""
    monkeypatch.setattr(consumer_module, "BLOCK_MS", 20)
    ledger = opening(OLD)
    deployed(ledger)
    settled(ledger, a_marked_report())
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


# erasing


@pytest.mark.parametrize("keys", [(), (OLD,)], ids=["plain", "encrypted"])
def test_erasing_removes_every_copy(
    opening: Opening, redis_url: str, redis_client: redis.Redis, keys: tuple[str, ...]
) -> None:
    """Report, result, event, dead letter, a group's dead letter, history, idempotency key, pending; nobody else's."""
    ledger = opening(*keys)
    deployed(ledger)
    other = settled(ledger, a_marked_report("somebody else"), key="other")
    done = settled(ledger, a_marked_report(), key="k")
    dead, queued = a_marked_report(), a_marked_report()
    for report in (dead, queued):
        ledger.accept(report)
    ledger.bury(dead.id, a_result(dead, None), "worker_lost", NOW_MS)
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
    erased = ledger.erase("MARKED-subject", NOW_MS, by=TESTER)
    assert erased == Erased(reports=3, events=2, dead_letters=2, keys=3, unopened=0)
    stored = dump(redis_client)
    assert not any(one in stored for one in (*ids, b"MARKED-subject"))
    assert ledger.get(other.id).status is Status.DONE
    assert ledger.find_idempotent(Idempotency("other", "few-answers")) == other.id
    assert ledger.find_idempotent(Idempotency("k", "few-answers")) is None
    with pytest.raises(ReportNotFound):
        ledger.get(done.id)
    assert ledger.erase("MARKED-subject", NOW_MS, by=TESTER) == Erased(0, 0, 0, 0, 0)
    assert [one["action"] for one in ledger.audit_log()] == ["deploy", "erase", "erase"]
    assert audit.verify(ledger.audit_log()).faults == ()


def test_what_is_erased_while_it_is_evaluated_is_not_published(ledger: RedisLedger, redis_client: redis.Redis) -> None:
    """And a task that is still in the queue finds nothing to do."""
    deployed(ledger)
    report = a_marked_report()
    ledger.accept(report)
    delivery = ledger.begin(report.id, NOW_MS)
    assert delivery is not None
    assert ledger.erase("MARKED-subject", NOW_MS, by=TESTER).reports == 1
    assert ledger.settle(report.id, a_result(report, "urgent"), NOW_MS, delivery.history) is False
    assert ledger.bury(report.id, a_result(report, None), "worker_lost", NOW_MS) is False
    assert ledger.begin(report.id, NOW_MS) is None
    assert ledger.overdue(NOW_MS + HOUR_MS, 1, 10) == []
    assert (redis_client.xlen("triage:results"), redis_client.xlen("triage:dead")) == (0, 0)
    assert not redis_client.exists(f"triage:report:{report.id}")


def test_a_report_that_is_settled_during_the_erasure_leaves_no_event(
    ledger: RedisLedger, redis_client: redis.Redis, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between looking for its events and erasing them."""
    deployed(ledger)
    report = a_marked_report()
    ledger.accept(report)
    looked = ledger._entries
    with RedisLedger(settings) as worker:

        def settled_just_now(stream: str, ids: list[str]) -> list[str]:
            found = list(looked(stream, ids))
            worker.settle(report.id, a_result(report, "urgent"), NOW_MS)
            return found

        monkeypatch.setattr(ledger, "_entries", settled_just_now)
        assert ledger.erase("MARKED-subject", NOW_MS, by=TESTER).events == 1
    assert redis_client.xlen("triage:results") == 0


def test_a_report_that_is_accepted_during_the_erasure_is_erased_too(
    ledger: RedisLedger, redis_client: redis.Redis, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it would stay behind without the index that leads to its events."""
    deployed(ledger)
    settled(ledger, a_marked_report())
    find = ledger._find
    with RedisLedger(settings) as web:

        def accepted_just_now(subject: str, client: str | None) -> object:
            found = find(subject, client)
            web.accept(a_marked_report(), Idempotency("again", "few-answers"))
            return found

        monkeypatch.setattr(ledger, "_find", accepted_just_now)
        erased = ledger.erase("MARKED-subject", NOW_MS, by=TESTER)
    assert (erased.reports, erased.events) == (2, 1)
    assert ledger.backlog(NOW_MS).pending == 0
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
    erased = after.erase("MARKED-subject", NOW_MS, by=TESTER)
    assert (erased.reports, erased.events) == (1, 1)
    assert redis_client.keys("triage:levels:*") == []


def test_events_whose_report_has_expired_are_found_by_the_index(ledger: RedisLedger, redis_client: redis.Redis) -> None:
    """A group that is behind keeps them for longer than the report."""
    deployed(ledger)
    report = settled(ledger, a_marked_report())
    redis_client.delete(f"triage:report:{report.id}")
    assert ledger.erase("MARKED-subject", NOW_MS, by=TESTER).events == 1


def test_a_subject_of_several_clients_is_erased_for_one_alone(ledger: RedisLedger) -> None:
    """Two clients' "patient 17" are two people."""
    deployed(ledger)
    north, south = (settled(ledger, a_marked_report("17", client)) for client in ("north", "south"))
    with pytest.raises(SubjectOfSeveral) as refused:
        ledger.erase("17", NOW_MS, by=TESTER)
    assert refused.value.clients == ("north", "south")
    assert ledger.erase("17", NOW_MS, by=TESTER, client="north").reports == 1
    with pytest.raises(ReportNotFound):
        ledger.get(north.id)
    assert ledger.get(south.id).status is Status.DONE
    assert ledger.erase("17", NOW_MS, by=TESTER).reports == 1


def test_a_report_that_no_key_opens_is_told_of(opening: Opening, redis_client: redis.Redis) -> None:
    """Nobody may believe that all is gone when it can't be known."""
    ledger = opening(OLD)
    deployed(ledger)
    report = settled(ledger, a_marked_report("x"))
    redis_client.hset(f"triage:report:{report.id}", "subject", "sealed:bad")
    for key in redis_client.keys("triage:subject:*"):
        redis_client.delete(key)
    assert ledger.erase("x", NOW_MS, by=TESTER).unopened == 1


def test_a_consumer_that_was_given_an_event_which_is_then_erased_goes_on(
    ledger: RedisLedger, redis_url: str, redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Acknowledging it, giving it up and claiming it do nothing, and no copy comes back."""
    monkeypatch.setattr(consumer_module, "BLOCK_MS", 20)
    deployed(ledger)
    for _ in range(3):
        settled(ledger, a_marked_report())
    first = Consumer(redis_url, "ward", prefetch=3)
    messages = iter(first)
    held, given_up = next(messages), next(messages)
    redis_client.xdel("triage:results", held._entry.id)  # as by another's hand: still pending, nothing to claim
    ledger.erase("MARKED-subject", NOW_MS, by=TESTER)
    held.ack()
    given_up.give_up("no use")
    assert redis_client.xlen("triage:dead:ward") == 0
    other = settled(ledger, a_marked_report("somebody else"))
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
    ledger: RedisLedger, redis_url: str, redis_client: redis.Redis
) -> None:
    """Deleted by another's hand, so that they are still noted as pending when they are claimed."""
    deployed(ledger)
    reports = [settled(ledger, a_marked_report()) for _ in range(3)]
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
    ledger: RedisLedger, redis_client: redis.Redis, subject: str, answers: dict[str, str], ends: str
) -> None:
    """Every key, every type, raw bytes: no subject, no hash of it, no answer, no id."""
    redis_client.flushall()
    deployed(ledger)
    report = a_report(findings=dict(answers), subject=subject)
    ledger.accept(report, Idempotency(subject[:5], "few-answers"))
    if ends == "monitor":
        ledger.settle(report.id, {**a_result(report, ends), "note": answers}, NOW_MS)
    elif ends == "dead":
        ledger.bury(report.id, a_result(report, None), "worker_lost", NOW_MS)
    hashed = ledger._seals.named(subject)
    traces = [word.encode() for word in (report.id, hashed)]
    words = [subject, *answers, *answers.values()]
    # as stored: in JSON a quotation mark or a backslash is escaped
    traces += [word.encode() for word in words if '"' not in word and "\\" not in word]
    assert [trace for trace in traces if trace not in dump(redis_client)] == []
    assert ledger.erase(subject, NOW_MS, by=TESTER).reports == 1
    stored = dump(redis_client)
    assert [trace for trace in traces if trace in stored] == []


# retention


def test_each_kind_is_kept_for_its_own_time(settings: Settings, redis_client: redis.Redis) -> None:
    told = replace(
        settings, retention_days=2, event_retention_days=3, dead_letter_retention_days=4, idempotency_hours=5,
        history_hours=30,
    )  # fmt: skip
    with RedisLedger(told) as ledger:
        deployed(ledger)
        report = settled(ledger, a_marked_report(), key="k")
        dead = a_marked_report()
        ledger.accept(dead)
        ledger.bury(dead.id, a_result(dead, None), "worker_lost", NOW_MS)
        hours = {
            key.split(":")[1]: round(redis_client.ttl(key) / 3600)
            for kind in ("report", "idempotency", "subject", "levels")
            for key in redis_client.keys(f"triage:{kind}:*")
        }
        assert hours == {"report": 48, "idempotency": 5, "subject": 6 * 24, "levels": 30}
        now = int(redis_client.xrevrange("triage:results", count=1)[0][0].partition("-")[0])
        ledger.trim(now + 3 * DAY_MS - HOUR_MS)
        assert redis_client.xlen("triage:results") == 2
        ledger.trim(now + 3 * DAY_MS + HOUR_MS)
        assert (redis_client.xlen("triage:results"), redis_client.xlen("triage:dead")) == (0, 1)
        ledger.trim(now + 4 * DAY_MS + HOUR_MS)
        assert redis_client.xlen("triage:dead") == 0
        assert ledger.get(report.id).status is Status.DONE


def test_letters_of_a_group_that_is_gone_expire(ledger: RedisLedger, redis_url: str, redis_client: redis.Redis) -> None:
    """Nobody trims them any more."""
    deployed(ledger)
    settled(ledger, a_marked_report())
    with Consumer(redis_url, "ward") as consumer:
        next(iter(consumer)).give_up("no use")
    ledger.trim(NOW_MS)
    redis_client.xgroup_destroy("triage:results", "ward")
    assert 0 < redis_client.ttl("triage:dead:ward") <= 30 * 24 * 3600


def test_a_bundle_is_dropped_once_nothing_needs_it(
    ledger: RedisLedger, redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither live, nor what rollback returns to, nor named by a kept report; also one deployed again meanwhile stays."""
    monkeypatch.setattr("triage_rules.ledger.rulesets.DEPLOYMENTS_KEPT", 2)
    monkeypatch.setattr("triage_rules.ledger.tidying.PAGES_AT_ONCE", 1)
    for digest in ("sha256:old", "sha256:kept", "sha256:again", "sha256:previous"):
        deployed(ledger, digest=digest)
        if digest == "sha256:kept":
            kept = settled(ledger, a_report(digest=digest))
    deployed(ledger, digest="sha256:live")
    ledger.trim(NOW_MS)
    deployed(ledger, name="other", digest="sha256:again")
    for _ in range(20):
        ledger.trim(NOW_MS)
    stored = {key.removeprefix("triage:bundle:") for key in redis_client.keys("triage:bundle:*")}
    assert stored == {"sha256:kept", "sha256:again", "sha256:previous", "sha256:live"}
    redis_client.delete(f"triage:report:{kept.id}", "triage:leaving:begun")
    for _ in range(20):
        ledger.trim(NOW_MS)
    assert not redis_client.exists("triage:bundle:sha256:kept")
    assert not redis_client.exists("triage:leaving", "triage:leaving:cursor")


def test_a_bundle_that_a_waiting_report_names_stays_also_if_the_look_missed_it(
    ledger: RedisLedger, redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when Redis is started again in its middle, and goes through its keys in another order."""
    monkeypatch.setattr("triage_rules.ledger.rulesets.DEPLOYMENTS_KEPT", 1)
    deployed(ledger, digest="sha256:waiting")
    ledger.accept(a_report(digest="sha256:waiting"))
    deployed(ledger, digest="sha256:live")
    ledger.trim(NOW_MS)
    assert redis_client.smembers("triage:leaving") == {"sha256:waiting"}
    monkeypatch.setattr(ledger._redis, "scan", lambda *_, **__: (0, []))
    ledger.trim(NOW_MS)
    assert not redis_client.exists("triage:leaving", "triage:leaving:cursor")
    assert ledger.bundle("sha256:waiting") == b"one"
