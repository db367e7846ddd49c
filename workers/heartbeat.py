"""Heartbeat of a worker: reports that it is alive and makes progress; a stuck worker ends itself."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from typing import Any, NoReturn

from billiard.process import active_children  # type: ignore[import-untyped]
from celery import bootsteps
from celery.worker import state

from triage_rules.foundation.errors import DecryptionError, StoreUnavailable
from triage_rules.foundation.settings import Settings
from triage_rules.store.redis import RedisStore
from workers.progress import WorkerProgress
from workers.tasks import SETTINGS

STUCK = 75
"""Exit code of a worker that ended itself, for its supervisor to restart it."""

TICK_SECONDS = 1.0

log = logging.getLogger(__name__)


class Heartbeat(bootsteps.StartStopStep):  # type: ignore[misc] # Celery carries no types
    """A step of Celery's consumer, started with each connection; the first start begins the watch."""

    requires = ("celery.worker.consumer.tasks:Tasks",)
    _watch: Watch | None = None

    def start(self, consumer: Any) -> None:
        """Start ticking when the worker is connected; start the watch if there is none."""
        if Heartbeat._watch is None:
            settings: Settings = consumer.app.conf[SETTINGS]
            Heartbeat._watch = Watch(RedisStore(settings), settings, f"{consumer.hostname}/{os.getpid()}")
            Heartbeat._watch.start()
        self._timer = consumer.timer.call_repeatedly(TICK_SECONDS, Heartbeat._watch.tick)

    def stop(self, consumer: Any) -> None:  # noqa: ARG002 - Celery's signature
        """Stop ticking when the connection is lost: without a connection the main loop makes no progress."""
        self._timer.cancel()


class Watch(threading.Thread):
    """A thread of the worker's parent process that sends heartbeats, independent of the main loop, which may hang."""

    def __init__(self, store: RedisStore, settings: Settings, name: str) -> None:
        super().__init__(name="heartbeat", daemon=True)
        self._store = store
        self._every_s = settings.heartbeat_seconds
        self._stalled_after_s = settings.stalled_seconds
        self._stuck_after_s = settings.stuck_seconds
        self._worker = name
        self._progress = WorkerProgress()
        self.tick()

    def run(self) -> None:
        """Send heartbeats until the worker is asked to stop: from then on it takes no tasks."""
        while state.should_stop is None and state.should_terminate is None:
            try:
                self.beat()
            except Exception as error:  # noqa: BLE001 - without this thread the worker would have no heartbeat and no end
                log.warning("no heartbeat: %s", type(error).__name__)
            time.sleep(self._every_s)

    def tick(self) -> None:
        """Record that the main loop is alive and connected, which calls this."""
        self._ticked_s = time.monotonic()

    def beat(self) -> None:
        """Send a heartbeat, except if the worker can't decrypt the stored data; end the worker if it is stuck."""
        try:
            self._store.health.check_encryption()
            waiting = self._store.health.count_waiting_tasks()
            taken, held, now_s = sum(state.total_count.values()), list(state.requests), time.monotonic()
            stalled_s = self._progress.stalled_s(taken=taken, held=held, waiting=waiting, now_s=now_s)
            stalled_s = max(stalled_s, now_s - self._ticked_s)
            if stalled_s > self._stuck_after_s:
                end(stalled_s)
            is_stalled = stalled_s > self._stalled_after_s
            self._store.health.record_heartbeat(self._worker, self._store.now_ms(), stalled=is_stalled)
        except (StoreUnavailable, DecryptionError) as error:
            self.tick()
            self._progress.unknown(time.monotonic())
            log.warning("no heartbeat: %s", error)


def end(stalled_s: float) -> NoReturn:
    """End this worker and its processes at once: its reports are in the store, and are enqueued again."""
    # Not through the log: the hanging thread may hold its lock.
    message = f"CRITICAL workers.heartbeat: no progress for {stalled_s:.0f} s; exiting with {STUCK} for a restart\n"
    os.write(2, message.encode())
    for child in active_children():
        os.kill(child.pid, signal.SIGKILL)
    os._exit(STUCK)
