"""A worker that can't acknowledge a task connects anew.

Celery only logs it, and kombu keeps the message on the worker's account. If Redis is away for a moment while all
processes are busy, the account is full for ever after: the worker asks for nothing any more, so it never sees that its
connection is dead, and it looks healthy. A test kills Redis to see that it recovers.
"""

from __future__ import annotations

from typing import Any

from celery.app.task import Task
from celery.worker.request import Request


class LoudRequest(Request):  # type: ignore[misc] # Celery carries no types
    """A task that was received. No error of its acknowledgement is caught, so the consumer gets it, and reconnects.

    How long it may take is for our settings to say. Celery would believe the message, and end the worker over a limit
    that is no number, again and again, since the message comes back.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{**options, "connection_errors": ()})
        self.time_limits = (None, None)


class LoudTask(Task):  # type: ignore[misc] # as above
    """The base of all tasks."""

    abstract = True
    Request = "workers.connection:LoudRequest"
