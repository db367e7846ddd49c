"""Failures that a consumer remembers: results that failed in a row, and entries that stay with a consumer."""

from __future__ import annotations

import time
import traceback
from pathlib import Path

OUTAGE = 3
"""Number of different results that fail in a row before the cause is taken to lie outside the results."""


class FailureStreak:
    """Results that failed one after the other, with no success between."""

    def __init__(self) -> None:
        self._ids: set[str] = set()
        self.length = 0

    def record(self, entry_id: str) -> None:
        """Add a failure."""
        self._ids.add(entry_id)
        self.length += 1

    def reset(self) -> None:
        """End the streak after a success."""
        self._ids.clear()
        self.length = 0

    @property
    def is_outage(self) -> bool:
        """Return whether enough different results failed to show that the results are not the cause."""
        return len(self._ids) >= OUTAGE


class WaitTimes:
    """Measures how long entries have been with the same consumer, by this process's monotonic clock.

    The store measures by its own wall clock: once that is set back by hours, no entry seems idle for hours.
    """

    def __init__(self) -> None:
        self._since: dict[tuple[str, str, int], float] = {}

    def find_overdue(self, rows: list[tuple[str, str, int]], seconds: float) -> str | None:
        """Return the first entry that the same consumer has held for `seconds`, in every check since."""
        now_s = time.monotonic()
        self._since = {row: self._since.get(row, now_s) for row in rows}
        return next((row[0] for row, since in self._since.items() if now_s - since >= seconds), None)


def describe_error(error: Exception) -> str:
    """Return the error's class and the line of code that raised it."""
    *_, frame = traceback.extract_tb(error.__traceback__)
    return f"{type(error).__name__} in {Path(frame.filename).name}, line {frame.lineno}"
