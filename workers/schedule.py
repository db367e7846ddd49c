"""Schedule of beat, by a monotonic clock.

With the wall clock, beat would send nothing for hours after the clock was set back by hours.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from celery.schedules import schedule

_BEGUN, _BEGUN_S = datetime.now(UTC), time.monotonic()


def steady_now() -> datetime:
    """Return the start time of this process plus the monotonic time since then."""
    return _BEGUN + timedelta(seconds=time.monotonic() - _BEGUN_S)


def every(seconds: float) -> schedule:
    """Return a schedule that is due every `seconds`."""
    return schedule(seconds, nowfun=steady_now)
