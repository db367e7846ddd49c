"""What all parts of the ledger stand on: the connection, the settings, and scripts that run in one step."""

from __future__ import annotations

from importlib import resources
from typing import Self

from redis.commands.core import Script

from triage_rules.ledger.connecting import connect
from triage_rules.settings import Settings


class Store:
    """A connection to Redis that is made at first use. Safe for threads and over a fork."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._redis = connect(settings.redis_url)
        self._retention_s = settings.retention_days * 24 * 3600

    def _script(self, name: str) -> Script:
        text = resources.files("triage_rules.ledger").joinpath(f"{name}.lua").read_text(encoding="utf-8")
        return self._redis.register_script(text)

    def close(self) -> None:
        """Give the connections back."""
        self._redis.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
