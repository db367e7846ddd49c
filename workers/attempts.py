"""Attempts at a report: begin, evaluate, settle or bury. Any process may repeat them at any point."""

from __future__ import annotations

import enum
import logging
import time
from collections.abc import Sequence
from typing import Any, Protocol

from celery.exceptions import SoftTimeLimitExceeded

from triage_rules.evaluation.result import Identity, failed_result
from triage_rules.foundation.errors import StoreUnavailable
from triage_rules.interview.wire import add_next
from triage_rules.records.chains import UNCHAINED, ChainChanged, ChainStanding, find_lowered, find_standing
from triage_rules.records.reports import DecidedReport, Delivery, History
from workers.parts import WorkerParts

WORKER_LOST = "worker_lost"
"""The process died at every attempt, or was killed because it took too long."""

TIME_LIMIT = "time_limit"
EVALUATION_FAILED = "evaluation_failed"

BACKOFF_SECONDS = (0.05, 0.1, 0.2, 0.4)
"""Pauses between attempts after an error. Short, because most errors are permanent, and then a human must look soon."""

UNKNOWN_VERSION = "unknown"

log = logging.getLogger(__name__)


class TaskOutcome(enum.Enum):
    """The outcome of a task."""

    FINISHED = enum.auto()
    """The reports are settled or buried, by this task or another."""
    LEFT = enum.auto()
    """The store is away, or encrypted with other keys; the sweep will enqueue the reports again."""
    TOO_SLOW = enum.auto()
    """The time limit interrupted the task; the open reports are in the queue again."""


class UnreadableReport(Exception):
    """The stored report can't be read, so no ruleset can decide it."""


class AttemptStore(Protocol):
    """The steps of the store that attempts need; `store.work.Work` has them."""

    def begin(self, report_id: str, now_ms: int) -> Delivery | None:
        """Count one more attempt; return None if there is nothing to do."""
        ...

    def settle(
        self,
        report_id: str,
        result: dict[str, Any],
        now_ms: int,
        history: History | None = None,
        standing: ChainStanding = UNCHAINED,
    ) -> bool:
        """Store the result and publish its event, in one step. Raises ChainChanged."""
        ...

    def bury(self, report_id: str, result: dict[str, Any], reason: str, now_ms: int) -> bool:
        """Settle the report as a dead letter."""
        ...

    def refund_attempts(self, ids: Sequence[str]) -> None:
        """Take back one attempt of each report."""
        ...


class Attempts:
    """Attempts at a report.

    All methods raise StoreUnavailable, DecryptionError, and SoftTimeLimitExceeded if it strikes in a call of the store.
    """

    def __init__(self, parts: WorkerParts) -> None:
        self._last = parts.settings.max_deliveries
        self._publishes_next = parts.settings.publish_next_screen
        self._store: AttemptStore = parts.store.work
        self._rulesets = parts.rulesets
        self._send = parts.send
        self._now_ms = parts.now_ms
        self._to_refund: list[str] = []

    def process(self, report_id: str, begun: Delivery | None = None) -> TaskOutcome:
        """Attempt a report until it is settled or buried. `begun`: an attempt that is already counted."""
        while (delivery := begun or self._store.begin(report_id, self._now_ms())) is not None:
            begun = None
            if delivery.attempt > self._last:
                self._bury(delivery, WORKER_LOST, "")
                break
            try:
                self._settle(self.decide(delivery))
                break
            except StoreUnavailable:
                raise
            except ChainChanged:
                self._store.refund_attempts([report_id])
                continue
            except Exception as error:  # noqa: BLE001 - no error may lose the report
                if is_time_up(error):
                    self.postpone(delivery, error)
                    return TaskOutcome.TOO_SLOW
                self._log_failure(delivery, error)
                if delivery.attempt == self._last:
                    self._bury(delivery, EVALUATION_FAILED, describe_failure(delivery, error))
                    break
            time.sleep(BACKOFF_SECONDS[min(delivery.attempt, len(BACKOFF_SECONDS)) - 1])
        return TaskOutcome.FINISHED

    def decide(self, delivery: Delivery) -> DecidedReport:
        """Decide a report by its ruleset, in view of its chain. Raises UnreadableReport, any error of the evaluator."""
        if delivery.unreadable is not None:
            raise UnreadableReport
        report, chain = delivery.report, delivery.chain
        loaded = self._rulesets.by_digest(report.digest)
        result = loaded.evaluator.evaluate(
            report.answers,
            delivery.history,
            report_id=report.id,
            received_ms=report.received_ms,
            evaluated_ms=self._now_ms(),
            audience=report.audience,
            amends=report.amends,
        )
        if self._publishes_next:
            add_next(result, loaded.planner, report.answers, history=delivery.history, audience=report.audience)
        ruleset = loaded.evaluator.ruleset
        standing = find_standing(result, chain, ruleset, amends=report.amends, received_ms=report.received_ms)
        result["lowers"] = find_lowered(result, chain, ruleset, standing.place)
        return DecidedReport(report.id, result, delivery.history, standing)

    def _settle(self, decided: DecidedReport) -> None:
        try:
            self._store.settle(decided.id, decided.result, self._now_ms(), decided.history, decided.standing)
        except StoreUnavailable:
            self.queue_refund([decided.id])
            raise

    def queue_refund(self, ids: Sequence[str]) -> None:
        """Note attempts to take back: they had a result, but the store was away when it should have been settled."""
        self._to_refund += ids

    def refund_attempts(self) -> None:
        """Take back the noted attempts: the store failed, not the report, so no person needs to look at it.

        Attempts of a process that died stay counted, because the report may have killed it.
        """
        if self._to_refund:
            self._store.refund_attempts(self._to_refund)
            self._to_refund = []

    def postpone(self, delivery: Delivery, error: Exception) -> None:
        """Leave the next attempt to a task of its own, because this task has little time left."""
        self._log_failure(delivery, error)
        if delivery.attempt >= self._last:
            self._bury(delivery, TIME_LIMIT, "")
        else:
            self._send([delivery.report.id], delivery.report.lane, singly=True)

    def _bury(self, delivery: Delivery, reason: str, detail: str) -> None:
        report, now_ms = delivery.report, self._now_ms()
        # The version comes from the live record, not from the ruleset: opening the ruleset may be the failure.
        version = self._rulesets.live_version(report.ruleset, report.digest) or UNKNOWN_VERSION
        identity = Identity(
            report.id,
            report.ruleset,
            version,
            report.digest,
            report.received_ms,
            now_ms,
            report.audience,
            report.amends,
        )
        full_reason = f"{reason}: {detail}" if detail else reason
        if self._store.bury(report.id, failed_result(identity, reason), full_reason, now_ms):
            log.error("report %s is a dead letter (%s): a human must look at it now", report.id, full_reason)

    def _log_failure(self, delivery: Delivery, error: Exception) -> None:
        # Only the error's class: its text may hold a patient's answers.
        log.warning("report %s: attempt %d: %s", delivery.report.id, delivery.attempt, type(error).__name__)


def describe_failure(delivery: Delivery, error: Exception) -> str:
    """Return the class of an error; for an unreadable report also the reason."""
    return type(error).__name__ + (f" ({delivery.unreadable})" if delivery.unreadable is not None else "")


def is_time_up(error: BaseException) -> bool:
    """Return True if the soft time limit caused the error; within the engine it is wrapped into an EngineError."""
    return isinstance(error, SoftTimeLimitExceeded) or (error.__cause__ is not None and is_time_up(error.__cause__))
