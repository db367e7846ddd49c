"""`triage compare`: rulesets side by side on worked cases, as text, JSON, or Markdown for a document."""

from __future__ import annotations

from pathlib import Path

import click

from triage_rules.cli.comparison import compare_folders
from triage_rules.cli.comparison_text import as_markdown, as_text
from triage_rules.cli.exit_codes import ExitCode
from triage_rules.cli.output import exit_with, handle_errors, warn_not_approved, write, write_message
from triage_rules.cli.ruleset_argument import open_folder

BEGIN, END = "<!-- made by triage compare -->", "<!-- end of what triage compare made -->"
"""Marks in a document: `--into` replaces the text between them."""

_FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)


@click.command()
@click.argument("first", metavar="RULESET", type=_FOLDER)
@click.argument("others", metavar="OTHER...", nargs=-1, required=True, type=_FOLDER)
@click.option("--cases", "with_cases", is_flag=True, help="List the cases that differ, not only their number.")
@click.option("--format", "form", type=click.Choice(["text", "json", "markdown"]), default="text", show_default=True)
@click.option(
    "--into",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Write the Markdown into this document, between its two marker lines.",
)
@handle_errors
def compare(first: Path, others: tuple[Path, ...], form: str, into: Path | None, *, with_cases: bool) -> None:
    """Compare the levels of rulesets on their worked cases.

    Each other ruleset is compared with the first, on the cases of all of them. From each case a ruleset gets the
    answers to its own questions. Nothing goes live.
    """
    evaluators = [open_folder(folder) for folder in (first, *others)]
    comparison = compare_folders(evaluators, (first, *others))
    if into is not None:
        _write_into(into, "\n".join(as_markdown(comparison, with_cases=with_cases)))
        write_message(f"{into} written.")
    else:
        render = as_markdown if form == "markdown" else as_text
        write(form, comparison, render(comparison, with_cases=with_cases))
    for evaluator in evaluators:
        warn_not_approved(evaluator.ruleset.name, evaluator.ruleset.approved_by)


def _write_into(document: Path, markdown: str) -> None:
    text = document.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        exit_with(f"{document} must contain the lines `{BEGIN}` and `{END}`, in this order.", ExitCode.USAGE)
    document.write_text(f"{before}{BEGIN}\n\n{markdown}\n\n{END}{after}", encoding="utf-8")
