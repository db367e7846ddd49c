"""Child processes: started, watched, and restarted when they die."""

from __future__ import annotations

import os
import shlex
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from triage_rules.cli.exit_codes import ExitCode
from triage_rules.cli.output import exit_with, write_message
from triage_rules.cli.up import guard
from triage_rules.cli.up.record import Record

STOP_SECONDS = 35
"""Longer than web keeps a caller waiting for a result, and than a worker may take for a report."""
RESTART_PAUSE_SECONDS = 1.0


def read_procfile(path: Path) -> dict[str, str]:
    """Return each process's command by its name. Exits if there is no Procfile."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        exit_with("There is no Procfile here; run this in the checkout's root.", ExitCode.USAGE)
    pairs = [line.split(":", 1) for line in lines if line.strip() and not line.startswith("#")]
    return {name.strip(): command.strip() for name, command in pairs}


def is_free(host: str, port: int) -> bool:
    """Return whether the port is free."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as candidate:
            candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            candidate.bind(address)
    except OSError:
        return False
    return True


@dataclass(slots=True)
class _Child:
    command: str
    outlives: bool
    process: subprocess.Popen[bytes]
    started: float = field(default_factory=time.monotonic)

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def leads(self) -> bool:
        """Return whether the child still runs; it leads a session and a group."""
        return self.process.poll() is None


class Processes:
    """Children by name, each with a log file in `logs` and a process group of its own, which is stopped as a whole.

    A log that reaches `log_bytes` starts again; its old content is kept as `.log.1`. If this process is killed, a guard
    ends the children, which it finds in a record beside the logs.
    """

    def __init__(self, logs: Path, log_bytes: int) -> None:
        self.logs = logs
        self._log_bytes = log_bytes
        self._environment = {**os.environ, "PATH": _path(), "PYTHONUNBUFFERED": "1"}
        self._children: dict[str, _Child] = {}
        self._record = Record(logs / "processes", STOP_SECONDS)
        self._guard: subprocess.Popen[bytes] | None = None

    def claim(self) -> None:
        """Claim these logs. Ends the children of a killed `triage up`; exits if another one uses the logs.

        Raises OSError if no file can be made there.
        """
        self._record.claim()

    def add_environment(self, environment: dict[str, str]) -> None:
        """Give these variables to all children that are started later."""
        self._environment |= environment

    def start(self, name: str, command: str, *, outlives: bool = False) -> None:
        """Start a child. `outlives`: stop it after the others, which need it.

        Raises OSError if its program can't be run.
        """
        lock = self._record.claim()
        self._ensure_guard()
        with (self.logs / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 (the Procfile's own commands)
                shlex.split(command),
                stdout=log,
                stderr=log,
                env=self._environment,
                start_new_session=True,
                pass_fds=[lock],
            )
        self._record.add(name, process.pid, "needed" if outlives else "child")
        self._children[name] = _Child(command, outlives, process)

    def _ensure_guard(self) -> None:
        """Start a guard unless one runs. It inherits only the pipe's end: when that closes, this process has ended."""
        if self._guard is None or self._guard.poll() is not None:
            arguments = [str(self._record.path), str(STOP_SECONDS), str(os.getpid())]
            self._guard = subprocess.Popen(  # noqa: S603 (our own)
                [sys.executable, "-I", guard.__file__, *arguments], stdin=subprocess.PIPE, start_new_session=True
            )
            self._record.add("guard", self._guard.pid, "guard")

    def is_running(self, name: str) -> bool:
        """Return whether the child is running."""
        return self._children[name].process.poll() is None

    def pid(self, name: str) -> int:
        """Return the process id of the child."""
        return self._children[name].pid

    def restart_dead(self) -> None:
        """Restart dead children, each at most once a second."""
        if self._children:
            self._ensure_guard()
        for name, child in list(self._children.items()):
            code = child.process.poll()
            if code is not None and time.monotonic() - child.started >= RESTART_PAUSE_SECONDS:
                write_message(f"{name} ended with {code}; starting it again (see {self.logs / name}.log).", fg="yellow")
                self.start(name, child.command, outlives=child.outlives)

    def watch(self) -> None:
        """Keep the children running until interrupted."""
        while True:
            self.restart_dead()
            self.bound_logs()
            time.sleep(0.5)

    def bound_logs(self) -> None:
        """Restart the logs that are too large. Lines that a child writes meanwhile may be lost."""
        for name in self._children:
            log = self.logs / f"{name}.log"
            if log.stat().st_size >= self._log_bytes:
                shutil.copyfile(log, log.with_suffix(".log.1"))
                os.truncate(log, 0)

    def stop(self) -> None:
        """Stop all children, those that the others need last; kill them after STOP_SECONDS."""
        for outlives in (False, True):
            children = [child for child in self._children.values() if child.outlives is outlives]
            guard.end(children, STOP_SECONDS)
            for child in children:
                child.process.wait()
        if self._guard is not None:
            self._guard.kill()
            self._guard.communicate()  # waits, and closes the pipe
            self._guard = None
        self._record.release()


def _path() -> str:
    """Return a PATH that starts with this virtual environment, even if it isn't activated."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
