"""What the tasks do: one report alone, one and what waits with it, many, and the sweep."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from celery.exceptions import SoftTimeLimitExceeded

from triage_rules.deployment.live import LiveRulesets
from triage_rules.foundation.errors import DecryptionError, StoreUnavailable
from triage_rules.foundation.settings import Settings
from triage_rules.records.reports import Lane
from triage_rules.store.work import Work
from workers.attempts import Attempts, Send, TaskOutcome
from workers.batch import Batch

SWEEP_LIMIT = 1_000

log = logging.getLogger(__name__)


class HandlerStore(Protocol):
    """The parts of the store that handlers need; `RedisStore` has them."""

    @property
    def work(self) -> Work: ...

    def trim(self, now_ms: int) -> int:
        """Drop whatever is past its retention time."""
        ...

    def close(self) -> None:
        """Close the connections; the next call opens new ones."""
        ...


class Handlers:
    """Raises nothing but what ends the process."""

    def __init__(
        self, settings: Settings, store: HandlerStore, rulesets: LiveRulesets, send: Send, now_ms: Callable[[], int]
    ) -> None:
        self._settings = settings
        self._store = store
        self._send = send
        self._now_ms = now_ms
        self._attempts = Attempts(settings, store.work, rulesets, send, now_ms)
        self._together = Batch(store.work, self._attempts, send, now_ms)

    def evaluate(self, report_id: str) -> TaskOutcome:
        """Bring one report to its result, with no other in hand."""
        return self._guarded([report_id], lambda: self._attempts.process(report_id))

    def evaluate_and_more(self, report_id: str, lane: Lane, task: str, *, redelivered: bool) -> TaskOutcome:
        """As `evaluate`, together with others that wait in its lane. After a crash each goes alone."""
        if redelivered:
            self._take_apart([], lane, task)
            return self.evaluate(report_id)
        return self._guarded([report_id], lambda: self._together.run(task, lane, [report_id], takes=True))

    def evaluate_many(self, ids: Sequence[str], lane: Lane, task: str, *, redelivered: bool) -> TaskOutcome:
        """Some at a time. After a crash each goes alone, so that one poisonous report takes no other with it."""
        if redelivered:
            self._take_apart(ids, lane, task)
            return TaskOutcome.FINISHED
        return self._guarded(ids, lambda: self._together.run(task, lane, ids, takes=False))

    def sweep(self) -> int:
        """Enqueue again what was forgotten, urgent ones singly; drop what is past its retention. How many enqueued."""
        try:
            found = self._store.work.claim_overdue(self._now_ms(), self._settings.pending_seconds * 1000, SWEEP_LIMIT)
            for report_id, lane in found:
                if lane == Lane.URGENT:
                    self._send([report_id], Lane.URGENT)
            normal, size = [report_id for report_id, lane in found if lane != Lane.URGENT], self._settings.batch_chunk
            for start in range(0, len(normal), size):
                self._send(normal[start : start + size], Lane.NORMAL)
            self._store.trim(self._now_ms())
        except StoreUnavailable as error:
            log.warning("no sweep: %s", error)
            return 0
        if found:
            log.warning("%d reports had waited too long and were enqueued again", len(found))
        return len(found)

    def _take_apart(self, ids: Sequence[str], lane: Lane, task: str) -> None:
        """Any report that the task had in hand when its process died may be what killed it."""
        try:
            held = self._store.work.release(task, lane)
        except StoreUnavailable as error:
            log.warning("what a task had in hand is left to the sweep: %s", error)
            held = []
        for report_id in dict.fromkeys([*ids, *held]):
            self._send([report_id], lane, singly=True)

    def _guarded(self, ids: Sequence[str], work: Callable[[], TaskOutcome]) -> TaskOutcome:
        try:
            self._attempts.refund_attempts()
            return work()
        except (StoreUnavailable, DecryptionError) as error:
            log.warning("%s is left to the sweep: %s", _named(ids), error)
        except SoftTimeLimitExceeded:
            # An answer may still be on its way, and must not be taken for that to the next question.
            self._store.close()
            log.warning("%s is left to the sweep: the time limit struck while Redis was asked", _named(ids))
        return TaskOutcome.LEFT


def _named(ids: Sequence[str]) -> str:
    return f"report {ids[0]}" + (f", with {len(ids) - 1} more," if len(ids) > 1 else "")
