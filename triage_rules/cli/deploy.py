"""Deploy a ruleset, and roll back to the one before."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from triage_rules.cli import actor
from triage_rules.cli.lowered_levels import report_lowered_levels
from triage_rules.cli.output import handle_errors, warn_not_approved, write_data, write_message
from triage_rules.cli.store import open_store
from triage_rules.deployment import deploy as deployment
from triage_rules.foundation.settings import Settings
from triage_rules.language.bundle import Bundle
from triage_rules.records.audit import Actor
from triage_rules.store.redis import RedisStore
from triage_rules.store.rulesets import LiveRuleset


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


def deploy_folder(
    store: RedisStore, folder: Path, by: Actor, before: Callable[[Bundle], None] = lambda _bundle: None
) -> None:
    """Check a folder and make it live. `before`: called with what was checked, before it goes live.

    Raises RulesetError, CasesFailed, RulesetNotFound, EngineLimitError; then what is live stays.
    """
    write_message(f"Looking at {folder}: its rules, its cases and its properties. This may take some seconds.")
    checked = deployment.check_folder(folder)
    before(checked.bundle)
    deployed = deployment.deploy(store.rulesets, checked, store.now_ms(), by)
    proved = "" if checked.proved is None else f", {checked.proved} properties proved of every possible report"
    write_message(f"{checked.cases} cases passed{proved}.")
    for warning in deployed.warnings:
        write_message(f"Warning: {warning}", fg="yellow")
    _tell_live(deployed.live)
    warn_not_approved(checked.bundle.name, checked.approved_by)


@click.command()
@click.argument("name")
@actor.by
@handle_errors
def rollback(name: str, by: Actor) -> None:
    """Make the ruleset that was live before live again, in one step. If it can't be opened, what is live stays."""
    with open_store(Settings.from_environment()) as store:
        live, ruleset = deployment.roll_back(store.rulesets, name, store.now_ms(), by)
    _tell_live(live)
    warn_not_approved(name, ruleset.approved_by)


def _tell_live(live: LiveRuleset) -> None:
    write_data(f"{live.name} {live.version} {live.digest} is live")
    if live.previous:
        write_message(f"`triage rollback {live.name}` returns to {live.previous}.")
