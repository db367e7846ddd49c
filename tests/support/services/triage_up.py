"""All of the service as `triage up` runs it, on a port and in a directory of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from tests.support.actors import TESTER
from tests.support.command import TRIAGE, run_triage
from tests.support.paths import RED_DOTS, ROOT
from tests.support.services.ports import free_port
from triage_rules.cli.up.embedded_redis import embedded_redis
from triage_rules.cli.up.processes import Processes
from triage_rules.deployment import deploy
from triage_rules.foundation.settings import Settings
from triage_rules.store.redis import RedisStore

READY_SECONDS = 180


def put_red_dots(folder: Path) -> None:
    """Make a store in which red-dots is live. `triage check` has looked at it elsewhere, so its search is left out."""
    processes = Processes(folder / "log", 1_000_000)
    try:
        with (
            pytest.MonkeyPatch.context() as patch,
            embedded_redis(folder, processes) as url,
            RedisStore(Settings(redis_url=url)) as store,
        ):
            patch.setattr(deploy, "CHECK_FINDINGS_SECONDS", 0.0)
            deploy.deploy(store.rulesets, deploy.check_folder(RED_DOTS), store.now_ms(), TESTER)
    finally:
        processes.stop()


class Everything:
    """A running `triage up`; `output` is what it has said so far. `store`: a directory whose copy it begins with."""

    def __init__(self, data_dir: Path, *options: str, store: Path | None = None, **environment: str) -> None:
        self.data_dir = data_dir
        self.port = int(environment.get("PORT", free_port()))
        self.base = f"http://127.0.0.1:{self.port}"
        clean = {name: value for name, value in os.environ.items() if not name.startswith("TRIAGE_")}
        self.environment = {**clean, "PORT": str(self.port), "TRIAGE_DATA_DIR": str(data_dir), **environment}
        data_dir.mkdir(parents=True, exist_ok=True)
        self.log = data_dir / f"up-{time.time_ns()}.log"
        if store is not None:
            shutil.copytree(store / "redis", data_dir / "redis")
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [TRIAGE, "up", *options], cwd=ROOT, env=self.environment, stdout=log, stderr=log
            )

    def wait_until_serving(self) -> Everything:
        """Returns when it says that it serves; fails with what it said if it ends or takes too long."""
        until = time.monotonic() + READY_SECONDS
        while "Serving on" not in self.output:
            assert self.process.poll() is None and time.monotonic() < until, self.output
            time.sleep(0.1)
        return self

    @property
    def output(self) -> str:
        return self.log.read_text(encoding="utf-8")

    @property
    def redis_url(self) -> str:
        return (self.data_dir / "redis-url").read_text(encoding="utf-8")

    def stop(self) -> int:
        """End it as Ctrl-C would; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.process.wait(60)

    def kill(self) -> None:
        """End it and all that it started, at once and without a word."""
        for pid in [self.process.pid, *self.pids]:
            os.kill(pid, signal.SIGKILL)
        self.process.wait(60)

    def triage(
        self, *arguments: str | Path, check: bool = True, stdin: str | None = None, **environment: str
    ) -> Result:
        """Run a command against it."""
        own = {name: value for name, value in self.environment.items() if name.startswith("TRIAGE_") or name == "PORT"}
        ran = run_triage(*arguments, stdin=stdin, **{"TRIAGE_REDIS_URL": None, **own, **environment})
        assert ran.exit_code == 0 or not check, ran.output
        return ran

    def post(self, report: Any, **headers: str) -> tuple[int, dict[str, Any]]:
        """Post a report; (status, answer)."""
        body = report if isinstance(report, bytes) else json.dumps(report).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(f"{self.base}/v1/reports", body, {"Content-Type": "application/json", **named})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def children(self, name: str) -> list[int]:
        """Process ids of a Procfile process and its children, the parent first."""
        found = subprocess.run(["ps", "-ewwo", "pid,ppid,args"], capture_output=True, text=True, check=True).stdout
        rows = [line.split(None, 2) for line in found.splitlines()[1:]]
        words = {"worker": "workers.app worker", "web": "gunicorn", "beat": "workers.app beat",
                 "redis": "valkey-server"}[name]  # fmt: skip
        parents = [int(pid) for pid, ppid, args in rows if words in args and int(ppid) == self.process.pid]
        assert parents, f"no {name} runs"
        return parents + [int(pid) for pid, ppid, _ in rows if int(ppid) in parents]

    @property
    def pids(self) -> list[int]:
        """All that it has started."""
        return [pid for name in ("web", "worker", "beat", "redis") for pid in self.children(name)]


class Machine:
    """A data directory in which `triage up` is started, killed and started again; each test goes on where it stands."""

    def __init__(self, data_dir: Path, store: Path) -> None:
        self._data_dir = data_dir
        self._store = store
        self._running: Everything | None = None

    @property
    def log(self) -> Path:
        """The folder of its processes' logs."""
        return self._data_dir / "log"

    def running(self) -> Everything:
        """What runs now, or a new start."""
        if self._running is None or self._running.process.poll() is not None:
            return self.start("--no-samples")
        return self._running

    def start(self, *options: str) -> Everything:
        """Start it, on the port that it had before."""
        again = {} if self._running is None else {"PORT": str(self._running.port)}
        store = self._store if self._running is None else None
        swept = {"TRIAGE_PENDING_SECONDS": "2", "TRIAGE_SWEEP_SECONDS": "1"}
        self._running = Everything(self._data_dir, *options, store=store, **swept, **again)
        return self._running.wait_until_serving()

    def end(self) -> None:
        """End what runs."""
        if self._running is not None and self._running.process.poll() is None:
            assert self._running.stop() == 0
