"""The store, opened for a command."""

from __future__ import annotations

from triage_rules.cli.output import write_message
from triage_rules.foundation.settings import Settings
from triage_rules.store.redis import RedisLedger


def open_ledger(settings: Settings) -> RedisLedger:
    """Open the store, and show its address: there may be several."""
    write_message(f"Redis: {settings.redis_place}")
    return RedisLedger(settings)
