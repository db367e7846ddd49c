"""`triage deploy`: check a ruleset and make it live."""

from __future__ import annotations

from pathlib import Path

import click

from triage_rules.cli.actor import by_option
from triage_rules.cli.folder_deployment import deploy_folder
from triage_rules.cli.lowered_levels import warn_of_lower_levels
from triage_rules.cli.output import handle_errors
from triage_rules.cli.store import open_store
from triage_rules.foundation.settings import Settings
from triage_rules.records.audit import Actor


@click.command()
@click.argument("folder", metavar="RULESET", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--no-lower", is_flag=True, help="Refuse, unless it is proved that no report gets a lower level.")
@by_option
@handle_errors
def deploy(folder: Path, by: Actor, *, no_lower: bool) -> None:
    """Check a ruleset and make it live, in one step.

    Runs its cases, interviews its personas and proves its properties first; if anything fails, the live version stays.
    Also shows which reports would get a lower level than by the live version; `triage diff` shows all differences.
    """
    with open_store(Settings.from_environment()) as store:
        deploy_folder(store, folder, by, lambda bundle: warn_of_lower_levels(store.rulesets, bundle, refuse=no_lower))
