"""`triage status`: live rulesets, the backlog, workers and consumer groups."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import click

from triage_rules.cli.exit_codes import ExitCode
from triage_rules.cli.output import (
    FORMATS,
    count_noun,
    exit_with,
    handle_errors,
    warn_not_approved,
    write,
    write_message,
)
from triage_rules.cli.store import open_store
from triage_rules.foundation.settings import Settings
from triage_rules.foundation.timestamps import timestamp
from triage_rules.records.consumer_groups import Groups
from triage_rules.store.health import Backlog
from triage_rules.store.redis import RedisStore
from triage_rules.store.rulesets import LiveRuleset


@click.command()
@click.option("--format", "form", type=FORMATS, default="text", show_default=True)
@handle_errors
def status(form: str) -> None:
    """Show live rulesets, the backlog, workers and consumer groups."""
    settings = Settings.from_environment()
    with open_store(settings) as store:
        collected = collect_status(store, settings)
    write(form, collected.as_json(), collected.as_text())
    for group in collected.groups.shown:
        if group.dead:
            write_message(f"To list or requeue them: `triage redrive --group {group.name}`.")
    for name, approver in collected.approvers.items():
        warn_not_approved(name, approver)
    if not collected.live:
        exit_with("No ruleset is live.", ExitCode.FINDINGS)


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """State of the service, as far as the store shows it. `approvers`: the clinician who approved each ruleset."""

    live: dict[str, LiveRuleset]
    approvers: dict[str, str | None]
    backlog: Backlog
    workers: list[str]
    workers_stalled: list[str]
    groups: Groups

    def as_json(self) -> dict[str, Any]:
        """Return the status as plain data."""
        return {
            "rulesets": {
                name: {
                    "version": ruleset.version,
                    "digest": ruleset.digest,
                    "previous": ruleset.previous,
                    "approved_by": self.approvers[name],
                    "activated_at": timestamp(ruleset.activated_ms),
                }
                for name, ruleset in self.live.items()
            },
            "backlog": {
                "pending": self.backlog.pending,
                "oldest_ms": self.backlog.oldest_ms,
                "dead": self.backlog.dead,
            },
            "results": self.backlog.results,
            "workers": self.workers,
            "workers_stalled": self.workers_stalled,
            "groups": [asdict(group) for group in self.groups.shown],
            "groups_left_out": self.groups.left_out,
        }

    def as_text(self) -> Iterator[str]:
        """Yield the lines of the status."""
        for name, ruleset in sorted(self.live.items()):
            yield f"{name} {ruleset.version} {ruleset.digest}, live since {timestamp(ruleset.activated_ms)}"
        yield (
            f"{count_noun(self.backlog.pending, 'report')} waiting, "
            f"the oldest for {self.backlog.oldest_ms / 1000:.1f} s; "
            f"{count_noun(self.backlog.results, 'result')}, {count_noun(self.backlog.dead, 'dead letter')}; "
            f"{count_noun(len(self.workers), 'worker')}, {len(self.workers_stalled)} stalled"
        )
        for group in self.groups.shown:
            undelivered = (
                "unknown number of undelivered results"
                if group.lag is None
                else count_noun(group.lag, "undelivered result")
            )
            dead = count_noun(group.dead, "dead letter")
            yield f"group {group.name}: {undelivered}, {group.pending} in progress, {dead}"
        if self.groups.left_out:
            yield f"and {count_noun(self.groups.left_out, 'more group')}"


def collect_status(store: RedisStore, settings: Settings) -> ServiceStatus:
    """Read the status of the service from the store. Raises StoreUnavailable."""
    now = store.now_ms()
    live = store.rulesets.get_live()
    return ServiceStatus(
        live,
        {name: _read_approver(store, ruleset) for name, ruleset in sorted(live.items())},
        store.health.get_backlog(now),
        store.health.get_workers(now, settings.worker_within_ms),
        store.health.get_stalled_workers(now, settings.worker_within_ms),
        store.consumer_groups.get_all(),
    )


def _read_approver(store: RedisStore, live: LiveRuleset) -> str | None:
    """Return the clinician who approved a live ruleset, or None. Reading the bundle takes no engine."""
    if live.is_approval_stored:
        return live.approved_by
    ruleset: dict[str, Any] = json.loads(store.rulesets.get_bundle(live.digest))["ruleset"]
    return ruleset.get("approved_by")
