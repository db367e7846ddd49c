"""Real workers that are there and get nothing done: they say so, and end themselves to be started anew."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
import redis
from celery.worker import state

from service.boot.app import create_app
from service.use.dispatch import CeleryDispatch
from tests.support.reports import ROUTINE, glass_test_live, now_ms, posted
from tests.support.services.workers import Crew, children_of
from tests.support.waiting import wait_for
from triage_rules.foundation.settings import Settings
from triage_rules.records.reports import Lane
from triage_rules.store.redis import RedisStore
from workers.heartbeat import STUCK, Watch

FAULTY = "tests.support.services.faulty_worker"
QUICK = {"heartbeat_seconds": 1, "task_soft_seconds": 1, "task_hard_seconds": 2, "stuck_seconds": 4}


@pytest.fixture
def stuck_soon(settings: Settings) -> Settings:
    """The times of the workers here, for those who judge them."""
    return Settings(redis_url=settings.redis_url, data_dir=settings.data_dir, **QUICK)  # type: ignore[arg-type]


def stalled(store: RedisStore) -> bool:
    return bool(store.health.get_stalled_workers(now_ms(), 60_000)) and not store.health.get_workers(now_ms(), 60_000)


@pytest.mark.parametrize("what", ["its main loop hangs", "its process is stopped"])
def test_a_worker_that_gets_nothing_done_is_not_ready_and_ends_itself(
    crew: Crew, store: RedisStore, settings: Settings, stuck_soon: Settings, what: str
) -> None:
    """One line, an exit code of its own, no process left; another worker settles what it held."""
    bundle = glass_test_live(store)
    web = create_app(stuck_soon, store).test_client()
    worker = crew.worker(FAULTY, worker_concurrency=1, **QUICK)
    children = children_of(worker)
    assert web.get("/readyz").status_code == 200
    if what == "its main loop hangs":
        os.kill(worker.pid, signal.SIGUSR2)
    else:
        os.kill(children[0], signal.SIGSTOP)
    report = posted(bundle, ROUTINE)
    assert store.reports.accept(report).created
    CeleryDispatch(settings)([report.id], Lane.NORMAL)
    wait_for(lambda: stalled(store), 10, lambda: crew.log(worker))
    ready = web.get("/readyz")
    assert (ready.status_code, "1 stalled" in ready.text) == (503, True)
    assert len(web.get("/v1/status").get_json()["workers_stalled"]) == 1
    assert "triage_workers_stalled 1.0" in web.get("/metrics").text
    assert worker.wait(60) == STUCK
    assert "no progress for" in crew.log(worker)
    wait_for(lambda: not any(alive(child) for child in children), 5)
    if what == "its process is stopped":
        crew.worker(pending_seconds=1, sweep_seconds=1)
        crew.beat(pending_seconds=1, sweep_seconds=1)
        wait_for(lambda: store.health.get_backlog(now_ms()).pending == 0, 15)
        assert web.get("/readyz").status_code == 200


def test_a_worker_whose_heartbeat_broke_is_heard_of_again(
    store: RedisStore, redis_client: redis.Redis, stuck_soon: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it was: a watch that has ended would neither say that the worker is there nor ever end it."""
    redis_client.set("triage:workers", "no index")
    watch = Watch(store, stuck_soon, "w/1")
    watch.start()
    try:
        time.sleep(0.3)
        redis_client.delete("triage:workers")
        wait_for(lambda: store.health.get_workers(now_ms(), 60_000) == ["w/1"], 5)
    finally:
        monkeypatch.setattr(state, "should_stop", 0)
        watch.join(5)


def alive(pid: int) -> bool:
    """A zombie isn't."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
