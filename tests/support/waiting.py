"""Waiting for other processes."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE = 4
"""Times as long as a quiet machine needs do the tests wait: a bound is there to end a test, not to time it."""


def wait_for(done: Callable[[], bool], seconds: float, state: Callable[[], str] = lambda: "") -> None:
    """Wait until `done()`; fail after PATIENCE times as long as a quiet machine needs, with what `state()` returns."""
    seconds *= PATIENCE
    until = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < until, f"not within {seconds} s. {state()}"
        time.sleep(0.02)
