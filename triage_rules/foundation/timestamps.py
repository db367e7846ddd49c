"""Times: milliseconds since the epoch, and RFC 3339 on the wire."""

from __future__ import annotations

import functools
import time
from datetime import UTC, datetime

DAY_MS = 86_400_000


def now_ms() -> int:
    """Return the time: UTC, milliseconds since the epoch. Only for the edges; the core gets the time as a parameter."""
    return time.time_ns() // 1_000_000


def timestamp(ms: int) -> str:
    """Format a time, in milliseconds since the epoch, as RFC 3339 in UTC with milliseconds."""
    seconds, thousandths = divmod(ms, 1000)
    return f"{_second(seconds)}.{thousandths:03}Z"


@functools.lru_cache(maxsize=256)
def _second(seconds: int) -> str:
    """Format the seconds of a time; cached, as many times lie in the same second."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
