"""`triage withdraw`: take a ruleset out of service."""

from __future__ import annotations

import click

from triage_rules.cli.actor import by_option
from triage_rules.cli.output import handle_errors, write_data, write_message
from triage_rules.cli.store import open_store
from triage_rules.foundation.settings import Settings
from triage_rules.records.audit import Actor


@click.command()
@click.argument("name")
@by_option
@handle_errors
def withdraw(name: str, by: Actor) -> None:
    """Take a ruleset out of service.

    New reports for it are rejected; accepted ones are still decided. `triage deploy` makes it live again.
    """
    with open_store(Settings.from_environment()) as store:
        withdrawn = store.rulesets.withdraw(name, store.now_ms(), by=by)
        others = sorted(store.rulesets.get_live())
    write_data(f"{withdrawn.name} {withdrawn.version} {withdrawn.digest} is no longer live")
    write_message(f"Live: {', '.join(others) or 'none, so every report is rejected'}.")
