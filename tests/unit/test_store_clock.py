"""The store's clock while the store is away."""

from __future__ import annotations

import pytest

from triage_rules.foundation.errors import StoreUnavailable
from triage_rules.store import clock
from triage_rules.store.clock import StoreClock


def test_a_store_that_is_away_is_not_asked_at_each_look_at_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each attempt may take as long as the store's time limit."""
    asked, now = [], [0]

    def away() -> int:
        asked.append(now[0])
        raise StoreUnavailable

    monkeypatch.setattr(clock.time, "monotonic_ns", lambda: now[0])
    store_clock = StoreClock(away)
    for second in range(11):
        now[0] = second * 1_000_000_000
        store_clock.now_ms()
    assert asked == [0, 5_000_000_000, 10_000_000_000]
