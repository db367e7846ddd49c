"""A worker says that it is there, as long as it is connected and gets on with its work."""

from __future__ import annotations

import logging
import os
import time
from typing import Any

from celery import bootsteps
from celery.worker import state

from triage_rules.errors import LedgerUnavailable
from triage_rules.ledger import Ledger
from triage_rules.ledger.redis import RedisLedger
from triage_rules.messages import now_ms
from triage_rules.settings import Settings
from workers.connection import BrokenConnection
from workers.tasks import SETTINGS

log = logging.getLogger(__name__)


class Progress:
    """Whether the worker takes tasks although reports wait: a connection that is open but dead doesn't show otherwise.

    A report that has waited for twice `pending_seconds` was enqueued again meanwhile: somebody idle should have had it.
    """

    def __init__(self, pending_seconds: int) -> None:
        self._patience_s = 2 * pending_seconds
        self._taken = -1
        self._since = 0.0

    def stuck(self, *, taken: int, busy: bool, oldest_ms: int, now_s: float) -> bool:
        """`taken`: tasks so far; `busy`: one is being worked on; `oldest_ms`: age of the oldest report."""
        if taken != self._taken or busy or oldest_ms < self._patience_s * 1000:
            self._taken, self._since = taken, now_s
        return now_s - self._since > self._patience_s


class Heartbeat(bootsteps.StartStopStep):  # type: ignore[misc] # Celery carries no types
    """A step of Celery's consumer: started with each connection, stopped when it is lost."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, consumer: Any, **options: Any) -> None:
        super().__init__(consumer, **options)
        settings: Settings = consumer.app.conf[SETTINGS]
        self._seconds = settings.heartbeat_seconds
        self._ledger: Ledger = RedisLedger(settings)
        self._pending_seconds = settings.pending_seconds
        self._name = f"{consumer.hostname}/{os.getpid()}"
        self._timer: Any = None

    def start(self, consumer: Any) -> None:
        """Say it now, and then regularly."""
        self._progress = Progress(self._pending_seconds)
        self.beat()
        self._timer = consumer.timer.call_repeatedly(self._seconds, self.beat)

    def stop(self, consumer: Any) -> None:  # noqa: ARG002 - Celery's signature
        """Say it no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def beat(self) -> None:
        """Say it; if this worker is stuck, raise BrokenConnection instead."""
        try:
            oldest_ms = self._ledger.backlog(now_ms()).oldest_ms
            taken, busy = sum(state.total_count.values()), bool(state.active_requests)
            if self._progress.stuck(taken=taken, busy=busy, oldest_ms=oldest_ms, now_s=time.monotonic()):
                raise BrokenConnection("reports wait, but this worker gets none")
            self._ledger.heartbeat(self._name, now_ms())
        except LedgerUnavailable as error:
            log.warning("no heartbeat: %s", error)
