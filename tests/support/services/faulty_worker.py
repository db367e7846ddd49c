"""A worker whose evaluator fails as the free text of a report says. For tests: `celery -A tests.support.services.faulty_worker`."""

from __future__ import annotations

import ctypes
import signal
import time
from types import FrameType
from typing import Any

from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.language.model import Answers
from triage_rules.records.reports import History
from workers.app import app

__all__ = ["app"]  # what `celery -A` looks for

_evaluate = Evaluator.evaluate


def _fail(self: Evaluator, findings: Answers, history: History, **times: Any) -> dict[str, Any]:
    match findings.get("free_text"):
        case "crash the process":
            ctypes.string_at(0)
        case "raise an error":
            raise RuntimeError("with an answer of the patient: very private")
        case "take long":
            time.sleep(60)
        case "hang in C":
            # Nothing but a kill ends this, as with a loop in the engine's C code.
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1, signal.SIGTERM})
            time.sleep(60)
        case "be slow":
            time.sleep(0.05)
    return _evaluate(self, findings, history, **times)


def _hang(_number: int, _frame: FrameType | None) -> None:
    """In the main loop of whoever gets the signal: a worker is then there, connected, and takes nothing."""
    time.sleep(600)


Evaluator.evaluate = _fail  # type: ignore[method-assign]
signal.signal(signal.SIGUSR2, _hang)
