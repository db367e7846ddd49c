"""The Celery app: the bootstrap of worker and beat.

celery -A workers.app worker --without-gossip --without-mingle --without-heartbeat
celery -A workers.app beat
"""

from __future__ import annotations

import logging
from typing import Any

from celery import Celery
from kombu.entity import Exchange, Queue

from triage_rules.foundation.settings import Settings
from triage_rules.records.reports import Lane
from triage_rules.records.tasks import SWEEP, broker_settings
from workers import tasks
from workers.heartbeat import Heartbeat
from workers.schedule import every

TASKS_PER_CHILD = 20_000
MEMORY_PER_CHILD_KB = 512_000
SWEEPS_KEPT_SECONDS = 24 * 3600
"""Age at which an untaken sweep is dropped; long, because the clocks of beat and workers may differ by hours."""


def make_app(settings: Settings) -> Celery:
    """Make the app with its tasks, queues, schedule and heartbeat."""
    celery = Celery("workers", task_cls="workers.connection:LoudTask")
    celery.conf.update(celery_settings(settings))
    celery.conf[tasks.SETTINGS] = settings
    tasks.register(celery)
    celery.steps["consumer"].add(Heartbeat)
    # Celery's line for each task adds nothing to the records of the store.
    for name in ("celery.worker.strategy", "celery.app.trace"):
        logging.getLogger(name).setLevel(logging.WARNING)
    return celery


def celery_settings(settings: Settings) -> dict[str, Any]:
    """Return Celery's settings: late acknowledgement, only ids in messages, urgent reports first."""
    hard = settings.task_hard_seconds
    transport = {
        # The queues are read in the order below; all tasks of the first go before those of the others.
        "queue_order_strategy": "priority",
        "priority_steps": [0],
        # The tasks of a killed worker come back after this; the sweep brings the reports themselves sooner.
        "visibility_timeout": hard * (settings.max_deliveries + 1),
        "socket_connect_timeout": 2,
        "socket_timeout": 5,
        "socket_keepalive": True,
        "health_check_interval": 10,
    }
    return broker_settings(settings, **transport) | {
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "task_queues": [_queue(lane) for lane in (Lane.URGENT, Lane.NORMAL)],
        "task_default_queue": Lane.NORMAL.value,
        "task_create_missing_queues": False,
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        # A task doesn't fail: the store counts the failed attempts of its report, and ends them with a dead letter.
        "task_acks_on_failure": True,
        "task_acks_on_timeout": False,
        "task_soft_time_limit": settings.task_soft_seconds,
        "task_time_limit": hard,
        "accept_content": ["json"],
        "worker_concurrency": settings.worker_concurrency,
        "worker_prefetch_multiplier": 1,
        "worker_max_tasks_per_child": TASKS_PER_CHILD,
        "worker_max_memory_per_child": MEMORY_PER_CHILD_KB,
        "worker_enable_remote_control": False,
        "worker_send_task_events": False,
        "worker_redirect_stdouts": False,
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "enable_utc": True,
        "beat_scheduler": "celery.beat:Scheduler",  # a single entry, every few seconds, needs no file
        "beat_schedule": {
            SWEEP: {
                "task": SWEEP,
                "schedule": every(settings.sweep_seconds),
                "options": {"queue": Lane.URGENT.value, "expires": SWEEPS_KEPT_SECONDS},
            }
        },
    }


def _queue(lane: Lane) -> Queue:
    return Queue(lane.value, Exchange(lane.value), lane.value)  # type: ignore[no-untyped-call]


app = make_app(Settings.from_environment())
