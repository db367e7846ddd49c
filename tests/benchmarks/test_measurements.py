"""The shortest form of each measurement gives its rows; how fast anything is, no test says."""

from __future__ import annotations

from benchmarks import red_dots
from benchmarks.sizes import LEAST
from benchmarks.timing import Figure


def test_red_dots_is_measured_by_core_by_start_and_by_memory() -> None:
    table = red_dots.measure(LEAST)
    told = dict(table.rows)
    assert {"decisions in one process", "in a worker: first decision"} <= set(told)
    assert any(what.startswith("memory of one process: after") for what in told)
    assert all(isinstance(figure, Figure) and figure.median > 0 for figure in told.values())
    assert len(table.targets) == 1
