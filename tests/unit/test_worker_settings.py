"""The worker's settings and its view of itself, without Redis."""

from __future__ import annotations

import pytest
from kombu.utils.scheduling import cycle_by_name

from service.dispatch import CeleryDispatch
from triage_rules.messages import BROKER_KEY_PREFIX, SWEEP
from triage_rules.settings import Settings
from workers.app import celery_settings
from workers.heartbeat import Progress


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


def test_the_sweep_goes_by_the_urgent_lane_and_does_not_pile_up() -> None:
    """It must not wait behind a batch; and while no worker is there, old ones are worth nothing."""
    entry = celery_settings(Settings(sweep_seconds=7))["beat_schedule"][SWEEP]
    assert (entry["schedule"], entry["options"]) == (7, {"queue": "urgent", "expires": 7})


def test_service_and_workers_agree_on_the_keys_of_the_broker() -> None:
    """They may not import each other, so nothing else would notice."""
    sender = CeleryDispatch(Settings())._celery.conf["broker_transport_options"]
    worker = celery_settings(Settings())["broker_transport_options"]
    assert sender["global_keyprefix"] == worker["global_keyprefix"] == BROKER_KEY_PREFIX


@pytest.mark.parametrize("options", [{"taken": 2}, {"busy": True}, {"oldest_ms": 9_000}])
def test_a_worker_with_something_to_show_is_not_stuck(options: dict[str, int]) -> None:
    """It took a task, or works on one, or nothing has waited for long."""
    progress = Progress(pending_seconds=5)
    told = {"taken": 1, "busy": False, "oldest_ms": 99_000}
    assert not progress.stuck(**told, now_s=0.0)
    assert not progress.stuck(**(told | options), now_s=11.0)
    assert not progress.stuck(**(told | options), now_s=20.0)


def test_a_worker_that_takes_nothing_although_reports_wait_is_stuck() -> None:
    """A connection that is open but dead shows in nothing else."""
    progress = Progress(pending_seconds=5)
    told = {"taken": 1, "busy": False, "oldest_ms": 99_000}
    assert not progress.stuck(**told, now_s=0.0)
    assert not progress.stuck(**told, now_s=10.0)
    assert progress.stuck(**told, now_s=10.1)
