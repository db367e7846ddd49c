"""`triage erase`: erase what is stored about a person."""

from __future__ import annotations

import sys

import click

from triage_rules.cli.actor import by_option
from triage_rules.cli.exit_codes import ExitCode
from triage_rules.cli.output import count_noun, exit_with, handle_errors, write_data, write_message
from triage_rules.foundation.errors import SubjectOfSeveral
from triage_rules.foundation.settings import Settings
from triage_rules.records.audit import Actor
from triage_rules.records.reports import SUBJECT_MAX, subject_fault
from triage_rules.store.erasure import LogRewrite
from triage_rules.store.redis import RedisStore

REWRITE_SECONDS = 60.0

_REWRITE_MESSAGES = {
    LogRewrite.DONE: "Redis' append-only file was rewritten without the erased data.",
    LogRewrite.RUNNING: "Redis is still rewriting its append-only file; until then the old file holds the erased data.",
    LogRewrite.NONE: "Redis has no append-only file. An older snapshot, if there is one, holds the erased data.",
    LogRewrite.REFUSED: "Redis refused to rewrite its append-only file. Run BGREWRITEAOF there; "
    "until the next rewrite the file holds the erased data.",
}
_NOTHING_STORED = (
    "Nothing was found under this name. Spell the subject exactly as in the reports, accents in the same Unicode form "
    "(docs/howto/privacy.md), and the client as in `triage key list`."
)


@click.command()
@click.option(
    "--subject", required=True, metavar="SUBJECT", help="The subject, as in the reports; `-` reads it from stdin."
)
@click.option("--client", metavar="CLIENT", help="The client whose subject it is, if several clients use that name.")
@by_option
@handle_errors
def erase(subject: str, client: str | None, by: Actor) -> None:
    """Erase everything stored about a person.

    This includes reports (also queued ones), results, events, dead letters and the history. Other users of this
    machine can see the arguments of a command, so prefer `--subject -`. Consumers' own copies, replicas' files and
    backups are out of reach: see docs/howto/privacy.md. If nothing is found, because it was erased before or the name
    is misspelled, the command reports that and exits with 0.
    """
    name = sys.stdin.readline().strip("\r\n") if subject == "-" else subject
    if subject_fault(name):
        exit_with(f"Not a possible subject: expected 1 to {SUBJECT_MAX} printable characters.", ExitCode.USAGE)
    with RedisStore(Settings.from_environment()) as store:
        try:
            erased = store.erasure.erase(name, store.now_ms(), by=by, client=client)
        except SubjectOfSeveral as error:
            write_message(f"{error} Choose one with --client:")
            exit_with("\n".join(f"  {client or chr(39) * 2}" for client in error.clients), ExitCode.FINDINGS)
        write_data(
            f"{count_noun(erased.reports, 'report')}, {count_noun(erased.events, 'event')}, "
            f"{count_noun(erased.dead_letters, 'dead letter')}, {count_noun(erased.keys, 'key')}"
        )
        if not (erased.reports or erased.events or erased.dead_letters or erased.keys):
            write_message(_NOTHING_STORED)
        write_message(_REWRITE_MESSAGES[store.erasure.rewrite_log(REWRITE_SECONDS)])
    if erased.unopened:
        exit_with(
            f"Kept {count_noun(erased.unopened, 'report')} of unknown subject: "
            f"the encryption keys don't open {'it' if erased.unopened == 1 else 'them'}.",
            ExitCode.FINDINGS,
        )
