"""Hands accepted reports to the workers: their ids, by task name, into the queue of their lane."""

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
"""How long the client of an accepted report is kept waiting at most for its enqueueing; the sweep makes up for it."""

log = logging.getLogger(__name__)


class Dispatch(Protocol):
    """How intake tells the workers. Never raises: what it fails to tell of, the sweep will find."""

    def __call__(self, ids: Sequence[str], lane: Lane) -> None: ...

    def written(self, report_id: str, lane: Lane) -> str:
        """The message that would be sent of this report, for the store to enqueue in the step that stores it."""
        ...


class CeleryDispatch:
    """A Celery client that only sends. May be shared by threads; connects at the first send."""

    def __init__(self, settings: Settings) -> None:
        self._chunk = settings.batch_chunk
        self._celery = Celery("service", set_as_current=False)
        limits = {"socket_connect_timeout": CONNECT_SECONDS, "socket_timeout": ANSWER_SECONDS, "max_retries": 0}
        self._celery.conf.update(broker_settings(settings, **limits))
        self._text_of = functools.cache(TaskMessage)

    def __call__(self, ids: Sequence[str], lane: Lane) -> None:
        """Send `ids`: a single one as its own task, several in chunks."""
        try:
            if len(ids) == 1:
                self._send(EVALUATE, ids[0], lane)
                return
            for start in range(0, len(ids), self._chunk):
                self._send(EVALUATE_MANY, list(ids[start : start + self._chunk]), lane)
        except Exception as error:  # noqa: BLE001  # whatever it is: they are accepted, the sweep brings them
            log.warning("enqueueing failed, the sweep will bring the reports: %s", type(error).__name__)

    def written(self, report_id: str, lane: Lane) -> str:
        """As the queue holds it: the broker is the store's own Redis."""
        return self._text_of(lane)(report_id)

    def _send(self, task: str, argument: object, lane: Lane) -> None:
        self._celery.send_task(task, args=(argument,), queue=lane.value, ignore_result=True, retry=False)
