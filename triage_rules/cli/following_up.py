"""Commands about reports that could not be decided."""

from __future__ import annotations

import click

from triage_rules.audit import Actor
from triage_rules.cli import acting
from triage_rules.cli.talking import FOUND, data, give_up, refusing
from triage_rules.errors import NotRedrivable, ReportNotFound
from triage_rules.ledger.redis import RedisLedger
from triage_rules.settings import Settings


@click.command()
@click.argument("reports", nargs=-1, required=True, metavar="REPORT...")
@acting.by
@refusing
def redrive(reports: tuple[str, ...], by: Actor) -> None:
    """Have reports that are dead letters tried anew; `GET /v1/dead-letters` and the board name them.

    Each has all its attempts again, and ends in one more event: its result, or a dead letter once more.
    """
    failed = 0
    with RedisLedger(Settings.from_environment()) as ledger:
        for report_id in reports:
            try:
                ledger.redrive(report_id, ledger.now_ms(), by=by)
            except (ReportNotFound, NotRedrivable) as refusal:
                data(f"{report_id} {refusal}")
                failed += 1
            else:
                data(f"{report_id} waits again.")
    if failed:
        give_up(f"{failed} of {len(reports)} can't be tried anew.", FOUND)
