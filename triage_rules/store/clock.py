"""The store's clock: one for all processes, so that a process with a wrong clock does no harm.

A process whose own clock is hours ahead would drop events too early and take every other worker for dead.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from triage_rules.foundation.errors import StoreUnavailable
from triage_rules.foundation.timestamps import now_ms

DAY_S = 24 * 3600

READ_AFTER_NS = 1_000_000_000
"""How often the store's time is read. In between, the monotonic clock counts, which nobody sets."""

RETRY_AFTER_NS = 5_000_000_000
"""Pause after the store did not answer: each attempt may take as long."""


class StoreClock:
    """The store's time. `read_ms` reads it, in milliseconds since the epoch. Safe for threads and over a fork."""

    def __init__(self, read_ms: Callable[[], int]) -> None:
        self._read_ms = read_ms
        self._ahead_ns: int | None = None
        self._next_ns = 0

    def now_ms(self) -> int:
        """Return the time: UTC, milliseconds since the epoch. Until the store is reached, by this machine's clock."""
        if time.monotonic_ns() >= self._next_ns:
            self._next_ns = time.monotonic_ns() + READ_AFTER_NS
            self._synchronize()
        if self._ahead_ns is None:
            return now_ms()
        return (time.monotonic_ns() + self._ahead_ns) // 1_000_000

    def _synchronize(self) -> None:
        before = time.monotonic_ns()
        try:
            store_ms = self._read_ms()
        except StoreUnavailable:
            self._next_ns = time.monotonic_ns() + RETRY_AFTER_NS
            return  # whoever needs the store gets this error at once; the time is no reason to fail
        self._ahead_ns = store_ms * 1_000_000 - (before + time.monotonic_ns()) // 2
