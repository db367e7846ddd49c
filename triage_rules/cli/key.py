"""`triage key`: make, list and revoke API keys."""

from __future__ import annotations

import click

from triage_rules.cli.actor import by_option
from triage_rules.cli.api_keys import check_client, usable_keys
from triage_rules.cli.output import FORMATS, handle_errors, write, write_data, write_message
from triage_rules.foundation import patterns
from triage_rules.foundation.settings import Settings
from triage_rules.foundation.timestamps import DAY_MS, timestamp
from triage_rules.records import api_keys
from triage_rules.records.api_keys import Key, Scope
from triage_rules.records.audit import Actor
from triage_rules.store.redis import RedisStore


@click.group()
def key() -> None:
    """Make, list and revoke API keys.

    Keys decide who may post reports, read them, deploy and administer. A key belongs to a client, such as a form or a
    system. The keys of one client share its reports, subjects, idempotency keys and rate. To replace a key, make a new
    one, use it, and revoke the old one.
    """


def _check_rate(_context: click.Context, _parameter: click.Parameter, rate: str | None) -> str | None:
    if rate is not None and not patterns.RATE.fullmatch(rate):
        raise click.BadParameter("expected a rate such as 600/minute (second, minute, hour or day)")
    return rate


@key.command()
@click.argument("client", callback=check_client)
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    type=click.Choice([scope.value for scope in Scope]),
    help="report: post reports and read the client's own; read: read all reports, status and metrics; deploy: deploy "
    "and roll back; admin: erase, read dead letters and the audit log. Repeatable.",
)
@click.option(
    "--expires", "days", metavar="DAYS", type=click.IntRange(min=1, max=36_500), help="Days until it expires."
)
@click.option("--rate", metavar="N/UNIT", callback=_check_rate,
              help="Limit of requests, such as 600/minute.  [default: TRIAGE_RATE_LIMIT]")  # fmt: skip
@by_option
@handle_errors
def make(client: str, scopes: tuple[str, ...], days: int | None, rate: str | None, by: Actor) -> None:
    """Make a key for CLIENT and show it once. It works immediately."""
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
        f"Key {made.id} of {client}: {_describe_rights(made)}. Save it now: it is not stored and can't be shown again."
    )


@key.command(name="list")
@click.option("--format", "form", type=FORMATS, default="text", show_default=True)
@handle_errors
def list_keys(form: str) -> None:
    """List all keys, also expired and revoked ones. A key's secret is not stored, so it is not listed."""
    with RedisStore(Settings.from_environment()) as store:
        now = store.now_ms()
        keys = sorted(store.api_keys.get_all().values(), key=lambda key: (key.client, key.made_ms))
    write(form, {"keys": [_as_json(key, now) for key in keys]}, (_as_text(key, now) for key in keys))
    if not keys and form == "text":
        write_message("There are no keys. `triage key make CLIENT --scope report` makes one.")


@key.command()
@click.argument("key_id", metavar="ID")
@by_option
@handle_errors
def revoke(key_id: str, by: Actor) -> None:
    """Revoke a key, by its id or as a whole. It stops working within a second."""
    form = patterns.KEY.fullmatch(key_id)
    with RedisStore(Settings.from_environment()) as store:
        revoked = store.api_keys.revoke(form[1] if form else key_id, store.now_ms(), by=by)
        others = usable_keys(store, revoked.client)
    write_data(f"{revoked.id} of {revoked.client} is revoked")
    if not others:
        write_message(f"{revoked.client} has no other key that is valid.", fg="yellow")


def _as_text(key: Key, now: int) -> str:
    return (
        f"{key.id}  {key.client}  {_describe_rights(key)}  made {timestamp(key.made_ms)}  {_describe_state(key, now)}"
    )


def _describe_rights(key: Key) -> str:
    return "+".join(scope for scope in Scope if scope in key.scopes) + (f" {key.rate}" if key.rate else "")


def _describe_state(key: Key, now: int) -> str:
    if key.revoked_ms is not None:
        return f"revoked {timestamp(key.revoked_ms)}"
    if key.expires_ms is None:
        return "never expires"
    return f"{'expires' if key.is_usable(now) else 'expired'} {timestamp(key.expires_ms)}"


def _as_json(key: Key, now: int) -> dict[str, object]:
    return {
        "id": key.id,
        "client": key.client,
        "scopes": [scope for scope in Scope if scope in key.scopes],
        "rate": key.rate,
        "made_at": timestamp(key.made_ms),
        "expires_at": None if key.expires_ms is None else timestamp(key.expires_ms),
        "revoked_at": None if key.revoked_ms is None else timestamp(key.revoked_ms),
        "usable": key.is_usable(now),
    }
