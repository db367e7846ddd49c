"""What time it is, by the store's clock: one for all processes, so that none with a wrong clock does harm.

A process whose own clock is hours ahead would drop events too early and take every other worker for dead.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from triage_rules.foundation.errors import LedgerUnavailable
from triage_rules.foundation.timestamps import now_ms

ASK_AFTER_NS = 1_000_000_000
"""How often the store is asked. In between, time goes on by the monotonic clock, which nobody sets."""


class StoreClock:
    """`ask` gives the store's time in milliseconds since the epoch. Safe for threads and over a fork."""

    def __init__(self, ask: Callable[[], int]) -> None:
        self._ask = ask
        self._ahead_ns: int | None = None
        self._next_ns = 0

    def now_ms(self) -> int:
        """UTC, milliseconds since the epoch. While the store is away, as last heard; before that, this machine's."""
        if time.monotonic_ns() >= self._next_ns:
            self._next_ns = time.monotonic_ns() + ASK_AFTER_NS
            self._listen()
        if self._ahead_ns is None:
            return now_ms()
        return (time.monotonic_ns() + self._ahead_ns) // 1_000_000

    def _listen(self) -> None:
        before = time.monotonic_ns()
        try:
            told = self._ask()
        except LedgerUnavailable:
            return  # whoever needs the store will learn it at once; the time is no reason to fail
        self._ahead_ns = told * 1_000_000 - (before + time.monotonic_ns()) // 2
