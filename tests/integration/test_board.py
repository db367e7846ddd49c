"""The board's part of the ledger: what people see of settled reports, and what they do about them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from random import Random

import pytest
import redis
from cryptography.fernet import Fernet

from tests.actors import TESTER
from tests.integration.making import DAY_MS, HOUR_MS, NOW_MS, a_report, a_result, deployed
from triage_rules.consumer import Consumer
from triage_rules.foundation.errors import LedgerUnavailable, NoPlace, NotRedrivable, NotSettled, ReportNotFound
from triage_rules.foundation.settings import Settings
from triage_rules.language.model import Level
from triage_rules.records.audit import Actor, Via
from triage_rules.records.board import (
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
)
from triage_rules.records.reports import Lane, NewReport, ReportStatus
from triage_rules.store.redis import RedisLedger

NURSE = Actor("nurse", Via.HTTP)
OTHER = Actor("other", Via.HTTP)
MINUTES = {"urgent": 60, "monitor": 2880, "routine": None, None: 0}
WORDS = {None: None} | {level: level.word for level in Level}


@pytest.fixture(autouse=True)
def _live(ledger: RedisLedger) -> None:
    deployed(ledger)


def settled(ledger: RedisLedger, level: str | None, at_ms: int = NOW_MS, **report: object) -> NewReport:
    """A report that was received then and decided a second later."""
    made = a_report(received_ms=at_ms, **report)
    ledger.accept(made)
    ledger.begin(made.id, at_ms)
    result = a_result(made, level) | {"act_within_minutes": MINUTES[level]}
    if level is None:
        ledger.bury(made.id, result, "worker_lost", at_ms + 1000)
    else:
        ledger.settle(made.id, result, at_ms + 1000)
    return made


def shown(ledger: RedisLedger, wanted: Wanted | None = None, now_ms: int = NOW_MS, limit: int = 100) -> list[Row]:
    """All rows, page by page."""
    rows: list[Row] = []
    after = None
    while True:
        page = ledger.board(wanted or Wanted(), now_ms, limit, after)
        rows += page.rows
        after = page.next
        if after is None:
            return rows


def ids(rows: list[Row]) -> list[str]:
    return [row.noted.id for row in rows]


# --- which, in which order ------------------------------------------------------------------------


def test_urgent_ones_come_first_and_of_these_the_soonest_due(ledger: RedisLedger) -> None:
    """What could not be decided comes right after them, before all that can wait."""
    routine = settled(ledger, "routine", NOW_MS)
    monitor = settled(ledger, "monitor", NOW_MS + 1)
    later = settled(ledger, "urgent", NOW_MS + 60_000)
    dead = settled(ledger, None, NOW_MS + 2)
    sooner = settled(ledger, "urgent", NOW_MS + 3)
    rows = shown(ledger)
    assert ids(rows) == [sooner.id, later.id, dead.id, monitor.id, routine.id]
    assert [row.noted.due_ms for row in rows][:2] == [NOW_MS + 3 + HOUR_MS, NOW_MS + 60_000 + HOUR_MS]
    assert (rows[2].noted.due_ms, rows[4].noted.due_ms) == (dead.received_ms, None)
    assert [row.noted.received_ms for row in rows] == [
        one.received_ms for one in (sooner, later, dead, monitor, routine)
    ]


def test_the_others_come_newest_first(ledger: RedisLedger) -> None:
    made = [settled(ledger, level, NOW_MS + n) for n, level in enumerate(["urgent", "routine", None, "monitor"])]
    assert ids(shown(ledger, Wanted(BoardStatus.ALL))) == [one.id for one in reversed(made)]


def test_every_filter_shows_exactly_what_fits_it_page_by_page(ledger: RedisLedger) -> None:
    """Against a plain look at all of them, with many that were received in the same millisecond."""
    deployed(ledger, "moles")
    random = Random(5)
    made: dict[str, tuple[Level | None, int, str, bool]] = {}
    for _ in range(120):
        level, at = random.choice(RANKS), NOW_MS - random.choice([0, 0, 1, 2 * HOUR_MS, 3 * DAY_MS])
        ruleset = random.choice(["spots", "moles"])
        report = settled(ledger, WORDS[level], at, ruleset=ruleset)
        taken = random.random() < 0.3
        if taken:
            ledger.acknowledge(report.id, NOW_MS, by=NURSE)
        made[report.id] = (level, at, ruleset, taken)
    for _ in range(60):
        wanted = Wanted(
            random.choice(list(BoardStatus)),
            tuple(level for level in RANKS if random.random() < 0.6),
            random.choice([None, "spots", "moles"]),
            random.random() < 0.4,
            random.random() < 0.3,
        )
        rows = shown(ledger, wanted, NOW_MS, limit=random.choice([1, 7, 100]))
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


def test_a_page_begins_where_the_one_before_ended_although_others_come_and_go(ledger: RedisLedger) -> None:
    """Neither twice nor left out: what is acknowledged meanwhile moves nothing."""
    made = [settled(ledger, "monitor", NOW_MS + n) for n in range(6)]
    first = ledger.board(Wanted(), NOW_MS, 3)
    for row in first.rows:
        ledger.acknowledge(row.noted.id, NOW_MS, by=NURSE)
    settled(ledger, "urgent")
    second = ledger.board(Wanted(), NOW_MS, 3, first.next)
    assert ids([*first.rows, *second.rows]) == [one.id for one in made]
    assert second.next is None


@pytest.mark.parametrize("text", ["", "9", "0" * 29, "urgent", "0" * 29 + "+", "4" + "0" * 60, "0" * 29 + "ff\n"])
@pytest.mark.parametrize("standing", list(BoardStatus))
def test_what_is_no_place_is_refused(ledger: RedisLedger, text: str, standing: BoardStatus) -> None:
    """A page's address can be typed by anybody."""
    settled(ledger, "urgent")
    with pytest.raises(NoPlace):
        ledger.board(Wanted(standing), NOW_MS, 5, text)


def test_counts_tell_what_is_open_overdue_and_taken_care_of(ledger: RedisLedger) -> None:
    settled(ledger, "urgent", NOW_MS - 2 * HOUR_MS)
    settled(ledger, "urgent")
    taken = settled(ledger, "urgent", NOW_MS - 2 * HOUR_MS)
    settled(ledger, None)
    settled(ledger, "routine", NOW_MS - 9 * DAY_MS)
    ledger.acknowledge(taken.id, NOW_MS, by=NURSE)
    tally = ledger.tally(NOW_MS + 1)
    assert tally.open == {Level.URGENT: 2, None: 1, Level.MONITOR: 0, Level.ROUTINE: 1}
    assert tally.overdue == {Level.URGENT: 1, None: 1, Level.MONITOR: 0, Level.ROUTINE: 0}
    assert (tally.acknowledged, tally.rulesets) == (1, ("spots",))


def test_the_mix_counts_each_settled_report_in_the_hour_of_its_receipt(ledger: RedisLedger) -> None:
    """Also those that somebody takes care of; what people do with a report doesn't change what came."""
    for hours, level in [(0, "urgent"), (0, "urgent"), (1, "routine"), (1, None), (5, "monitor")]:
        ledger.acknowledge(settled(ledger, level, NOW_MS - hours * HOUR_MS).id, NOW_MS, by=NURSE)
    end = NOW_MS + HOUR_MS
    bars = ledger.mix([end - 3 * HOUR_MS, end - 2 * HOUR_MS, end - HOUR_MS], end)
    assert [sum(bar.counts.values()) for bar in bars] == [0, 2, 2]
    assert bars[1].counts == {Level.URGENT: 0, None: 1, Level.MONITOR: 0, Level.ROUTINE: 1}
    assert bars[2].counts[Level.URGENT] == 2


def test_it_tells_what_waits_and_what_of_it_is_urgent(ledger: RedisLedger) -> None:
    ledger.accept(a_report(received_ms=NOW_MS - 9000))
    ledger.accept(a_report(received_ms=NOW_MS - 5000, lane=Lane.URGENT))
    ledger.accept(a_report(received_ms=NOW_MS - 4000))
    assert ledger.queues(NOW_MS) == Queues(Queue(3, 9000), Queue(1, 5000))


def test_a_subject_is_shown_and_one_that_no_key_opens_is_not(settings: Settings, redis_client: redis.Redis) -> None:
    """The others stay on the board."""
    keys = [Fernet.generate_key().decode() for _ in range(2)]
    both = RedisLedger(replace(settings, encryption_keys=" ".join(keys), index_secret="i" * 64))
    report = settled(both, "urgent", subject="p-17")
    assert [row.subject for row in shown(both)] == ["p-17"]
    other = RedisLedger(replace(settings, encryption_keys=keys[1], index_secret="i" * 64))
    assert [(row.noted.id, row.subject) for row in shown(other)] == [(report.id, None)]
    both.close()
    other.close()


def test_bytes_that_are_no_text_take_no_other_report_off_the_board(
    ledger: RedisLedger, redis_client: redis.Redis
) -> None:
    broken, whole = settled(ledger, "urgent", subject="p"), settled(ledger, "urgent", subject="q")
    redis_client.hset(f"triage:report:{broken.id}", "subject", b"\xff\xfe")
    assert set(ids(shown(ledger))) == {broken.id, whole.id}


# --- acknowledging --------------------------------------------------------------------------------


def test_an_acknowledged_report_leaves_the_open_ones_and_tells_by_whom(ledger: RedisLedger) -> None:
    report = settled(ledger, "urgent")
    assert ledger.acknowledge(report.id, NOW_MS + 5, by=NURSE) == Acknowledged("nurse", NOW_MS + 5)
    assert shown(ledger) == []
    (row,) = shown(ledger, Wanted(BoardStatus.ACKNOWLEDGED))
    assert row.acknowledged == Acknowledged("nurse", NOW_MS + 5)
    assert ledger.get(report.id).acknowledged == Acknowledged("nurse", NOW_MS + 5)
    assert ids(shown(ledger, Wanted(BoardStatus.ALL))) == [report.id]


def test_acknowledging_again_changes_nothing_and_is_not_written_down(ledger: RedisLedger) -> None:
    """Two nurses press at once: it stays with the first, and the second learns with whom."""
    report = settled(ledger, "urgent")
    with ThreadPoolExecutor(8) as threads:
        said = list(threads.map(lambda n: ledger.acknowledge(report.id, NOW_MS + n, by=NURSE), range(16)))
    assert len(set(said)) == 1
    assert ledger.acknowledge(report.id, NOW_MS + 99, by=OTHER) == said[0]
    assert [one["action"] for one in ledger.audit_log()].count("acknowledge") == 1


def test_an_acknowledgement_is_written_down_and_can_be_taken_back(ledger: RedisLedger) -> None:
    report = settled(ledger, "urgent")
    before = shown(ledger)
    ledger.acknowledge(report.id, NOW_MS, by=NURSE)
    for _ in range(2):
        ledger.unacknowledge(report.id, NOW_MS + 1, by=OTHER)
    assert shown(ledger) == before
    assert shown(ledger, Wanted(BoardStatus.ACKNOWLEDGED)) == []
    entries = [(one["actor"], one["action"]) for one in ledger.audit_log()][1:]
    assert entries == [("nurse", "acknowledge"), ("other", "acknowledge.undo")]


def test_only_what_is_settled_can_be_acknowledged(ledger: RedisLedger) -> None:
    """Nobody has seen a result of what waits."""
    report = a_report()
    ledger.accept(report)
    for act in (ledger.acknowledge, ledger.unacknowledge):
        with pytest.raises(NotSettled):
            act(report.id, NOW_MS, by=NURSE)
        with pytest.raises(ReportNotFound):
            act("nobody", NOW_MS, by=NURSE)


def test_acknowledging_keeps_the_time_until_which_a_report_is_kept(
    ledger: RedisLedger, redis_client: redis.Redis
) -> None:
    report = settled(ledger, "urgent")
    left = redis_client.ttl(f"triage:report:{report.id}")
    ledger.acknowledge(report.id, NOW_MS, by=NURSE)
    assert 0 < redis_client.ttl(f"triage:report:{report.id}") <= left


# --- trying anew ----------------------------------------------------------------------------------


def test_a_dead_letter_that_is_tried_anew_ends_in_one_more_event_with_an_id_of_its_own(
    ledger: RedisLedger, redis_client: redis.Redis, settings: Settings
) -> None:
    """A group that has handled the first hands out the second too."""
    report = settled(ledger, None, subject="p", lane=Lane.URGENT)
    with Consumer(settings.redis_url, "ward-7") as consumer:
        messages = iter(consumer)
        first = next(messages)
        first.ack()
        ledger.acknowledge(report.id, NOW_MS, by=NURSE)
        assert ledger.redrive(report.id, NOW_MS + DAY_MS, by=TESTER) is Lane.URGENT
        stored = ledger.get(report.id)
        assert (stored.status, stored.attempts, stored.result, stored.acknowledged) == (
            ReportStatus.QUEUED,
            0,
            None,
            None,
        )
        delivery = ledger.begin(report.id, NOW_MS + DAY_MS)
        assert delivery is not None
        assert (delivery.attempt, delivery.report) == (1, replace(report, client=""))
        result = a_result(report, "urgent")
        assert [ledger.settle(report.id, result, NOW_MS + DAY_MS) for _ in range(2)] == [True, False]
        second = next(messages)
        second.ack()
    assert first.event.id != second.event.id
    assert first.event.subject == second.event.subject == report.id
    assert [first.event.level, second.event.level] == [None, Level.URGENT]
    assert redis_client.xlen("triage:results") == 2
    assert ledger.letters(10) == []
    assert ids(shown(ledger)) == [report.id]
    assert [one["action"] for one in ledger.audit_log()][-2:] == ["acknowledge", "redrive"]


def test_what_is_tried_anew_waits_from_then_on(ledger: RedisLedger, settings: Settings) -> None:
    """By its first receipt the queue would look old, and everybody else would be turned away."""
    report = settled(ledger, None)
    later = NOW_MS + 2 * DAY_MS
    ledger.redrive(report.id, later, by=TESTER)
    assert ledger.backlog(later + 7).oldest_ms == 7
    assert ledger.accept(a_report(received_ms=later + 8)).created
    assert ledger.overdue(later + 9, settings.pending_seconds * 1000, 10) == [(report.id, Lane.NORMAL)]
    assert shown(ledger, Wanted(BoardStatus.ALL)) == []
    ledger.settle(report.id, a_result(report, "urgent") | {"act_within_minutes": 60}, later + 10)
    assert [row.noted.due_ms for row in shown(ledger)] == [later + HOUR_MS]


def test_of_many_who_try_a_letter_anew_at_once_one_does(ledger: RedisLedger, redis_client: redis.Redis) -> None:
    """And what a slow worker of the first run brings afterwards is that run's one event, or none."""
    report = settled(ledger, None)

    def redrive(n: int) -> bool:
        try:
            ledger.redrive(report.id, NOW_MS + n, by=TESTER)
        except NotRedrivable:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(redrive, range(16))).count(True) == 1
    with ThreadPoolExecutor(8) as threads:
        done = list(threads.map(lambda _: ledger.settle(report.id, a_result(report, "monitor"), NOW_MS), range(16)))
    assert done.count(True) == 1
    assert redis_client.xlen("triage:results") == 2


def test_only_dead_letters_are_tried_anew_and_not_for_ever(ledger: RedisLedger) -> None:
    decided, waiting, report = settled(ledger, "monitor"), a_report(), settled(ledger, None)
    ledger.accept(waiting)
    for other in (decided, waiting):
        with pytest.raises(NotRedrivable):
            ledger.redrive(other.id, NOW_MS, by=TESTER)
    with pytest.raises(ReportNotFound):
        ledger.redrive("nobody", NOW_MS, by=TESTER)
    for number in range(1, MOST_REDRIVES + 1):
        ledger.redrive(report.id, NOW_MS, by=TESTER)
        assert ledger.bury(report.id, a_result(report, None), "worker_lost", NOW_MS)
        assert [letter.redrives for letter in ledger.letters(5)] == [number]
    with pytest.raises(NotRedrivable):
        ledger.redrive(report.id, NOW_MS, by=TESTER)


def test_a_letter_of_an_older_version_is_tried_anew_and_vanishes(
    ledger: RedisLedger, redis_client: redis.Redis
) -> None:
    """It was buried before anything was noted for the board."""
    report = settled(ledger, None)
    redis_client.hdel(f"triage:report:{report.id}", "noted", "letter")
    for key in redis_client.keys("triage:board:*"):
        redis_client.delete(key)
    ledger.acknowledge(report.id, NOW_MS, by=NURSE)
    ledger.redrive(report.id, NOW_MS, by=TESTER)
    assert ledger.letters(10) == []
    assert ledger.settle(report.id, a_result(report, "monitor"), NOW_MS)
    assert ids(shown(ledger)) == [report.id]


def test_letters_come_newest_first_page_by_page(ledger: RedisLedger) -> None:
    made = [settled(ledger, None, NOW_MS + n) for n in range(5)]
    first = ledger.letters(3)
    second = ledger.letters(3, first[-1].entry)
    assert [letter.report for letter in [*first, *second]] == [one.id for one in reversed(made)]
    assert first[0].reason == "worker_lost"


# --- what goes, goes from here too ----------------------------------------------------------------


@pytest.mark.parametrize("taken", [True, False])
def test_an_erased_person_leaves_the_board(ledger: RedisLedger, redis_client: redis.Redis, taken: bool) -> None:
    """And the names of the events of a report that was tried anew leave the groups' notes."""
    report, other = settled(ledger, None, subject="p"), settled(ledger, "urgent", subject="q")
    ledger.redrive(report.id, NOW_MS, by=TESTER)
    ledger.settle(report.id, a_result(report, "urgent"), NOW_MS)
    if taken:
        ledger.acknowledge(report.id, NOW_MS, by=NURSE)
    redis_client.xgroup_create("triage:results", "ward-7", id="0")
    redis_client.zadd("triage:seen:ward-7", {f"{report.id}:result": 1, f"{report.id}:result:2": 1})
    ledger.erase("p", NOW_MS, by=TESTER)
    assert ids(shown(ledger, Wanted(BoardStatus.ALL))) == ids(shown(ledger)) == [other.id]
    assert shown(ledger, Wanted(BoardStatus.ACKNOWLEDGED)) == []
    assert not redis_client.exists("triage:seen:ward-7")
    everywhere = [
        text for key in redis_client.keys("triage:board:*:spots*") for text in redis_client.zrange(key, 0, -1)
    ]
    assert len(everywhere) == 1


def test_the_board_forgets_a_report_when_its_time_is_over(
    ledger: RedisLedger, redis_client: redis.Redis, settings: Settings
) -> None:
    """Of all levels, acknowledged or not, and no sooner."""
    made = [settled(ledger, level) for level in ("urgent", None, "monitor", "routine", "routine")]
    ledger.acknowledge(made[-1].id, NOW_MS, by=NURSE)
    kept = settings.retention_days * DAY_MS
    ledger.trim(NOW_MS + kept)
    assert len(shown(ledger, Wanted(BoardStatus.ALL))) == 5
    ledger.trim(NOW_MS + kept + 1)
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


def cost(ledger: RedisLedger, client: redis.Redis) -> tuple[int, int]:
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
        first = ledger.board(wanted, NOW_MS, 25)
        assert len(first.rows) == 25
        assert len(ledger.board(wanted, NOW_MS, 25, first.next).rows) == 25
    ledger.tally(NOW_MS)
    ledger.mix([NOW_MS - hours * HOUR_MS for hours in range(24, 0, -1)], NOW_MS)
    ledger.queues(NOW_MS)
    ledger.letters(10)
    after = so_far()
    return after[0] - before[0], after[1] - before[1]


def test_a_page_costs_as_much_with_a_hundred_thousand_reports_as_with_a_thousand(
    ledger: RedisLedger, redis_client: redis.Redis
) -> None:
    """In commands and in bytes: nothing looks at all of them."""
    settled(ledger, "urgent")
    filled(redis_client, 1_000)
    cost(ledger, redis_client)
    few = cost(ledger, redis_client)
    filled(redis_client, 100_000)
    assert sum(ledger.tally(NOW_MS).open.values()) > 49_000
    many = cost(ledger, redis_client)
    assert many[0] == few[0]
    assert many[1] < few[1] * 1.1


def test_while_redis_is_away_everything_says_so(settings: Settings) -> None:
    away = RedisLedger(replace(settings, redis_url="redis://127.0.0.1:1/0"))
    for ask in (
        lambda: away.board(Wanted(), NOW_MS, 10),
        lambda: away.tally(NOW_MS),
        lambda: away.mix([NOW_MS], NOW_MS + 1),
        lambda: away.queues(NOW_MS),
        lambda: away.letters(5),
        lambda: away.acknowledge("a", NOW_MS, by=NURSE),
        lambda: away.redrive("a", NOW_MS, by=NURSE),
    ):
        with pytest.raises(LedgerUnavailable):
            ask()
