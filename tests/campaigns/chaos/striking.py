"""Does what a schedule says, when the run has come that far."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable

import redis

from service.dispatch import CeleryDispatch
from tests.campaigns.chaos.processes import Processes
from tests.campaigns.chaos.schedule import CHILD, REDIS, Fault, Kind
from triage_rules.messages import Lane
from triage_rules.settings import Settings

LONGEST_GAP_SECONDS = 1.5
"""A fault strikes then at the latest: faults themselves may hold up the progress that the next one waits for."""

DOUBLED = 200
SPARE_BYTES = 20_000
"""What a full Redis still takes: the run goes on for some reports before it is refused."""


class Striking:
    """`progress`: from 0 to 1. `known`: ids of reports so far. `struck` counts what really happened."""

    def __init__(
        self, processes: Processes, schedule: list[Fault], progress: Callable[[], float], known: Callable[[], list[str]]
    ) -> None:
        self.struck: Counter[str] = Counter()
        self._processes = processes
        self._schedule = schedule
        self._progress = progress
        self._known = known
        self._undoing: list[threading.Timer] = []
        self._direct = redis.Redis.from_url(processes.direct_url, socket_timeout=1, socket_connect_timeout=1)
        self._dispatch = CeleryDispatch(Settings(redis_url=processes.direct_url))

    def run(self) -> None:
        """All faults; returns when the last one is undone."""
        for fault in self._schedule:
            latest = time.monotonic() + LONGEST_GAP_SECONDS
            while self._progress() < fault.at and time.monotonic() < latest:
                time.sleep(0.01)
            self._strike(fault)
        for timer in self._undoing:
            timer.join()
        self._direct.close()

    def _strike(self, fault: Fault) -> None:
        try:
            self._do(fault)
        except (redis.RedisError, OSError):
            return  # Redis is away already, so there is nothing to strike
        self.struck[f"{fault.kind}: {fault.target}"] += 1

    def _do(self, fault: Fault) -> None:
        name = fault.target.removesuffix(CHILD)
        child = fault.pick if fault.target.endswith(CHILD) else None
        match fault.kind:
            case Kind.KILL:
                if name == REDIS:
                    self._later(fault.seconds, self._processes.hold(name))
                self._processes.kill(name, child=child)
            case Kind.PAUSE:
                self._later(fault.seconds, self._processes.pause(name, child=child))
            case Kind.CUT:
                self._processes.tell_proxy(f"cut {fault.pick}")
            case Kind.DELAY:
                self._processes.tell_proxy(f"delay {0.3 * fault.pick} {fault.seconds}")
            case Kind.FULL:
                used = int(self._direct.info("memory")["used_memory"])
                self._direct.config_set("maxmemory", used + SPARE_BYTES)
                self._later(fault.seconds, self._make_room)
            case Kind.DOUBLE:
                self._double()

    def _double(self) -> None:
        """Two tasks in a row for each report, so that two processes may take it at once: pending ones, and settled."""
        pending = self._direct.zrange("triage:pending", 0, DOUBLED // 2)
        again = [*(one.decode() for one in pending), *self._known()[-DOUBLED // 2 :]]
        for report_id in again:
            self._dispatch([report_id], Lane.URGENT)
            self._dispatch([report_id], Lane.URGENT)
        self._dispatch(again, Lane.NORMAL)

    def _later(self, seconds: float, undo: Callable[[], object]) -> None:
        timer = threading.Timer(seconds, undo)
        timer.daemon = True
        timer.start()
        self._undoing.append(timer)

    def _make_room(self) -> None:
        for _ in range(50):
            try:
                self._direct.config_set("maxmemory", 0)
            except redis.RedisError:  # it was killed meanwhile, or is paused: try again
                time.sleep(0.1)
            else:
                return
