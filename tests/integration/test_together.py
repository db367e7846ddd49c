"""Several reports in one task: crashes between its steps, and who goes before whom."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
import redis
from celery.exceptions import SoftTimeLimitExceeded

from service.use.dispatch import CeleryDispatch
from tests.support.reports import ROUTINE, URGENT, glass_test_live, now_ms, posted
from triage_rules.deployment.live import LiveRulesets
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.foundation.errors import EngineError
from triage_rules.foundation.settings import Settings
from triage_rules.language.bundle import Bundle
from triage_rules.records.reports import Lane, ReportStatus
from triage_rules.store.redis import RedisStore
from workers import batch
from workers.handlers import Handlers, TaskOutcome
from workers.parts import WorkerParts

TASK = "the-task"
QUEUE = "triage:celery:normal"


class Died(BaseException):
    """As if the process had been killed: nothing catches it."""


class Sent:
    """What was enqueued again, and what of it is to be alone in its task."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.alone: list[str] = []

    def __call__(self, ids: Sequence[str], lane: Lane, *, singly: bool = False) -> None:
        assert lane in Lane
        (self.alone if singly else self.ids).extend(ids)


@pytest.fixture
def bundle(store: RedisStore) -> Bundle:
    return glass_test_live(store)


@pytest.fixture
def sent() -> Sent:
    return Sent()


@pytest.fixture
def handling(settings: Settings, store: RedisStore, sent: Sent) -> Handlers:
    return Handlers(WorkerParts(settings, store, LiveRulesets(store.rulesets), sent, now_ms))


@pytest.fixture
def waiting(settings: Settings, store: RedisStore, bundle: Bundle) -> list[str]:
    """Five reports; the task of the first was delivered, the others are in the queue."""
    ids = []
    for number in range(5):
        report = posted(bundle, ROUTINE)
        assert store.reports.accept(report).created
        if number:
            CeleryDispatch(settings)([report.id], Lane.NORMAL)
        ids.append(report.id)
    return ids


def dying_at(monkeypatch: pytest.MonkeyPatch, report_id: str, error: BaseException | type[BaseException]) -> None:
    evaluate = Evaluator.evaluate

    def evaluating(self: Evaluator, *args: Any, **how: Any) -> dict[str, Any]:
        if how["report_id"] == report_id:
            raise error
        return evaluate(self, *args, **how)

    monkeypatch.setattr(Evaluator, "evaluate", evaluating)


def states(store: RedisStore, ids: Sequence[str]) -> list[ReportStatus]:
    return [store.reports.get(one).status for one in ids]


def attempts(store: RedisStore, ids: Sequence[str]) -> list[int]:
    return [store.reports.get(one).attempts for one in ids]


def run(handling: Handlers, report_id: str, *, redelivered: bool = False) -> None:
    handling.evaluate(report_id, Lane.NORMAL, TASK, redelivered=redelivered)


def test_a_task_of_one_report_also_does_those_that_wait_behind_it(
    handling: Handlers, store: RedisStore, waiting: list[str], redis_client: redis.Redis
) -> None:
    """Each once, in their order, and nothing stays behind."""
    run(handling, waiting[0])
    assert [fields["ce_subject"] for _, fields in redis_client.xrange("triage:results")] == waiting
    assert attempts(store, waiting) == [1] * 5
    assert redis_client.keys("triage:celery:[nht]*") == []


def test_what_was_begun_together_when_its_process_died_goes_alone_at_no_cost(
    handling: Handlers, store: RedisStore, sent: Sent, waiting: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody knows which of them it was; were each charged, a poisonous report could have others buried."""
    dying_at(monkeypatch, waiting[2], Died)
    with pytest.raises(Died):
        run(handling, waiting[0])
    assert attempts(store, waiting) == [1] * 5
    monkeypatch.undo()
    run(handling, waiting[0], redelivered=True)
    assert sorted(sent.alone) == sorted(waiting[1:])
    assert attempts(store, waiting) == [1, 0, 0, 0, 0]
    run(handling, waiting[0], redelivered=True)
    assert len(sent.alone) == 4
    for one in sent.alone:
        handling.evaluate_singly(one)
    assert states(store, waiting) == [ReportStatus.DONE] * 5


def test_messages_that_were_taken_and_not_begun_go_back_after_a_crash(
    handling: Handlers,
    store: RedisStore,
    sent: Sent,
    waiting: list[str],
    redis_client: redis.Redis,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In their order; the task's own report is charged with its attempt: it may be what killed the process."""
    before = redis_client.lrange(QUEUE, 0, -1)
    dying_at(monkeypatch, waiting[0], Died)
    with pytest.raises(Died):
        run(handling, waiting[0])
    assert redis_client.llen(QUEUE) == 0
    monkeypatch.undo()
    run(handling, waiting[0], redelivered=True)
    assert redis_client.lrange(QUEUE, 0, -1) == before
    assert (sent.ids, sent.alone) == ([], [])
    assert attempts(store, waiting) == [2, 0, 0, 0, 0]


def test_a_crash_before_the_next_turn_repeats_and_doubles_nothing(
    handling: Handlers,
    store: RedisStore,
    sent: Sent,
    waiting: list[str],
    redis_client: redis.Redis,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Decided but not settled is not decided."""
    turn, turns = store.work.take_batch, iter(range(9))

    def dying(*args: Any, **how: Any) -> Any:
        if next(turns) == 2:
            raise Died
        return turn(*args, **how)

    monkeypatch.setattr(store.work, "take_batch", dying)
    with pytest.raises(Died):
        run(handling, waiting[0])
    monkeypatch.undo()
    assert redis_client.xlen("triage:results") == 1
    run(handling, waiting[0], redelivered=True)
    for one in sent.alone:
        handling.evaluate_singly(one)
    assert sorted(fields["ce_subject"] for _, fields in redis_client.xrange("triage:results")) == sorted(waiting)


def test_one_that_fails_delays_no_other_and_ends_as_it_would_alone(
    handling: Handlers,
    store: RedisStore,
    settings: Settings,
    waiting: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The others are settled first; it has all its attempts."""
    monkeypatch.setattr("workers.attempts.BACKOFF_SECONDS", (0.0,))
    dying_at(monkeypatch, waiting[2], EngineError())
    run(handling, waiting[0])
    assert states(store, waiting) == [
        ReportStatus.DONE,
        ReportStatus.DONE,
        ReportStatus.DEAD,
        ReportStatus.DONE,
        ReportStatus.DONE,
    ]
    assert attempts(store, waiting) == [1, 1, settings.max_deliveries, 1, 1]


def test_nothing_is_taken_while_an_urgent_message_waits(
    handling: Handlers,
    store: RedisStore,
    settings: Settings,
    bundle: Bundle,
    waiting: list[str],
) -> None:
    """The process must be free for it."""
    urgent = posted(bundle, URGENT, Lane.URGENT)
    assert store.reports.accept(urgent).created
    CeleryDispatch(settings)([urgent.id], Lane.URGENT)
    run(handling, waiting[0])
    assert states(store, waiting) == [ReportStatus.DONE, *[ReportStatus.QUEUED] * 4]
    assert attempts(store, waiting) == [1, 0, 0, 0, 0]


def test_what_is_taken_and_can_not_be_done_in_time_goes_back_uncharged(
    handling: Handlers, store: RedisStore, sent: Sent, waiting: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A turn of slow reports must not hold a process up for longer than a chunk may."""
    monkeypatch.setattr(batch, "CHUNK_SECONDS", -1.0)
    handling.evaluate_many(waiting[:1], Lane.NORMAL, TASK, redelivered=False)
    assert sent.ids == waiting[:1]
    store.work.begin(waiting[1], now_ms())
    store.work.refund_attempts([waiting[1]])
    assert attempts(store, waiting) == [0] * 5


def test_a_store_that_forgot_its_scripts_is_taught_them_again(
    handling: Handlers, store: RedisStore, waiting: list[str], redis_client: redis.Redis
) -> None:
    """It was started anew, or somebody flushed them."""
    run(handling, waiting[0])
    redis_client.script_flush()
    handling.evaluate_many(waiting, Lane.NORMAL, TASK, redelivered=False)
    assert states(store, waiting) == [ReportStatus.DONE] * 5


def test_one_whose_bytes_are_no_text_takes_no_other_with_it(
    handling: Handlers, store: RedisStore, sent: Sent, waiting: list[str], redis_client: redis.Redis
) -> None:
    """Nobody can tell which of a turn it is, so each goes alone; there it is buried."""
    redis_client.hset(f"triage:report:{waiting[2]}", "findings", b"\xff")
    handling.evaluate_many(waiting, Lane.NORMAL, TASK, redelivered=False)
    assert sent.alone == waiting
    assert attempts(store, waiting) == [0] * 5
    for one in sent.alone:
        handling.evaluate_singly(one)
    assert states(store, waiting) == [
        ReportStatus.DONE,
        ReportStatus.DONE,
        ReportStatus.DEAD,
        ReportStatus.DONE,
        ReportStatus.DONE,
    ]


@pytest.mark.parametrize("seed", range(5))
def test_together_they_come_to_what_they_come_to_one_by_one(
    handling: Handlers,
    store: RedisStore,
    bundle: Bundle,
    redis_client: redis.Redis,
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
) -> None:
    """Also those of one person: each has the ones before it in its history, and how urgent they were."""
    monkeypatch.setattr(batch, "CHUNK_SECONDS", 60.0)  # on a busy machine the rest would go back to the queue
    drawn = random.Random(seed)
    people, answers = (None, "a", "b", "c"), (ROUTINE, URGENT, {})
    reports = [(drawn.choice(answers), drawn.choice(people)) for _ in range(40)]

    def results(marked: str, bring: Callable[[list[str]], None]) -> list[dict[str, Any]]:
        ids = []
        for findings, person in reports:
            report = replace(posted(bundle, findings), subject=person and person + marked)
            assert store.reports.accept(report).created
            ids.append(report.id)
        bring(ids)
        varies = ("id", "received_at", "evaluated_at", "valid_until", "act_by")
        found = [(store.reports.get(one).result or {}) | {"history": history(one)} for one in ids]
        return [{name: value for name, value in result.items() if name not in varies} for result in found]

    def history(report_id: str) -> list[str]:
        return redis_client.hmget(f"triage:report:{report_id}", "reports_last_48h", "highest_level_24h")

    def one_by_one(ids: list[str]) -> None:
        for report_id in ids:
            handling.evaluate_singly(report_id)

    def in_one_task(ids: list[str]) -> None:
        handling.evaluate_many(ids, Lane.NORMAL, TASK, redelivered=False)

    assert results("-together", in_one_task) == results("-alone", one_by_one)


def test_a_time_limit_while_the_store_is_asked_leaves_no_answer_behind(
    handling: Handlers, store: RedisStore, bundle: Bundle, waiting: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Taken for the answer to the next question, it would give one person the answers of another."""

    def asking_in_vain(*_: Any, **__: Any) -> Any:
        connection = store.connection.client.connection_pool.get_connection()
        connection.send_command("HGETALL", "triage:live")
        store.connection.client.connection_pool.release(connection)
        raise SoftTimeLimitExceeded

    with monkeypatch.context() as struck:
        struck.setattr(store.work, "begin", asking_in_vain)
        assert handling.evaluate_singly(waiting[0]) is TaskOutcome.LEFT
    assert handling.evaluate_singly(waiting[0]) is TaskOutcome.FINISHED
    assert store.reports.get(waiting[0]).status is ReportStatus.DONE
