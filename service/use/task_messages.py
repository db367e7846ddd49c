"""Celery's message for one report as it stands in the queue in Redis, to be written there with the report.

Celery and kombu make a message once, without a server; in it only the ids differ from report to report. To make each
anew takes them longer than all else that is done to accept a report.
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
    """Writes the messages of one lane: `TaskMessage(lane)(report_id)`. May be shared by threads."""

    def __init__(self, lane: Lane) -> None:
        message = _message(lane)
        self._body = base64.b64decode(message["body"]).decode()
        message["body"] = _BODY
        message["properties"]["delivery_tag"] = _TAG
        self._text: str = dumps(message)  # type: ignore[no-untyped-call]

    def __call__(self, report_id: str) -> str:
        """The message that brings that report to a worker; each has a task's id and a tag of its own."""
        body = base64.b64encode(self._body.replace(_REPORT, report_id).encode()).decode()
        text = self._text.replace(_BODY, body).replace(_REPORT, report_id)
        return text.replace(_TASK, str(uuid.uuid4())).replace(_TAG, str(uuid.uuid4()))


def _message(lane: Lane) -> dict[str, Any]:
    """As kombu puts it into a queue: its transport in memory differs from that for Redis in nothing before that."""
    celery = Celery("service", broker="memory://", set_as_current=False)
    celery.conf.update(task_serializer="json", task_ignore_result=True)
    with celery.connection_for_write() as connection:
        celery.send_task(
            EVALUATE, args=(_REPORT,), task_id=_TASK, queue=lane.value, connection=connection, ignore_result=True
        )
        message: dict[str, Any] = connection.default_channel._get(lane.value)  # noqa: SLF001 - basic_get takes it apart
    return message
