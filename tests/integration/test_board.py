"""The board's part of the store: what people see of settled reports, and what they do about them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from random import Random

import pytest
import redis
from cryptography.fernet import Fernet

from tests.support.actors import TESTER
from tests.support.reports import DAY_MS, HOUR_MS, NOW_MS, a_report, a_result, deployed
from tests.support.shares import examples
from triage_rules.consumer import Consumer
from triage_rules.foundation.errors import (
    PositionNotFound,
    ReportNotFound,
    ReportNotSettled,
    RequeueRefused,
    StoreUnavailable,
)
from triage_rules.foundation.settings import Settings
from triage_rules.language.model import Basis, Level
from triage_rules.records.audit import Actor, Via
from triage_rules.records.board import (
    BASES,
    MOST_REDRIVES,
    RANKS,
    Acknowledged,
    BoardStatus,
    Group,
    Noted,
    Queue,
    Queues,
    Row,
    Wanted,
    read_group,
)
from triage_rules.records.reports import Lane, NewReport, ReportStatus
from triage_rules.store.redis import RedisStore

NURSE = Actor("nurse", Via.HTTP)
OTHER = Actor("other", Via.HTTP)
MINUTES = {"urgent": 60, "monitor": 2880, "routine": None, None: 0}
WORDS = {None: None} | {level: level.word for level in Level}


@pytest.fixture(autouse=True)
def _live(store: RedisStore) -> None:
    deployed(store)


def settled(
    store: RedisStore, level: str | None, at_ms: int = NOW_MS, basis: Basis = Basis.RULES, **report: object
) -> NewReport:
    """A report that was received then and decided a second later."""
    made = a_report(received_ms=at_ms, **report)
    store.reports.accept(made)
    store.work.begin(made.id, at_ms)
    result = a_result(made, level) | {"act_within_minutes": MINUTES[level], "basis": basis.value}
    if level is None:
        store.work.bury(made.id, result, "worker_lost", at_ms + 1000)
    else:
        store.work.settle(made.id, result, at_ms + 1000)
    return made


def shown(store: RedisStore, wanted: Wanted | None = None, now_ms: int = NOW_MS, limit: int = 100) -> list[Row]:
    """All rows, page by page."""
    rows: list[Row] = []
    after = None
    while True:
        page = store.board.page(wanted or Wanted(), now_ms, limit, after)
        rows += page.rows
        after = page.next
        if after is None:
            return rows


def ids(rows: list[Row]) -> list[str]:
    return [row.noted.id for row in rows]


# --- which, in which order ------------------------------------------------------------------------


def test_urgent_ones_come_first_and_of_these_the_soonest_due(store: RedisStore) -> None:
    """What could not be decided comes right after them, before all that can wait."""
    routine = settled(store, "routine", NOW_MS)
    monitor = settled(store, "monitor", NOW_MS + 1)
    later = settled(store, "urgent", NOW_MS + 60_000)
    dead = settled(store, None, NOW_MS + 2)
    sooner = settled(store, "urgent", NOW_MS + 3)
    rows = shown(store)
    assert ids(rows) == [sooner.id, later.id, dead.id, monitor.id, routine.id]
    assert [row.noted.due_ms for row in rows][:2] == [NOW_MS + 3 + HOUR_MS, NOW_MS + 60_000 + HOUR_MS]
    assert (rows[2].noted.due_ms, rows[4].noted.due_ms) == (dead.received_ms, None)
    assert [row.noted.received_ms for row in rows] == [
        one.received_ms for one in (sooner, later, dead, monitor, routine)
    ]


def test_within_a_level_what_the_answers_say_comes_before_what_only_missing_ones_raised(store: RedisStore) -> None:
    """Else a form that was left after one question hides the child whose parent answered."""
    default, missing, said = (settled(store, "urgent", NOW_MS + n, basis) for n, basis in enumerate(reversed(BASES)))
    undecided = settled(store, None, NOW_MS - HOUR_MS)
    monitor = settled(store, "monitor", NOW_MS - HOUR_MS)
    rows = shown(store, limit=1)
    assert ids(rows) == [one.id for one in (said, missing, default, undecided, monitor)]
    assert [row.noted.group.basis for row in rows][:3] == list(BASES)


def test_the_groups_of_earlier_versions_are_those_of_results_by_rules() -> None:
    """Their reports stay on the board over an update."""
    assert Group("spots", Level.URGENT, HOUR_MS).text == f"spots:0:{HOUR_MS}"
    for basis in BASES:
        group = Group("spots", Level.MONITOR, None, basis)
        assert read_group(group.text) == group


def test_the_others_come_newest_first(store: RedisStore) -> None:
    made = [settled(store, level, NOW_MS + n) for n, level in enumerate(["urgent", "routine", None, "monitor"])]
    assert ids(shown(store, Wanted(BoardStatus.ALL))) == [one.id for one in reversed(made)]


def test_every_filter_shows_exactly_what_fits_it_page_by_page(store: RedisStore) -> None:
    """Against a plain look at all of them, with many that were received in the same millisecond."""
    deployed(store, "moles")
    random = Random(5)
    made: dict[str, tuple[Level | None, int, str, bool]] = {}
    for _ in range(120):
        level, at = random.choice(RANKS), NOW_MS - random.choice([0, 0, 1, 2 * HOUR_MS, 3 * DAY_MS])
        ruleset = random.choice(["spots", "moles"])
        report = settled(store, WORDS[level], at, random.choice(BASES), ruleset=ruleset)
        taken = random.random() < 0.3
        if taken:
            store.board.acknowledge(report.id, NOW_MS, by=NURSE)
        made[report.id] = (level, at, ruleset, taken)
    for _ in range(60):
        wanted = Wanted(
            random.choice(list(BoardStatus)),
            tuple(level for level in RANKS if random.random() < 0.6),
            random.choice([None, "spots", "moles"]),
            random.random() < 0.4,
            random.random() < 0.3,
        )
        rows = shown(store, wanted, NOW_MS, limit=random.choice([1, 7, 100]))
        fits = {one for one, (level, at, ruleset, taken) in made.items() if _fits(wanted, level, at, ruleset, taken)}
        assert len(rows) == len(fits)
        assert set(ids(rows)) == fits
        if not wanted.newest_first:
            assert all(one.noted.place < other.noted.place for one, other in pairwise(rows))
        else:
            assert all(one.noted.text > other.noted.text for one, other in pairwise(rows))


def _fits(wanted: Wanted, level: Level | None, at: int, ruleset: str, taken: bool) -> bool:
    if level not in wanted.levels or wanted.ruleset not in (None, ruleset):
        return False
    if wanted.status is BoardStatus.ALL:
        return True
    if wanted.status is BoardStatus.ACKNOWLEDGED:
        return taken
    minutes = MINUTES[WORDS[level]]
    due = minutes is not None and at + minutes * 60_000 < NOW_MS
    return not taken and (due or not wanted.overdue)


def test_a_page_begins_where_the_one_before_ended_although_others_come_and_go(store: RedisStore) -> None:
    """Neither twice nor left out: what is acknowledged meanwhile moves nothing."""
    made = [settled(store, "monitor", NOW_MS + n) for n in range(6)]
    first = store.board.page(Wanted(), NOW_MS, 3)
    for row in first.rows:
        store.board.acknowledge(row.noted.id, NOW_MS, by=NURSE)
    settled(store, "urgent")
    second = store.board.page(Wanted(), NOW_MS, 3, first.next)
    assert ids([*first.rows, *second.rows]) == [one.id for one in made]
    assert second.next is None


@pytest.mark.parametrize("text", ["", "9", "0" * 29, "urgent", "0" * 29 + "+", "4" + "0" * 60, "0" * 29 + "ff\n"])
@pytest.mark.parametrize("standing", list(BoardStatus))
def test_what_is_no_place_is_refused(store: RedisStore, text: str, standing: BoardStatus) -> None:
    """A page's address can be typed by anybody."""
    settled(store, "urgent")
    with pytest.raises(PositionNotFound):
        store.board.page(Wanted(standing), NOW_MS, 5, text)


def test_counts_tell_what_is_open_overdue_and_taken_care_of(store: RedisStore) -> None:
    settled(store, "urgent", NOW_MS - 2 * HOUR_MS)
    settled(store, "urgent")
    taken = settled(store, "urgent", NOW_MS - 2 * HOUR_MS)
    settled(store, None)
    settled(store, "routine", NOW_MS - 9 * DAY_MS)
    store.board.acknowledge(taken.id, NOW_MS, by=NURSE)
    tally = store.board.tally(NOW_MS + 1)
    assert tally.open == {Level.URGENT: 2, None: 1, Level.MONITOR: 0, Level.ROUTINE: 1}
    assert tally.overdue == {Level.URGENT: 1, None: 1, Level.MONITOR: 0, Level.ROUTINE: 0}
    assert (tally.acknowledged, tally.rulesets) == (1, ("spots",))


def test_the_mix_counts_each_settled_report_in_the_hour_of_its_receipt(store: RedisStore) -> None:
    """Also those that somebody takes care of; what people do with a report doesn't change what came."""
    for hours, level in [(0, "urgent"), (0, "urgent"), (1, "routine"), (1, None), (5, "monitor")]:
        store.board.acknowledge(settled(store, level, NOW_MS - hours * HOUR_MS).id, NOW_MS, by=NURSE)
    end = NOW_MS + HOUR_MS
    bars = store.board.count_received([end - 3 * HOUR_MS, end - 2 * HOUR_MS, end - HOUR_MS], end)
    assert [sum(bar.counts.values()) for bar in bars] == [0, 2, 2]
    assert bars[1].counts == {Level.URGENT: 0, None: 1, Level.MONITOR: 0, Level.ROUTINE: 1}
    assert bars[2].counts[Level.URGENT] == 2


def test_it_tells_what_waits_and_what_of_it_is_urgent(store: RedisStore) -> None:
    store.reports.accept(a_report(received_ms=NOW_MS - 9000))
    store.reports.accept(a_report(received_ms=NOW_MS - 5000, lane=Lane.URGENT))
    store.reports.accept(a_report(received_ms=NOW_MS - 4000))
    assert store.health.get_queues(NOW_MS) == Queues(Queue(3, 9000), Queue(1, 5000))


def test_a_subject_is_shown_and_one_that_no_key_opens_is_not(settings: Settings, redis_client: redis.Redis) -> None:
    """The others stay on the board."""
    keys = [Fernet.generate_key().decode() for _ in range(2)]
    both = RedisStore(replace(settings, encryption_keys=" ".join(keys), index_secret="i" * 64))
    report = settled(both, "urgent", subject="p-17")
    assert [row.subject for row in shown(both)] == ["p-17"]
    other = RedisStore(replace(settings, encryption_keys=keys[1], index_secret="i" * 64))
    assert [(row.noted.id, row.subject) for row in shown(other)] == [(report.id, None)]
    both.close()
    other.close()


def test_bytes_that_are_no_text_take_no_other_report_off_the_board(
    store: RedisStore, redis_client: redis.Redis
) -> None:
    broken, whole = settled(store, "urgent", subject="p"), settled(store, "urgent", subject="q")
    redis_client.hset(f"triage:report:{broken.id}", "subject", b"\xff\xfe")
    assert set(ids(shown(store))) == {broken.id, whole.id}


# --- acknowledging --------------------------------------------------------------------------------


def test_an_acknowledged_report_leaves_the_open_ones_and_tells_by_whom(store: RedisStore) -> None:
    report = settled(store, "urgent")
    assert store.board.acknowledge(report.id, NOW_MS + 5, by=NURSE) == Acknowledged("nurse", NOW_MS + 5)
    assert shown(store) == []
    (row,) = shown(store, Wanted(BoardStatus.ACKNOWLEDGED))
    assert row.acknowledged == Acknowledged("nurse", NOW_MS + 5)
    assert store.reports.get(report.id).acknowledged == Acknowledged("nurse", NOW_MS + 5)
    assert ids(shown(store, Wanted(BoardStatus.ALL))) == [report.id]


def test_acknowledging_again_changes_nothing_and_is_not_written_down(store: RedisStore) -> None:
    """Two nurses press at once: it stays with the first, and the second learns with whom."""
    report = settled(store, "urgent")
    with ThreadPoolExecutor(8) as threads:
        said = list(threads.map(lambda n: store.board.acknowledge(report.id, NOW_MS + n, by=NURSE), range(16)))
    assert len(set(said)) == 1
    assert store.board.acknowledge(report.id, NOW_MS + 99, by=OTHER) == said[0]
    assert [one["action"] for one in store.audit.read_entries()].count("acknowledge") == 1


def test_an_acknowledgement_is_written_down_and_can_be_taken_back(store: RedisStore) -> None:
    report = settled(store, "urgent")
    before = shown(store)
    store.board.acknowledge(report.id, NOW_MS, by=NURSE)
    for _ in range(2):
        store.board.unacknowledge(report.id, NOW_MS + 1, by=OTHER)
    assert shown(store) == before
    assert shown(store, Wanted(BoardStatus.ACKNOWLEDGED)) == []
    entries = [(one["actor"], one["action"]) for one in store.audit.read_entries()][1:]
    assert entries == [("nurse", "acknowledge"), ("other", "acknowledge.undo")]


def test_only_what_is_settled_can_be_acknowledged(store: RedisStore) -> None:
    """Nobody has seen a result of what waits."""
    report = a_report()
    store.reports.accept(report)
    for act in (store.board.acknowledge, store.board.unacknowledge):
        with pytest.raises(ReportNotSettled):
            act(report.id, NOW_MS, by=NURSE)
        with pytest.raises(ReportNotFound):
            act("nobody", NOW_MS, by=NURSE)


def test_acknowledging_keeps_the_time_until_which_a_report_is_kept(
    store: RedisStore, redis_client: redis.Redis
) -> None:
    report = settled(store, "urgent")
    left = redis_client.ttl(f"triage:report:{report.id}")
    store.board.acknowledge(report.id, NOW_MS, by=NURSE)
    assert 0 < redis_client.ttl(f"triage:report:{report.id}") <= left


# --- trying anew ----------------------------------------------------------------------------------


def test_a_dead_letter_that_is_tried_anew_ends_in_one_more_event_with_an_id_of_its_own(
    store: RedisStore, redis_client: redis.Redis, settings: Settings
) -> None:
    """A group that has handled the first hands out the second too."""
    report = settled(store, None, subject="p", lane=Lane.URGENT)
    with Consumer(settings.redis_url, "ward-7") as consumer:
        messages = iter(consumer)
        first = next(messages)
        first.ack()
        store.board.acknowledge(report.id, NOW_MS, by=NURSE)
        assert store.dead_letters.requeue(report.id, NOW_MS + DAY_MS, by=TESTER) is Lane.URGENT
        stored = store.reports.get(report.id)
        assert (stored.status, stored.attempts, stored.result, stored.acknowledged) == (
            ReportStatus.QUEUED,
            0,
            None,
            None,
        )
        delivery = store.work.begin(report.id, NOW_MS + DAY_MS)
        assert delivery is not None
        assert (delivery.attempt, delivery.report) == (1, replace(report, client=""))
        result = a_result(report, "urgent")
        assert [store.work.settle(report.id, result, NOW_MS + DAY_MS) for _ in range(2)] == [True, False]
        second = next(messages)
        second.ack()
    assert first.event.id != second.event.id
    assert first.event.subject == second.event.subject == report.id
    assert [first.event.level, second.event.level] == [None, Level.URGENT]
    assert redis_client.xlen("triage:results") == 2
    assert store.dead_letters.page(10) == []
    assert ids(shown(store)) == [report.id]
    assert [one["action"] for one in store.audit.read_entries()][-2:] == ["acknowledge", "redrive"]


def test_what_is_tried_anew_waits_from_then_on(store: RedisStore, settings: Settings) -> None:
    """By its first receipt the queue would look old, and everybody else would be turned away."""
    report = settled(store, None)
    later = NOW_MS + 2 * DAY_MS
    store.dead_letters.requeue(report.id, later, by=TESTER)
    assert store.health.get_backlog(later + 7).oldest_ms == 7
    assert store.reports.accept(a_report(received_ms=later + 8)).created
    assert store.work.claim_overdue(later + 9, settings.pending_seconds * 1000, 10) == [(report.id, Lane.NORMAL)]
    assert shown(store, Wanted(BoardStatus.ALL)) == []
    store.work.settle(report.id, a_result(report, "urgent") | {"act_within_minutes": 60}, later + 10)
    assert [row.noted.due_ms for row in shown(store)] == [later + HOUR_MS]


def test_of_many_who_try_a_letter_anew_at_once_one_does(store: RedisStore, redis_client: redis.Redis) -> None:
    """And what a slow worker of the first run brings afterwards is that run's one event, or none."""
    report = settled(store, None)

    def redrive(n: int) -> bool:
        try:
            store.dead_letters.requeue(report.id, NOW_MS + n, by=TESTER)
        except RequeueRefused:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(redrive, range(16))).count(True) == 1
    with ThreadPoolExecutor(8) as threads:
        done = list(threads.map(lambda _: store.work.settle(report.id, a_result(report, "monitor"), NOW_MS), range(16)))
    assert done.count(True) == 1
    assert redis_client.xlen("triage:results") == 2


def test_only_dead_letters_are_tried_anew_and_not_for_ever(store: RedisStore) -> None:
    decided, waiting, report = settled(store, "monitor"), a_report(), settled(store, None)
    store.reports.accept(waiting)
    for other in (decided, waiting):
        with pytest.raises(RequeueRefused):
            store.dead_letters.requeue(other.id, NOW_MS, by=TESTER)
    with pytest.raises(ReportNotFound):
        store.dead_letters.requeue("nobody", NOW_MS, by=TESTER)
    for number in range(1, MOST_REDRIVES + 1):
        store.dead_letters.requeue(report.id, NOW_MS, by=TESTER)
        assert store.work.bury(report.id, a_result(report, None), "worker_lost", NOW_MS)
        assert [letter.redrives for letter in store.dead_letters.page(5)] == [number]
    with pytest.raises(RequeueRefused):
        store.dead_letters.requeue(report.id, NOW_MS, by=TESTER)


def test_a_letter_of_an_older_version_is_tried_anew_and_vanishes(store: RedisStore, redis_client: redis.Redis) -> None:
    """It was buried before anything was noted for the board."""
    report = settled(store, None)
    redis_client.hdel(f"triage:report:{report.id}", "noted", "letter")
    for key in redis_client.keys("triage:board:*"):
        redis_client.delete(key)
    store.board.acknowledge(report.id, NOW_MS, by=NURSE)
    store.dead_letters.requeue(report.id, NOW_MS, by=TESTER)
    assert store.dead_letters.page(10) == []
    assert store.work.settle(report.id, a_result(report, "monitor"), NOW_MS)
    assert ids(shown(store)) == [report.id]


def test_letters_come_newest_first_page_by_page(store: RedisStore) -> None:
    made = [settled(store, None, NOW_MS + n) for n in range(5)]
    first = store.dead_letters.page(3)
    second = store.dead_letters.page(3, first[-1].entry)
    assert [letter.report for letter in [*first, *second]] == [one.id for one in reversed(made)]
    assert first[0].reason == "worker_lost"


# --- what goes, goes from here too ----------------------------------------------------------------


@pytest.mark.parametrize("taken", [True, False])
def test_an_erased_person_leaves_the_board(store: RedisStore, redis_client: redis.Redis, taken: bool) -> None:
    """And the names of the events of a report that was tried anew leave the groups' notes."""
    report, other = settled(store, None, subject="p"), settled(store, "urgent", subject="q")
    store.dead_letters.requeue(report.id, NOW_MS, by=TESTER)
    store.work.settle(report.id, a_result(report, "urgent"), NOW_MS)
    if taken:
        store.board.acknowledge(report.id, NOW_MS, by=NURSE)
    redis_client.xgroup_create("triage:results", "ward-7", id="0")
    redis_client.zadd("triage:seen:ward-7", {f"{report.id}:result": 1, f"{report.id}:result:2": 1})
    store.erasure.erase("p", NOW_MS, by=TESTER)
    assert ids(shown(store, Wanted(BoardStatus.ALL))) == ids(shown(store)) == [other.id]
    assert shown(store, Wanted(BoardStatus.ACKNOWLEDGED)) == []
    assert not redis_client.exists("triage:seen:ward-7")
    everywhere = [
        text for key in redis_client.keys("triage:board:*:spots*") for text in redis_client.zrange(key, 0, -1)
    ]
    assert len(everywhere) == 1


def test_the_board_forgets_a_report_when_its_time_is_over(
    store: RedisStore, redis_client: redis.Redis, settings: Settings
) -> None:
    """Of all levels, acknowledged or not, and no sooner."""
    made = [settled(store, level) for level in ("urgent", None, "monitor", "routine", "routine")]
    store.board.acknowledge(made[-1].id, NOW_MS, by=NURSE)
    kept = settings.retention_days * DAY_MS
    store.trim(NOW_MS + kept)
    assert len(shown(store, Wanted(BoardStatus.ALL))) == 5
    store.trim(NOW_MS + kept + 1)
    assert set(redis_client.keys("triage:board:*")) == {"triage:board:groups"}


# --- quick with very many -------------------------------------------------------------------------


def filled(client: redis.Redis, count: int) -> None:
    """So many reports on the board, half of them open."""
    groups = [Group("spots", level, within) for level in RANKS for within in (HOUR_MS, 2 * DAY_MS, None)]
    with client.pipeline(transaction=False) as pipe:
        pipe.sadd("triage:board:groups", *(group.text for group in groups))
        for number in range(count):
            noted = Noted(groups[number % len(groups)], NOW_MS - number * 30_000, f"{number:032x}")
            standing = "open" if number // len(groups) % 2 else "acknowledged"
            pipe.zadd(f"triage:board:{standing}:{noted.group.text}", {noted.text: 0})
            pipe.hset(f"triage:report:{noted.id}", mapping={"status": "done", "findings": "{}", "subject": "p"})
            if number % 5000 == 4999:
                pipe.execute()
        pipe.execute()


def cost(store: RedisStore, client: redis.Redis) -> tuple[int, int]:
    """Commands that Redis ran and bytes that it sent for all that a page of the board shows."""

    def so_far() -> tuple[int, int]:
        told = client.info("commandstats")
        return sum(one["calls"] for one in told.values()), client.info("stats")["total_net_output_bytes"]

    before = so_far()
    for wanted in (
        Wanted(),
        Wanted(overdue=True),
        Wanted(levels=(Level.MONITOR,), ruleset="spots"),
        Wanted(BoardStatus.ALL),
        Wanted(BoardStatus.ACKNOWLEDGED, levels=(None,)),
    ):
        first = store.board.page(wanted, NOW_MS, 25)
        assert len(first.rows) == 25
        assert len(store.board.page(wanted, NOW_MS, 25, first.next).rows) == 25
    store.board.tally(NOW_MS)
    store.board.count_received([NOW_MS - hours * HOUR_MS for hours in range(24, 0, -1)], NOW_MS)
    store.health.get_queues(NOW_MS)
    store.dead_letters.page(10)
    after = so_far()
    return after[0] - before[0], after[1] - before[1]


def test_a_page_costs_as_much_with_many_reports_as_with_a_thousand(
    store: RedisStore, redis_client: redis.Redis
) -> None:
    """In commands and in bytes: nothing looks at all of them."""
    settled(store, "urgent")
    filled(redis_client, 1_000)
    cost(store, redis_client)
    few = cost(store, redis_client)
    many_reports = examples(20_000, 100_000)
    filled(redis_client, many_reports)
    assert sum(store.board.tally(NOW_MS).open.values()) > 0.49 * many_reports
    many = cost(store, redis_client)
    assert many[0] == few[0]
    assert many[1] < few[1] * 1.1


def test_while_redis_is_away_everything_says_so(settings: Settings) -> None:
    away = RedisStore(replace(settings, redis_url="redis://127.0.0.1:1/0"))
    for ask in (
        lambda: away.board.page(Wanted(), NOW_MS, 10),
        lambda: away.board.tally(NOW_MS),
        lambda: away.board.count_received([NOW_MS], NOW_MS + 1),
        lambda: away.health.get_queues(NOW_MS),
        lambda: away.dead_letters.page(5),
        lambda: away.board.acknowledge("a", NOW_MS, by=NURSE),
        lambda: away.dead_letters.requeue("a", NOW_MS, by=NURSE),
    ):
        with pytest.raises(StoreUnavailable):
            ask()
