"""`triage diff`: two versions of a ruleset, their changes and the reports whose result differs."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import click

from triage_rules.cli.diff_text import as_markdown, as_text
from triage_rules.cli.exit_codes import ExitCode
from triage_rules.cli.output import exit_with, handle_errors, warn_not_approved, write, write_message
from triage_rules.cli.ruleset_argument import open_version

if TYPE_CHECKING:
    from triage_rules.assurance.diff.outcomes import ResultDifference

SECONDS = 60.0

LOWER, COMPLETE = "lower", "complete"
"""Values of `Way` and `SearchState`, whose module takes long to load."""


@click.command()
@click.argument("old")
@click.argument("new")
@click.option("--format", "form", type=click.Choice(["text", "json", "markdown"]), default="text", show_default=True)
@click.option("--fail-on", type=click.Choice(["any", "lower"]), default="any", show_default=True,
              help="Difference in results that makes the exit code 1: any, or only a less urgent one.")  # fmt: skip
@click.option("--kinds", type=click.IntRange(min=1), default=None,
              help="Number of kinds of report to show for each way to differ.  [default: 1 to 5]")  # fmt: skip
@click.option("--seconds", type=click.FloatRange(min=0), default=SECONDS, show_default=True,
              help="Time limit; the output marks what was not proved by then.")  # fmt: skip
@handle_errors
def diff(old: str, new: str, *, form: str, fail_on: str, kinds: int | None, seconds: float) -> None:  # noqa: PLR0913 - click
    """Show how two versions of a ruleset differ, and for whom.

    \b
    OLD and NEW are each one of:
      rulesets/red-dots           a folder, or a ruleset file
      HEAD~1:rulesets/red-dots    a folder or file in a revision of this git repository, from its root
      red-dots                    the live version of that name (TRIAGE_REDIS_URL)
      sha256:...                  a deployed version, by its digest

    A file or folder takes precedence over a live name. All possible reports are compared by proof, not by sample.
    Each kind of report that differs is shown with its smallest example and both results, less urgent results first.
    "Proved" means that there are no (more) kinds, "gave up" that the time ran out. The engine and the reference
    evaluator of both versions evaluated each example.

    \b
    Exit codes: 0 no result differs (with --fail-on lower: none is less urgent), 1 some do,
    2 wrong usage, 3 could not run, or gave up before it found or excluded a difference.
    """  # noqa: D301 - click wants the backspace itself
    from triage_rules.assurance.diff import report
    from triage_rules.assurance.diff.outcomes import DifferenceSearch
    from triage_rules.assurance.solver.solver import Budget  # the solver takes long to load
    from triage_rules.assurance.solver.witness import EncoderBugError

    before, after = open_version(old), open_version(new)
    try:
        differences = list(_show_progress(DifferenceSearch(before, after, Budget(seconds), kinds).all()))
    except EncoderBugError as error:
        exit_with(f"A fault of this program, so nothing is shown: {error}", ExitCode.CANNOT_RUN)
    data = report.as_data(before, after, differences)
    write(form, data, as_markdown(data) if form == "markdown" else as_text(data))
    warn_not_approved(after.ruleset.name, after.ruleset.approved_by)
    _exit_by([difference for difference in differences if fail_on == "any" or difference.way == LOWER])


def _show_progress(differences: Iterable[ResultDifference]) -> Iterator[ResultDifference]:
    started = time.monotonic()
    for difference in differences:
        count = len(difference.kinds)
        kinds = f"{count} kind{'' if count == 1 else 's'}" if count else "none"
        name, seconds = f"{difference.aspect.value}, {difference.way.value}", time.monotonic() - started
        write_message(f"{name}: {kinds}, {difference.state.value} ({seconds:.1f} s)")
        yield difference


def _exit_by(differences: list[ResultDifference]) -> None:
    """Exit with the code of the differences that count; return if there are none."""
    if any(difference.kinds for difference in differences):
        exit_with("Results differ.", ExitCode.FINDINGS)
    if any(difference.state != COMPLETE for difference in differences):
        exit_with("Gave up before every difference was found or excluded; try more --seconds.", ExitCode.CANNOT_RUN)
