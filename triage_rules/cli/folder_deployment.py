"""The deployment of a ruleset folder, with its messages."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from triage_rules.cli.output import warn_not_approved, write_data, write_message
from triage_rules.deployment import deploy as deployment
from triage_rules.language.bundle import Bundle
from triage_rules.records.audit import Actor
from triage_rules.store.redis import RedisStore
from triage_rules.store.rulesets import LiveRuleset


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
    write_live(deployed.live)
    warn_not_approved(checked.bundle.name, checked.approved_by)


def write_live(live: LiveRuleset) -> None:
    write_data(f"{live.name} {live.version} {live.digest} is live")
    if live.previous:
        write_message(f"`triage rollback {live.name}` returns to {live.previous}.")
