"""A process of its own that answers about drafts: it may be slow, run out of memory or crash, and nobody else does."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
import threading
from typing import IO, Any

from triage_rules.foundation.errors import WorkbenchBusy, WorkbenchFailed
from triage_rules.workbench.requests import Desk

Json = dict[str, Any]

MEMORY_BYTES = 2 * 1024**3
"""What the process may take."""

IDLE_SECONDS = 300.0
"""A process that nobody asks for so long is ended; the next question starts another."""

NICE = 10
"""How far it stands back behind those who serve reports."""

FAULT = "fault"
"""The key of an answer that is none: why."""


class Bench:
    """One such process, started at the first question. One question at a time; safe for threads.

    seconds: what one question may take; then the process is ended. wait: how long a second caller waits for its turn.
    """

    def __init__(self, seconds: float, wait: float, idle: float = IDLE_SECONDS) -> None:
        self._seconds, self._wait, self._idle = seconds, wait, idle
        self._turn = threading.BoundedSemaphore(1)
        self._process: subprocess.Popen[str] | None = None
        self._idling: threading.Timer | None = None

    def ask(self, question: Json) -> Json:
        """The answer, as `Desk.answer`. Raises WorkbenchBusy, WorkbenchFailed."""
        if not self._turn.acquire(timeout=self._wait):
            raise WorkbenchBusy
        try:
            self._stop_idling()
            return self._asked(question)
        finally:
            self._start_idling()
            self._turn.release()

    def close(self) -> None:
        """End the process, if there is one."""
        with self._turn:
            self._stop_idling()
            self._end()

    def _asked(self, question: Json) -> Json:
        process = self._running()
        assert process.stdin is not None  # asked for, as the other
        assert process.stdout is not None
        late = threading.Event()

        def give_up() -> None:
            late.set()
            process.kill()

        clock = threading.Timer(self._seconds, give_up)
        clock.daemon = True
        clock.start()
        try:
            process.stdin.write(json.dumps(question) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
            answer: Json = json.loads(line)
        except (OSError, ValueError):
            self._end()
            raise WorkbenchFailed(_why(late=late.is_set(), seconds=self._seconds)) from None
        finally:
            clock.cancel()
        if FAULT in answer:
            raise WorkbenchFailed(answer[FAULT])
        return answer

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None or self._process.poll() is not None:
            self._end()
            self._process = subprocess.Popen(  # noqa: S603 (our own module)
                [sys.executable, "-m", "triage_rules.workbench.sandbox", str(int(self._seconds) + 5)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # a traceback could hold what somebody typed
                encoding="utf-8",
                env={"PYTHONUTF8": "1"},  # none of our secrets
            )
        return self._process

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            with contextlib.suppress(OSError), process:  # closes the pipes, and waits
                pass

    def _start_idling(self) -> None:
        self._idling = threading.Timer(self._idle, self.close)
        self._idling.daemon = True
        self._idling.start()

    def _stop_idling(self) -> None:
        if self._idling is not None:
            self._idling.cancel()


def _why(*, late: bool, seconds: float) -> str:
    if late:
        return f"this took longer than {seconds:g} seconds and was stopped"
    return "this broke off: too much memory, or the draft breaks the engine"


def serve(questions: IO[str], answers: IO[str], seconds: int) -> None:
    """Answer line after line, until there are no more. A question that takes far too long ends the process."""
    desk = Desk()
    for line in questions:
        signal.alarm(seconds)  # in case whoever asked is gone
        try:
            answer = desk.answer(json.loads(line))
        except MemoryError:
            answer = {FAULT: "this takes too much memory"}
        except Exception as error:  # noqa: BLE001 - whatever it is, the next question is answered
            answer = {FAULT: f"a fault of this program ({type(error).__name__}); nothing is known"}
        signal.alarm(0)
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def _main(seconds: int) -> None:
    os.nice(NICE)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    # What some library prints must not stand among the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    serve(sys.stdin, answers, seconds)


if __name__ == "__main__":
    _main(int(sys.argv[1]))
