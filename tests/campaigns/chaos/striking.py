"""Strike the faults of a schedule, by the progress of the run."""

from __future__ import annotations

import functools
import threading
import time
from collections import Counter
from collections.abc import Callable

import redis

from service.use.dispatch import CeleryDispatch
from tests.campaigns.chaos.processes import Processes
from tests.campaigns.chaos.schedule import ALL, CHILD, CLOCKS, REDIS, Fault, Kind
from triage_rules.foundation.errors import StoreUnavailable
from triage_rules.foundation.settings import Settings
from triage_rules.records.reports import Lane

LONGEST_GAP_SECONDS = 1.5
"""A fault strikes then at the latest: faults themselves may hold up the progress that the next one waits for."""

DOUBLED = 200
HOURS = 6
"""A clock moves by up to so many, forward or back: from the one to the other, half of what a key is remembered for."""

SPARE_BYTES = 20_000
"""What a full Redis still takes: the run goes on for some reports before it is refused."""


class Striking:
    """The faults of a run. `progress`: 0 to 1. `known`: ids of reports so far. `deploy`: makes another version live.

    `struck` counts the faults that took effect.
    """

    def __init__(
        self,
        processes: Processes,
        schedule: list[Fault],
        progress: Callable[[], float],
        known: Callable[[], list[str]],
        deploy: Callable[[float], None],
    ) -> None:
        self.struck: Counter[str] = Counter()
        self._processes = processes
        self._schedule = schedule
        self._progress = progress
        self._known = known
        self._deploy = deploy
        self._undoing: list[threading.Timer] = []
        self._direct = redis.Redis.from_url(processes.direct_url, socket_timeout=1, socket_connect_timeout=1)
        self._dispatch = CeleryDispatch(Settings(redis_url=processes.direct_url))

    def run(self) -> None:
        """Strike all faults; return when the last one is undone."""
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
        except (redis.RedisError, StoreUnavailable, OSError):
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
            case Kind.DISK:
                self._processes.lies.fill_disk()
                self._later(fault.seconds, self._processes.lies.free_disk)
            case Kind.CLOCK:
                self._move_clocks(CLOCKS if name == ALL else (name,), fault)
            case Kind.RENEW:
                self._processes.renew(name)
            case Kind.DEPLOY:
                self._deploy(fault.pick)

    def _move_clocks(self, names: tuple[str, ...], fault: Fault) -> None:
        """Move all clocks by the same time. Every other move stays to the end."""
        seconds = round((2 * fault.pick - 1) * HOURS * 3600)
        for name in names:
            self._processes.lies.move_clock(name, seconds)
            if seconds % 2:
                self._later(fault.seconds, functools.partial(self._processes.lies.move_clock, name, 0))

    def _double(self) -> None:
        """Send two tasks in a row for each report, pending or settled, so that two processes may take it at once."""
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
