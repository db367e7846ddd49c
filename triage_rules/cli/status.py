"""`triage status`: live rulesets, the backlog, workers and consumer groups."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import click

from triage_rules.cli.exit_codes import ExitCode
from triage_rules.cli.output import (
    FORMATS,
    as_json,
    exit_with,
    handle_errors,
    warn_not_approved,
    write_data,
    write_message,
)
from triage_rules.cli.store import open_store
from triage_rules.foundation.settings import Settings
from triage_rules.foundation.timestamps import timestamp
from triage_rules.records.consumer_groups import Groups
from triage_rules.store.redis import RedisStore
from triage_rules.store.rulesets import LiveRuleset


@click.command()
@click.option("--format", "form", type=FORMATS, default="text", show_default=True)
@handle_errors
def status(form: str) -> None:
    """Say what is live, what waits, and which workers were heard from, and how far consumer groups are."""
    settings = Settings.from_environment()
    with open_store(settings) as store:
        now = store.now_ms()
        backlog = store.health.get_backlog(now)
        workers = store.health.get_workers(now, settings.worker_within_ms)
        stalled = store.health.get_stalled_workers(now, settings.worker_within_ms)
        groups = store.consumer_groups.get_all()
        live = store.rulesets.get_live()
        approved = {name: _approver(store, ruleset) for name, ruleset in sorted(live.items())}
    if form == "json":
        rulesets = {
            name: {
                "version": one.version,
                "digest": one.digest,
                "previous": one.previous,
                "approved_by": approved[name],
                "activated_at": timestamp(one.activated_ms),
            }
            for name, one in live.items()
        }
        waiting = {"pending": backlog.pending, "oldest_ms": backlog.oldest_ms, "dead": backlog.dead}
        write_data(as_json({"rulesets": rulesets, "backlog": waiting, "results": backlog.results, "workers": workers,
                      "workers_stalled": stalled, "groups": [asdict(group) for group in groups.shown],
                      "groups_left_out": groups.left_out}))  # fmt: skip
    else:
        for name, one in sorted(live.items()):
            write_data(f"{name} {one.version} {one.digest}, live since {timestamp(one.activated_ms)}")
        write_data(f"{backlog.pending} reports wait, the oldest for {backlog.oldest_ms / 1000:.1f} s; "
             f"{backlog.results} results, {backlog.dead} dead letters; "
             f"{len(workers)} workers heard from, {len(stalled)} stalled")  # fmt: skip
        _tell_groups(groups)
    for name, approver in approved.items():
        warn_not_approved(name, approver)
    if not live:
        exit_with("No ruleset is live.", ExitCode.FINDINGS)


def _approver(store: RedisStore, live: LiveRuleset) -> str | None:
    """Return the clinician who approved a live ruleset, or None. Reading it takes no engine."""
    if live.is_approval_stored:
        return live.approved_by
    ruleset: dict[str, Any] = json.loads(store.rulesets.get_bundle(live.digest))["ruleset"]
    return ruleset.get("approved_by")


def _tell_groups(groups: Groups) -> None:
    for one in groups.shown:
        lag = "unknown how many" if one.lag is None else one.lag
        write_data(f"group {one.name}: {lag} results to come, {one.pending} in hand, {one.dead} dead letters")
        if one.dead:
            write_message(f"`triage redrive --group {one.name}` shows them, and puts them back.")
    if groups.left_out:
        write_data(f"and {groups.left_out} more groups")
