"""A worker whose connection to the broker is broken notices, and connects anew.

Kombu only logs an acknowledgement that can't be delivered, and keeps the message on the worker's account. If Redis is
away for a moment while all processes are busy, the account is full for ever after: the worker asks for nothing any
more, so it never sees that its connection is dead, and it looks healthy. A test kills Redis to see that it recovers.
"""

from __future__ import annotations

from typing import Any

from celery.app.task import Task
from celery.worker.request import Request

CHECK_SECONDS = 1.0


class BrokenConnection(ConnectionResetError):
    """The connection to the broker must be made anew. Celery's consumer takes it for a lost one, which it is."""


class _Account:
    """Of this process: whether a message could not be acknowledged since the last connection was made."""

    broken = False


def connected() -> None:
    """A new connection starts with an empty account."""
    _Account.broken = False


def check() -> None:
    """Raise BrokenConnection if a message could not be acknowledged. For a timer of the consumer's loop."""
    if _Account.broken:
        raise BrokenConnection("a task could not be acknowledged")


class WatchedRequest(Request):  # type: ignore[misc] # Celery carries no types
    """A task that was received; it tells if its acknowledgement failed."""

    def acknowledge(self) -> None:
        """As Celery does, which doesn't raise if it can't."""
        super().acknowledge()
        self._look(self._message)

    def reject(self, requeue: bool = False) -> None:
        """As Celery does, which doesn't raise if it can't."""
        super().reject(requeue)
        self._look(self._message)

    @staticmethod
    def _look(message: Any) -> None:
        _Account.broken = _Account.broken or not message.acknowledged


class WatchedTask(Task):  # type: ignore[misc] # as above
    """The base of all tasks."""

    abstract = True
    Request = "workers.connection:WatchedRequest"
