"""The line of `triage follow` for a result."""

from __future__ import annotations

from typing import Any

import click
import pytest

from triage_rules.cli.follow import _line

RESULT: dict[str, Any] = {
    "id": "r-1", "level": "urgent", "disposition": "U2_emergency_dept_now", "evaluated_at": "2026-11-30T12:00:00.000Z",
    "rules": [{"id": "R08"}], "safety_net": [],
}  # fmt: skip


@pytest.mark.parametrize(
    ("basis", "end"),
    [
        ({"basis": "rules"}, "R08"),
        ({"basis": "safety_net"}, "R08 (answers missing or contradictory)"),
        ({"basis": "default"}, "R08 (no rule matched)"),
        ({"basis": None}, "R08"),
        ({}, "R08"),  # a result of an earlier version is still on the stream
    ],
)
def test_a_result_that_rests_on_missing_answers_is_marked(basis: dict[str, Any], end: str) -> None:
    assert _line(RESULT | basis).endswith(end)


@pytest.mark.parametrize(
    ("amendment", "end"),
    [
        ({"amends": None, "lowers": None}, "R08"),
        ({"amends": "r-0", "lowers": None}, "R08 amends r-0"),
        (
            {"amends": "r-0", "lowers": {"level": "urgent", "disposition": "U1_ambulance_now"}},
            "R08 amends r-0, lowers urgent, U1_ambulance_now",
        ),
        (
            {"amends": "r-0", "lowers": {"level": None, "disposition": None}},
            "R08 amends r-0, lowers a report that could not be decided",
        ),
    ],
)
def test_an_amendment_names_its_report_and_what_it_lowers(amendment: dict[str, Any], end: str) -> None:
    assert click.unstyle(_line(RESULT | amendment)).endswith(end)
