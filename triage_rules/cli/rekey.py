"""`triage rekey`: encrypt all stored reports with the first key."""

from __future__ import annotations

import click

from triage_rules.cli.actor import by_option
from triage_rules.cli.exit_codes import ExitCode
from triage_rules.cli.output import count_noun, exit_with, handle_errors, write_data, write_message
from triage_rules.foundation.settings import Settings
from triage_rules.foundation.timestamps import DAY_MS, timestamp
from triage_rules.records.audit import Actor
from triage_rules.store.redis import RedisStore


@click.command()
@click.option(
    "--plain", is_flag=True, help="Decrypt all reports. First stop web and workers; afterwards unset the keys."
)
@by_option
@handle_errors
def rekey(*, plain: bool, by: Actor) -> None:
    """Encrypt all stored reports with the first encryption key.

    Run it after you add or change a key in TRIAGE_ENCRYPTION_KEYS. You may run it beside the service, interrupt it
    and repeat it. Events in the stream can't be changed: the command reports until when consumers need the older keys.
    """
    settings = Settings.from_environment()
    if not settings.encryption:
        exit_with("TRIAGE_ENCRYPTION_KEYS is not set: there is no key to encrypt with.", ExitCode.USAGE)
    with RedisStore(settings) as store:
        rekeyed = store.key_rotation.rekey(store.now_ms(), by=by, plain=plain)
    write_data(count_noun(rekeyed.reports, "report"))
    if rekeyed.newest_event_ms is not None:
        days = max(2 * settings.event_retention_days, settings.dead_letter_retention_days)
        until = timestamp(rekeyed.newest_event_ms + days * DAY_MS)
        write_message(
            f"Events and dead letters ({rekeyed.events}) stay as they are; "
            f"consumers need the older keys until these are trimmed, at the latest {until}."
        )
    if rekeyed.unopened:
        exit_with(
            f"Not re-encrypted: {count_noun(rekeyed.unopened, 'report')} that the encryption keys don't open.",
            ExitCode.FINDINGS,
        )
