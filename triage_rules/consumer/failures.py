"""What a consumer remembers of results that it was given in vain."""

from __future__ import annotations

import time
import traceback
from pathlib import Path

OUTAGE = 3
"""So many different results in a row that failed: it is not they that are at fault, so that doesn't count for them."""


class FailureStreak:
    """Results that failed one after the other, until one doesn't."""

    def __init__(self) -> None:
        self._ids: set[str] = set()
        self.times = 0

    def record(self, entry_id: str) -> None:
        """One more."""
        self._ids.add(entry_id)
        self.times += 1

    def reset(self) -> None:
        """One didn't."""
        self._ids.clear()
        self.times = 0

    @property
    def is_outage(self) -> bool:
        """Whether that many different ones failed that it is something else that is at fault."""
        return len(self._ids) >= OUTAGE


class WaitTimes:
    """How long entries have been with the same consumer, by the clock of this process, which nobody sets.

    The store counts from its own wall clock: after that is set back by hours, nothing seems to have waited, for hours.
    """

    def __init__(self) -> None:
        self._since: dict[tuple[str, str, int], float] = {}

    def longest(self, rows: list[tuple[str, str, int]], seconds: float) -> str | None:
        """The first entry that has been in the same hands for so long, each time that it was looked at."""
        now_s = time.monotonic()
        self._since = {row: self._since.get(row, now_s) for row in rows}
        return next((row[0] for row, since in self._since.items() if now_s - since >= seconds), None)


def describe_error(error: Exception) -> str:
    """Its class, and the line of code that raised it."""
    *_, frame = traceback.extract_tb(error.__traceback__)
    return f"{type(error).__name__} in {Path(frame.filename).name}, line {frame.lineno}"
