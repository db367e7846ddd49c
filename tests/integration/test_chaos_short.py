"""A short piece of the fault campaign: `make chaos` is the long one."""

from __future__ import annotations

from pathlib import Path

from tests.campaigns.chaos.reports import glass_test
from tests.campaigns.chaos.running import run
from tests.campaigns.chaos.schedule import make_schedule


def test_what_was_accepted_is_published_once_and_handled_whatever_dies(tmp_path: Path) -> None:
    """Real processes under a seeded schedule: killed, stopped, cut off, Redis killed too; the checker misses nothing."""
    outcome = run(3, glass_test(), reports=120, faults=6, folder=tmp_path, poison=1)
    assert outcome.violations == []
    assert outcome.struck.total() >= 4
    assert outcome.struck["SIGKILL: redis"] >= 1


def test_a_seed_gives_the_same_schedule_again() -> None:
    """A violation is of use only if it can be looked at again."""
    assert make_schedule(7, 14) == make_schedule(7, 14)
    assert make_schedule(7, 14) != make_schedule(8, 14)
