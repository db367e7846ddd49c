"""Several reports in one task, turn by turn: what was decided is settled in the round trip that begins the next.

A task of one report takes others off its lane, so that under load neither Celery nor the store is asked for each. Only
what came to a result is settled here. Whatever is not as usual (an error, an attempt before this one, no time left)
leaves the group and is dealt with alone, after the others are settled.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from triage_rules.foundation.errors import StoreUnavailable
from triage_rules.records.reports import DecidedReport, Delivery, Lane, TakenBatch
from workers.attempts import Attempts, Send, TaskOutcome, is_time_up

CHUNK_SECONDS = 0.25
"""What takes longer goes back to the queue, so that an urgent report waits no longer than that."""

BATCH_SIZE = 32
"""Reports begun together: an urgent one that comes meanwhile waits until they are decided."""


@dataclass(slots=True)
class Unsettled:
    """What a turn could not decide: each is begun."""

    singly: list[Delivery] = field(default_factory=list)
    """Their attempt failed, or wasn't made since an earlier one didn't end."""
    to_restart: list[str] = field(default_factory=list)
    """To be begun once more: their history begins with a result of this turn, which isn't settled yet."""
    slow: tuple[Delivery, Exception] | None = None
    """The time limit struck in the midst of it."""
    later: list[Delivery] = field(default_factory=list)
    """No time was left for them."""

    def __bool__(self) -> bool:
        return bool(self.singly or self.to_restart or self.slow or self.later)


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
    """One task's reports."""

    def __init__(self, store: BatchStore, attempts: Attempts, send: Send, now_ms: Callable[[], int]) -> None:
        self._store = store
        self._attempts = attempts
        self._send = send
        self._now_ms = now_ms

    def run(self, task: str, lane: Lane, ids: Sequence[str], *, takes: bool) -> TaskOutcome:
        """Until all are ended, or no time is left.

        `takes`: the task is for the one id in `ids`, which it begins by itself, and takes others.
        Raises StoreUnavailable, DecryptionError, and what the time limit raises while the store is asked.
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
            except UnicodeDecodeError:  # the attempts are counted all the same
                self._one_by_one(done, begun, lane, task)
                self._send(waiting, lane)
                return TaskOutcome.FINISHED
            own = False
            waiting += filter(None, map(report_id_of, turn.taken))
            done, left = self._decide_each(turn.deliveries, started)
            if left:
                self._turn(done, (), holder=task, lane=lane)
                done = []
                if not self._end(left, waiting, lane):
                    return TaskOutcome.TOO_SLOW
        return TaskOutcome.FINISHED

    def _turn(self, done: Sequence[DecidedReport], ids: Sequence[str], **how: Any) -> TakenBatch:
        try:
            return self._store.take_batch(done, ids, self._now_ms(), **how)
        except StoreUnavailable:
            self._attempts.queue_refund([one.id for one in done])
            raise

    def _decide_each(self, deliveries: Sequence[Delivery], started: float) -> tuple[list[DecidedReport], Unsettled]:
        done, left = list[DecidedReport](), Unsettled()
        people: set[tuple[str, str | None]] = set()
        for number, delivery in enumerate(deliveries):
            if number and time.monotonic() - started > CHUNK_SECONDS:
                left.later += deliveries[number:]
                break
            if delivery.attempt > 1 or delivery.unreadable is not None:
                left.singly.append(delivery)
                continue
            person = (delivery.report.ruleset, delivery.report.subject)
            if person in people:
                left.to_restart.append(delivery.report.id)
                continue
            if delivery.report.subject is not None:
                people.add(person)
            try:
                result = self._attempts.decide(delivery)
            except StoreUnavailable:
                self._attempts.queue_refund([one.id for one in done])
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, it is this report's alone
                if not is_time_up(error):
                    left.singly.append(delivery)
                    continue
                left.slow = (delivery, error)
                left.later += deliveries[number + 1 :]
                break
            done.append(DecidedReport(delivery.report.id, result, delivery.history))
        return done, left

    def _end(self, left: Unsettled, waiting: Sequence[str], lane: Lane) -> bool:
        """Deal with what is left; False if there is no time for more."""
        if left.slow is not None:
            self._attempts.postpone(*left.slow)
        self._store.refund_attempts(left.to_restart)
        alone: list[tuple[str, Delivery | None]] = [(delivery.report.id, delivery) for delivery in left.singly]
        alone += [(report_id, None) for report_id in left.to_restart]
        while alone and left.slow is None:
            if self._attempts.process(*alone.pop(0)) is not TaskOutcome.FINISHED:
                break
        else:
            if left.slow is None and not left.later:
                return True
        begun = [delivery for _, delivery in alone if delivery is not None]
        self._store.refund_attempts([delivery.report.id for delivery in (*begun, *left.later)])
        ids = [*(report_id for report_id, _ in alone), *(delivery.report.id for delivery in left.later)]
        self._send([*ids, *waiting], lane)
        return False

    def _one_by_one(self, done: Sequence[DecidedReport], begun: Sequence[str], lane: Lane, task: str) -> None:
        """What is stored of one of those begun is no text; nobody knows of which. All attempts were counted."""
        self._turn(done, (), holder=task, lane=lane)
        self._store.refund_attempts(begun)
        for report_id in begun:
            self._send([report_id], lane, singly=True)


def report_id_of(message: str) -> str | None:
    """The id in a Celery message for one report; None if it has none."""
    try:
        (report_id,), *_ = json.loads(base64.b64decode(json.loads(message)["body"]))
    except (ValueError, KeyError, TypeError):
        return None
    return report_id if isinstance(report_id, str) else None
