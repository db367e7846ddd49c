"""The Celery tasks by name, and the prefix of their queues' keys: shared by producer and worker."""

from __future__ import annotations

EVALUATE = "triage.evaluate"
"""Celery task: one report id. May run twice. Whoever runs it may take more of them off the queue along with it."""

EVALUATE_SINGLY = "triage.evaluate_alone"
"""Celery task: one report id that may be what ended a process, so that nothing else is in its hands. May run twice."""

EVALUATE_MANY = "triage.evaluate_many"
"""Celery task: a list of report ids. May run twice."""

SWEEP = "triage.sweep"
"""Celery task, sent by beat: enqueue again what has been pending too long."""

BROKER_KEY_PREFIX = "triage:celery:"
"""What Celery's own keys in Redis start with; producer and worker must agree (kombu's `global_keyprefix`)."""
