"""A worker says that it is there, and whether it gets on with its work; if it doesn't for long, it ends itself."""

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
from workers.progress import Progress
from workers.tasks import SETTINGS

STUCK = 75
"""The exit code of a worker that ended itself: whatever watches over it starts it again."""

TICK_SECONDS = 1.0

log = logging.getLogger(__name__)


class Heartbeat(bootsteps.StartStopStep):  # type: ignore[misc] # Celery carries no types
    """A step of Celery's consumer: begun with each connection. The watch begins with the first, and goes on."""

    requires = ("celery.worker.consumer.tasks:Tasks",)
    _watch: Watch | None = None

    def start(self, consumer: Any) -> None:
        """The worker is ready, for the first time or once more."""
        if Heartbeat._watch is None:
            settings: Settings = consumer.app.conf[SETTINGS]
            Heartbeat._watch = Watch(RedisStore(settings), settings, f"{consumer.hostname}/{os.getpid()}")
            Heartbeat._watch.start()
        self._timer = consumer.timer.call_repeatedly(TICK_SECONDS, Heartbeat._watch.tick)

    def stop(self, consumer: Any) -> None:  # noqa: ARG002 - Celery's signature
        """The connection is lost. As long as there is none, the main loop is as good as silent."""
        self._timer.cancel()


class Watch(threading.Thread):
    """A thread of the worker's parent process. It needs nothing of the main loop, which may be what hangs."""

    def __init__(self, store: RedisStore, settings: Settings, name: str) -> None:
        super().__init__(name="heartbeat", daemon=True)
        self._store = store
        self._every_s = settings.heartbeat_seconds
        self._stalled_after_s = settings.stalled_seconds
        self._stuck_after_s = settings.stuck_seconds
        self._worker = name
        self._progress = Progress()
        self.tick()

    def run(self) -> None:
        """Until the worker is asked to stop: then it takes nothing any more, and whoever asked will see to it."""
        while state.should_stop is None and state.should_terminate is None:
            try:
                self.beat()
            except Exception as error:  # noqa: BLE001 - should this thread end, nobody would hear of the worker or end it
                log.warning("no heartbeat: %s", type(error).__name__)
            time.sleep(self._every_s)

    def tick(self) -> None:
        """The main loop is alive and connected: it calls this."""
        self._ticked_s = time.monotonic()

    def beat(self) -> None:
        """Say it once. A worker that can't open what is stored is not there."""
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
    """End this worker and its processes at once: what it holds is in the store, and comes again."""
    # Not by the log: whoever hangs may hold its lock.
    told = f"CRITICAL workers.heartbeat: nothing gets done for {stalled_s:.0f} s; ending with {STUCK}"
    os.write(2, f"{told}, to be started anew\n".encode())
    for child in active_children():
        os.kill(child.pid, signal.SIGKILL)
    os._exit(STUCK)
