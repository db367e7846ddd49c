"""The store, opened for a command."""

from __future__ import annotations

from triage_rules.cli.output import write_message
from triage_rules.foundation.settings import Settings
from triage_rules.store.redis import RedisStore


def open_store(settings: Settings) -> RedisStore:
    """Open the store, and show its address: there may be several."""
    write_message(f"Redis: {settings.redis_place}")
    return RedisStore(settings)
