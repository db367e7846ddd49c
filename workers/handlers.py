"""Handlers of the tasks: a single report, a report and others of its lane, several reports, the sweep."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from celery.exceptions import SoftTimeLimitExceeded

from triage_rules.foundation.errors import DecryptionError, StoreUnavailable
from triage_rules.records.reports import Lane
from workers.attempts import Attempts, TaskOutcome
from workers.batch import Batch
from workers.parts import WorkerParts

SWEEP_LIMIT = 1_000

log = logging.getLogger(__name__)


class Handlers:
    """The handlers of a process. They survive store outages and time limits; the sweep enqueues unfinished reports."""

    def __init__(self, parts: WorkerParts) -> None:
        self._settings = parts.settings
        self._store = parts.store
        self._send = parts.send
        self._now_ms = parts.now_ms
        self._attempts = Attempts(parts)
        self._batch = Batch(parts, self._attempts)

    def evaluate(self, report_id: str, lane: Lane, task: str, *, redelivered: bool) -> TaskOutcome:
        """Evaluate a report, together with others that wait in its lane; after a crash evaluate each on its own."""
        if redelivered:
            self._split_up([], lane, task)
            return self.evaluate_singly(report_id)
        return self._guarded([report_id], lambda: self._batch.run(task, lane, [report_id], takes=True))

    def evaluate_singly(self, report_id: str) -> TaskOutcome:
        """Evaluate only this report."""
        return self._guarded([report_id], lambda: self._attempts.process(report_id))

    def evaluate_many(self, ids: Sequence[str], lane: Lane, task: str, *, redelivered: bool) -> TaskOutcome:
        """Evaluate reports in batches. After a crash each goes to a task of its own, in case a report caused it."""
        if redelivered:
            self._split_up(ids, lane, task)
            return TaskOutcome.FINISHED
        return self._guarded(ids, lambda: self._batch.run(task, lane, ids, takes=False))

    def sweep(self) -> int:
        """Enqueue overdue reports again, urgent ones singly, and drop expired data. Returns how many were enqueued."""
        try:
            overdue = self._store.work.claim_overdue(self._now_ms(), self._settings.pending_seconds * 1000, SWEEP_LIMIT)
            for report_id, lane in overdue:
                if lane == Lane.URGENT:
                    self._send([report_id], Lane.URGENT)
            normal, size = [report_id for report_id, lane in overdue if lane != Lane.URGENT], self._settings.batch_chunk
            for start in range(0, len(normal), size):
                self._send(normal[start : start + size], Lane.NORMAL)
            self._store.trim(self._now_ms())
        except StoreUnavailable as error:
            log.warning("no sweep: %s", error)
            return 0
        if overdue:
            log.warning("%d reports had waited too long and were enqueued again", len(overdue))
        return len(overdue)

    def _split_up(self, ids: Sequence[str], lane: Lane, task: str) -> None:
        """Send each report of a task whose process died to a task of its own: any of them may have killed it."""
        try:
            held = self._store.work.release(task, lane)
        except StoreUnavailable as error:
            log.warning("the reports that a task held are left to the sweep: %s", error)
            held = []
        for report_id in dict.fromkeys([*ids, *held]):
            self._send([report_id], lane, singly=True)

    def _guarded(self, ids: Sequence[str], work: Callable[[], TaskOutcome]) -> TaskOutcome:
        try:
            self._attempts.refund_attempts()
            return work()
        except (StoreUnavailable, DecryptionError) as error:
            log.warning("%s is left to the sweep: %s", _describe_reports(ids), error)
        except SoftTimeLimitExceeded:
            # Drop the connection: Redis may still send the interrupted command's reply, which the next command would
            # read as its own.
            self._store.close()
            log.warning("%s is left to the sweep: the time limit struck in a call of Redis", _describe_reports(ids))
        return TaskOutcome.LEFT


def _describe_reports(ids: Sequence[str]) -> str:
    return f"report {ids[0]}" + (f", with {len(ids) - 1} more," if len(ids) > 1 else "")
