"""API keys, as several commands need them."""

from __future__ import annotations

import click

from triage_rules.records import api_keys
from triage_rules.records.api_keys import Key
from triage_rules.store.redis import RedisStore


def check_client(_context: click.Context, _parameter: click.Parameter, name: str | None) -> str | None:
    """A client's name, if one is given."""
    if name is not None and not api_keys.CLIENT.fullmatch(name):
        raise click.BadParameter("expected 1 to 64 letters, digits, dots, hyphens and underscores")
    return name


def usable_keys(store: RedisStore, client: str | None = None) -> list[Key]:
    """The keys that open anything now; of one client, or of all."""
    now = store.now_ms()
    return [one for one in store.api_keys.get_all().values() if one.is_usable(now) and client in (None, one.client)]
