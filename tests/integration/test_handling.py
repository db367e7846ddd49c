"""What the worker does with one report, step by step, when things fail around it."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import redis
from celery.exceptions import SoftTimeLimitExceeded

from tests.support.reports import ROUTINE, URGENT, glass_test_live, now_ms, posted
from triage_rules.deployment.live import LiveRulesets
from triage_rules.evaluation.engine import Engine
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.foundation.errors import EngineError, ReportNotFound, StoreUnavailable
from triage_rules.foundation.settings import Settings
from triage_rules.language.bundle import Bundle
from triage_rules.records import events
from triage_rules.records.reports import Lane, NewReport, ReportStatus, TakenBatch
from triage_rules.store.redis import RedisStore
from workers import attempts, batch
from workers.attempts import TaskOutcome
from workers.handlers import Handlers
from workers.parts import WorkerParts

Evaluate = Callable[..., dict[str, Any]]


TASK = "the task's id"


class Sent(list[tuple[list[str], Lane]]):
    """What was enqueued again; `alone`: the ids that are to be the only ones of their task."""

    def __init__(self) -> None:
        super().__init__()
        self.alone: list[str] = []

    def __call__(self, ids: Sequence[str], lane: Lane, *, singly: bool = False) -> None:
        self.append((list(ids), lane))
        self.alone += ids if singly else []


@pytest.fixture
def bundle(store: RedisStore) -> Bundle:
    return glass_test_live(store)


@pytest.fixture
def sent() -> Sent:
    return Sent()


@pytest.fixture
def handling(settings: Settings, store: RedisStore, sent: Sent, monkeypatch: pytest.MonkeyPatch) -> Handlers:
    monkeypatch.setattr(attempts, "BACKOFF_SECONDS", (0.0,))
    return Handlers(WorkerParts(settings, store, LiveRulesets(store.rulesets), sent, now_ms))


def accepted(store: RedisStore, report: NewReport) -> str:
    assert store.reports.accept(report).created
    return report.id


def failing(monkeypatch: pytest.MonkeyPatch, error: Exception, times: int = 1_000) -> list[str]:
    """Make evaluations fail that many times; the ids that were tried."""
    tried: list[str] = []
    evaluate: Evaluate = Evaluator.evaluate

    def fail(self: Evaluator, *args: Any, report_id: str, **kwargs: Any) -> dict[str, Any]:
        tried.append(report_id)
        if len(tried) <= times:
            raise error
        return evaluate(self, *args, report_id=report_id, **kwargs)

    monkeypatch.setattr(Evaluator, "evaluate", fail)
    return tried


def away_after(store: RedisStore, turns: int) -> Callable[..., TakenBatch]:
    """So many turns, then an outage."""
    turn, made = store.work.take_batch, itertools.count()

    def away(*args: Any, **how: Any) -> TakenBatch:
        if next(made) >= turns:
            raise StoreUnavailable
        return turn(*args, **how)

    return away


def test_running_twice_settles_once(handling: Handlers, store: RedisStore, bundle: Bundle) -> None:
    """A task may run twice."""
    report_id = accepted(store, posted(bundle, URGENT))
    assert handling.evaluate_singly(report_id) is TaskOutcome.FINISHED
    assert handling.evaluate_singly(report_id) is TaskOutcome.FINISHED
    assert store.reports.get(report_id).attempts == 1
    assert store.health.get_backlog(now_ms()).results == 1


def test_an_error_that_passes_costs_an_attempt_and_nothing_else(
    handling: Handlers, store: RedisStore, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tried again at once, within the task."""
    failing(monkeypatch, EngineError(), times=3)
    report_id = accepted(store, posted(bundle, ROUTINE))
    handling.evaluate_singly(report_id)
    stored = store.reports.get(report_id)
    assert (stored.status, stored.attempts) == (ReportStatus.DONE, 4)


def test_an_error_that_stays_ends_dead_after_the_last_attempt(
    handling: Handlers,
    store: RedisStore,
    bundle: Bundle,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    redis_client: redis.Redis,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Within seconds, so that a human looks now; with the error's class as the reason, and never its text."""
    tried = failing(monkeypatch, EngineError("temperature 38.9 of Ms Private"))
    report_id = accepted(store, posted(bundle, ROUTINE))
    handling.evaluate_singly(report_id)
    stored = store.reports.get(report_id)
    assert (stored.status, stored.attempts, len(tried)) == (
        ReportStatus.DEAD,
        settings.max_deliveries,
        settings.max_deliveries,
    )
    assert stored.result is not None
    assert (stored.result["level"], stored.result["ruleset"]["version"]) == (None, "1.0.0")
    assert [letter["reason"] for _, letter in redis_client.xrange("triage:dead")] == ["evaluation_failed: EngineError"]
    assert "EngineError" in caplog.text
    assert "Private" not in caplog.text


def test_the_time_limit_within_the_engine_is_no_failure_of_the_engine(
    handling: Handlers, store: RedisStore, bundle: Bundle, sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine's door tells of every error as its own; the next attempt must all the same be a task of its own."""
    interrupted: dict[str, bool] = {}

    def run_page(*_: object) -> list[int]:
        interrupted["yes"] = True
        raise SoftTimeLimitExceeded

    monkeypatch.setattr(Engine, "_open", lambda engine: setattr(engine, "_handles", [0]))
    monkeypatch.setattr(Engine, "_run_page", run_page)
    report_id = accepted(store, posted(bundle, ROUTINE))
    assert handling.evaluate_singly(report_id) is TaskOutcome.TOO_SLOW
    assert interrupted
    assert sent == [([report_id], Lane.NORMAL)]
    assert store.reports.get(report_id).attempts == 1


def test_a_report_whose_ruleset_is_gone_ends_dead(
    handling: Handlers, store: RedisStore, bundle: Bundle, redis_client: redis.Redis
) -> None:
    """Never decided by another ruleset than the one it was accepted for."""
    report_id = accepted(store, posted(bundle, ROUTINE))
    redis_client.delete(f"triage:bundle:{bundle.digest}")
    handling.evaluate_singly(report_id)
    assert store.reports.get(report_id).status is ReportStatus.DEAD
    assert [letter["reason"] for _, letter in redis_client.xrange("triage:dead")] == [
        "evaluation_failed: RulesetNotFound"
    ]


def test_a_report_that_was_tried_too_often_is_not_tried_again(
    handling: Handlers, store: RedisStore, bundle: Bundle, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of those attempts killed its process."""
    tried = failing(monkeypatch, EngineError())
    report_id = accepted(store, posted(bundle, ROUTINE))
    for _ in range(settings.max_deliveries):
        store.work.begin(report_id, now_ms())
    handling.evaluate_singly(report_id)
    assert tried == []
    assert store.reports.get(report_id).status is ReportStatus.DEAD


BROKEN: dict[str, dict[str, str | bytes | None]] = {
    "lane": {"lane": "express"},
    "findings": {"findings": '{"age_years": '},
    "deep": {"findings": "[" * 100_000},
    "bytes": {"findings": b"\xff"},
    "time": {"received_ms": "yesterday"},
    "far time": {"received_ms": "9" * 30},
    "level": {"highest_level_24h": "7"},
    "counts": {"attempts": "many", "sweeps": "many", "reports_last_48h": "many"},
    "nothing but its status": dict.fromkeys(
        ("ruleset", "digest", "findings", "lane", "received_ms", "levels", "attempts", "sweeps", "reports_last_48h")
    ),
}


@pytest.mark.parametrize("fields", BROKEN.values(), ids=BROKEN)
def test_a_stored_report_that_can_t_be_read_ends_dead(
    handling: Handlers,
    store: RedisStore,
    bundle: Bundle,
    settings: Settings,
    redis_client: redis.Redis,
    fields: dict[str, str | bytes | None],
) -> None:
    """Else it is begun for ever, no human hears of it, and its age soon stops intake. The sweep brings it as any other."""
    report_id = accepted(store, posted(bundle, ROUTINE))
    for name, value in fields.items():
        if value is None:
            redis_client.hdel(f"triage:report:{report_id}", name)
        else:
            redis_client.hset(f"triage:report:{report_id}", name, value)
    assert [one for one, _ in store.work.claim_overdue(now_ms() + 60_000, 1, 10)] == [report_id]
    assert handling.evaluate_singly(report_id) is TaskOutcome.FINISHED
    stored = store.reports.get(report_id)
    assert (stored.status, stored.attempts) == (ReportStatus.DEAD, settings.max_deliveries)
    assert stored.result is not None
    assert (stored.result["level"], stored.result["flags"]) == (None, ["human_review_now"])
    ((_, letter),) = redis_client.xrange("triage:dead")
    assert letter["reason"].startswith("evaluation_failed: UnreadableReport (")
    ((_, event),) = redis_client.xrange("triage:results")
    assert events.decode(event).level is None
    assert store.health.get_backlog(now_ms()).pending == 0


def test_while_the_store_is_away_a_chunk_is_left_to_the_sweep(
    handling: Handlers, store: RedisStore, bundle: Bundle, sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is buried for an outage of Redis, and what came to a result costs no attempt."""
    ids = [accepted(store, posted(bundle, ROUTINE)) for _ in range(3)]
    with monkeypatch.context() as outage:
        outage.setattr(store.work, "take_batch", away_after(store, 1))
        handling.evaluate_many(ids, Lane.NORMAL, TASK, redelivered=False)
    assert [store.reports.get(one).attempts for one in ids] == [1, 1, 1]
    handling.evaluate_singly("gone")
    assert [store.reports.get(one).attempts for one in ids] == [0, 0, 0]
    assert {store.reports.get(one).status for one in ids} == {ReportStatus.QUEUED}
    assert sent == []


def test_an_outage_of_the_store_costs_a_report_no_attempt(
    handling: Handlers, store: RedisStore, bundle: Bundle, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its evaluation came to a result each time: after as many outages as you like, no human need look for that."""
    report_id = accepted(store, posted(bundle, ROUTINE))

    def away(*_: object) -> bool:
        raise StoreUnavailable

    with monkeypatch.context() as outage:
        outage.setattr(store.work, "settle", away)
        for _ in range(settings.max_deliveries + 2):
            assert handling.evaluate_singly(report_id) is TaskOutcome.LEFT
    assert store.reports.get(report_id).attempts == 1
    assert handling.evaluate_singly(report_id) is TaskOutcome.FINISHED
    assert (store.reports.get(report_id).status, store.reports.get(report_id).attempts) == (ReportStatus.DONE, 1)


def test_an_attempt_that_is_taken_back_is_of_a_report_that_waits(
    handling: Handlers, store: RedisStore, bundle: Bundle
) -> None:
    """Not of one that is settled, nor below none, nor of one that is gone."""
    report_id = accepted(store, posted(bundle, ROUTINE))
    store.work.refund_attempts([report_id])
    assert store.reports.get(report_id).attempts == 0
    handling.evaluate_singly(report_id)
    store.work.refund_attempts([report_id])
    assert store.reports.get(report_id).attempts == 1
    store.work.refund_attempts(["gone"])
    with pytest.raises(ReportNotFound):
        store.reports.get("gone")


def test_a_chunk_that_comes_again_after_a_crash_is_taken_apart(
    handling: Handlers, store: RedisStore, bundle: Bundle, sent: Sent
) -> None:
    """So that the report that crashed it can crash only itself."""
    ids = [accepted(store, posted(bundle, ROUTINE)) for _ in range(3)]
    handling.evaluate_many(ids, Lane.NORMAL, TASK, redelivered=True)
    assert sent == [([one], Lane.NORMAL) for one in ids]
    assert sent.alone == ids
    assert {store.reports.get(one).attempts for one in ids} == {0}


def test_a_chunk_that_takes_long_goes_back_to_the_queue(
    handling: Handlers, store: RedisStore, bundle: Bundle, sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An urgent report waits for the chunk at hand, so a chunk must not be long."""
    monkeypatch.setattr(batch, "CHUNK_SECONDS", 0.05)
    evaluate = Evaluator.evaluate

    def slow(self: Evaluator, *args: Any, **kwargs: Any) -> dict[str, Any]:
        time.sleep(0.03)
        return evaluate(self, *args, **kwargs)

    monkeypatch.setattr(Evaluator, "evaluate", slow)
    ids = [accepted(store, posted(bundle, ROUTINE)) for _ in range(5)]
    handling.evaluate_many(ids, Lane.NORMAL, TASK, redelivered=False)
    ((rest, lane),) = sent
    assert lane is Lane.NORMAL
    assert ids[-len(rest) :] == rest
    assert [store.reports.get(one).status for one in ids] == [ReportStatus.DONE] * (5 - len(rest)) + [
        ReportStatus.QUEUED
    ] * len(rest)


def test_the_sweep_sends_urgent_ones_singly_and_the_others_in_chunks(
    handling: Handlers, store: RedisStore, bundle: Bundle, settings: Settings, sent: Sent
) -> None:
    """An urgent report must not wait for a chunk, not even after an outage."""
    late = now_ms() - settings.pending_seconds * 1000 - 1
    normal = [posted(bundle, ROUTINE) for _ in range(settings.batch_chunk + 1)]
    urgent = [posted(bundle, URGENT, Lane.URGENT) for _ in range(2)]
    for number, report in enumerate([*normal, *urgent]):
        moved = NewReport(report.id, report.ruleset, report.digest, report.answers, report.lane, late - 1_000 + number)
        assert store.reports.accept(moved).created
    assert handling.sweep() == settings.batch_chunk + 3
    assert sent[:2] == [([report.id], Lane.URGENT) for report in urgent]
    assert [(len(ids), lane) for ids, lane in sent[2:]] == [(settings.batch_chunk, Lane.NORMAL), (1, Lane.NORMAL)]
    assert handling.sweep() == 0


def test_a_sweep_without_redis_does_nothing(
    handling: Handlers, store: RedisStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next one will."""

    def away(*_: object) -> list[tuple[str, str]]:
        raise StoreUnavailable

    monkeypatch.setattr(store.work, "claim_overdue", away)
    assert handling.sweep() == 0
