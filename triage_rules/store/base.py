"""What all parts of the ledger stand on: the connection, the settings, and scripts that run in one step."""

from __future__ import annotations

import time
from importlib import resources
from typing import Self

import redis
from redis.commands.core import Script

from triage_rules.foundation.settings import Settings
from triage_rules.store.clock import StoreClock
from triage_rules.store.connection import connect, refusals_translated
from triage_rules.store.keyspace import SEALED

DAY_S = 24 * 3600
SEALS_KNOWN_SECONDS = 10.0
SEALED_TEXT = "encrypted"


def registered(client: redis.Redis, name: str) -> Script:
    """The script of that name, sent to the server at first use."""
    text = resources.files("triage_rules.store").joinpath(f"{name}.lua").read_text(encoding="utf-8")
    return client.register_script(text)


class Store:
    """A connection to Redis that is made at first use. Safe for threads and over a fork."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._seals = settings.seals
        self._seals_known_until = float("-inf")
        self._redis = connect(settings.redis_url)
        self._retention_s = settings.retention_days * DAY_S
        self._clock = StoreClock(self._time_ms)

    def now_ms(self) -> int:
        """What time it is by the store's clock: UTC, milliseconds since the epoch. Raises nothing."""
        return self._clock.now_ms()

    def _time_ms(self) -> int:
        with refusals_translated():
            seconds, microseconds = self._redis.time()
        return int(seconds) * 1000 + int(microseconds) // 1000

    def _script(self, name: str) -> Script:
        return registered(self._redis, name)

    def check_seals(self) -> None:
        """Raises SealError if the store is encrypted under other keys than those that are set, or if none is set."""
        with refusals_translated():
            stored = self._redis.get(SEALED)
            if stored is None and self._seals:
                self._redis.set(SEALED, self._seals.seal(SEALED_TEXT, "", SEALED), nx=True)
                stored = self._redis.get(SEALED)
        if stored is not None:
            self._seals.open(str(stored), "", SEALED)

    def _ensure_seals(self) -> None:
        """As check_seals, but only now and then: before anything is written that others must be able to open."""
        now = time.monotonic()
        if now >= self._seals_known_until:
            self.check_seals()
            self._seals_known_until = now + SEALS_KNOWN_SECONDS

    def close(self) -> None:
        """Give the connections back."""
        self._redis.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
