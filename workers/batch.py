"""Several reports in a task, in turns: each round trip settles the decided reports and begins the next.

A task for a single report takes others off its lane, so under load Celery and the store are not called for each report.
Only reports with a result are settled in a turn. All others (an error, an earlier attempt, no time left) leave the
batch and are processed one by one, after the rest is settled.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from triage_rules.foundation.errors import StoreUnavailable
from triage_rules.records.reports import DecidedReport, Delivery, Lane, TakenBatch
from workers.attempts import Attempts, TaskOutcome, is_time_up
from workers.parts import WorkerParts

CHUNK_SECONDS = 0.25
"""Maximum time of a batch; the rest goes back to the queue, or urgent reports would wait longer."""

BATCH_SIZE = 32
"""Number of reports begun together; an urgent report that arrives meanwhile waits until they are decided."""


@dataclass(slots=True)
class Unsettled:
    """The begun reports that a turn could not decide."""

    to_retry: list[Delivery] = field(default_factory=list)
    """Reports whose attempt failed, that had an earlier attempt, or that can't be read."""
    to_restart: list[str] = field(default_factory=list)
    """Reports to begin again, because their history needs a result of this turn, which isn't settled yet."""
    interrupted: tuple[Delivery, Exception] | None = None
    """The report that the time limit interrupted."""
    to_return: list[Delivery] = field(default_factory=list)
    """Reports for which no time was left."""

    def __bool__(self) -> bool:
        return bool(self.to_retry or self.to_restart or self.interrupted or self.to_return)


class BatchStore(Protocol):
    """The steps of the store that a batch needs; `store.work.Work` has them."""

    def take_batch(  # noqa: PLR0913 - all but three by name
        self,
        done: Sequence[DecidedReport],
        ids: Sequence[str],
        now_ms: int,
        *,
        holder: str,
        lane: Lane,
        most: int = 0,
        hold: bool = True,
    ) -> TakenBatch:
        """Settle `done`, begin `ids`, and take up to `most` messages off the lane's queue, in one round trip."""
        ...

    def refund_attempts(self, ids: Sequence[str]) -> None:
        """Take back one attempt of each report."""
        ...


class Batch:
    """The reports of a task."""

    def __init__(self, parts: WorkerParts, attempts: Attempts) -> None:
        self._store: BatchStore = parts.store.work
        self._attempts = attempts
        self._send = parts.send
        self._now_ms = parts.now_ms

    def run(self, task: str, lane: Lane, ids: Sequence[str], *, takes: bool) -> TaskOutcome:
        """Evaluate the reports until all are finished or no time is left.

        `takes`: `ids` is a single id, begun by itself; the task then takes other reports off the lane.

        Raises:
            StoreUnavailable, DecryptionError: If the store fails.
            SoftTimeLimitExceeded: If the time limit strikes in a call of the store.

        """
        started, waiting, done = time.monotonic(), list(ids), list[DecidedReport]()
        own = takes
        while waiting or done:
            late = time.monotonic() - started > CHUNK_SECONDS
            if late and waiting and not takes:
                self._send(waiting, lane)
                waiting = []
            begun, waiting = waiting[:BATCH_SIZE], waiting[BATCH_SIZE:]
            most = BATCH_SIZE if takes and not late else 0
            try:
                turn = self._turn(done, begun, holder=task, lane=lane, most=most, hold=not own)
            except UnicodeDecodeError:  # the attempts are counted anyway
                self._split(done, begun, lane, task)
                self._send(waiting, lane)
                return TaskOutcome.FINISHED
            own = False
            waiting += self._refunded(turn.changed)
            waiting += filter(None, map(report_id_of, turn.taken))
            done, unsettled = self._decide_each(turn.deliveries, started)
            if unsettled:
                turn = self._turn(done, (), holder=task, lane=lane)
                waiting += self._refunded(turn.changed)
                done = []
                if not self._process_unsettled(unsettled, waiting, lane):
                    return TaskOutcome.TOO_SLOW
        return TaskOutcome.FINISHED

    def _turn(self, done: Sequence[DecidedReport], ids: Sequence[str], **options: Any) -> TakenBatch:
        try:
            return self._store.take_batch(done, ids, self._now_ms(), **options)
        except StoreUnavailable:
            self._attempts.queue_refund([report.id for report in done])
            raise

    def _decide_each(self, deliveries: Sequence[Delivery], started: float) -> tuple[list[DecidedReport], Unsettled]:
        done, unsettled = list[DecidedReport](), Unsettled()
        people: set[tuple[str, str | None]] = set()
        for number, delivery in enumerate(deliveries):
            if number and time.monotonic() - started > CHUNK_SECONDS:
                unsettled.to_return += deliveries[number:]
                break
            if delivery.attempt > 1 or delivery.unreadable is not None:
                unsettled.to_retry.append(delivery)
                continue
            person = (delivery.report.ruleset, delivery.report.subject)
            if person in people:
                unsettled.to_restart.append(delivery.report.id)
                continue
            if delivery.report.subject is not None:
                people.add(person)
            try:
                decided = self._attempts.decide(delivery)
            except StoreUnavailable:
                self._attempts.queue_refund([report.id for report in done])
                raise
            except Exception as error:  # noqa: BLE001 - any error concerns only this report
                if not is_time_up(error):
                    unsettled.to_retry.append(delivery)
                    continue
                unsettled.interrupted = (delivery, error)
                unsettled.to_return += deliveries[number + 1 :]
                break
            done.append(decided)
        return done, unsettled

    def _refunded(self, ids: Sequence[str]) -> Sequence[str]:
        """Take back an attempt of each report, because its chain changed, not because it failed; return the ids."""
        if ids:
            self._store.refund_attempts(ids)
        return ids

    def _process_unsettled(self, unsettled: Unsettled, waiting: Sequence[str], lane: Lane) -> bool:
        """Process the reports that a turn could not decide one by one; return False if no time is left."""
        is_interrupted = unsettled.interrupted is not None
        if unsettled.interrupted is not None:
            self._attempts.postpone(*unsettled.interrupted)
        self._store.refund_attempts(unsettled.to_restart)
        remaining: list[tuple[str, Delivery | None]] = [
            (delivery.report.id, delivery) for delivery in unsettled.to_retry
        ]
        remaining += [(report_id, None) for report_id in unsettled.to_restart]
        while remaining and not is_interrupted:
            if self._attempts.process(*remaining.pop(0)) is not TaskOutcome.FINISHED:
                break
        else:
            if not is_interrupted and not unsettled.to_return:
                return True
        begun = [delivery for _, delivery in remaining if delivery is not None]
        self._store.refund_attempts([delivery.report.id for delivery in (*begun, *unsettled.to_return)])
        ids = [*(report_id for report_id, _ in remaining), *(delivery.report.id for delivery in unsettled.to_return)]
        self._send([*ids, *waiting], lane)
        return False

    def _split(self, done: Sequence[DecidedReport], begun: Sequence[str], lane: Lane, task: str) -> None:
        """Send each begun report to a task of its own: one is stored as invalid text, and which one is unknown."""
        changed = self._turn(done, (), holder=task, lane=lane).changed
        self._send(self._refunded(changed), lane)
        self._store.refund_attempts(begun)
        for report_id in begun:
            self._send([report_id], lane, singly=True)


def report_id_of(message: str) -> str | None:
    """Return the id in a Celery message for a single report; None for other messages."""
    try:
        (report_id,), *_ = json.loads(base64.b64decode(json.loads(message)["body"]))
    except (ValueError, KeyError, TypeError):
        return None
    return report_id if isinstance(report_id, str) else None
