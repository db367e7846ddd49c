"""`triage deploy`: check a ruleset and make it live."""

from __future__ import annotations

from pathlib import Path

import click

from triage_rules.cli import actor
from triage_rules.cli.folder_deployment import deploy_folder
from triage_rules.cli.lowered_levels import report_lowered_levels
from triage_rules.cli.output import handle_errors
from triage_rules.cli.store import open_store
from triage_rules.foundation.settings import Settings
from triage_rules.records.audit import Actor


@click.command()
@click.argument("folder", metavar="RULESET", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--no-lower", is_flag=True, help="Refuse, unless it is proved that no report gets a lower level.")
@actor.by
@handle_errors
def deploy(folder: Path, by: Actor, *, no_lower: bool) -> None:
    """Check a ruleset, run its cases, prove its properties, and make it live in one step.

    If anything fails, the live one stays. Before, it says for whom the level would be lower than by what is live;
    `triage diff` tells more.
    """
    with open_store(Settings.from_environment()) as store:
        deploy_folder(store, folder, by, lambda bundle: report_lowered_levels(store.rulesets, bundle, refuse=no_lower))
