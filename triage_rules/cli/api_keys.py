"""API keys: helpers of several commands."""

from __future__ import annotations

import click

from triage_rules.records import api_keys
from triage_rules.records.api_keys import Key
from triage_rules.store.redis import RedisStore


def check_client(_context: click.Context, _parameter: click.Parameter, name: str | None) -> str | None:
    """Return the name of a client, if one is given. Raises BadParameter if it is malformed."""
    if name is not None and not api_keys.CLIENT.fullmatch(name):
        raise click.BadParameter("expected 1 to 64 letters, digits, dots, hyphens and underscores")
    return name


def usable_keys(store: RedisStore, client: str | None = None) -> list[Key]:
    """Return the keys that are valid now, of one client or of all."""
    now = store.now_ms()
    return [key for key in store.api_keys.get_all().values() if key.is_usable(now) and client in (None, key.client)]
