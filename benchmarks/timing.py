"""Timing on a shared machine: alternating contenders, medians, ratios pair by pair."""

from __future__ import annotations

import gc
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """A repeated measurement. `values`: one for each run, in `unit`."""

    values: tuple[float, ...]
    unit: str

    @property
    def median(self) -> float:
        """Return the median."""
        return statistics.median(self.values)

    def __str__(self) -> str:
        """Format the median, with the least and the most in brackets."""
        if len(self.values) == 1:
            return f"{readable(self.median)} {self.unit}".strip()
        span = f"{readable(min(self.values))} to {readable(max(self.values))}"
        return f"{readable(self.median)} {self.unit}".strip() + f" ({span})"

    def over(self, other: Figure) -> Figure:
        """Return the ratio to the other, pair by pair: the runs of a round had the same conditions."""
        return Figure(tuple(a / b for a, b in zip(self.values, other.values, strict=True)), "x")

    def times(self, factor: float, unit: str) -> Figure:
        """Convert to another unit."""
        return Figure(tuple(value * factor for value in self.values), unit)

    def per(self, amount: float, unit: str) -> Figure:
        """Divide `amount` by each value: seconds become a rate."""
        return Figure(tuple(amount / value for value in self.values), unit)

    def as_json(self) -> dict[str, Any]:
        """Return the data for the stored results."""
        return {"median": self.median, "values": list(self.values), "unit": self.unit}


def readable(value: float) -> str:
    """Format with three significant digits; a shared machine gives no more than two."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def by_turns(
    contenders: Mapping[str, Callable[[], float]], runs: int, unit: str = "s", *, turning: bool = True
) -> dict[str, Figure]:
    """Call each once to warm up, then `runs` rounds of all, and return the results.

    `turning`: each round begins with another one; otherwise the order stays, for steps that need the previous ones.
    """
    names = list(contenders)
    for measure in contenders.values():
        measure()
    values: dict[str, list[float]] = {name: [] for name in names}
    for number in range(runs):
        first = number % len(names)
        for name in names[first:] + names[:first] if turning else names:
            gc.collect()
            values[name].append(contenders[name]())
    return {name: Figure(tuple(found), unit) for name, found in values.items()}


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least `share` of all don't exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -(-int(share * 1_000_000) * len(ordered) // 1_000_000) - 1))]
