"""`triage up` killed, in parts or as a whole, and started again with the same data."""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.paths import SAMPLES
from tests.support.services.load import assert_one_event_each, events_of, post_many
from tests.support.services.triage_up import Machine
from tests.support.shares import examples
from tests.support.waiting import wait_for
from triage_rules.cli.up.guard import Started, read_record
from triage_rules.foundation.settings import Settings
from triage_rules.store.redis import RedisStore

REPORTS = examples(400, 1000)


@pytest.mark.parametrize("name", ["web", "redis"])
def test_a_process_that_dies_is_started_again(machine: Machine, name: str) -> None:
    """Redis comes back with what it held: the ruleset is still live, and reports are decided."""
    running = machine.running()
    for pid in running.children(name):
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: f"{name} ended" in running.output, 10, lambda: running.output)

    def decides() -> bool:
        try:
            return running.post(SAMPLES[0].read_bytes(), Prefer="wait=10")[0] == 200
        except OSError:
            return False  # web is not back yet

    wait_for(decides, 10, lambda: running.output)


def test_a_worker_killed_midway_loses_and_doubles_nothing(machine: Machine) -> None:
    """SIGKILL to the worker and its children while reports are being posted and evaluated."""
    running = machine.running()
    with RedisStore(Settings(redis_url=running.redis_url)) as store, ThreadPoolExecutor(1) as pool:

        def busy_worker_is_stopped() -> bool:
            """Stop it, and let it go on if nothing waits for it: then its death would cost nothing."""
            for pid in workers:
                os.kill(pid, signal.SIGSTOP)
            if store.health.get_backlog(store.now_ms()).pending:
                return True
            for pid in workers:
                os.kill(pid, signal.SIGCONT)
            return False

        workers = running.children("worker")
        posted = pool.submit(post_many, running, REPORTS)
        wait_for(busy_worker_is_stopped, 10)
        pending = store.health.get_backlog(store.now_ms()).pending
        for pid in workers:
            os.kill(pid, signal.SIGKILL)
        ids = posted.result()
    assert pending > 0
    assert_one_event_each(events_of(running, ids), ids)
    assert "worker ended" in running.output


def test_what_it_started_ends_with_it_also_if_it_is_killed(machine: Machine) -> None:
    """Left behind, they would hold port and data, and the next start would know nothing of them. Redis ends last."""
    running = machine.running()
    started = running.pids
    running.process.kill()
    running.process.wait(10)
    next_one = machine.start("--no-samples")
    assert not [pid for pid in started if runs(pid)]
    assert "Warm shutdown" in (machine.log / "worker.log").read_text(encoding="utf-8")
    assert "User requested shutdown" in (machine.log / "redis.log").read_text(encoding="utf-8")
    assert json.loads(next_one.triage("status", "--format", "json").stdout)["rulesets"]["red-dots"]


def test_what_was_left_although_all_was_killed_is_ended_by_the_next_one(machine: Machine) -> None:
    """Somebody kills every Python that belongs to it, and Redis stays."""
    running = machine.running()
    redis, *_ = running.children("redis")
    pids = [one.pid for one in read_record(machine.log / "processes") if one.pid != redis]
    running.process.send_signal(signal.SIGSTOP)  # so that it starts nothing again meanwhile
    for pid in sorted(pids, key=lambda pid: pid == running.process.pid):
        os.kill(pid, signal.SIGKILL)
    running.process.wait(10)
    assert runs(redis)
    next_one = machine.start("--no-samples")
    assert f"redis (process {redis})" in next_one.output
    assert not runs(redis)


def test_samples_are_posted_into_an_empty_store_alone(machine: Machine) -> None:
    """Posted at each start, they would pile up among the reports of people."""
    first = machine.running()
    assert first.post(SAMPLES[0].read_bytes(), Prefer="wait=10")[0] == 200
    before = json.loads(first.triage("status", "--format", "json").stdout)["results"]
    assert first.stop() == 0
    second = machine.start()
    assert "the samples are not posted" in second.output
    status = json.loads(second.triage("status", "--format", "json").stdout)
    assert (status["backlog"]["pending"], status["results"]) == (0, before)


def test_what_was_accepted_and_what_is_live_survives_a_restart_of_everything(machine: Machine) -> None:
    """Also an abrupt one: SIGKILL to all, Redis included, then `up` again with the same data."""
    first = machine.running()
    live = json.loads(first.triage("status", "--format", "json").stdout)["rulesets"]
    for pid in first.children("worker"):
        os.kill(pid, signal.SIGSTOP)  # so that reports are accepted and not yet evaluated
    ids = [first.post(sample.read_bytes())[1]["id"] for sample in SAMPLES]
    first.kill()
    second = machine.start("--no-samples")
    events = events_of(second, ids)
    assert Counter(event.subject for event in events) == Counter(ids)
    assert json.loads(second.triage("status", "--format", "json").stdout)["rulesets"] == live


def runs(pid: int) -> bool:
    """Zombies don't: in a container there may be nobody who asks how they ended."""
    return Started("", pid, "child").lives
