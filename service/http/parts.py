"""What the views work with, put together once by the bootstrap."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, cast

from flask import current_app

from service.use.intake import Intake
from service.use.metrics import Metrics
from triage_rules.deployment.live import LiveRulesets
from triage_rules.foundation.settings import Settings
from triage_rules.records.api_keys import Key
from triage_rules.store.redis import RedisStore
from triage_rules.workbench.sandbox import Bench

_EXTENSION = "triage"

WAITERS = 12
"""Requests that may wait for their result at once, of the threads in gunicorn.py: the others must stay free."""


QUICK_SECONDS, QUICK_WAIT_SECONDS = 20.0, 5.0
SLOW_SECONDS, SLOW_WAIT_SECONDS = 75.0, 0.5
"""What one question about a draft may take, and how long a second caller waits for their turn: while somebody types,
and where the solver works."""


class RateLimits(Protocol):
    """The count of a client's requests."""

    def charge(self, count: int) -> None:
        """Count `count` more requests. Raises Refused, and counts none, if they are too many."""
        ...


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of one app."""

    settings: Settings
    store: RedisStore
    live: LiveRulesets
    intake: Intake
    metrics: Metrics
    limits: RateLimits
    keyring: Callable[[], Mapping[str, Key]]
    now_ms: Callable[[], int]
    quick_bench: Bench = field(default_factory=lambda: Bench(QUICK_SECONDS, QUICK_WAIT_SECONDS))
    slow_bench: Bench = field(default_factory=lambda: Bench(SLOW_SECONDS, SLOW_WAIT_SECONDS))
    waiters: threading.BoundedSemaphore = field(default_factory=lambda: threading.BoundedSemaphore(WAITERS))


def keep(app_extensions: dict[str, object], parts: Parts) -> None:
    """Let the views of that app find their parts."""
    app_extensions[_EXTENSION] = parts


def parts() -> Parts:
    """The parts of the app that serves this request."""
    return cast(Parts, current_app.extensions[_EXTENSION])
