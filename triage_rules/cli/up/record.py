"""The record of the processes that `triage up` started: a file that is locked as long as one of them lives.

The lock shows whether anything is left, even of a `triage up` that was killed; the lines name it, for it to be ended.
"""

from __future__ import annotations

import fcntl
import os
import time
from io import FileIO
from pathlib import Path

from triage_rules.cli.exit_codes import ExitCode
from triage_rules.cli.output import exit_with, write_message
from triage_rules.cli.up import guard
from triage_rules.cli.up.guard import Started

LOOK_SECONDS = 0.2


class Record:
    """A file that one `triage up` claims at a time; its children inherit the open file, and so the lock.

    Each start appends one line in one write: a reader never finds half a line.
    """

    def __init__(self, path: Path, stop_seconds: float) -> None:
        self.path = path
        self._stop_seconds = stop_seconds
        self._file: FileIO | None = None

    def claim(self) -> int:
        """Return the locked file's descriptor, for children to inherit. Raises OSError if the file can't be made.

        Processes left by an earlier `triage up` are ended first. Exits if it still runs, or if one of them doesn't end.
        """
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("ab", buffering=0)
            if not self._is_ours():
                self._end_what_is_left()
            self._file.truncate(0)
            self.add("triage up", os.getpid(), "up")
        return self._file.fileno()

    def release(self) -> None:
        """Let the next `triage up` claim the record, once no child that inherited it lives."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def add(self, name: str, pid: int, role: str) -> None:
        """Add a process that was started."""
        assert self._file is not None, "claim it first"
        self._file.write(guard.line_of(Started(name, pid, role)).encode())

    def _end_what_is_left(self) -> None:
        there = {process.role: process.pid for process in guard.read_record(self.path) if process.lives}
        if "up" in there:
            exit_with(
                f"`triage up` already uses {self.path.parent.parent}: process {there['up']}. "
                f"Stop it with Ctrl-C where it runs or with `kill {there['up']}`, or choose another TRIAGE_DATA_DIR.",
                ExitCode.CANNOT_RUN,
            )
        write_message(
            f"An earlier `triage up` was killed. Waiting for the end of {self._named() or 'what it started'}."
        )
        if "guard" not in there:
            guard.end_recorded(guard.read_record(self.path), self._stop_seconds)
        until = time.monotonic() + 2 * self._stop_seconds
        while not self._is_ours():
            if time.monotonic() > until:
                named = self._named() or f"a process that holds {self.path} open"
                exit_with(f"Still there: {named}. End it, then start again.", ExitCode.CANNOT_RUN)
            time.sleep(LOOK_SECONDS)

    def _named(self) -> str:
        left = [process for process in guard.read_record(self.path) if process.role != "guard" and process.leads]
        return ", ".join(map(str, left))

    def _is_ours(self) -> bool:
        assert self._file is not None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
