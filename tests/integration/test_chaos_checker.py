"""The checker of the fault campaign misses nothing: each broken promise that is made up here is named."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis

from tests.campaigns.chaos.checker import Checker
from tests.campaigns.chaos.clients import Job, Notes
from tests.campaigns.chaos.reports import glass_test
from tests.support.actors import TESTER
from tests.support.reports import posted
from tests.support.services.http_calls import Worker
from triage_rules.store.redis import RedisStore

GROUP = "ward-a"
RESULTS = "triage:results"


@dataclass
class Quiet:
    """A run that kept all promises, before something is broken in it."""

    client: redis.Redis
    jobs: list[Job]
    notes: Notes
    handled: dict[str, Path]

    @property
    def ids(self) -> list[str]:
        return [ids[0] for ids in self.notes.told.values()]

    def entry(self) -> tuple[str, dict[str, str]]:
        found: tuple[str, dict[str, str]] = self.client.xrange(RESULTS, count=1)[0]
        return found

    def violations(self) -> list[str]:
        return Checker(self.client, [glass_test().bundle], self.jobs, self.notes, self.handled).violations()


@pytest.fixture
def quiet(store: RedisStore, redis_client: redis.Redis, tmp_path: Path) -> Quiet:
    """Four reports of one subject, accepted, decided, handled."""
    posting = glass_test()
    bundle = posting.bundle
    store.rulesets.deploy(
        bundle.name, bundle.version, bundle.digest, bundle.data, time.time_ns() // 1_000_000, by=TESTER
    )
    jobs = [Job(f"k{n}", ({**posting.pool[n], "subject": "p"},), gives_up=False, twice=False) for n in range(4)]
    notes, worker = Notes(tmp_path / "told"), Worker(store, bundle)
    redis_client.xgroup_create(RESULTS, GROUP, id="0", mkstream=True)
    for job in jobs:
        report = posted(bundle, job.reports[0]["findings"], subject="p")
        store.reports.accept(report)
        notes.tell(job.lines[0], report.id)
        worker.decide(report.id)
    handled = tmp_path / GROUP
    handled.write_text("\n".join(ids[0] for ids in notes.told.values()))
    return Quiet(redis_client, jobs, notes, {GROUP: handled})


def test_kept_promises_are_no_violations(quiet: Quiet) -> None:
    """Else nobody would believe the others."""
    assert quiet.violations() == []


def lose_an_event(quiet: Quiet) -> None:
    quiet.client.xdel(RESULTS, quiet.entry()[0])


def double_an_event(quiet: Quiet) -> None:
    quiet.client.xadd(RESULTS, quiet.entry()[1])


def publish_what_nobody_was_told_of(quiet: Quiet) -> None:
    quiet.notes.told.popitem()


def tell_two_ids(quiet: Quiet) -> None:
    quiet.notes.tell("k0 1", "another")


def tell_one_id_twice(quiet: Quiet) -> None:
    quiet.notes.tell("k0 1", quiet.ids[1])


def leave_an_event_to_nobody(quiet: Quiet) -> None:
    quiet.handled[GROUP].write_text("\n".join(quiet.ids[1:]))


def publish_another_level(quiet: Quiet) -> None:
    entry_id, fields = quiet.entry()
    result = json.loads(fields["data"]) | {"level": "routine", "rules": []}
    quiet.client.hset(f"triage:report:{result['id']}", "result", json.dumps(result))
    quiet.client.xdel(RESULTS, entry_id)
    quiet.client.xadd(RESULTS, fields | {"data": json.dumps(result)})


def store_another_result(quiet: Quiet) -> None:
    quiet.client.hset(f"triage:report:{quiet.ids[0]}", "result", "{}")


def count_a_report_twice(quiet: Quiet) -> None:
    quiet.client.hincrby(f"triage:report:{quiet.ids[3]}", "reports_last_48h", 1)


def leave_one_pending(quiet: Quiet) -> None:
    quiet.client.zadd("triage:pending", {"one": 1})


def leave_a_dead_letter(quiet: Quiet) -> None:
    quiet.client.xadd(f"triage:dead:{GROUP}", {"dead_reason": "made up"})


def answer_500(quiet: Quiet) -> None:
    quiet.notes.answers["500"] += 1


@pytest.mark.parametrize(
    ("broken", "named"),
    [
        (lose_an_event, "(lost)"),
        (double_an_event, "(doubled)"),
        (publish_what_nobody_was_told_of, "no client can learn of"),
        (tell_two_ids, "two ids for one key"),
        (tell_one_id_twice, "two keys were told one id"),
        (leave_an_event_to_nobody, f"group {GROUP} never handled"),
        (publish_another_level, "differs from its replay"),
        (store_another_result, "stored and published differ"),
        (count_a_report_twice, "not counted once each"),
        (leave_one_pending, "triage:pending (1)"),
        (leave_a_dead_letter, f"triage:dead:{GROUP} (1)"),
        (answer_500, "an answer was: 500"),
    ],
)
def test_a_broken_promise_is_named(quiet: Quiet, broken: Callable[[Quiet], None], named: str) -> None:
    """A campaign whose checker sees nothing would prove nothing."""
    broken(quiet)
    assert any(named in violation for violation in quiet.violations()), quiet.violations()
