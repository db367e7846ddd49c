"""`triage redrive`: requeue dead letters, of reports or of a consumer group."""

from __future__ import annotations

import click

from triage_rules.cli import group_dead_letters
from triage_rules.cli.actor import by_option
from triage_rules.cli.exit_codes import exit_code_of
from triage_rules.cli.output import exit_with, handle_errors, write_data
from triage_rules.foundation.errors import ReportNotFound, RequeueRefused
from triage_rules.foundation.settings import Settings
from triage_rules.records.audit import Actor
from triage_rules.store.redis import RedisStore


@click.command()
@click.argument("ids", nargs=-1, metavar="[REPORT|ENTRY]...")
@click.option(
    "--group", metavar="GROUP", help="Requeue results that this consumer group gave up, by their entries in the stream."
)
@click.option("--all", "everything", is_flag=True, help="With --group: requeue all its dead letters.")
@by_option
@handle_errors
def redrive(ids: tuple[str, ...], group: str | None, by: Actor, *, everything: bool) -> None:
    """Requeue dead letters after the cause is fixed.

    Without --group: reports that could not be decided, as listed by `GET /v1/dead-letters` and the board. Each gets
    all its attempts again, and ends with one more event: its result, or another dead letter.

    With --group: results that a consumer group gave up. Only this group gets them again. Without entries and --all,
    the command lists them and changes nothing.
    """
    if everything and (group is None or ids):
        raise click.UsageError("--all needs --group, and takes no entries")
    if group is None and not ids:
        raise click.UsageError("expected ids of reports, or --group GROUP")
    with RedisStore(Settings.from_environment()) as store:
        if group is None:
            _redrive_reports(store, ids, by)
        elif ids or everything:
            group_dead_letters.requeue(store, group, ids, by)
        else:
            group_dead_letters.show(store, group)


def _redrive_reports(store: RedisStore, reports: tuple[str, ...], by: Actor) -> None:
    refusals = []
    for report_id in reports:
        try:
            store.dead_letters.requeue(report_id, store.now_ms(), by=by)
        except (ReportNotFound, RequeueRefused) as refusal:
            reason = str(refusal)
            write_data(f"{report_id}: {reason[0].lower()}{reason[1:]}")
            refusals.append(refusal)
        else:
            write_data(f"{report_id} is queued again.")
    if refusals:
        exit_with(f"{len(refusals)} of {len(reports)} can't be requeued.", max(map(exit_code_of, refusals)))
