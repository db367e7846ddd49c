"""A short piece of the overload campaign: `make overload` is the long one."""

from __future__ import annotations

from pathlib import Path

from tests.campaigns.chaos.reports import glass_test
from tests.campaigns.overload.loading import Plan, run


def test_urgent_reports_get_through_while_others_are_refused(tmp_path: Path) -> None:
    """More than the workers can do: 503 with Retry-After, urgent ones within a second, all well again afterwards."""
    outcome = run(Plan(glass_test(), queued=600, seconds=4, age=2, rate=5), tmp_path)
    assert outcome.violations == [], outcome.table()
    assert outcome.answers["503"] > 0
    assert min(outcome.retry_after) >= 10
    assert len(outcome.urgent["refused"]) >= 5
