"""Work for workers, put into the queue without HTTP: reports singly or in chunks, and bare tasks."""

from __future__ import annotations

import itertools
import secrets
import subprocess
import time
from collections.abc import Callable

from celery import Celery

from benchmarks.apps.names import BARE_DONE, ROUND_TRIP
from benchmarks.posting import Posting
from benchmarks.servers import Stack, held, wait_for
from service.use.dispatch import CeleryDispatch
from triage_rules.records.reports import Lane, NewReport
from triage_rules.records.tasks import BROKER_KEY_PREFIX

TOGETHER = 500
DONE_SECONDS = 600.0
FIRST = 100
"""Number of reports to warm up with."""


class Filling:
    """The queue of a stack: fills it, and counts finished work."""

    def __init__(self, stack: Stack, posting: Posting) -> None:
        self._stack = stack
        self._posting = posting
        self._singly = CeleryDispatch(stack.settings)
        self._findings = itertools.cycle(posting.answers)
        self._bare = Celery("filling", broker=stack.url, set_as_current=False)
        self._bare.conf.broker_transport_options = {"global_keyprefix": BROKER_KEY_PREFIX}

    def accept(self, count: int) -> list[str]:
        """Store that many reports, and return their ids."""
        ids: list[str] = []
        while len(ids) < count:
            reports = [self._report() for _ in range(min(TOGETHER, count - len(ids)))]
            self._stack.store.reports.accept_many(reports)
            ids += [report.id for report in reports]
        return ids

    def singly(self, count: int) -> None:
        """Queue a task for each report, as for reports posted singly."""
        for report_id in self.accept(count):
            self._singly([report_id], Lane.NORMAL)

    def chunks(self, count: int) -> None:
        """Queue tasks of many reports, as for batches."""
        self._singly(self.accept(count), Lane.NORMAL)

    def bare(self, count: int) -> None:
        """Queue tasks that make one round trip."""
        self._stack.client.set(BARE_DONE, 0)
        for number in range(count):
            self._bare.send_task(
                ROUND_TRIP, args=(f"{number:032}",), queue=Lane.NORMAL.value, ignore_result=True, retry=False
            )

    def decided(self) -> int:
        """Count the events since the store was emptied."""
        return int(self._stack.client.xlen("triage:results"))

    def counted(self, name: str) -> int:
        """Return that counter."""
        return int(self._stack.client.get(name) or 0)

    def _report(self) -> NewReport:
        bundle, now = self._posting.bundle, self._stack.store.now_ms()
        return NewReport(secrets.token_hex(16), bundle.name, bundle.digest, next(self._findings), Lane.NORMAL, now)


def until(done: Callable[[], int], count: int) -> None:
    """Wait until `count` are done. Raises TimeoutError."""
    wait_for(lambda: done() >= count, f"{count} done", DONE_SECONDS, every=0.002)


class Enough:
    """A rate whose first call measures how many reports fill the time of a run; later calls use that number.

    `rate_of`: processes a number of reports and returns the rate. `most`: the maximum number.
    """

    def __init__(self, rate_of: Callable[[int], float], seconds: float, most: int) -> None:
        self._rate_of = rate_of
        self._seconds = seconds
        self._most = most
        self._count = 0

    def __call__(self) -> float:
        """Run once, and return the rate per second."""
        found = self._rate_of(self._count or min(self._most, FIRST))
        self._count = self._count or min(self._most, max(FIRST, int(found * self._seconds)))
        return found


def worked(
    servers: Stack, worker: subprocess.Popen[bytes], fill: Callable[[int], None], done: Callable[[], int]
) -> Callable[[int], float]:
    """Return a rate function: queue work while the worker is stopped, start the worker, and time it to the end."""

    def rate_of(count: int) -> float:
        with held(worker) as let_go:
            fill(count)
            begun = time.perf_counter()
            let_go()
            until(done, count)
            took = time.perf_counter() - begun
        servers.forget()
        return count / took

    return rate_of
