"""The Celery tasks by name, and the prefix of their queues' keys: shared by producer and worker."""

from __future__ import annotations

EVALUATE = "triage.evaluate"
"""Celery task: one report id. May run twice. The worker may take further tasks off the queue with it."""

EVALUATE_SINGLY = "triage.evaluate_alone"
"""Celery task: one report id that may have ended a process, so it is evaluated by itself. May run twice."""

EVALUATE_MANY = "triage.evaluate_many"
"""Celery task: a list of report ids. May run twice."""

SWEEP = "triage.sweep"
"""Celery task, sent by beat: enqueue reports again that have been pending too long."""

BROKER_KEY_PREFIX = "triage:celery:"
"""The prefix of Celery's keys in Redis; producer and worker must agree (kombu's `global_keyprefix`)."""
