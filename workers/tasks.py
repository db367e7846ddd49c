"""Celery tasks: report ids in, nothing out; each may run twice.

A report is evaluated in these steps, in reading order:

tasks.evaluate                     a message arrives with a report id
  handlers.Handlers.evaluate         refund attempts; survive store outages and time limits; split up after a crash
    batch.Batch.run                    begin up to 32 reports of the lane; settle the decided in the same round trip
      attempts.Attempts.decide           one report: load its ruleset, call its evaluator
    attempts.Attempts.process          reports that failed in the batch: one by one, retried, at last buried
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Sequence
from typing import Any

from celery import Celery, current_app

from triage_rules.deployment.live import LiveRulesets
from triage_rules.foundation.settings import Settings
from triage_rules.records.reports import Lane
from triage_rules.records.tasks import EVALUATE, EVALUATE_MANY, EVALUATE_SINGLY, SWEEP
from triage_rules.store.redis import RedisStore
from workers.handlers import Handlers
from workers.parts import WorkerParts

SETTINGS = "triage_settings"
"""Key of our own settings in the app's configuration."""

log = logging.getLogger(__name__)


def register(app: Celery) -> None:
    """Register the tasks with the app by their names on the wire."""
    app.task(name=EVALUATE, bind=True)(evaluate)
    app.task(name=EVALUATE_SINGLY)(evaluate_singly)
    app.task(name=EVALUATE_MANY, bind=True)(evaluate_many)
    app.task(name=SWEEP)(sweep)


def evaluate(task: Any, report_id: str) -> None:
    """Evaluate a report, and others that wait in its lane."""
    lane, redelivered = delivery_of(task)
    handlers().evaluate(report_id, lane, task.request.id, redelivered=redelivered)


def evaluate_singly(report_id: str) -> None:
    """Evaluate only this report."""
    handlers().evaluate_singly(report_id)


def evaluate_many(task: Any, ids: list[str]) -> None:
    """Evaluate several reports."""
    lane, redelivered = delivery_of(task)
    handlers().evaluate_many(ids, lane, task.request.id, redelivered=redelivered)


def delivery_of(task: Any) -> tuple[Lane, bool]:
    """Return the lane of a task's message, and whether the message was redelivered."""
    delivery_info = task.request.delivery_info or {}
    return Lane(delivery_info.get("routing_key", Lane.NORMAL)), bool(delivery_info.get("redelivered"))


def sweep() -> None:
    """Enqueue overdue reports again."""
    handlers().sweep()


@functools.cache
def handlers() -> Handlers:
    """Make the handlers of this process, after the fork, so that no connection and no engine is shared."""
    settings: Settings = current_app.conf[SETTINGS]
    store = RedisStore(settings)
    rulesets = LiveRulesets(
        store.rulesets,
        second_opinion=settings.second_opinion,
        alarm=_disagreed,
        contacts=settings.contact_choice,
    )
    return Handlers(WorkerParts(settings, store, rulesets, send, store.now_ms))


def send(ids: Sequence[str], lane: Lane, *, singly: bool = False) -> None:
    """Enqueue ids again: a single id as a task of its own, several as a chunk. The sweep enqueues those that fail."""
    if not ids:
        return
    single_task = EVALUATE_SINGLY if singly else EVALUATE
    name, argument = (single_task, ids[0]) if len(ids) == 1 else (EVALUATE_MANY, list(ids))
    try:
        current_app.send_task(name, args=(argument,), queue=lane.value, ignore_result=True, retry=False)
    except Exception as error:  # noqa: BLE001 - any error of the broker's client: the reports are in the store
        log.warning("%d reports are left to the sweep: %s", len(ids), type(error).__name__)


def _disagreed() -> None:
    log.error("the evaluators disagree on a report: its result carries the flag engine_disagreement")
