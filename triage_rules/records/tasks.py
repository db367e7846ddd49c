"""Celery tasks by name, and the settings of their broker: shared by producer and worker."""

from __future__ import annotations

from typing import Any

from triage_rules.foundation.settings import Settings

EVALUATE = "triage.evaluate"
"""Celery task: one report id. May run twice. The worker may take further tasks off the queue with it."""

EVALUATE_SINGLY = "triage.evaluate_alone"
"""Celery task: one report id that may have ended a process, so it is evaluated by itself. May run twice."""

EVALUATE_MANY = "triage.evaluate_many"
"""Celery task: a list of report ids. May run twice."""

SWEEP = "triage.sweep"
"""Celery task, sent by beat: enqueue reports again that have been pending too long."""

BROKER_KEY_PREFIX = "triage:celery:"
"""The prefix of Celery's keys in Redis (kombu's `global_keyprefix`)."""


def broker_settings(settings: Settings, **transport: Any) -> dict[str, Any]:
    """Return the Celery settings in which producer and worker must agree.

    transport: more options of kombu's Redis transport, such as time limits, which may differ.
    """
    return {
        "broker_url": settings.broker_url,
        "broker_transport_options": {"global_keyprefix": BROKER_KEY_PREFIX, **transport},
        "task_serializer": "json",
        "task_ignore_result": True,
    }
