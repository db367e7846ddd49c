"""The parts that views work with, put together once by the bootstrap."""

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
"""Maximum number of requests that wait for a result at once; the other threads of gunicorn.py stay free."""


QUICK_SECONDS, QUICK_WAIT_SECONDS = 20.0, 5.0
SLOW_SECONDS, SLOW_WAIT_SECONDS = 75.0, 0.5
"""Time limit of a request about a draft, and time that a second request waits for its turn: quick ones while the person
types, slow ones with the solver."""


class RateLimits(Protocol):
    """The count of a client's requests."""

    def charge(self, count: int) -> None:
        """Count `count` more requests. Raises Refused, and counts none, if they are too many."""
        ...


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of an app."""

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


def store_parts(app_extensions: dict[str, object], parts: Parts) -> None:
    """Store the parts in the extensions of an app, where its views find them."""
    app_extensions[_EXTENSION] = parts


def get_parts() -> Parts:
    """Return the parts of the app that serves this request."""
    return cast(Parts, current_app.extensions[_EXTENSION])
