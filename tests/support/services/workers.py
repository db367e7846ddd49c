"""Real workers and beat in processes of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.support.paths import ROOT
from tests.support.reports import now_ms
from tests.support.waiting import wait_for
from triage_rules.foundation.settings import Settings
from triage_rules.store.redis import RedisStore

QUIET = ["--without-gossip", "--without-mingle", "--without-heartbeat"]


class Crew:
    """Starts workers and beat, and ends what it started."""

    def __init__(self, settings: Settings, store: RedisStore, logs: Path) -> None:
        self._settings = settings
        self._store = store
        self._logs = logs
        self._started: list[subprocess.Popen[bytes]] = []
        self.lies: dict[str, str] = {}
        """Environment of the next processes: see tests/campaigns/chaos/libraries.py."""

    def worker(self, app: str = "workers.app", **settings: object) -> subprocess.Popen[bytes]:
        """A worker that has said that it is there. `settings`: by field name."""
        known = set(self._store.health.get_workers(now_ms(), 60_000))
        process = self._start(
            ["-A", app, "worker", "--loglevel=INFO", "-n", f"w{len(self._started)}@test", *QUIET], settings
        )
        wait_for(lambda: set(self._store.health.get_workers(now_ms(), 60_000)) > known, 15, lambda: self.log(process))
        return process

    def beat(self, **settings: object) -> subprocess.Popen[bytes]:
        """A beat."""
        return self._start(["-A", "workers.app", "beat"], settings)

    def _start(self, args: list[str], settings: dict[str, object]) -> subprocess.Popen[bytes]:
        told = {f"TRIAGE_{name.upper()}": str(value) for name, value in settings.items()}
        where = {"TRIAGE_REDIS_URL": self._settings.redis_url, "TRIAGE_DATA_DIR": str(self._settings.data_dir)}
        environment = {name: value for name, value in os.environ.items() if not name.startswith("TRIAGE_")}
        with self._log_of(len(self._started)).open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "celery", *args],
                env=environment | where | told | self.lies,
                cwd=ROOT,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._started.append(process)
        return process

    def log(self, process: subprocess.Popen[bytes]) -> str:
        """What it has said so far."""
        return self._log_of(self._started.index(process)).read_text(encoding="utf-8")

    def _log_of(self, number: int) -> Path:
        return self._logs / f"process-{number}.log"

    def end(self) -> None:
        """End all, with the children that a killed worker left."""
        for process in self._started:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                continue  # all of them have ended already
        for process in self._started:
            process.wait(60)


def children_of(process: subprocess.Popen[bytes]) -> list[int]:
    """The pids of its child processes."""
    told = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    if told.exists():
        return [int(pid) for pid in told.read_text().split()]
    found = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True, check=False)
    return [int(pid) for pid in found.stdout.split()]
