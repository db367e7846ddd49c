"""One report at a time: begin, evaluate, settle or bury. May be repeated at any point, by anyone."""

from __future__ import annotations

import enum
import logging
import time
from collections.abc import Callable, Sequence

from celery.exceptions import SoftTimeLimitExceeded

from triage_rules.errors import LedgerUnavailable, SealError
from triage_rules.ledger import Ledger
from triage_rules.messages import Delivery, Lane
from triage_rules.results import Identity, failed_result
from triage_rules.rulesets_live import LiveRulesets
from triage_rules.settings import Settings

WORKER_LOST = "worker_lost"
"""The process died each time, or was killed for taking too long."""

TIME_LIMIT = "time_limit"
EVALUATION_FAILED = "evaluation_failed"

CHUNK_SECONDS = 0.25
"""A chunk that takes longer goes back to the queue, so that an urgent report waits no longer than that."""

BACKOFF_SECONDS = (0.05, 0.1, 0.2, 0.4)
"""Between attempts after an error. Short: most errors are for good, and then a human must be told soon."""

SWEEP_LIMIT = 1_000
UNKNOWN_VERSION = "unknown"

log = logging.getLogger(__name__)


class Outcome(enum.Enum):
    """What became of a report in this task."""

    FINISHED = enum.auto()
    """Settled or buried, here or by another."""
    LEFT = enum.auto()
    """The ledger is away, or encrypted under other keys: the sweep will bring the report again."""
    TOO_SLOW = enum.auto()
    """Interrupted by the time limit; sent to the queue again."""


class UnreadableReport(Exception):
    """What is stored of the report can't be read, so nothing can decide it."""


class Handling:
    """What the tasks do. `send` enqueues ids into a lane again and never raises."""

    def __init__(
        self,
        settings: Settings,
        ledger: Ledger,
        rulesets: LiveRulesets,
        send: Callable[[Sequence[str], Lane], None],
        now_ms: Callable[[], int],
    ) -> None:
        self._settings = settings
        self._ledger = ledger
        self._rulesets = rulesets
        self._send = send
        self._now_ms = now_ms
        self._excused: list[str] = []

    def evaluate(self, report_id: str) -> Outcome:
        """Bring one report to its result. Raises nothing but what ends the process."""
        try:
            self._excuse()
            return self._evaluate(report_id)
        except (LedgerUnavailable, SealError) as error:
            log.warning("report %s is left to the sweep: %s", report_id, error)
            return Outcome.LEFT
        except SoftTimeLimitExceeded:
            log.warning("report %s is left to the sweep: the time limit struck while Redis was asked", report_id)
            return Outcome.LEFT

    def evaluate_many(self, ids: Sequence[str], lane: Lane, *, redelivered: bool) -> None:
        """Each in turn. After a crash each goes alone, so that one poisonous report takes no other with it."""
        if redelivered:
            for report_id in ids:
                self._send([report_id], lane)
            return
        started = time.monotonic()
        for done, report_id in enumerate(ids):
            if time.monotonic() - started > CHUNK_SECONDS:
                self._send(ids[done:], lane)
                return
            outcome = self.evaluate(report_id)
            if outcome is Outcome.TOO_SLOW:
                self._send(ids[done + 1 :], lane)
            if outcome is not Outcome.FINISHED:
                return

    def sweep(self) -> int:
        """Enqueue again what was forgotten, urgent ones singly; drop what is past its retention. How many enqueued."""
        try:
            found = self._ledger.overdue(self._now_ms(), self._settings.pending_seconds * 1000, SWEEP_LIMIT)
            for report_id, lane in found:
                if lane == Lane.URGENT:
                    self._send([report_id], Lane.URGENT)
            normal, size = [report_id for report_id, lane in found if lane != Lane.URGENT], self._settings.batch_chunk
            for start in range(0, len(normal), size):
                self._send(normal[start : start + size], Lane.NORMAL)
            self._ledger.trim(self._now_ms())
        except LedgerUnavailable as error:
            log.warning("no sweep: %s", error)
            return 0
        if found:
            log.warning("%d reports had waited too long and were enqueued again", len(found))
        return len(found)

    def _evaluate(self, report_id: str) -> Outcome:
        last = self._settings.max_deliveries
        while (delivery := self._ledger.begin(report_id, self._now_ms())) is not None:
            if delivery.attempt > last:
                self._bury(delivery, WORKER_LOST, "")
                break
            try:
                self._decide(delivery)
                break
            except LedgerUnavailable:
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, the report must not be lost by it
                if _time_is_up(error):
                    return self._too_slow(delivery, error)
                self._log_failure(delivery, error)
                if delivery.attempt == last:
                    self._bury(delivery, EVALUATION_FAILED, _told(delivery, error))
                    break
            time.sleep(BACKOFF_SECONDS[min(delivery.attempt, len(BACKOFF_SECONDS)) - 1])
        return Outcome.FINISHED

    def _decide(self, delivery: Delivery) -> None:
        if delivery.unreadable is not None:
            raise UnreadableReport
        report = delivery.report
        loaded = self._rulesets.by_digest(report.digest)
        result = loaded.evaluator.evaluate(
            report.findings,
            delivery.history,
            report_id=report.id,
            received_ms=report.received_ms,
            evaluated_ms=self._now_ms(),
        )
        try:
            self._ledger.settle(report.id, result, self._now_ms(), delivery.history)
        except LedgerUnavailable:
            self._excused.append(report.id)
            raise

    def _excuse(self) -> None:
        """Take back attempts that came to a result: what failed was the store, and no human need look for that.

        A process that died can't say so; those attempts stay counted, since the report may be what killed it.
        """
        while self._excused:
            self._ledger.excuse(self._excused[-1])
            self._excused.pop()

    def _too_slow(self, delivery: Delivery, error: Exception) -> Outcome:
        """The task has little time left, so the next attempt is a task of its own."""
        self._log_failure(delivery, error)
        if delivery.attempt >= self._settings.max_deliveries:
            self._bury(delivery, TIME_LIMIT, "")
        else:
            self._send([delivery.report.id], delivery.report.lane)
        return Outcome.TOO_SLOW

    def _bury(self, delivery: Delivery, reason: str, detail: str) -> None:
        report, now_ms = delivery.report, self._now_ms()
        # The ruleset isn't opened for its version: opening it may be what fails.
        live = self._ledger.live().get(report.ruleset)
        version = live.version if live is not None and live.digest == report.digest else UNKNOWN_VERSION
        identity = Identity(report.id, report.ruleset, version, report.digest, report.received_ms, now_ms)
        told = f"{reason}: {detail}" if detail else reason
        if self._ledger.bury(report.id, failed_result(identity, reason), told, now_ms):
            log.error("report %s is a dead letter (%s): a human must look at it now", report.id, told)

    def _log_failure(self, delivery: Delivery, error: Exception) -> None:
        # Only the class: the text of an error may hold a patient's answers.
        log.warning("report %s: attempt %d: %s", delivery.report.id, delivery.attempt, type(error).__name__)


def _told(delivery: Delivery, error: Exception) -> str:
    """What failed, by its class alone; for a report that can't be read also why."""
    return type(error).__name__ + (f" ({delivery.unreadable})" if delivery.unreadable is not None else "")


def _time_is_up(error: BaseException) -> bool:
    """Whether the soft time limit struck. The engine's door turns what happens within into an EngineError."""
    return isinstance(error, SoftTimeLimitExceeded) or (error.__cause__ is not None and _time_is_up(error.__cause__))
