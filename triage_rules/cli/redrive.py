"""The command that has dead letters tried anew: reports that could not be decided, results that a group gave up."""

from __future__ import annotations

import click

from triage_rules.cli import actor, group_dead_letters
from triage_rules.cli.exit_codes import exit_code_of
from triage_rules.cli.output import exit_with, handle_errors, write_data
from triage_rules.foundation.errors import NotRedrivable, ReportNotFound
from triage_rules.foundation.settings import Settings
from triage_rules.records.audit import Actor
from triage_rules.store.redis import RedisStore


@click.command()
@click.argument("ids", nargs=-1, metavar="[REPORT|ENTRY]...")
@click.option(
    "--group", metavar="GROUP", help="Put back what this consumer group gave up, by its entries in the stream."
)
@click.option("--all", "everything", is_flag=True, help="With --group: all its dead letters.")
@actor.by
@handle_errors
def redrive(ids: tuple[str, ...], group: str | None, by: Actor, *, everything: bool) -> None:
    """Have dead letters tried anew, once what was wrong is mended.

    Of reports that could not be decided (`GET /v1/dead-letters` and the board name them): each has all its attempts
    again, and ends in one more event: its result, or a dead letter once more.

    With --group, of results that a consumer group gave up: the group, and no other, gets them again. Without entries
    and --all, shows them and does nothing.
    """
    if everything and (group is None or ids):
        raise click.UsageError("--all goes with --group, and without entries")
    if group is None and not ids:
        raise click.UsageError("expected reports, or --group GROUP")
    with RedisStore(Settings.from_environment()) as store:
        if group is None:
            _redrive_reports(store, ids, by)
        elif ids or everything:
            group_dead_letters.put_back(store, group, ids, by)
        else:
            group_dead_letters.show(store, group)


def _redrive_reports(store: RedisStore, reports: tuple[str, ...], by: Actor) -> None:
    refusals = []
    for report_id in reports:
        try:
            store.dead_letters.requeue(report_id, store.now_ms(), by=by)
        except (ReportNotFound, NotRedrivable) as refusal:
            write_data(f"{report_id} {refusal}")
            refusals.append(refusal)
        else:
            write_data(f"{report_id} waits again.")
    if refusals:
        exit_with(f"{len(refusals)} of {len(reports)} can't be requeued.", max(map(exit_code_of, refusals)))
