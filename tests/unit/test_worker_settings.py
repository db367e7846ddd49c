"""The worker's settings and its view of itself, without Redis."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from kombu import Message
from kombu.utils.imports import symbol_by_name
from kombu.utils.scheduling import cycle_by_name

from service.use.dispatch import CeleryDispatch
from triage_rules.foundation.settings import Settings
from triage_rules.records.tasks import BROKER_KEY_PREFIX, EVALUATE, SWEEP
from workers.app import celery_settings, make_app
from workers.progress import WorkerProgress
from workers.schedule import every


def test_a_task_is_acknowledged_late_and_comes_back_if_its_process_is_lost() -> None:
    """Celery's defaults lose it."""
    made = celery_settings(Settings())
    assert made["task_acks_late"]
    assert made["task_reject_on_worker_lost"]
    assert made["worker_prefetch_multiplier"] == 1
    assert made["task_soft_time_limit"] < made["task_time_limit"]
    assert made["broker_transport_options"]["visibility_timeout"] > made["task_time_limit"] * Settings().max_deliveries


def test_only_json_is_taken() -> None:
    """A pickle in Redis would be code."""
    made = celery_settings(Settings())
    assert (made["accept_content"], made["task_serializer"]) == (["json"], "json")


def test_urgent_stands_first_and_the_order_is_kept() -> None:
    """Redis' BRPOP takes from the first list that has something; kombu's default would take turns."""
    made = celery_settings(Settings())
    assert [queue.name for queue in made["task_queues"]] == ["urgent", "normal"]
    cycle = cycle_by_name(made["broker_transport_options"]["queue_order_strategy"])(["urgent", "normal"])
    cycle.rotate("urgent")
    assert cycle.consume(2) == ["urgent", "normal"]


def test_the_sweep_goes_by_the_urgent_lane_and_is_dropped_after_a_day() -> None:
    """It must not wait behind a batch. If it expired within seconds, none would run where beat's clock is behind."""
    entry = celery_settings(Settings(sweep_seconds=7))["beat_schedule"][SWEEP]
    assert entry["schedule"].run_every == timedelta(seconds=7)
    assert entry["options"] == {"queue": "urgent", "expires": 24 * 3600}


def test_service_and_workers_agree_on_the_keys_of_the_broker() -> None:
    """They may not import each other, so nothing else would notice."""
    sender = CeleryDispatch(Settings())._celery.conf["broker_transport_options"]
    worker = celery_settings(Settings())["broker_transport_options"]
    assert sender["global_keyprefix"] == worker["global_keyprefix"] == BROKER_KEY_PREFIX


NOTHING: dict[str, Any] = {"taken": 1, "held": [], "waiting": 9}


@pytest.mark.parametrize("told", [{"taken": 2}, {"held": ["a"]}, {"waiting": 0}], ids=str)
def test_a_worker_that_takes_a_task_or_has_nothing_to_do_is_not_stalled(told: dict[str, Any]) -> None:
    """It began one, received one, or is idle."""
    progress = WorkerProgress()
    assert progress.stalled_s(**NOTHING, now_s=0.0) == 0
    assert progress.stalled_s(**(NOTHING | told), now_s=50.0) == 0
    assert progress.stalled_s(**NOTHING, now_s=60.0) <= 10


def test_a_worker_that_takes_nothing_although_tasks_wait_is_stalled() -> None:
    """Its connection is dead, or its main loop hangs: that shows in nothing else."""
    progress = WorkerProgress()
    assert [progress.stalled_s(**NOTHING, now_s=now_s) for now_s in (0.0, 10.0, 20.0)] == [0, 10, 20]


def test_a_worker_whose_one_process_hangs_is_stalled_while_the_others_work() -> None:
    """A task that was handed to it is never begun, so no time limit ends it."""
    progress = WorkerProgress()
    ages = [progress.stalled_s(taken=n, held=["hangs", f"task-{n}"], waiting=0, now_s=10.0 * n) for n in range(4)]
    assert ages == [0, 10, 20, 30]


def test_an_outage_of_the_store_is_no_stall() -> None:
    """Nobody could have got anything done."""
    progress = WorkerProgress()
    progress.stalled_s(taken=1, held=["a"], waiting=9, now_s=0.0)
    progress.unknown(now_s=100.0)
    assert progress.stalled_s(taken=1, held=["a"], waiting=9, now_s=101.0) == 1


def test_beat_keeps_its_pace_whatever_the_wall_clock_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the wall clock, nothing would be sent for hours after it was set back by hours."""
    entry = every(5)
    begun = entry.now()
    now_s = time.monotonic()
    monkeypatch.setattr("workers.schedule.time.monotonic", lambda: now_s + 5.1)
    assert entry.is_due(begun).is_due


def test_a_message_has_no_say_on_how_long_its_task_may_take() -> None:
    """A limit that is no number would end the worker over and over again; none would let a task run for ever."""
    app = make_app(Settings())
    sent = {"id": "1", "task": EVALUATE, "timelimit": ["x", None]}
    message = Message(body=b"[[], {}, {}]", headers=sent, content_type="application/json", content_encoding="utf-8")
    received = symbol_by_name(app.tasks[EVALUATE].Request)(message, app=app)
    assert received.time_limits == (None, None)
