"""Reconnection of a worker that can't acknowledge a task.

Celery only logs the failure, and kombu keeps counting the message as unacknowledged. If Redis is away for a moment
while all processes are busy, the count stays at its limit: the worker asks for no more messages, never notices that
its connection is dead, and looks healthy. A test kills Redis to check that the worker recovers.
"""

from __future__ import annotations

from typing import Any

from celery.app.task import Task
from celery.worker.request import Request


class LoudRequest(Request):  # type: ignore[misc] # Celery carries no types
    """A received task whose acknowledgement errors are not caught, so the consumer gets them and reconnects.

    Its time limits are those of our settings. Celery would take them from the message, and a limit that is not a number
    would end the worker again and again, because the message comes back.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{**options, "connection_errors": ()})
        self.time_limits = (None, None)


class LoudTask(Task):  # type: ignore[misc] # as above
    """The base of all tasks."""

    abstract = True
    Request = "workers.connection:LoudRequest"
