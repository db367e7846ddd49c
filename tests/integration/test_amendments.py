"""Reports that amend others: accepted or refused, counted as one, decided in view of each other, one row on the board."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
import redis

from tests.support.actors import TESTER
from tests.support.marked_reports import NEW, OLD, Opening
from tests.support.reports import (
    DAY_MS,
    HOUR_MS,
    NOW_MS,
    ROUTINE,
    URGENT,
    a_report,
    a_result,
    deployed,
    glass_test_live,
    now_ms,
    posted,
)
from triage_rules.deployment.live import LiveRulesets
from triage_rules.foundation.errors import ReportError, ReportNotFound
from triage_rules.foundation.settings import Settings
from triage_rules.language.bundle import Bundle
from triage_rules.language.model import Answers, Audience, Level
from triage_rules.records.board import BoardStatus, Row, Wanted
from triage_rules.records.chains import ChainChanged, ChainPlace, ChainResult, ChainStanding
from triage_rules.records.reports import Accepted, Delivery, History, Idempotency, Lane, NewReport, ReportStatus
from triage_rules.store.redis import RedisStore
from workers import attempts
from workers.attempts import Attempts
from workers.handlers import Handlers
from workers.parts import WorkerParts

SUBJECT = "person-1"


def enqueue_nothing(ids: Sequence[str], lane: Lane, *, singly: bool = False) -> None:
    """Nothing is to be enqueued again."""
    raise AssertionError((ids, lane, singly))


@pytest.fixture(autouse=True)
def _live(store: RedisStore) -> None:
    deployed(store)


@pytest.fixture
def bundle(store: RedisStore) -> Bundle:
    return glass_test_live(store)


@pytest.fixture
def parts(settings: Settings, store: RedisStore, monkeypatch: pytest.MonkeyPatch) -> WorkerParts:
    monkeypatch.setattr(attempts, "BACKOFF_SECONDS", (0.0,))
    return WorkerParts(settings, store, LiveRulesets(store.rulesets), enqueue_nothing, now_ms)


@pytest.fixture
def handling(parts: WorkerParts) -> Handlers:
    return Handlers(parts)


def accepted(store: RedisStore, amends: NewReport | None = None, **values: Any) -> NewReport:
    report = a_report(subject=SUBJECT, amends=amends and amends.id, **values)
    assert store.reports.accept(report).created
    return report


def history(store: RedisStore, report: NewReport, at_ms: int = NOW_MS) -> History:
    return begun(store, report, at_ms).history


def begun(store: RedisStore, report: NewReport, at_ms: int = NOW_MS) -> Delivery:
    delivery = store.work.begin(report.id, at_ms)
    assert delivery is not None
    return delivery


def settled(
    store: RedisStore, report: NewReport, level: str, place: ChainPlace | None = None, at_ms: int = NOW_MS
) -> NewReport:
    """Settle the report in view of its chain."""
    seen = begun(store, report, at_ms).chain
    standing = ChainStanding(place, *(each.id if each else "" for each in (seen.above, seen.shown, seen.undecided)))
    assert store.work.settle(report.id, a_result(report, level), at_ms, None, standing)
    return report


def rows(store: RedisStore, status: BoardStatus = BoardStatus.OPEN) -> list[Row]:
    return list(store.board.page(Wanted(status), NOW_MS, 50).rows)


def row_ids(store: RedisStore, status: BoardStatus = BoardStatus.OPEN) -> list[str]:
    return [row.noted.id for row in rows(store, status)]


def refused(store: RedisStore, report: NewReport) -> None:
    """It is refused, and nothing of it is stored."""
    pending = store.health.get_backlog(NOW_MS).pending
    with pytest.raises(ReportError) as caught:
        store.reports.accept(report, Idempotency("its-key", "f"), "its task")
    assert [(fault.pointer, fault.code) for fault in caught.value.faults] == [("/amends", "not_amendable")]
    assert store.health.get_backlog(NOW_MS).pending == pending
    assert store.reports.find_idempotent(Idempotency("its-key", "f")) is None
    with pytest.raises(ReportNotFound):
        store.reports.get(report.id)


def test_audience_and_amended_report_come_back_with_the_report(store: RedisStore) -> None:
    first = accepted(store)
    second = replace(a_report(subject=SUBJECT, amends=first.id), audience=Audience.CLINICIAN)
    store.reports.accept(second)
    assert begun(store, second).report == second
    replay = store.reports.get_delivery(second.id)
    assert replay is not None
    assert replay.report == second
    assert (store.reports.get(second.id).amends, store.reports.get(second.id).amended_by) == (first.id, ())
    assert (store.reports.get(first.id).amends, store.reports.get(first.id).amended_by) == (None, (second.id,))


def test_only_a_report_of_the_same_client_ruleset_and_subject_can_be_amended(store: RedisStore) -> None:
    """One of another client gets the answer of one that doesn't exist."""
    deployed(store, "other")
    first = accepted(store)
    nameless = a_report()
    store.reports.accept(nameless)
    amendment = a_report(subject=SUBJECT, amends=first.id)
    for wrong in (
        replace(amendment, amends="0" * 32),
        replace(amendment, client="clinic"),
        replace(amendment, subject="person-2"),
        replace(amendment, subject=None),
        replace(amendment, ruleset="other"),
        replace(amendment, amends=nameless.id),
        replace(a_report(amends=nameless.id), client="clinic"),
    ):
        refused(store, wrong)
    assert store.reports.get(first.id).amended_by == ()
    assert store.reports.accept(amendment).created
    assert store.reports.accept(a_report(amends=nameless.id)).created


def test_of_several_accepted_together_one_that_amends_nothing_stored_is_refused_by_itself(store: RedisStore) -> None:
    first = accepted(store)
    right, wrong = a_report(subject=SUBJECT, amends=first.id), a_report(subject=SUBJECT, amends="0" * 32)
    outcomes = store.reports.accept_many([wrong, right])
    assert isinstance(outcomes[0], ReportError)
    assert outcomes[1] == Accepted(right.id, created=True)


def test_an_erased_report_can_not_be_amended_and_its_amendments_are_erased_with_it(
    store: RedisStore, redis_client: redis.Redis
) -> None:
    first = settled(store, accepted(store), "urgent")
    second = settled(store, accepted(store, first), "monitor", ChainPlace.FRONT)
    third = accepted(store, second)
    # Reports that have expired are found by the indexes.
    redis_client.delete(f"triage:report:{second.id}")
    erased = store.erasure.erase(SUBJECT, NOW_MS, by=TESTER)
    assert (erased.reports, erased.events) == (2, 2)
    refused(store, a_report(subject=SUBJECT, amends=third.id))
    left = [key for key in redis_client.keys("triage:*") if key.split(":")[1] not in _KEPT]
    assert left == []
    assert row_ids(store) == []


_KEPT = ("live", "bundle", "deployments", "audit", "results", "counts", "board")


def test_an_amendment_accepted_during_the_erasure_is_erased_too(
    store: RedisStore, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = accepted(store)
    second = a_report(subject=SUBJECT, amends=first.id)
    select = store.erasure._select
    with RedisStore(settings) as web:

        def accepted_just_now(subject: str, client: str | None) -> Any:
            selection = select(subject, client)
            web.reports.accept(second)
            return selection

        monkeypatch.setattr(store.erasure, "_select", accepted_just_now)
        assert store.erasure.erase(SUBJECT, NOW_MS, by=TESTER).reports == 2
    with pytest.raises(ReportNotFound):
        store.reports.get(second.id)


def test_a_repeated_request_returns_its_amendment_even_if_the_amended_report_is_gone(
    store: RedisStore, redis_client: redis.Redis
) -> None:
    first = accepted(store)
    amendment, key = a_report(subject=SUBJECT, amends=first.id), Idempotency("k", "f")
    store.reports.accept(amendment, key)
    redis_client.delete(f"triage:report:{first.id}")
    again = store.reports.accept(a_report(subject=SUBJECT, amends=first.id), key)
    assert again == Accepted(amendment.id, created=False)


def test_a_chain_counts_as_one_report_and_never_for_its_own(store: RedisStore) -> None:
    """S12 raises at the third report in 48 hours, however often a form sends the answers of one interview."""
    first = accepted(store)
    chain = [first]
    for _ in range(5):
        chain.append(accepted(store, chain[-1]))
        assert history(store, chain[-1]) == History()
    assert history(store, accepted(store)).reports_last_48h == 1
    assert history(store, accepted(store, chain[-1])).reports_last_48h == 1
    assert store.reports.get_history("spots", SUBJECT, NOW_MS).reports_last_48h == 2
    assert store.reports.get_history("spots", SUBJECT, NOW_MS, amends=chain[2].id).reports_last_48h == 1


def test_a_chain_counts_from_its_newest_report_on(store: RedisStore) -> None:
    first = settled(store, accepted(store, received_ms=NOW_MS - 50 * HOUR_MS), "monitor")
    assert store.reports.get_history("spots", SUBJECT, NOW_MS).reports_last_48h == 0
    second = accepted(store, first, received_ms=NOW_MS - HOUR_MS)
    assert store.reports.get_history("spots", SUBJECT, NOW_MS).reports_last_48h == 1
    assert store.reports.get_history("spots", SUBJECT, NOW_MS, amends=second.id).reports_last_48h == 0


def test_a_history_for_an_amendment_of_nothing_is_refused(store: RedisStore) -> None:
    with pytest.raises(ReportError):
        store.reports.get_history("spots", SUBJECT, NOW_MS, amends="0" * 32)
    first = accepted(store)
    with pytest.raises(ReportError):
        store.reports.get_history("spots", SUBJECT, NOW_MS, "clinic", first.id)
    nameless = a_report()
    store.reports.accept(nameless)
    with pytest.raises(ReportError):
        store.reports.get_history("spots", None, NOW_MS, "clinic", nameless.id)
    assert store.reports.get_history("spots", None, NOW_MS, amends=nameless.id) == History()


def test_two_amendments_at_the_same_time_are_both_accepted_and_are_one_chain(store: RedisStore) -> None:
    first = accepted(store)
    amendments = [a_report(subject=SUBJECT, amends=first.id) for _ in range(16)]
    with ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(store.reports.accept, amendments))
    assert all(outcome.created for outcome in outcomes)
    assert set(store.reports.get(first.id).amended_by) == {amendment.id for amendment in amendments}
    assert store.reports.get_history("spots", SUBJECT, NOW_MS).reports_last_48h == 1
    for amendment in amendments:
        settled(store, amendment, "monitor", ChainPlace.FRONT)
    assert len(row_ids(store)) == 1


def test_a_chain_s_own_results_do_not_hold_up_its_later_ones(store: RedisStore) -> None:
    """S12B does not lower below the last 24 hours; an amendment is no second report."""
    first = settled(store, accepted(store), "urgent")
    second = accepted(store, first)
    assert history(store, second).highest_level_24h is None
    assert history(store, accepted(store)).highest_level_24h is Level.URGENT
    settled(store, second, "routine", ChainPlace.FRONT)
    assert history(store, accepted(store)).highest_level_24h is Level.ROUTINE
    other = settled(store, accepted(store), "monitor")
    assert history(store, accepted(store, second)).highest_level_24h is Level.MONITOR
    assert history(store, accepted(store, other)).highest_level_24h is Level.ROUTINE
    assert history(store, accepted(store), NOW_MS + 25 * HOUR_MS).highest_level_24h is Level.MONITOR


def test_a_failed_amendment_lowers_nothing(store: RedisStore) -> None:
    first = settled(store, accepted(store), "urgent")
    second = accepted(store, first)
    begun(store, second)
    assert store.work.bury(second.id, a_result(second, None), "worker_lost", NOW_MS)
    assert set(row_ids(store)) == {first.id, second.id}
    assert history(store, accepted(store)).highest_level_24h is Level.URGENT


def test_levels_of_the_version_before_hold_and_it_knows_the_levels_of_this_one(
    store: RedisStore, redis_client: redis.Redis
) -> None:
    """It reads and writes one hash; also during a release, and after going back a version."""
    first = accepted(store)
    (key,) = {redis_client.hget(f"triage:report:{first.id}", "levels")}
    redis_client.hset(str(key), "2", NOW_MS - HOUR_MS)
    assert store.reports.get_history("spots", SUBJECT, NOW_MS).highest_level_24h is Level.URGENT
    settled(store, first, "urgent")
    second = settled(store, accepted(store, first), "routine", ChainPlace.FRONT)
    assert redis_client.hgetall(str(key)) == {"2": str(NOW_MS - HOUR_MS), "0": str(NOW_MS)}
    assert store.reports.get_history("spots", SUBJECT, NOW_MS, amends=second.id).highest_level_24h is Level.URGENT
    later = NOW_MS + 24 * HOUR_MS
    assert store.reports.get_history("spots", SUBJECT, later).highest_level_24h is Level.ROUTINE


def test_levels_are_forgotten_after_their_time(settings: Settings, redis_client: redis.Redis) -> None:
    with RedisStore(replace(settings, history_hours=30)) as store:
        settled(store, accepted(store), "monitor")
        late = NOW_MS + 31 * HOUR_MS
        settled(store, accepted(store), "monitor", at_ms=late)
        (key,) = redis_client.keys("triage:levels:*:1")
        assert redis_client.zcard(key) == 1
        assert 0 < redis_client.ttl(key) <= 30 * 3600
        amended = accepted(store, accepted(store))
        settled(store, amended, "monitor", ChainPlace.FRONT)
        assert 0 < redis_client.ttl(redis_client.keys("triage:chain:*")[0]) <= settings.retention_days * 24 * 3600
        (index,) = redis_client.keys("triage:amendments:*")
        assert redis_client.ttl(index) == redis_client.ttl(redis_client.keys("triage:subject:*")[0])


def test_a_chain_stays_one_when_its_subject_gets_another_name(opening: Opening, redis_client: redis.Redis) -> None:
    """Encryption is switched on: the names of the indexes change."""
    plain = opening(secret="")
    first = settled(plain, accepted(plain), "urgent")
    second = settled(plain, accepted(plain, first), "routine", ChainPlace.FRONT)
    encrypted = opening(NEW)
    assert encrypted.key_rotation.rekey(NOW_MS, by=TESTER).reports == 2
    third = accepted(encrypted, second)
    assert history(encrypted, third) == History()
    other = accepted(encrypted)
    assert history(encrypted, other) == History(1, Level.ROUTINE)
    assert encrypted.erasure.erase(SUBJECT, NOW_MS, by=TESTER).reports == 4
    for kind in ("report", "subject", "amendments", "levels", "chain"):
        assert redis_client.keys(f"triage:{kind}:*") == []


def test_a_decision_sees_the_nearest_settled_report_above_and_the_one_on_the_board(store: RedisStore) -> None:
    first = settled(store, accepted(store), "urgent")
    waiting = accepted(store, first)
    third = accepted(store, waiting)
    view = begun(store, third).chain
    assert view.above == ChainResult(first.id, NOW_MS, Level.URGENT, "X1_example")
    assert view.shown is None
    sibling = settled(store, accepted(store, first), "monitor", ChainPlace.FRONT)
    view = begun(store, third).chain
    assert (view.above and view.above.id, view.shown and view.shown.id) == (first.id, sibling.id)


def test_a_result_made_without_one_settled_meanwhile_is_not_published(
    store: RedisStore, redis_client: redis.Redis
) -> None:
    """Else it would lower that one silently."""
    first = accepted(store)
    second = accepted(store, first)
    begun(store, second)
    settled(store, first, "urgent")
    with pytest.raises(ChainChanged):
        store.work.settle(second.id, a_result(second, "routine"), NOW_MS, None, ChainStanding(ChainPlace.FRONT))
    assert redis_client.xlen("triage:results") == 1
    assert store.reports.get(second.id).status is ReportStatus.QUEUED
    settled(store, second, "routine", ChainPlace.FRONT)
    assert redis_client.xlen("triage:results") == 2


def test_a_result_that_another_key_encrypted_is_shown_as_one_that_could_not_be_decided(opening: Opening) -> None:
    store = opening(OLD)
    first = settled(store, accepted(store), "urgent")
    second = accepted(store, first)
    store.connection.client.hset(f"triage:report:{first.id}", "result", "sealed:no-token")
    assert begun(store, second).chain.above == ChainResult(first.id, NOW_MS)


def test_the_board_shows_a_chain_as_its_newest_report(store: RedisStore) -> None:
    first = settled(store, accepted(store), "urgent")
    store.board.acknowledge(first.id, NOW_MS, by=TESTER)
    second = settled(store, accepted(store, first), "monitor", ChainPlace.FRONT)
    assert (row_ids(store), row_ids(store, BoardStatus.ACKNOWLEDGED)) == ([second.id], [])
    assert sum(store.board.tally(NOW_MS).open.values()) == 1
    third = settled(store, accepted(store, second), "monitor", ChainPlace.FRONT)
    (row,) = rows(store)
    assert (row.noted.id, row.amends, row.amended_by) == (third.id, second.id, ())
    # An amended report can still be acknowledged, and doesn't come back to the board.
    store.board.acknowledge(second.id, NOW_MS, by=TESTER)
    store.board.unacknowledge(second.id, NOW_MS, by=TESTER)
    assert row_ids(store, BoardStatus.ALL) == [third.id]


def test_a_dead_letter_that_was_amended_meanwhile_has_no_row_unless_it_is_more_urgent(
    handling: Handlers, store: RedisStore, bundle: Bundle
) -> None:
    """Requeued, it is decided after its amendment."""
    first = posted(bundle, URGENT, subject=SUBJECT)
    store.reports.accept(first)
    begun(store, first)
    store.work.bury(first.id, a_result(first, None), "worker_lost", now_ms())
    second = decided(handling, store, posted(bundle, ROUTINE, subject=SUBJECT, amends=first.id))
    assert second["lowers"] == {"level": None, "disposition": None}
    assert row_ids(store) == [second["id"]]
    assert rows(store)[0].lowers == (None, None)
    store.dead_letters.requeue(first.id, now_ms(), by=TESTER)
    handling.evaluate_singly(first.id)
    assert set(row_ids(store)) == {first.id, second["id"]}
    assert _row(store, first.id).amended_by == (second["id"],)


def _row(store: RedisStore, report_id: str) -> Row:
    return next(row for row in rows(store) if row.noted.id == report_id)


def decided(handling: Handlers, store: RedisStore, report: NewReport) -> dict[str, Any]:
    """Accept and evaluate the report; return its result."""
    store.reports.accept(report)
    handling.evaluate_singly(report.id)
    result = store.reports.get(report.id).result
    assert result is not None
    return result


def test_an_amendment_names_what_it_amends_and_what_it_lowers(
    handling: Handlers, store: RedisStore, bundle: Bundle
) -> None:
    first = decided(handling, store, posted(bundle, URGENT, subject=SUBJECT))
    assert (first["amends"], first["lowers"]) == (None, None)
    same = decided(handling, store, posted(bundle, URGENT, subject=SUBJECT, amends=first["id"]))
    assert (same["amends"], same["lowers"]) == (first["id"], None)
    lower = decided(handling, store, posted(bundle, ROUTINE, subject=SUBJECT, amends=same["id"]))
    assert lower["level"] != "urgent"
    assert lower["lowers"] == {"level": "urgent", "disposition": first["disposition"]}
    assert [(row.noted.id, row.lowers) for row in rows(store)] == [(lower["id"], ("urgent", first["disposition"]))]
    higher = decided(handling, store, posted(bundle, URGENT, subject=SUBJECT, amends=lower["id"]))
    assert higher["lowers"] is None


def test_of_two_amendments_of_one_report_the_newer_names_what_it_lowers_of_the_other(
    handling: Handlers, store: RedisStore, bundle: Bundle
) -> None:
    """Nobody who wrote it knew of the other."""
    first = decided(handling, store, posted(bundle, ROUTINE, subject=SUBJECT))
    urgent = decided(handling, store, posted(bundle, URGENT, subject=SUBJECT, amends=first["id"]))
    newer = decided(handling, store, posted(bundle, ROUTINE, subject=SUBJECT, amends=first["id"]))
    assert newer["lowers"] == {"level": "urgent", "disposition": urgent["disposition"]}
    assert row_ids(store) == [newer["id"]]


@pytest.mark.parametrize(("answers", "shown"), [(URGENT, ["older", "newer"]), (ROUTINE, ["newer"])])
def test_a_report_decided_after_its_amendment_has_a_row_of_its_own_only_if_it_is_more_urgent(
    handling: Handlers, store: RedisStore, bundle: Bundle, answers: Answers, shown: list[str]
) -> None:
    older = posted(bundle, answers, subject=SUBJECT)
    store.reports.accept(older)
    newer = decided(handling, store, posted(bundle, ROUTINE, subject=SUBJECT, amends=older.id))
    assert newer["lowers"] is None
    handling.evaluate_singly(older.id)
    names = {older.id: "older", newer["id"]: "newer"}
    assert [names[each] for each in row_ids(store)] == shown
    # Another report of the person is held to what stands.
    level = store.reports.get_history(bundle.name, SUBJECT, now_ms()).highest_level_24h
    assert (level is Level.URGENT) is (answers is URGENT)


@pytest.mark.parametrize("subject", [SUBJECT, None])
def test_a_report_and_its_amendment_begun_together_are_decided_in_order(
    handling: Handlers, store: RedisStore, bundle: Bundle, subject: str | None
) -> None:
    reports = [posted(bundle, URGENT, subject=subject)]
    reports.append(posted(bundle, ROUTINE, subject=subject, amends=reports[0].id))
    reports.append(posted(bundle, ROUTINE, subject=subject, amends=reports[1].id))
    for report in reports:
        store.reports.accept(report)
    handling.evaluate_many([report.id for report in reports], Lane.NORMAL, "task", redelivered=False)
    urgent, lowering, last = (store.reports.get(report.id) for report in reports)
    assert urgent.result and lowering.result and last.result
    assert lowering.result["lowers"] == {"level": "urgent", "disposition": urgent.result["disposition"]}
    assert last.result["lowers"] is None
    assert [stored.attempts for stored in (urgent, lowering, last)] == [1, 1, 1]
    assert row_ids(store) == [last.id]


@pytest.mark.parametrize("batch", [True, False])
def test_a_report_whose_chain_changes_while_it_is_decided_is_decided_again_at_no_cost(
    handling: Handlers,
    parts: WorkerParts,
    store: RedisStore,
    bundle: Bundle,
    monkeypatch: pytest.MonkeyPatch,
    batch: bool,
) -> None:
    first = posted(bundle, URGENT, subject=SUBJECT)
    second = posted(bundle, ROUTINE, subject=SUBJECT, amends=first.id)
    for report in (first, second):
        store.reports.accept(report)
    decide, others = Attempts.decide, Handlers(parts)

    def settled_meanwhile(self: Attempts, delivery: Delivery) -> Any:
        made = decide(self, delivery)
        if delivery.report.id == second.id and store.reports.get(first.id).status is ReportStatus.QUEUED:
            others.evaluate_singly(first.id)
        return made

    monkeypatch.setattr(Attempts, "decide", settled_meanwhile)
    if batch:
        handling.evaluate(second.id, Lane.NORMAL, "task", redelivered=False)
    else:
        handling.evaluate_singly(second.id)
    report = store.reports.get(second.id)
    assert report.result is not None
    assert report.result["lowers"]["level"] == "urgent"
    assert report.attempts == 1


def test_a_failed_report_names_what_it_amends(handling: Handlers, store: RedisStore, bundle: Bundle) -> None:
    first = decided(handling, store, posted(bundle, URGENT, subject=SUBJECT))
    second = replace(posted(bundle, ROUTINE, subject=SUBJECT, amends=first["id"]), digest=bundle.digest)
    store.reports.accept(second)
    store.connection.client.hset(f"triage:report:{second.id}", "digest", "sha256:" + "0" * 64)
    handling.evaluate_singly(second.id)
    dead = store.reports.get(second.id)
    assert dead.status is ReportStatus.DEAD
    assert dead.result is not None
    assert (dead.result["amends"], dead.result["lowers"]) == (first["id"], None)


def dead_letter(store: RedisStore, amends: NewReport) -> NewReport:
    """Accept an amendment of the report that can't be decided."""
    report = posted(glass_test_live(store), ROUTINE, subject=SUBJECT, amends=amends.id)
    assert store.reports.accept(report).created
    begun(store, report)
    assert store.work.bury(report.id, a_result(report, None), "worker_lost", now_ms())
    return report


@pytest.mark.parametrize("letters", [1, 2])
def test_a_result_names_what_it_lowers_above_dead_letters_and_takes_the_place_of_all(
    handling: Handlers, store: RedisStore, bundle: Bundle, letters: int
) -> None:
    first = posted(bundle, URGENT, subject=SUBJECT)
    urgent = decided(handling, store, first)
    last = first
    for _ in range(letters):
        last = dead_letter(store, last)
    assert len(row_ids(store)) == 1 + letters
    assert store.reports.get_history(bundle.name, SUBJECT, now_ms()).highest_level_24h is Level.URGENT
    newest = decided(handling, store, posted(bundle, ROUTINE, subject=SUBJECT, amends=last.id))
    assert newest["lowers"] == {"level": "urgent", "disposition": urgent["disposition"]}
    assert [(row.noted.id, row.lowers) for row in rows(store, BoardStatus.ALL)] == [
        (newest["id"], ("urgent", urgent["disposition"]))
    ]
    # The one level of the chain is that of the result on the board, which names the one that it lowers.
    standing = store.reports.get_history(bundle.name, SUBJECT, now_ms()).highest_level_24h
    assert standing is Level.of(newest["level"])


def test_a_dead_letter_below_a_result_that_is_not_urgent_is_still_lowered_visibly(
    handling: Handlers, store: RedisStore, bundle: Bundle
) -> None:
    """What it would have said is not known."""
    first = posted(bundle, ROUTINE, subject=SUBJECT)
    decided(handling, store, first)
    newest = decided(handling, store, posted(bundle, ROUTINE, subject=SUBJECT, amends=dead_letter(store, first).id))
    assert newest["lowers"] == {"level": None, "disposition": None}
    assert row_ids(store) == [newest["id"]]


def test_a_result_made_before_a_dead_letter_above_was_requeued_is_not_published(
    store: RedisStore, bundle: Bundle
) -> None:
    first = settled(store, posted_and_accepted(store, bundle), "urgent", at_ms=now_ms())
    letter = dead_letter(store, first)
    newest = posted_and_accepted(store, bundle, letter)
    view = begun(store, newest).chain
    assert (view.above and view.above.id, view.undecided and view.undecided.id) == (first.id, letter.id)
    store.dead_letters.requeue(letter.id, now_ms(), by=TESTER)
    standing = ChainStanding(ChainPlace.FRONT, first.id, "", letter.id)
    with pytest.raises(ChainChanged):
        store.work.settle(newest.id, a_result(newest, "routine"), now_ms(), None, standing)


def posted_and_accepted(store: RedisStore, bundle: Bundle, amends: NewReport | None = None) -> NewReport:
    report = posted(bundle, ROUTINE, subject=SUBJECT, amends=amends and amends.id)
    assert store.reports.accept(report).created
    return report


def test_a_long_chain_costs_its_newest_report_no_more(store: RedisStore) -> None:
    """Unsettled reports above are passed over, up to a bound; then nothing is named rather than the wrong one."""
    first = settled(store, accepted(store), "urgent")
    last = first
    for _ in range(100):
        last = accepted(store, last)
    near = begun(store, last).chain.above
    assert near is not None
    assert near.id == first.id
    assert begun(store, accepted(store, last)).chain.above is None


def test_the_board_drops_a_chain_when_its_time_is_over(store: RedisStore, settings: Settings) -> None:
    first = settled(store, accepted(store), "urgent")
    settled(store, accepted(store, first), "monitor", ChainPlace.FRONT)
    store.board.drop_expired(NOW_MS + settings.retention_days * DAY_MS + 1)
    assert row_ids(store) == []
