"""`triage compare`: rulesets side by side on worked cases, as text, JSON, or Markdown for a document."""

from __future__ import annotations

from pathlib import Path

import click

from triage_rules.cli.comparison import report
from triage_rules.cli.comparison_text import markdown, text
from triage_rules.cli.exit_codes import ExitCode
from triage_rules.cli.output import as_json, exit_with, handle_errors, warn_not_approved, write_data, write_message
from triage_rules.cli.ruleset_argument import open_folder

BEGIN, END = "<!-- made by triage compare -->", "<!-- end of what triage compare made -->"
"""What stands between these two lines of a document is written anew by `--into`."""

_FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)


@click.command()
@click.argument("first", metavar="RULESET", type=_FOLDER)
@click.argument("others", metavar="OTHER...", nargs=-1, required=True, type=_FOLDER)
@click.option("--cases", "with_cases", is_flag=True, help="Name every case that differs, not just their number.")
@click.option("--format", "form", type=click.Choice(["text", "json", "markdown"]), default="text", show_default=True)
@click.option(
    "--into",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Write the Markdown into this document, between the two lines that mark its place.",
)
@handle_errors
def compare(first: Path, others: tuple[Path, ...], form: str, into: Path | None, *, with_cases: bool) -> None:
    """Compare the levels of other rulesets with those of the first, on the worked cases of all of them.

    Each ruleset gets those answers of a case that it has questions for. None goes live by this.
    """
    evaluators = [open_folder(folder) for folder in (first, *others)]
    found = report(evaluators, (first, *others))
    if into is not None:
        _write_into(into, "\n".join(markdown(found, with_cases=with_cases)))
        write_message(f"{into} written.")
    elif form == "json":
        write_data(as_json(found))
    else:
        write_data("\n".join((markdown if form == "markdown" else text)(found, with_cases=with_cases)))
    for evaluator in evaluators:
        warn_not_approved(evaluator.ruleset.name, evaluator.ruleset.approved_by)


def _write_into(document: Path, made: str) -> None:
    text = document.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        exit_with(f"{document}: the lines `{BEGIN}` and `{END}` don't stand in it, in this order.", ExitCode.USAGE)
    document.write_text(f"{before}{BEGIN}\n\n{made}\n\n{END}{after}", encoding="utf-8")
