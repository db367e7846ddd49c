"""Ends what `triage up` has started, should it be killed itself.

Run as a program of its own that needs the standard library alone: `python -I minding.py RECORD SECONDS PID`, PID that
of `triage up`. It waits for the end of its standard input: a pipe that nobody writes to and `triage up` holds open.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

LOOK_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Started:
    """A process as the record has it. Each but `triage up` and the minder leads a session, and so a group."""

    name: str
    pid: int
    role: str
    """`up`, `minder`, `child`, or `needed`: a child that the others need, so it is ended after them."""

    @property
    def lives(self) -> bool:
        """Whether it is there, and no zombie that waits for somebody to ask how it ended."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return False  # somebody else's: the number was given away anew
        return self._state() != "Z"

    def _state(self) -> str:
        """The letter that Linux has for it; nothing elsewhere, where the first process always asks for zombies."""
        try:
            return Path(f"/proc/{self.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
        except OSError:
            return ""

    @property
    def leads(self) -> bool:
        """Whether it lives and leads a session, as each child does: a number that was given away anew hardly ever."""
        try:
            return self.lives and os.getsid(self.pid) == self.pid
        except ProcessLookupError:
            return False

    def __str__(self) -> str:
        return f"{self.name} (process {self.pid})"


def line_of(started: Started) -> str:
    """As it stands in the record."""
    return f"{started.name} {started.pid} {started.role}\n"


def read_record(record: Path) -> list[Started]:
    """What was started; of each name the last, for it may have been started again."""
    last = {}
    for line in record.read_text(encoding="utf-8").splitlines():
        name, pid, role = line.rsplit(" ", 2)
        last[name] = Started(name, int(pid), role)
    return list(last.values())


def end(started: list[Started], stop_seconds: float) -> None:
    """Ask the children among them to end, those that the others need last; after `stop_seconds`, end them."""
    for role in ("child", "needed"):
        _end([one for one in started if one.role == role], stop_seconds)


def _end(children: list[Started], stop_seconds: float) -> None:
    for child in children:
        if child.leads:
            os.kill(child.pid, signal.SIGTERM)
    until = time.monotonic() + stop_seconds
    while any(child.leads for child in children) and time.monotonic() < until:
        time.sleep(LOOK_SECONDS)
    for child in children:  # what didn't end, and what was left of a group whose leader was killed
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)


def _main(record: Path, stop_seconds: float, up: int) -> None:
    sys.stdin.buffer.read()
    started = read_record(record)
    if Started("triage up", up, "up") not in started:
        return  # nothing was left, and another has begun a record of its own
    left = [one for one in started if one.role in ("child", "needed") and one.leads]
    with contextlib.suppress(OSError):  # the terminal may be gone
        sys.stderr.write(f"`triage up` was killed. Ending {', '.join(map(str, left)) or 'what is left'}.\n")
        sys.stderr.flush()
    end(started, stop_seconds)


if __name__ == "__main__":
    _main(Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]))
