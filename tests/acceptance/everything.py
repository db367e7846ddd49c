"""All of the service as `triage up` runs it, on a port and in a directory of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from tests.actors import TESTER
from tests.ports import free_port
from triage_rules.cli.folder_deployment import deploy_folder
from triage_rules.cli.up.embedded_redis import embedded_redis
from triage_rules.cli.up.processes import Processes
from triage_rules.foundation.settings import Settings
from triage_rules.store.redis import RedisStore

ROOT = Path(__file__).resolve().parents[2]
TRIAGE = Path(sys.executable).parent / "triage"
READY_SECONDS = 60


def store_with_red_dots(folder: Path) -> Path:
    """The directory of a store in which red-dots is live: `up` looks at it for seconds before it makes it so."""
    processes = Processes(folder / "log", 1_000_000)
    try:
        with embedded_redis(folder, processes) as url, RedisStore(Settings(redis_url=url)) as store:
            deploy_folder(store, ROOT / "rulesets/red-dots", TESTER)
    finally:
        processes.stop()
    return folder / "redis"


class Everything:
    """A running `triage up`; `output` is what it has said so far. `store`: a directory whose copy it begins with."""

    def __init__(self, data_dir: Path, *options: str, store: Path | None = None, **environment: str) -> None:
        self.data_dir = data_dir
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        clean = {name: value for name, value in os.environ.items() if not name.startswith("TRIAGE_")}
        self.environment = {**clean, "PORT": str(self.port), "TRIAGE_DATA_DIR": str(data_dir), **environment}
        data_dir.mkdir(parents=True, exist_ok=True)
        self.log = data_dir / f"up-{self.port}.log"
        if store is not None:
            shutil.copytree(store, data_dir / "redis")
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
        pids = [*self.children("web"), *self.children("worker"), *self.children("beat"), *self.children("redis")]
        for pid in [self.process.pid, *pids]:
            os.kill(pid, signal.SIGKILL)
        self.process.wait(60)

    def triage(self, *arguments: str, check: bool = True, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command against it."""
        return subprocess.run(
            [TRIAGE, *arguments],
            cwd=ROOT, env=self.environment, input=stdin, capture_output=True, text=True, check=check, timeout=60,
        )  # fmt: skip

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
