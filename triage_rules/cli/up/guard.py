"""The guard of `triage up`: a process that ends what `triage up` has started, should that be killed itself.

It runs as a program of its own with only the standard library: `python -I guard.py RECORD SECONDS PID`, PID that of
`triage up`. It waits for the end of its standard input: a pipe that `triage up` holds open and nobody writes to.

Why not simpler: children that the kernel ends with their parent (PR_SET_PDEATHSIG) all end at once, Redis before those
that still write to it, and only on Linux. A guard without the record doesn't help once it is killed, too.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

LOOK_SECONDS = 0.1


class Leader(Protocol):
    """A child process that leads a session, and so a process group."""

    @property
    def pid(self) -> int: ...

    @property
    def leads(self) -> bool:
        """Return whether the child still runs."""
        ...


@dataclass(frozen=True, slots=True)
class Started:
    """A process in the record. `role`: `up`, `guard`, `child`, or `needed`: a child that is ended after the others."""

    name: str
    pid: int
    role: str

    @property
    def lives(self) -> bool:
        """Return whether the process runs, and is not a zombie that waits for its parent."""
        try:
            os.kill(self.pid, 0)
        except (ProcessLookupError, PermissionError):  # another user's process: the number was given away again
            return False
        try:
            return Path(f"/proc/{self.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
        except OSError:
            return True  # no Linux: there the first process waits for all orphans

    @property
    def leads(self) -> bool:
        """Return whether the process leads a session, as each child does: hardly any other with its number would."""
        try:
            return self.lives and os.getsid(self.pid) == self.pid
        except ProcessLookupError:
            return False

    def __str__(self) -> str:
        return f"{self.name} (process {self.pid})"


def line_of(started: Started) -> str:
    """Return the record's line for a process."""
    return f"{started.name} {started.pid} {started.role}\n"


def read_record(record: Path) -> list[Started]:
    """Return the last process of each name: the earlier ones were started again."""
    last = {}
    for line in record.read_text(encoding="utf-8").splitlines():
        name, pid, role = line.rsplit(" ", 2)
        last[name] = Started(name, int(pid), role)
    return list(last.values())


def end_recorded(record: Sequence[Started], stop_seconds: float) -> None:
    """End the children in a record, those that the others need last."""
    for role in ("child", "needed"):
        end([started for started in record if started.role == role], stop_seconds)


def end(children: Sequence[Leader], stop_seconds: float) -> None:
    """Ask the children to end; after `stop_seconds`, kill them with their groups."""
    for child in children:
        if child.leads:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child.pid, signal.SIGTERM)
    until = time.monotonic() + stop_seconds
    while any(child.leads for child in children) and time.monotonic() < until:
        time.sleep(LOOK_SECONDS)
    for child in children:  # those that didn't end, and the rest of a group whose leader was killed
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)


def _main(record: Path, stop_seconds: float, up: int) -> None:
    sys.stdin.buffer.read()
    started = read_record(record)
    if Started("triage up", up, "up") not in started:
        return  # nothing was left, and another `triage up` has begun a record of its own
    left = [process for process in started if process.role in ("child", "needed") and process.leads]
    with contextlib.suppress(OSError):  # the terminal may be gone
        sys.stderr.write(f"`triage up` was killed. Ending {', '.join(map(str, left)) or 'what is left'}.\n")
        sys.stderr.flush()
    end_recorded(started, stop_seconds)


if __name__ == "__main__":
    _main(Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]))
