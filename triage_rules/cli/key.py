"""API keys at the command line: make, list, revoke."""

from __future__ import annotations

import click

from triage_rules.cli import actor
from triage_rules.cli.api_keys import check_client, usable_keys
from triage_rules.cli.output import FORMATS, as_json, handle_errors, write_data, write_message
from triage_rules.foundation import patterns
from triage_rules.foundation.settings import Settings
from triage_rules.foundation.timestamps import DAY_MS, timestamp
from triage_rules.records import api_keys
from triage_rules.records.api_keys import Key, Scope
from triage_rules.records.audit import Actor
from triage_rules.store.redis import RedisStore


@click.group()
def key() -> None:
    """API keys: who may post reports, read them, deploy, administer.

    A key is made for a client, such as a form or a system. The keys of one client share its reports, its subjects, its
    idempotency keys and its rate, so that a key can be replaced: make the new one, use it, revoke the old one.
    """


def _rate(_context: click.Context, _parameter: click.Parameter, rate: str | None) -> str | None:
    if rate is not None and not patterns.RATE.fullmatch(rate):
        raise click.BadParameter("expected, for instance, 600/minute (second, minute, hour or day)")
    return rate


@key.command()
@click.argument("client", callback=check_client)
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    type=click.Choice([scope.value for scope in Scope]),
    help="report: post reports and see the client's own; read: see all reports, status and metrics; deploy: deploy and "
    "roll back; admin: erase, see dead letters and the audit log. Give several by repeating it.",
)
@click.option("--expires", "days", metavar="DAYS", type=click.IntRange(min=1, max=36_500), help="Days it is good for.")
@click.option("--rate", metavar="N/UNIT", callback=_rate, help="As in 600/minute.  [default: TRIAGE_RATE_LIMIT]")
@actor.by
@handle_errors
def make(client: str, scopes: tuple[str, ...], days: int | None, rate: str | None, by: Actor) -> None:
    """Make a key for CLIENT and show it, this once. It works at once."""
    with RedisStore(Settings.from_environment()) as store:
        now = store.now_ms()
        text, made = api_keys.make_key(
            client,
            map(Scope, scopes),
            now,
            expires_ms=None if days is None else now + days * DAY_MS,
            rate=rate,
        )
        store.api_keys.add(made, by=by)
    write_data(text)
    write_message(
        f"Key {made.id} of {client}: {_opens(made)}. Keep it now; it is stored nowhere and can't be shown again."
    )


@key.command(name="list")
@click.option("--format", "form", type=FORMATS, default="text", show_default=True)
@handle_errors
def list_keys(form: str) -> None:
    """List all keys, also those that open nothing any more. The keys themselves are not known any more."""
    with RedisStore(Settings.from_environment()) as store:
        now = store.now_ms()
        found = sorted(store.api_keys.get_all().values(), key=lambda one: (one.client, one.made_ms))
    if form == "json":
        write_data(as_json({"keys": [_as_json(one, now) for one in found]}))
        return
    for one in found:
        write_data(f"{one.id}  {one.client}  {_opens(one)}  made {timestamp(one.made_ms)}  {_state(one, now)}")
    if not found:
        write_message("There is no key. `triage key make CLIENT --scope report` makes one.")


@key.command()
@click.argument("key_id", metavar="ID")
@actor.by
@handle_errors
def revoke(key_id: str, by: Actor) -> None:
    """Have the key with that id open nothing any more, within a second."""
    # whoever pastes the whole key means its id
    form = patterns.KEY.fullmatch(key_id)
    with RedisStore(Settings.from_environment()) as store:
        gone = store.api_keys.revoke(form[1] if form else key_id, store.now_ms(), by=by)
        left = usable_keys(store, gone.client)
    write_data(f"{gone.id} of {gone.client} opens nothing any more")
    if not left:
        write_message(f"{gone.client} has no other key that opens anything.", fg="yellow")


def _opens(one: Key) -> str:
    return "+".join(scope for scope in Scope if scope in one.scopes) + (f" {one.rate}" if one.rate else "")


def _state(one: Key, now: int) -> str:
    if one.revoked_ms is not None:
        return f"revoked {timestamp(one.revoked_ms)}"
    if one.expires_ms is None:
        return "never expires"
    return f"{'expires' if one.is_usable(now) else 'expired'} {timestamp(one.expires_ms)}"


def _as_json(one: Key, now: int) -> dict[str, object]:
    return {
        "id": one.id,
        "client": one.client,
        "scopes": [scope for scope in Scope if scope in one.scopes],
        "rate": one.rate,
        "made_at": timestamp(one.made_ms),
        "expires_at": None if one.expires_ms is None else timestamp(one.expires_ms),
        "revoked_at": None if one.revoked_ms is None else timestamp(one.revoked_ms),
        "usable": one.is_usable(now),
    }
