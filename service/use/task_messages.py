"""Celery's message for a report as it stands in the queue in Redis, stored there together with the report.

Celery and kombu make a message once, without a server; only the ids differ between reports. Letting them make each
message would take longer than everything else in accepting a report.
"""

from __future__ import annotations

import base64
import uuid
from typing import Any

from celery import Celery
from kombu.utils.json import dumps

from triage_rules.records.reports import Lane
from triage_rules.records.tasks import EVALUATE

_REPORT, _TASK, _TAG, _BODY = (f"the-{part}-of-a-task" for part in ("report", "id", "tag", "body"))


class TaskMessage:
    """A template for the messages of a lane: `TaskMessage(lane)(report_id)`. Thread-safe."""

    def __init__(self, lane: Lane) -> None:
        message = _message(lane)
        self._body = base64.b64decode(message["body"]).decode()
        message["body"] = _BODY
        message["properties"]["delivery_tag"] = _TAG
        self._text: str = dumps(message)  # type: ignore[no-untyped-call]

    def __call__(self, report_id: str) -> str:
        """Return the message that brings a report to a worker, with a new task id and tag."""
        body = base64.b64encode(self._body.replace(_REPORT, report_id).encode()).decode()
        text = self._text.replace(_BODY, body).replace(_REPORT, report_id)
        return text.replace(_TASK, str(uuid.uuid4())).replace(_TAG, str(uuid.uuid4()))


def _message(lane: Lane) -> dict[str, Any]:
    """Return a message as kombu puts it into a queue; its in-memory transport makes the same as its Redis one."""
    celery = Celery("service", broker="memory://", set_as_current=False)
    celery.conf.update(task_serializer="json", task_ignore_result=True)
    with celery.connection_for_write() as connection:
        celery.send_task(
            EVALUATE, args=(_REPORT,), task_id=_TASK, queue=lane.value, connection=connection, ignore_result=True
        )
        message: dict[str, Any] = connection.default_channel._get(lane.value)  # noqa: SLF001 - basic_get takes it apart
    return message
