"""Dispatch of accepted reports to the workers: sends their ids, by task name, to the queue of their lane."""

from __future__ import annotations

import functools
import logging
from collections.abc import Sequence
from typing import Protocol

from celery import Celery

from service.use.task_messages import TaskMessage
from triage_rules.foundation.settings import Settings
from triage_rules.records.reports import Lane
from triage_rules.records.tasks import EVALUATE, EVALUATE_MANY, broker_settings

CONNECT_SECONDS = 1.0
ANSWER_SECONDS = 2.0
"""Maximum time that a client waits until its accepted report is enqueued; after that the sweep enqueues it."""

log = logging.getLogger(__name__)


class Dispatch(Protocol):
    """The way from intake to the workers. Never raises: the sweep enqueues reports that it failed to send."""

    def __call__(self, ids: Sequence[str], lane: Lane) -> None: ...

    def written(self, report_id: str, lane: Lane) -> str:
        """Return the message for this report, which the store enqueues in the step that stores the report."""
        ...


class CeleryDispatch:
    """A Celery client that only sends. Thread-safe; connects at the first send."""

    def __init__(self, settings: Settings) -> None:
        self._chunk = settings.batch_chunk
        self._celery = Celery("service", set_as_current=False)
        limits = {"socket_connect_timeout": CONNECT_SECONDS, "socket_timeout": ANSWER_SECONDS, "max_retries": 0}
        self._celery.conf.update(broker_settings(settings, **limits))
        self._text_of = functools.cache(TaskMessage)

    def __call__(self, ids: Sequence[str], lane: Lane) -> None:
        """Send `ids`: a single id as a task of its own, several ids in chunks."""
        try:
            if len(ids) == 1:
                self._send(EVALUATE, ids[0], lane)
                return
            for start in range(0, len(ids), self._chunk):
                self._send(EVALUATE_MANY, list(ids[start : start + self._chunk]), lane)
        except Exception as error:  # noqa: BLE001  # any error: the reports are accepted, the sweep enqueues them
            log.warning("enqueueing failed, the sweep will enqueue the reports: %s", type(error).__name__)

    def written(self, report_id: str, lane: Lane) -> str:
        """Return the message as the queue holds it; the broker is the store's own Redis."""
        return self._text_of(lane)(report_id)

    def _send(self, task: str, argument: object, lane: Lane) -> None:
        self._celery.send_task(task, args=(argument,), queue=lane.value, ignore_result=True, retry=False)
