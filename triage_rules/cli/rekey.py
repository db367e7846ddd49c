"""`triage rekey`: encrypt what is stored under the first key."""

from __future__ import annotations

import click

from triage_rules.cli import actor
from triage_rules.cli.exit_codes import ExitCode
from triage_rules.cli.output import exit_with, handle_errors, write_data, write_message
from triage_rules.foundation.settings import Settings
from triage_rules.foundation.timestamps import DAY_MS, timestamp
from triage_rules.records.audit import Actor
from triage_rules.store.redis import RedisStore


@click.command()
@click.option("--plain", is_flag=True, help="Decrypt for good. First stop web and workers, then unset the keys.")
@actor.by
@handle_errors
def rekey(*, plain: bool, by: Actor) -> None:
    """Encrypt all stored reports under the first of TRIAGE_ENCRYPTION_KEYS, after a key was added or changed.

    May be run beside the service, interrupted and repeated. Events in the stream can't be changed: it says until when
    the older keys are needed for them.
    """
    settings = Settings.from_environment()
    if not settings.encryption:
        exit_with("TRIAGE_ENCRYPTION_KEYS is not set, so there is nothing to encrypt with.", ExitCode.USAGE)
    with RedisStore(settings) as store:
        rekeyed = store.key_rotation.rekey(store.now_ms(), by=by, plain=plain)
    write_data(f"{rekeyed.reports} reports")
    if rekeyed.newest_event_ms is not None:
        days = max(2 * settings.event_retention_days, settings.dead_letter_retention_days)
        until = timestamp(rekeyed.newest_event_ms + days * DAY_MS)
        write_message(f"{rekeyed.events} events and dead letters stay as they are; "
                      "consumers need the older keys for them "
            f"until they are trimmed, at the latest {until}.")  # fmt: skip
    if rekeyed.unopened:
        exit_with(
            f"{rekeyed.unopened} reports can't be opened with the keys that are set, and stay as they are.",
            ExitCode.FINDINGS,
        )
