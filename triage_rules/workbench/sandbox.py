"""A process of its own for requests about drafts: it may be slow, run out of memory or crash without harm to others."""

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

from triage_rules.foundation.contacts import contact_settings
from triage_rules.foundation.errors import WorkbenchBusy, WorkbenchFailed
from triage_rules.workbench.requests import Desk

Json = dict[str, Any]

MEMORY_BYTES = 2 * 1024**3
"""Memory limit of the process."""

IDLE_SECONDS = 300.0
"""Idle time after which the process ends; the next request starts another."""

NICE = 10
"""Niceness of the process: serving reports has precedence."""

FAULT = "fault"
"""Key of a response that reports a failure."""


class Bench:
    """Workbench process, started at the first request. It handles one request at a time; safe for threads.

    seconds: time limit of a request, after which the process ends. wait: the time that a second caller waits.
    """

    def __init__(self, seconds: float, wait: float, idle: float = IDLE_SECONDS) -> None:
        self._seconds, self._wait, self._idle = seconds, wait, idle
        self._turn = threading.BoundedSemaphore(1)
        self._process: subprocess.Popen[str] | None = None
        self._idling: threading.Timer | None = None

    def ask(self, request: Json) -> Json:
        """Send a request to `Desk.answer` in the process, and return the response.

        Raises:
            WorkbenchBusy: If another request runs for too long.
            WorkbenchFailed: If the process takes too long, fails or ends.
        """
        if not self._turn.acquire(timeout=self._wait):
            raise WorkbenchBusy
        try:
            self._stop_idling()
            return self._send(request)
        finally:
            self._start_idling()
            self._turn.release()

    def close(self) -> None:
        """End the process, if there is one."""
        with self._turn:
            self._stop_idling()
            self._end()

    def _send(self, request: Json) -> Json:
        process = self._start()
        assert process.stdin is not None  # a pipe, as is stdout
        assert process.stdout is not None
        late = threading.Event()

        def give_up() -> None:
            late.set()
            process.kill()

        clock = threading.Timer(self._seconds, give_up)
        clock.daemon = True
        clock.start()
        try:
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
            response: Json = json.loads(line)
        except (OSError, ValueError):
            self._end()
            raise WorkbenchFailed(_failure(late=late.is_set(), seconds=self._seconds)) from None
        finally:
            clock.cancel()
        if FAULT in response:
            raise WorkbenchFailed(response[FAULT])
        return response

    def _start(self) -> subprocess.Popen[str]:
        if self._process is None or self._process.poll() is not None:
            self._end()
            self._process = subprocess.Popen(  # noqa: S603 (our own module)
                [sys.executable, "-m", "triage_rules.workbench.sandbox", str(int(self._seconds) + 5)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # a traceback could contain text of the draft
                encoding="utf-8",
                env={"PYTHONUTF8": "1", **contact_settings()},  # without the service's secrets
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


def _failure(*, late: bool, seconds: float) -> str:
    if late:
        return f"the request took longer than {seconds:g} seconds and was stopped"
    return "the process ended: it needed too much memory, or the draft crashed the engine"


def serve(requests: IO[str], responses: IO[str], seconds: int) -> None:
    """Answer requests, one a line, until the input ends. A request far over its time limit ends the process."""
    desk = Desk()
    for line in requests:
        signal.alarm(seconds)  # the caller that would kill this process may be gone
        try:
            response = desk.answer(json.loads(line))
        except MemoryError:
            response = {FAULT: "the request needs too much memory"}
        except Exception as error:  # noqa: BLE001 - the next request must still be answered
            response = {FAULT: f"an error in this program ({type(error).__name__})"}
        signal.alarm(0)
        responses.write(json.dumps(response) + "\n")
        responses.flush()


def _main(seconds: int) -> None:
    os.nice(NICE)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    # Send prints of libraries to stderr: on stdout they would be read as responses.
    responses = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    serve(sys.stdin, responses, seconds)


if __name__ == "__main__":
    _main(int(sys.argv[1]))
