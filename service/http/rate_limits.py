"""Rate limits of clients, counted in Redis across all keys of a client and all processes."""

from __future__ import annotations

import logging
import time

from flask import Flask, Response, g
from flask_limiter import Limiter, RateLimitExceeded
from limits.errors import StorageError

from service.http import problems
from service.http.api_keys import get_caller
from service.http.problem_types import PROBLEMS
from service.http.problems import Refused
from triage_rules.foundation.settings import Settings

KEY_PREFIX = "triage:limits"
ANSWER_SECONDS = 1
"""Maximum time to wait for the count."""

log = logging.getLogger("flask-limiter")


class Limits:
    """A count for each client and rate; off in a service without keys.

    If Redis can't count (for example because it is full), requests pass: reading must still work, and a request that
    needs Redis fails on its own.
    """

    def __init__(self, app: Flask, settings: Settings) -> None:
        self._on = settings.auth_on
        self._limiter = Limiter(
            lambda: get_caller().client,
            application_limits=[lambda: get_caller().rate or settings.rate_limit],
            application_limits_exempt_when=lambda: "caller" not in g,
            storage_uri=settings.redis_url,
            storage_options={
                "key_prefix": KEY_PREFIX,
                "wrap_exceptions": True,
                "socket_connect_timeout": ANSWER_SECONDS,
                "socket_timeout": ANSWER_SECONDS,
            },
            strategy="fixed-window",
            swallow_errors=True,
            enabled=self._on,
        )
        if self._on:
            self._limiter.init_app(app)
            app.register_error_handler(RateLimitExceeded, self._exceeded)
            log.addFilter(_in_a_word)

    def charge(self, count: int) -> None:
        """Count `count` more requests. Raises Refused, and counts none, if they are too many."""
        current = self._limiter.current_limit if self._on else None
        if current is None or count < 1:
            return
        limit = current.limit
        if count >= limit.amount:
            raise Refused("batch-refused", detail=f"Your rate limit allows at most {limit.amount} reports at once.")
        counter = self._limiter.limiter
        try:
            if not counter.test(limit, *current.request_args, cost=count):
                raise Refused("rate-exceeded", headers={"Retry-After": self._retry_after()})
            counter.hit(limit, *current.request_args, cost=count)
        except StorageError as error:
            log.warning("not counted: %s", type(error).__name__)

    def _exceeded(self, _: RateLimitExceeded) -> Response:
        return problems.respond(PROBLEMS["rate-exceeded"], headers={"Retry-After": self._retry_after()})

    def _retry_after(self) -> str:
        current = self._limiter.current_limit
        try:
            if current is None:
                return "1"
            # The store's clock may differ from ours; a wait longer than the window is never needed.
            return str(min(max(1, round(current.reset_at - time.time())), current.limit.get_expiry()))
        except StorageError:
            return "1"


def _in_a_word(record: logging.LogRecord) -> bool:
    """Drop the traceback, which flask-limiter logs at every request and which would fill the log."""
    record.exc_info = None
    return True
