"""When beat sends what: by a clock that nobody sets.

By the wall clock, beat would send nothing for hours after that was set back by hours.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from celery.schedules import schedule

_BEGUN, _BEGUN_S = datetime.now(UTC), time.monotonic()


def steady_now() -> datetime:
    """The time as it was when this process began, and what has passed since."""
    return _BEGUN + timedelta(seconds=time.monotonic() - _BEGUN_S)


def every(seconds: float) -> schedule:
    """Due that often."""
    return schedule(seconds, nowfun=steady_now)
