"""`triage rollback`: make the previous version live again."""

from __future__ import annotations

import click

from triage_rules.cli.actor import by_option
from triage_rules.cli.folder_deployment import write_live
from triage_rules.cli.output import handle_errors, warn_not_approved
from triage_rules.cli.store import open_store
from triage_rules.deployment import deploy as deployment
from triage_rules.foundation.settings import Settings
from triage_rules.records.audit import Actor


@click.command()
@click.argument("name")
@by_option
@handle_errors
def rollback(name: str, by: Actor) -> None:
    """Make the previous version of a ruleset live again, in one step. If it can't be opened, the live version stays."""
    with open_store(Settings.from_environment()) as store:
        live, ruleset = deployment.roll_back(store.rulesets, name, store.now_ms(), by)
    write_live(live)
    warn_not_approved(name, ruleset.approved_by)
