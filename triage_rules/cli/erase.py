"""`triage erase`: erase a person."""

from __future__ import annotations

import sys

import click

from triage_rules.cli import actor
from triage_rules.cli.exit_codes import ExitCode
from triage_rules.cli.output import exit_with, handle_errors, write_data, write_message
from triage_rules.foundation.errors import SubjectOfSeveral
from triage_rules.foundation.settings import Settings
from triage_rules.records.audit import Actor
from triage_rules.records.reports import SUBJECT_MAX, subject_fault
from triage_rules.store.erasure import LogRewrite
from triage_rules.store.redis import RedisStore

REWRITE_SECONDS = 60.0

_LOG = {
    LogRewrite.DONE: "Redis' append-only file was written anew, without it.",
    LogRewrite.RUNNING: "Redis still writes its append-only file anew; until then the old one holds what was erased.",
    LogRewrite.NONE: "Redis has no append-only file; an older snapshot, if there is one, holds what was erased.",
    LogRewrite.REFUSED: "Redis refused to write its append-only file anew: run BGREWRITEAOF there, "
    "else what was erased stays in it until it is next rewritten.",
}
_NOTHING = (
    "Nothing was found under this name. It must be spelled as in the reports, character by character, "
    "accents in the same Unicode form (docs/howto/privacy.md); a client, as `triage key list` shows it."
)


@click.command()
@click.option("--subject", required=True, metavar="SUBJECT", help="As in the reports; `-` reads it from stdin.")
@click.option("--client", metavar="CLIENT", help="Whose subject it is, if several clients have one of that name.")
@actor.by
@handle_errors
def erase(subject: str, client: str | None, by: Actor) -> None:
    """Erase all that is stored of a person: reports, results, events, dead letters, history; queued ones too.

    Other users of this machine can see the arguments of a command, so prefer `--subject -`. Consumers' own copies,
    replicas' files and backups are out of reach: see docs/howto/privacy.md. If nothing is found it says so and exits
    with 0, as when it is repeated.
    """
    named = sys.stdin.readline().strip("\r\n") if subject == "-" else subject
    if subject_fault(named):
        exit_with(f"No report has such a subject; expected 1 to {SUBJECT_MAX} printable characters.", ExitCode.USAGE)
    with RedisStore(Settings.from_environment()) as store:
        try:
            erased = store.erasure.erase(named, store.now_ms(), by=by, client=client)
        except SubjectOfSeveral as several:
            write_message(f"{several} Choose one with --client:")
            exit_with("\n".join(f"  {name or chr(39) * 2}" for name in several.clients), ExitCode.FINDINGS)
        write_data(
            f"{erased.reports} reports, {erased.events} events, {erased.dead_letters} dead letters, {erased.keys} keys"
        )
        if not (erased.reports or erased.events or erased.dead_letters or erased.keys):
            write_message(_NOTHING)
        write_message(_LOG[store.erasure.rewrite_log(REWRITE_SECONDS)])
    if erased.unopened:
        exit_with(
            f"{erased.unopened} reports can't be opened with the encryption keys that are set: "
            "whether they are of that subject can't be told, and they were kept.",
            ExitCode.FINDINGS,
        )
