"""`triage audit`: show the audit log, and verify that nothing in it was changed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

import click

from triage_rules.cli.exit_codes import ExitCode
from triage_rules.cli.output import FORMATS, as_json, exit_with, handle_errors, write_data, write_message
from triage_rules.foundation.settings import Settings
from triage_rules.records import audit as chain
from triage_rules.store.redis import RedisStore

_HASH = re.compile(r"sha256:[0-9a-f]{64}")


@click.group()
def audit() -> None:
    """Show and verify the audit log.

    It records who deployed, rolled back, erased, made keys and so on.
    """


@audit.command()
@click.option("--format", "form", type=FORMATS, default="text", show_default=True)
@handle_errors
def show(form: str) -> None:
    """Show all entries, the oldest first. To check that none was changed, use `triage audit verify`."""
    with RedisStore(Settings.from_environment()) as store:
        if form == "json":
            _write(as_json([_with_details(entry) for entry in store.audit.read_entries()]).split("\n"))
        else:
            _write(map(_describe, store.audit.read_entries()))


@audit.command()
@click.option("--head", metavar="HASH", help="A hash that `verify` printed earlier; detects also a cut-off end.")
@click.option("--format", "form", type=FORMATS, default="text", show_default=True)
@handle_errors
def verify(head: str | None, form: str) -> None:
    """Verify that no entry was changed, removed or moved, and print the last hash. Note it elsewhere."""
    if head is not None and not _HASH.fullmatch(head):
        raise click.BadParameter("expected sha256: and 64 hexadecimal digits", param_hint="--head")
    with RedisStore(Settings.from_environment()) as store:
        verdict = chain.verify(store.audit.read_entries(), head)
    if form == "json":
        data = {"entries": verdict.head.number, "head": verdict.head.hash, "faults": verdict.faults}
        _write(as_json(data).split("\n"))
    else:
        _write([f"{verdict.head.number} entries, the last hash is {verdict.head.hash}", *verdict.faults])
    if verdict.faults:
        exit_with("The audit log was tampered with.", ExitCode.FINDINGS)
    if head is None:
        write_message("Not checked: whether the end was cut off. Give a hash noted earlier with `--head HASH`.")


def _describe(entry: chain.Record) -> str:
    actor = f"{entry.get('actor')} ({entry.get('via')})"
    return f"{entry.get('number')}  {entry.get('at')}  {actor}  {entry.get('action')}  {entry.get('details')}"


def _with_details(entry: chain.Record) -> dict[str, object]:
    """Return the entry with its details decoded; unchanged if they are no JSON."""
    try:
        return {**entry, "details": json.loads(entry.get("details", ""))}
    except ValueError:
        return dict(entry)


def _write(lines: Iterable[str]) -> None:
    """Write lines with unprintable characters escaped: a changed entry could steer the terminal and hide itself."""
    for line in lines:
        write_data("".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in line))
