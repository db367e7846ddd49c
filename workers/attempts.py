"""One report's attempts: begin, evaluate, settle or bury. May be repeated at any point, by anyone."""

from __future__ import annotations

import enum
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from celery.exceptions import SoftTimeLimitExceeded

from triage_rules.deployment.live import LiveRulesets
from triage_rules.evaluation.result import Identity, failed_result
from triage_rules.foundation.errors import StoreUnavailable
from triage_rules.foundation.settings import Settings
from triage_rules.records.reports import Delivery, History, Lane

WORKER_LOST = "worker_lost"
"""The process died each time, or was killed for taking too long."""

TIME_LIMIT = "time_limit"
EVALUATION_FAILED = "evaluation_failed"

BACKOFF_SECONDS = (0.05, 0.1, 0.2, 0.4)
"""Between attempts after an error. Short: most errors are for good, and then a human must be told soon."""

UNKNOWN_VERSION = "unknown"

log = logging.getLogger(__name__)


class TaskOutcome(enum.Enum):
    """What became of a report in this task."""

    FINISHED = enum.auto()
    """Settled or buried, here or by another."""
    LEFT = enum.auto()
    """The store is away, or encrypted under other keys: the sweep will bring the report again."""
    TOO_SLOW = enum.auto()
    """Interrupted by the time limit; sent to the queue again."""


class Send(Protocol):
    """Enqueues ids into a lane again and never raises. `singly`: for a task that has nothing else in hand."""

    def __call__(self, ids: Sequence[str], lane: Lane, *, singly: bool = False) -> None: ...


class UnreadableReport(Exception):
    """What is stored of the report can't be read, so nothing can decide it."""


class AttemptStore(Protocol):
    """The steps of the store that attempts need; `store.work.Work` has them."""

    def begin(self, report_id: str, now_ms: int) -> Delivery | None:
        """Count one more attempt; return None if there is nothing to do."""
        ...

    def settle(self, report_id: str, result: dict[str, Any], now_ms: int, history: History | None = None) -> bool:
        """Store the result and publish its event, in one step."""
        ...

    def bury(self, report_id: str, result: dict[str, Any], reason: str, now_ms: int) -> bool:
        """Settle the report as a dead letter."""
        ...

    def refund_attempts(self, ids: Sequence[str]) -> None:
        """Take back one attempt of each report."""
        ...


class Attempts:
    """Attempts at one report.

    All methods raise StoreUnavailable, DecryptionError, and SoftTimeLimitExceeded if it strikes in a call of the store.
    """

    def __init__(
        self, settings: Settings, store: AttemptStore, rulesets: LiveRulesets, send: Send, now_ms: Callable[[], int]
    ) -> None:
        self._settings = settings
        self._store = store
        self._rulesets = rulesets
        self._send = send
        self._now_ms = now_ms
        self._to_refund: list[str] = []

    def process(self, report_id: str, begun: Delivery | None = None) -> TaskOutcome:
        """Attempt after attempt until the report is ended. `begun`: its attempt that was counted already."""
        last = self._settings.max_deliveries
        while (delivery := begun or self._store.begin(report_id, self._now_ms())) is not None:
            begun = None
            if delivery.attempt > last:
                self._bury(delivery, WORKER_LOST, "")
                break
            try:
                self._settle(delivery, self.decide(delivery))
                break
            except StoreUnavailable:
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, the report must not be lost by it
                if is_time_up(error):
                    self.postpone(delivery, error)
                    return TaskOutcome.TOO_SLOW
                self._log_failure(delivery, error)
                if delivery.attempt == last:
                    self._bury(delivery, EVALUATION_FAILED, _told(delivery, error))
                    break
            time.sleep(BACKOFF_SECONDS[min(delivery.attempt, len(BACKOFF_SECONDS)) - 1])
        return TaskOutcome.FINISHED

    def decide(self, delivery: Delivery) -> dict[str, Any]:
        """The result. Raises whatever evaluating raises."""
        if delivery.unreadable is not None:
            raise UnreadableReport
        report = delivery.report
        loaded = self._rulesets.by_digest(report.digest)
        return loaded.evaluator.evaluate(
            report.answers,
            delivery.history,
            report_id=report.id,
            received_ms=report.received_ms,
            evaluated_ms=self._now_ms(),
        )

    def _settle(self, delivery: Delivery, result: dict[str, Any]) -> None:
        try:
            self._store.settle(delivery.report.id, result, self._now_ms(), delivery.history)
        except StoreUnavailable:
            self.queue_refund([delivery.report.id])
            raise

    def queue_refund(self, ids: Sequence[str]) -> None:
        """Note attempts to take back: they came to a result, and the store was away when it was to be settled."""
        self._to_refund += ids

    def refund_attempts(self) -> None:
        """Take back the noted attempts: the store failed, not the report, so no person needs to look at it.

        Attempts of a process that died stay counted, since the report may be what killed it.
        """
        if self._to_refund:
            self._store.refund_attempts(self._to_refund)
            self._to_refund = []

    def postpone(self, delivery: Delivery, error: Exception) -> None:
        """The task has little time left, so the next attempt is a task of its own."""
        self._log_failure(delivery, error)
        if delivery.attempt >= self._settings.max_deliveries:
            self._bury(delivery, TIME_LIMIT, "")
        else:
            self._send([delivery.report.id], delivery.report.lane, singly=True)

    def _bury(self, delivery: Delivery, reason: str, detail: str) -> None:
        report, now_ms = delivery.report, self._now_ms()
        # The ruleset isn't opened for its version: opening it may be what fails.
        version = self._rulesets.live_version(report.ruleset, report.digest) or UNKNOWN_VERSION
        identity = Identity(report.id, report.ruleset, version, report.digest, report.received_ms, now_ms)
        told = f"{reason}: {detail}" if detail else reason
        if self._store.bury(report.id, failed_result(identity, reason), told, now_ms):
            log.error("report %s is a dead letter (%s): a human must look at it now", report.id, told)

    def _log_failure(self, delivery: Delivery, error: Exception) -> None:
        # Only the class: the text of an error may hold a patient's answers.
        log.warning("report %s: attempt %d: %s", delivery.report.id, delivery.attempt, type(error).__name__)


def _told(delivery: Delivery, error: Exception) -> str:
    """What failed, by its class alone; for a report that can't be read also why."""
    return type(error).__name__ + (f" ({delivery.unreadable})" if delivery.unreadable is not None else "")


def is_time_up(error: BaseException) -> bool:
    """Whether the soft time limit struck. The engine's door turns what happens within into an EngineError."""
    return isinstance(error, SoftTimeLimitExceeded) or (error.__cause__ is not None and is_time_up(error.__cause__))
