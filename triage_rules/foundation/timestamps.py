"""Times: milliseconds since the epoch, and RFC 3339 on the wire."""

from __future__ import annotations

import functools
import time
from datetime import UTC, datetime

DAY_MS = 86_400_000


def now_ms() -> int:
    """The time: UTC, milliseconds since the epoch. For the ends alone; the core is told what time it is."""
    return time.time_ns() // 1_000_000


def timestamp(ms: int) -> str:
    """A time on the wire: RFC 3339 in UTC with milliseconds. `ms`: since the epoch."""
    seconds, thousandths = divmod(ms, 1000)
    return f"{_second(seconds)}.{thousandths:03}Z"


@functools.lru_cache(maxsize=256)
def _second(seconds: int) -> str:
    """Many times that are told lie in one second."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
