"""Timing that survives a shared machine: contenders by turns, medians, ratios pair by pair."""

from __future__ import annotations

import gc
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing measured several times. `values`: a run each, in `unit`."""

    values: tuple[float, ...]
    unit: str

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.values)

    def __str__(self) -> str:
        """The median, and in brackets the least and the most."""
        if len(self.values) == 1:
            return f"{readable(self.median)} {self.unit}".strip()
        span = f"{readable(min(self.values))} to {readable(max(self.values))}"
        return f"{readable(self.median)} {self.unit}".strip() + f" ({span})"

    def over(self, other: Figure) -> Figure:
        """How many times the other, pair by pair: the runs of one round met the same machine."""
        return Figure(tuple(a / b for a, b in zip(self.values, other.values, strict=True)), "x")

    def times(self, factor: float, unit: str) -> Figure:
        """The same in another unit."""
        return Figure(tuple(value * factor for value in self.values), unit)

    def per(self, amount: float, unit: str) -> Figure:
        """`amount` by each value: seconds become so many a second."""
        return Figure(tuple(amount / value for value in self.values), unit)

    def as_json(self) -> dict[str, Any]:
        """For the kept results."""
        return {"median": self.median, "values": list(self.values), "unit": self.unit}


def readable(value: float) -> str:
    """Three digits that count, no more: a shared machine gives no more than two."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def by_turns(
    contenders: Mapping[str, Callable[[], float]], runs: int, unit: str = "s", *, turning: bool = True
) -> dict[str, Figure]:
    """Call each once to warm up, then `runs` rounds of all. What they return is kept.

    `turning`: each round is begun by another; otherwise the order stays, for steps that need the ones before.
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
    """The smallest value that at least `share` of all don't exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -(-int(share * 1_000_000) * len(ordered) // 1_000_000) - 1))]
