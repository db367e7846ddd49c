"""How often a client may call: counted in Redis, for all its keys and all processes together."""

from __future__ import annotations

import logging
import time

from flask import Flask, Response, g
from flask_limiter import Limiter, RateLimitExceeded
from limits.errors import StorageError

from service.http import problems
from service.http.api_keys import caller
from service.http.problem_types import PROBLEMS
from service.http.problems import Refused
from triage_rules.foundation.settings import Settings

KEY_PREFIX = "triage:limits"
ANSWER_SECONDS = 1
"""Longer isn't waited for the count."""

log = logging.getLogger("flask-limiter")


class Limits:
    """One count for each client and rate. Where there are no keys nobody is counted.

    A count that Redis can't keep now (it is full, say) stops nobody: whoever may read what is stored should be able to,
    and what needs Redis fails by itself.
    """

    def __init__(self, app: Flask, settings: Settings) -> None:
        self._on = settings.auth_on
        self._limiter = Limiter(
            lambda: caller().client,
            application_limits=[lambda: caller().rate or settings.rate_limit],
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
        """Count so many requests more. Raises Refused, and counts none, if they are too many."""
        one = self._limiter.current_limit if self._on else None
        if one is None or count < 1:
            return
        if count >= one.limit.amount:
            raise Refused("batch-refused", detail=f"Your rate limit allows at most {one.limit.amount} reports at once.")
        counter = self._limiter.limiter
        try:
            if not counter.test(one.limit, *one.request_args, cost=count):
                raise Refused("rate-exceeded", headers={"Retry-After": self._retry_after()})
            counter.hit(one.limit, *one.request_args, cost=count)
        except StorageError as error:
            log.warning("not counted: %s", type(error).__name__)

    def _exceeded(self, _: RateLimitExceeded) -> Response:
        return problems.respond(PROBLEMS["rate-exceeded"], headers={"Retry-After": self._retry_after()})

    def _retry_after(self) -> str:
        one = self._limiter.current_limit
        try:
            if one is None:
                return "1"
            # the store's clock may be behind ours or ahead, but nobody has to wait for longer than a window
            return str(min(max(1, round(one.reset_at - time.time())), one.limit.get_expiry()))
        except StorageError:
            return "1"


def _in_a_word(record: logging.LogRecord) -> bool:
    """Its traceback of every request would fill the log."""
    record.exc_info = None
    return True
