"""The store on a real server: what is accepted is settled once, whatever is tried at the same time."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis

from tests.support.actors import TESTER
from tests.support.reports import DAY_MS, HOUR_MS, NOW_MS, a_report, a_result, deployed
from triage_rules.foundation.errors import (
    IdempotencyMismatch,
    QueueTooOld,
    ReportNotFound,
    RulesetNotFound,
    StaleRuleset,
)
from triage_rules.foundation.settings import Settings
from triage_rules.language.model import Level
from triage_rules.records.reports import Accepted, History, Idempotency, Lane, ReportStatus
from triage_rules.store.redis import RedisStore


@pytest.fixture(autouse=True)
def _live(store: RedisStore) -> None:
    deployed(store)


def test_a_report_is_handed_out_as_it_was_accepted(store: RedisStore) -> None:
    """Types survive: a yes is not a 1, and 38.0 is not 38."""
    findings = {"fever": True, "age": 7, "temperature": 38.0, "how": "blanches", "text": 'schön "é"'}
    report = a_report(answers=findings, subject="person-1", lane=Lane.URGENT, reported_at="2026-11-22T10:00:00Z")
    assert store.reports.accept(report) == Accepted(report.id, created=True)
    delivery = store.work.begin(report.id, NOW_MS)
    assert delivery is not None
    assert delivery.report == report
    assert [type(v) for v in delivery.report.answers.values()] == [bool, int, float, str, str]
    assert (delivery.history, delivery.attempt) == (History(), 1)


def test_a_report_is_queued_until_it_is_settled(store: RedisStore) -> None:
    """What A sees while waiting, and after."""
    report = a_report()
    store.reports.accept(report)
    queued = store.reports.get(report.id)
    assert (queued.status, queued.result, queued.attempts) == (ReportStatus.QUEUED, None, 0)
    store.work.begin(report.id, NOW_MS)
    result = a_result(report, "urgent")
    assert store.work.settle(report.id, result, NOW_MS)
    done = store.reports.get(report.id)
    assert (done.status, done.result, done.attempts) == (ReportStatus.DONE, result, 1)
    assert store.work.begin(report.id, NOW_MS) is None


def test_an_unknown_report_is_not_found(store: RedisStore) -> None:
    """Neither to read nor to begin nor to settle."""
    with pytest.raises(ReportNotFound):
        store.reports.get("nobody")
    assert store.work.begin("nobody", NOW_MS) is None
    assert not store.work.settle("nobody", a_result(a_report(), "monitor"), NOW_MS)
    assert store.health.get_backlog(NOW_MS).results == 0


def test_settling_twice_publishes_one_event(store: RedisStore, redis_client: redis.Redis) -> None:
    """A task may run twice; a consumer must not hear of it twice."""
    report = a_report()
    store.reports.accept(report)
    assert store.work.settle(report.id, a_result(report, "monitor"), NOW_MS)
    assert not store.work.settle(report.id, a_result(report, "urgent"), NOW_MS)
    assert not store.work.bury(report.id, a_result(report, None), "late", NOW_MS)
    assert [fields["level"] for _, fields in redis_client.xrange("triage:results")] == ["monitor"]
    assert redis_client.xlen("triage:dead") == 0


def test_eight_threads_that_settle_at_once_publish_one_event(store: RedisStore, redis_client: redis.Redis) -> None:
    """The step is atomic, not only repeatable."""
    report = a_report()
    store.reports.accept(report)
    with ThreadPoolExecutor(8) as threads:
        settled = list(
            threads.map(lambda _: store.work.settle(report.id, a_result(report, "monitor"), NOW_MS), range(64))
        )
    assert settled.count(True) == 1
    assert redis_client.xlen("triage:results") == 1


def test_one_key_makes_one_report_however_many_threads_use_it(store: RedisStore, redis_client: redis.Redis) -> None:
    """A form that is sent eight times over a bad line is one report."""
    key = Idempotency("form-7", "fingerprint")
    reports = [a_report() for _ in range(64)]
    with ThreadPoolExecutor(8) as threads:
        accepted = list(threads.map(lambda report: store.reports.accept(report, key), reports))
    assert len({answer.id for answer in accepted}) == 1
    assert [answer.created for answer in accepted].count(True) == 1
    assert redis_client.zcard("triage:pending") == 1
    assert store.reports.find_idempotent(key) == accepted[0].id


def test_a_key_that_was_used_for_another_body_is_refused(store: RedisStore) -> None:
    """Else a client's mistake would answer with somebody else's result."""
    store.reports.accept(a_report(), Idempotency("form-7", "one"))
    with pytest.raises(IdempotencyMismatch):
        store.reports.accept(a_report(), Idempotency("form-7", "another"))
    with pytest.raises(IdempotencyMismatch):
        store.reports.find_idempotent(Idempotency("form-7", "another"))
    assert store.reports.find_idempotent(Idempotency("form-8", "one")) is None


def test_accepting_the_same_id_again_changes_nothing(store: RedisStore, redis_client: redis.Redis) -> None:
    """A command that is sent once more after a broken connection must not undo what a worker did meanwhile."""
    report = a_report(subject="person-1")
    store.reports.accept(report)
    store.work.begin(report.id, NOW_MS)
    store.work.settle(report.id, a_result(report, "urgent"), NOW_MS)
    assert store.reports.accept(report) == Accepted(report.id, created=True)
    assert store.reports.get(report.id).status is ReportStatus.DONE
    assert redis_client.zcard("triage:pending") == 0


def test_a_report_for_a_ruleset_that_is_no_longer_live_is_refused_and_not_stored(
    store: RedisStore, redis_client: redis.Redis
) -> None:
    """It was validated against inputs that don't count any more."""
    stale = a_report(digest="sha256:gone")
    with pytest.raises(StaleRuleset):
        store.reports.accept(stale, Idempotency("k", "f"))
    with pytest.raises(StaleRuleset):
        store.reports.accept(a_report(ruleset="unheard-of"))
    assert set(redis_client.keys("triage:*")) == {
        "triage:live",
        "triage:bundle:sha256:one",
        "triage:deployments:spots",
        "triage:audit",
    }


def test_nothing_is_accepted_while_the_queue_is_too_old(store: RedisStore, settings: Settings) -> None:
    """A patient who is told "accepted" must not wait for hours; one whose report is in already is still told so."""
    limit = settings.max_queue_age_seconds * 1000
    first, key = a_report(received_ms=NOW_MS), Idempotency("k", "f")
    store.reports.accept(first, key)
    store.reports.accept(a_report(received_ms=NOW_MS + limit))
    with pytest.raises(QueueTooOld):
        store.reports.accept(a_report(received_ms=NOW_MS + limit + 1))
    assert store.reports.accept(a_report(received_ms=NOW_MS + limit + 1), key) == Accepted(first.id, created=False)
    store.work.settle(first.id, a_result(first, "monitor"), NOW_MS)
    assert store.reports.accept(a_report(received_ms=NOW_MS + limit + 1)).created


def test_many_are_accepted_together_and_each_refusal_stands_in_its_place(store: RedisStore) -> None:
    """One wrong line of a batch takes no other with it."""
    good, stale, last = a_report(), a_report(digest="sha256:gone"), a_report()
    answers = store.reports.accept_many([good, stale, last])
    assert answers[0] == Accepted(good.id, created=True)
    assert isinstance(answers[1], StaleRuleset)
    assert answers[2] == Accepted(last.id, created=True)
    assert store.reports.accept_many([]) == []


def test_history_counts_earlier_reports_of_the_same_subject_and_ruleset(store: RedisStore) -> None:
    """People who come back with the same vague signs are more often gravely ill: the count must be right."""
    deployed(store, "other")

    def past(ms_ago: int, subject: str = "p", ruleset: str = "spots") -> None:
        report, key = (
            a_report(subject=subject, ruleset=ruleset, received_ms=NOW_MS - ms_ago),
            Idempotency(str(ms_ago), "f"),
        )
        assert store.reports.accept(report, key).id == store.reports.accept(report, key).id
        store.work.settle(report.id, a_result(report, "routine"), NOW_MS - ms_ago)

    past(48 * HOUR_MS + 1)
    past(48 * HOUR_MS)
    past(HOUR_MS)
    past(HOUR_MS + 1, subject="somebody else")
    past(HOUR_MS + 2, ruleset="other")
    assert store.reports.get_history("spots", "p", NOW_MS).reports_last_48h == 2
    report = a_report(subject="p")
    store.reports.accept(report)
    delivery = store.work.begin(report.id, NOW_MS)
    assert delivery is not None
    assert delivery.history.reports_last_48h == 2


def test_history_knows_the_highest_level_of_the_last_day(store: RedisStore) -> None:
    """A level is not lowered within a day without a clinician."""

    def past(level: str | None, hours: float) -> None:
        report, at = a_report(subject="p"), int(NOW_MS - hours * HOUR_MS)
        store.reports.accept(report)
        finish = store.work.settle if level is not None else _buried(store)
        finish(report.id, a_result(report, level), at)

    past("urgent", 24.01)
    assert store.reports.get_history("spots", "p", NOW_MS).highest_level_24h is None
    past("routine", 3)
    past(None, 2)
    assert store.reports.get_history("spots", "p", NOW_MS).highest_level_24h is Level.ROUTINE
    past("monitor", 23.9)
    assert store.reports.get_history("spots", "p", NOW_MS).highest_level_24h is Level.MONITOR
    report = a_report(subject="p")
    store.reports.accept(report)
    delivery = store.work.begin(report.id, NOW_MS)
    assert delivery is not None
    assert delivery.history.highest_level_24h is Level.MONITOR


def test_a_level_decided_while_the_next_report_waited_counts_for_it(store: RedisStore) -> None:
    """Two reports of one person a second apart: the second must not be lower for having been quick."""
    first, second = a_report(subject="p"), a_report(subject="p")
    store.reports.accept(first)
    store.reports.accept(second)
    store.work.settle(first.id, a_result(first, "urgent"), NOW_MS)
    delivery = store.work.begin(second.id, NOW_MS)
    assert delivery is not None
    assert delivery.history.highest_level_24h is Level.URGENT


def test_the_history_kept_is_the_one_that_the_result_was_made_in(store: RedisStore, redis_client: redis.Redis) -> None:
    """Two attempts overlap, the slow one settles: a replay of its result needs what it saw, not what the other saw."""
    first, second = a_report(subject="p"), a_report(subject="p")
    store.reports.accept(first)
    store.reports.accept(second)
    slow = store.work.begin(second.id, NOW_MS)
    store.work.settle(first.id, a_result(first, "urgent"), NOW_MS)
    quick = store.work.begin(second.id, NOW_MS)
    assert slow is not None and quick is not None
    assert (slow.history.highest_level_24h, quick.history.highest_level_24h) == (None, Level.URGENT)
    store.work.settle(second.id, a_result(second, "monitor"), NOW_MS, slow.history)
    assert redis_client.hget(f"triage:report:{second.id}", "highest_level_24h") == ""


def test_a_subject_is_in_no_key_name(store: RedisStore, redis_client: redis.Redis) -> None:
    """Key names turn up in slow logs and monitors."""
    report = a_report(subject="nhs-9434765919")
    store.reports.accept(report, Idempotency("form nhs-9434765919", "f"))
    store.work.settle(report.id, a_result(report, "monitor"), NOW_MS)
    assert not [key for key in redis_client.keys("*") if "9434765919" in key]


def test_a_dead_letter_has_a_reason_an_event_without_a_level_and_a_result_for_a_human(
    store: RedisStore, redis_client: redis.Redis
) -> None:
    """A report that can't be decided is not lost and never routine."""
    report = a_report()
    store.reports.accept(report)
    store.work.begin(report.id, NOW_MS)
    assert store.work.bury(report.id, a_result(report, None), "worker_lost", NOW_MS)
    stored = store.reports.get(report.id)
    assert stored.status is ReportStatus.DEAD
    assert stored.result is not None
    assert stored.result["level"] is None
    assert stored.result["flags"] == ["human_review_now"]
    ((_, event),) = redis_client.xrange("triage:results")
    assert (event["level"], event["ce_subject"]) == ("", report.id)
    ((_, letter),) = redis_client.xrange("triage:dead")
    assert (letter["report"], letter["reason"], letter["attempts"]) == (report.id, "worker_lost", "1")
    backlog = store.health.get_backlog(NOW_MS)
    assert (backlog.pending, backlog.dead, backlog.results) == (0, 1, 1)


def _buried(store: RedisStore) -> Callable[[str, dict[str, Any], int], bool]:
    return lambda report_id, result, now_ms: store.work.bury(report_id, result, "worker_lost", now_ms)


def test_a_report_not_enqueued_for_long_is_overdue_and_then_left_alone_for_longer(store: RedisStore) -> None:
    """A lost task is made up for; a long queue is not flooded with copies."""
    report = a_report(lane=Lane.URGENT, received_ms=NOW_MS)
    store.reports.accept(report)
    found_at = [
        second
        for second in range(400)
        if store.work.claim_overdue(NOW_MS + second * 1000, 10_000, 100) == [(report.id, "urgent")]
    ]
    assert found_at == [10, 20, 40, 80, 160, 240, 320]


def test_a_report_that_is_being_worked_on_or_settled_is_not_overdue(store: RedisStore) -> None:
    """The sweep must not double the work of a slow but healthy worker."""
    working, settled = a_report(), a_report()
    store.reports.accept(working)
    store.reports.accept(settled)
    store.work.begin(working.id, NOW_MS + 9_000)
    store.work.settle(settled.id, a_result(settled, "monitor"), NOW_MS)
    assert store.work.claim_overdue(NOW_MS + 18_999, 10_000, 100) == []
    assert store.work.claim_overdue(NOW_MS + 19_000, 10_000, 100) == [(working.id, "normal")]


def test_the_sweep_takes_no_more_than_asked_for_and_the_oldest_first(store: RedisStore) -> None:
    """A sweep after a long outage must not hold Redis."""
    reports = [a_report(received_ms=NOW_MS + n) for n in range(5)]
    store.reports.accept_many(list(reversed(reports)))
    late = NOW_MS + HOUR_MS
    assert [report_id for report_id, _ in store.work.claim_overdue(late, 10_000, 3)] == [
        report.id for report in reports[:3]
    ]
    assert len(store.work.claim_overdue(late, 10_000, 3)) == 2


def test_the_backlog_tells_the_age_of_the_oldest(store: RedisStore) -> None:
    """It is what intake refuses by and what an operator looks at."""
    assert store.health.get_backlog(NOW_MS).oldest_ms == 0
    store.reports.accept(a_report(received_ms=NOW_MS))
    store.reports.accept(a_report(received_ms=NOW_MS + 500))
    backlog = store.health.get_backlog(NOW_MS + 1_500)
    assert (backlog.pending, backlog.oldest_ms) == (2, 1_500)


def test_waiting_ends_as_soon_as_the_report_is_settled(store: RedisStore) -> None:
    """`Prefer: wait` must be worth asking for."""
    report = a_report()
    store.reports.accept(report)
    with ThreadPoolExecutor(1) as threads:
        started = time.monotonic()
        waiting = threads.submit(store.reports.wait, report.id, 5.0)
        time.sleep(0.2)
        store.work.settle(report.id, a_result(report, "urgent"), NOW_MS)
        settled_at = time.monotonic()
        assert waiting.result(timeout=2).status is ReportStatus.DONE
        assert time.monotonic() - settled_at < 0.1
        assert settled_at - started >= 0.2


def test_waiting_in_vain_ends_in_time_with_the_report_still_queued(store: RedisStore) -> None:
    """A client that waits one second is answered after one second."""
    report = a_report()
    store.reports.accept(report)
    started = time.monotonic()
    assert store.reports.wait(report.id, 0.3).status is ReportStatus.QUEUED
    assert 0.25 < time.monotonic() - started < 0.6
    with pytest.raises(ReportNotFound):
        store.reports.wait("nobody", 0.1)


def test_a_pending_report_never_expires_and_a_settled_one_does(
    store: RedisStore, redis_client: redis.Redis, settings: Settings
) -> None:
    """Nobody's report may vanish before it is decided; nobody's answers are kept for ever."""
    report = a_report(subject="p")
    store.reports.accept(report, Idempotency("k", "f"))
    key, days = f"triage:report:{report.id}", settings.retention_days * 24 * 3600
    assert redis_client.ttl(key) == -1
    store.work.settle(report.id, a_result(report, "monitor"), NOW_MS)
    assert days - 5 < redis_client.ttl(key) <= days
    lives = {key.split(":")[1]: redis_client.ttl(key) for key in redis_client.keys("triage:*:*")}
    assert lives["idempotency"] <= 24 * 3600
    assert 0 < lives["subject"] <= 2 * days
    assert 0 < lives["levels"] <= 48 * 3600


def test_events_are_trimmed_by_age_but_not_before_a_group_is_done_with_them(
    store: RedisStore, redis_client: redis.Redis, settings: Settings
) -> None:
    """Retention is a promise to patients; a consumer on holiday gets twice that time, not for ever."""
    keep = settings.retention_days * DAY_MS

    def stream() -> list[str]:
        return [entry_id for entry_id, _ in redis_client.xrange("triage:results")]

    for at in (1, 2, 3):
        redis_client.xadd("triage:results", {"level": "monitor"}, id=f"{NOW_MS + at}-0")
    redis_client.xadd("triage:dead", {"reason": "x"}, id=f"{NOW_MS + 1}-0")
    redis_client.xadd("triage:dead:slow", {"dead_reason": "x"}, id=f"{NOW_MS + 1}-0")
    assert store.trim(NOW_MS + keep + 1) == 0
    redis_client.xgroup_create("triage:results", "slow", id="0")
    redis_client.xreadgroup("slow", "c", {"triage:results": ">"}, count=2)
    redis_client.xack("triage:results", "slow", f"{NOW_MS + 1}-0")
    assert store.trim(NOW_MS + keep + 10) == 3
    assert stream() == [f"{NOW_MS + 2}-0", f"{NOW_MS + 3}-0"]
    assert store.trim(NOW_MS + 2 * keep + 10) == 2
    assert stream() == []


def test_workers_are_those_heard_from_lately(store: RedisStore) -> None:
    """Readiness asks for a worker, not for a memory of one."""
    store.health.record_heartbeat("a", NOW_MS)
    store.health.record_heartbeat("b", NOW_MS + 5_000)
    assert store.health.get_workers(NOW_MS + 6_000, 2_000) == ["b"]
    assert store.health.get_workers(NOW_MS + 6_000, 10_000) == ["a", "b"]
    store.health.record_heartbeat("a", NOW_MS + 6_000, stalled=True)
    assert (
        store.health.get_workers(NOW_MS + 6_000, 10_000),
        store.health.get_stalled_workers(NOW_MS + 6_000, 10_000),
    ) == (["b"], ["a"])
    store.health.record_heartbeat("a", NOW_MS + 6_000)
    assert (
        store.health.get_workers(NOW_MS + 6_000, 10_000),
        store.health.get_stalled_workers(NOW_MS + 6_000, 10_000),
    ) == (["a", "b"], [])
    assert store.health.get_workers(NOW_MS - DAY_MS, 10_000) == []
    store.health.record_heartbeat("b", NOW_MS + 2 * DAY_MS)
    assert store.health.get_workers(NOW_MS + 2 * DAY_MS, 3 * DAY_MS) == ["b"]


def test_deploying_and_rolling_back_are_one_step_each(store: RedisStore) -> None:
    """What was live before is live again, with its bundle, as often as there is something to go back to."""
    second = store.rulesets.deploy("spots", "2.0.0", "sha256:two", b"\x00bundle two\xff", NOW_MS + 1, by=TESTER)
    assert (second.digest, second.version, second.previous) == ("sha256:two", "2.0.0", "sha256:one")
    third = store.rulesets.deploy("spots", "3.0.0", "sha256:three", b"three", NOW_MS + 2, by=TESTER)
    assert store.rulesets.get_live() == {"spots": third}
    assert store.rulesets.get_bundle("sha256:two") == b"\x00bundle two\xff"
    back = store.rulesets.roll_back("spots", NOW_MS + 3, by=TESTER)
    assert (back.digest, back.version, back.activated_ms, back.previous) == (
        "sha256:two",
        "2.0.0",
        NOW_MS + 3,
        "sha256:one",
    )
    assert store.rulesets.roll_back("spots", NOW_MS + 4, by=TESTER).digest == "sha256:one"
    with pytest.raises(RulesetNotFound):
        store.rulesets.roll_back("spots", NOW_MS + 5, by=TESTER)
    assert store.rulesets.get_live()["spots"].digest == "sha256:one"


def test_deploying_what_is_live_changes_nothing(store: RedisStore) -> None:
    """`make run` deploys at every start; rollback must not lead to the same again."""
    before = store.rulesets.get_live()["spots"]
    assert store.rulesets.deploy("spots", "1.0.0", "sha256:one", b"one", NOW_MS + 99, by=TESTER) == before
    with pytest.raises(RulesetNotFound):
        store.rulesets.roll_back("spots", NOW_MS + 100, by=TESTER)


def test_two_people_who_roll_back_at_once_go_back_once(
    store: RedisStore, redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both mean the deployment that they saw fail."""
    store.rulesets.deploy("spots", "2.0.0", "sha256:two", b"two", NOW_MS, by=TESTER)
    store.rulesets.deploy("spots", "3.0.0", "sha256:three", b"three", NOW_MS, by=TESTER)
    seen = store.rulesets.get_live()
    with monkeypatch.context() as both_saw:
        both_saw.setattr(store.rulesets, "get_live", lambda: seen)
        replies = [store.rulesets.roll_back("spots", NOW_MS + at, by=TESTER) for at in range(2)]
    assert replies[0] == replies[1] == store.rulesets.get_live()["spots"]
    assert replies[0].digest == "sha256:two"
    assert [one["action"] for one in store.audit.read_entries()] == ["deploy", "deploy", "deploy", "rollback"]
    assert redis_client.llen("triage:deployments:spots") == 2


def test_an_unknown_bundle_or_ruleset_is_not_found(store: RedisStore) -> None:
    """A wrong name is an error, not an empty answer."""
    with pytest.raises(RulesetNotFound):
        store.rulesets.get_bundle("sha256:never")
    with pytest.raises(RulesetNotFound):
        store.rulesets.roll_back("never", NOW_MS, by=TESTER)


def test_a_server_that_has_forgotten_the_scripts_is_taught_them_again(
    store: RedisStore, redis_client: redis.Redis
) -> None:
    """After a restart Redis has the data but not the scripts."""
    store.reports.accept(a_report())
    redis_client.script_flush()
    report = a_report()
    assert store.reports.accept(report).created
    redis_client.script_flush()
    assert all(isinstance(answer, Accepted) for answer in store.reports.accept_many([a_report(), a_report()]))
    redis_client.script_flush()
    assert store.work.begin(report.id, NOW_MS) is not None
