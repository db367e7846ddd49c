"""Sizes of a run: full, a minute, or the least for tests."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """The size of a run. `runs`: rounds of all contenders. Times in s."""

    name: str
    runs: int
    rules: tuple[int, ...]
    open_shares: tuple[float, ...]
    reports: int
    """Generated reports that each engine decides in a run."""
    cases: int
    """Number of worked cases of red-dots that are decided in a run, spread over all."""
    decisions: int
    """Decisions before the memory of a process is measured, or half a minute's worth."""
    seconds: float
    """Seconds of load in a run."""
    queued: int
    """Maximum number of reports that wait before the workers start, and no more than take `seconds`."""
    worker_reports: int
    """Reports that the workers process before their memory is measured."""
    backlogs: tuple[int, ...]
    latency_seconds: float
    """Seconds of each rate."""
    without: tuple[str, ...] = ()
    """Measurements that run only if requested."""


FULL = Size(
    name="full",
    runs=5,
    rules=(20, 60, 200, 500),
    open_shares=(0.0, 0.2, 0.5),
    reports=30,
    cases=300,
    decisions=100_000,
    seconds=2.0,
    queued=3_000,
    worker_reports=100_000,
    backlogs=(0, 10_000, 40_000),
    latency_seconds=5.0,
)
SHORT = Size(
    name="short",
    runs=2,
    rules=(60,),
    open_shares=(0.2,),
    reports=20,
    cases=60,
    decisions=1_000,
    seconds=0.5,
    queued=300,
    worker_reports=1_000,
    backlogs=(0, 1_000),
    latency_seconds=2.0,
    without=("whole-path", "growth", "safety"),
)
LEAST = Size(
    name="least",
    runs=1,
    rules=(20,),
    open_shares=(0.5,),
    reports=3,
    cases=3,
    decisions=20,
    seconds=0.1,
    queued=20,
    worker_reports=20,
    backlogs=(0, 20),
    latency_seconds=0.3,
)
SIZES = {size.name: size for size in (FULL, SHORT, LEAST)}
