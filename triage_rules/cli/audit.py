"""The audit log at the command line: show it, and verify that nothing in it was changed."""

from __future__ import annotations

import json
import re

import click

from triage_rules.cli.exit_codes import ExitCode
from triage_rules.cli.output import FORMATS, as_json, exit_with, handle_errors, write_data, write_message
from triage_rules.foundation.settings import Settings
from triage_rules.records import audit as chain
from triage_rules.store.redis import RedisStore

_HASH = re.compile(r"sha256:[0-9a-f]{64}")


@click.group()
def audit() -> None:
    """Who deployed, rolled back, erased and made keys: show it, verify it."""


@audit.command()
@click.option("--format", "form", type=FORMATS, default="text", show_default=True)
@handle_errors
def show(form: str) -> None:
    """Show all entries, the oldest first. It says nothing about whether they were changed: see verify."""
    with RedisStore(Settings.from_environment()) as store:
        if form == "json":
            write_data(_json([_opened(one) for one in store.audit.read_entries()]))
            return
        for one in store.audit.read_entries():
            write_data(_printable(_line(one)))


@audit.command()
@click.option("--head", metavar="HASH", help="A hash that `verify` told earlier: finds also a cut end.")
@click.option("--format", "form", type=FORMATS, default="text", show_default=True)
@handle_errors
def verify(head: str | None, form: str) -> None:
    """Verify that no entry was changed, dropped or moved; tell the last hash, to be noted elsewhere."""
    if head is not None and not _HASH.fullmatch(head):
        raise click.BadParameter("expected sha256: and 64 hexadecimal digits", param_hint="--head")
    with RedisStore(Settings.from_environment()) as store:
        verdict = chain.verify(store.audit.read_entries(), head)
    if form == "json":
        told = {"entries": verdict.head.number, "head": verdict.head.hash, "faults": verdict.faults}
        write_data(_json(told))
    else:
        write_data(_printable(f"{verdict.head.number} entries, the last hash is {verdict.head.hash}"))
        for fault in verdict.faults:
            write_data(_printable(fault))
    if verdict.faults:
        exit_with("The audit log was tampered with.", ExitCode.FINDINGS)
    if head is None:
        write_message("Not looked at: whether the end was cut off. `--head HASH` with a hash noted earlier tells.")


def _line(one: chain.Record) -> str:
    who = f"{one.get('actor')} ({one.get('via')})"
    return f"{one.get('number')}  {one.get('at')}  {who}  {one.get('action')}  {one.get('details')}"


def _opened(one: chain.Record) -> dict[str, object]:
    """The entry with its details as JSON; as the text that it is, should it be none."""
    try:
        return {**one, "details": json.loads(one.get("details", ""))}
    except ValueError:
        return dict(one)


def _json(value: object) -> str:
    """Its line breaks are ours: those in a text are escaped."""
    return "\n".join(map(_printable, as_json(value).split("\n")))


def _printable(text: str) -> str:
    """What could steer the terminal, and so hide that the log was tampered with, is shown by its number."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in text)
