"""The tasks: ids in, nothing out. Each may run twice."""

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

SETTINGS = "triage_settings"
"""Where the app's configuration keeps our own settings."""

log = logging.getLogger(__name__)


def register(app: Celery) -> None:
    """Make the tasks known to the app by their names on the wire."""
    app.task(name=EVALUATE, bind=True)(evaluate)
    app.task(name=EVALUATE_SINGLY)(evaluate_singly)
    app.task(name=EVALUATE_MANY, bind=True)(evaluate_many)
    app.task(name=SWEEP)(sweep)


def evaluate(task: Any, report_id: str) -> None:
    """Bring one report to its result, and others that wait with it."""
    lane, redelivered = _delivery(task)
    handlers().evaluate_and_more(report_id, lane, task.request.id, redelivered=redelivered)


def evaluate_singly(report_id: str) -> None:
    """Bring one report to its result."""
    handlers().evaluate(report_id)


def evaluate_many(task: Any, ids: list[str]) -> None:
    """Bring each of some reports to its result."""
    lane, redelivered = _delivery(task)
    handlers().evaluate_many(ids, lane, task.request.id, redelivered=redelivered)


def _delivery(task: Any) -> tuple[Lane, bool]:
    """The lane that its message came by, and whether it came before."""
    told = task.request.delivery_info or {}
    return Lane(told.get("routing_key", Lane.NORMAL)), bool(told.get("redelivered"))


def sweep() -> None:
    """Enqueue again what was forgotten."""
    handlers().sweep()


@functools.cache
def handlers() -> Handlers:
    """Each process makes its own, after the fork: no connection and no engine is shared."""
    settings: Settings = current_app.conf[SETTINGS]
    store = RedisStore(settings)
    rulesets = LiveRulesets(store.rulesets, second_opinion=settings.second_opinion, alarm=_disagreed)
    return Handlers(settings, store, rulesets, send, store.now_ms)


def send(ids: Sequence[str], lane: Lane, *, singly: bool = False) -> None:
    """Enqueue ids again: one as its own task, several as a chunk. What can't be sent is found by the next sweep."""
    if not ids:
        return
    one = EVALUATE_SINGLY if singly else EVALUATE
    name, argument = (one, ids[0]) if len(ids) == 1 else (EVALUATE_MANY, list(ids))
    try:
        current_app.send_task(name, args=(argument,), queue=lane.value, ignore_result=True, retry=False)
    except Exception as error:  # noqa: BLE001 - whatever the broker's client raises: the reports are in the store
        log.warning("%d reports are left to the sweep: %s", len(ids), type(error).__name__)


def _disagreed() -> None:
    log.error("the evaluators disagree on a report: its result carries the flag engine_disagreement")
