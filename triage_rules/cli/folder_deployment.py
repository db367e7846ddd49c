"""The deployment of a ruleset folder, with its messages."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from triage_rules.cli.output import count_noun, warn_not_approved, write_data, write_message
from triage_rules.deployment import deploy as deployment
from triage_rules.language.bundle import Bundle
from triage_rules.records.audit import Actor
from triage_rules.store.redis import RedisStore
from triage_rules.store.rulesets import LiveRuleset


def deploy_folder(
    store: RedisStore, folder: Path, by: Actor, before: Callable[[Bundle], None] = lambda _bundle: None
) -> None:
    """Check a folder and make it live; after an error the live version stays. `before`: called with the checked bundle.

    Raises:
        RulesetError: The file is not a ruleset, a case, a persona or the vignettes fail, or a property is not proved.
        RulesetNotFound: There is no such folder.
        EngineLimitError: The ruleset is too large for the engine.

    """
    write_message(f"Checking {folder}: rules, cases, personas, vignettes and properties. This may take some seconds.")
    checked = deployment.check_folder(folder)
    before(checked.bundle)
    deployed = deployment.deploy(store.rulesets, checked, store.now_ms(), by)
    cases = count_noun(checked.cases, "case")
    proved = ""
    if checked.proved is not None:
        proved = f", {count_noun(checked.proved, 'property', 'properties')} proved for every possible report"
    interviewed = ""
    if checked.interviews is not None:
        personas = count_noun(checked.interviews.personas, "persona")
        interviewed = f", {personas} interviewed (median: {checked.interviews.median_screens:g} screens)"
    if checked.vignettes is not None:
        interviewed += f", {count_noun(checked.vignettes, 'vignette')} run"
    write_message(f"{cases} passed{proved}{interviewed}.")
    for warning in deployed.warnings:
        write_message(f"Warning: {warning}", fg="yellow")
    write_live(deployed.live)
    warn_not_approved(checked.bundle.name, checked.approved_by)


def write_live(live: LiveRuleset) -> None:
    """Write which version is live, and how to return to the previous one."""
    write_data(f"{live.name} {live.version} {live.digest} is live")
    if live.previous:
        write_message(f"`triage rollback {live.name}` returns to {live.previous}.")
