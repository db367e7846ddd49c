"""`triage diff`: two versions of a ruleset, what is written otherwise and for whom results differ."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import click

from triage_rules.cli.diff_text import markdown, text
from triage_rules.cli.exit_codes import ExitCode
from triage_rules.cli.output import as_json, exit_with, handle_errors, warn_not_approved, write_data, write_message
from triage_rules.cli.ruleset_argument import evaluator_of

if TYPE_CHECKING:
    from triage_rules.assurance.diff.outcomes import ResultDifference

SECONDS = 60.0

LOWER, COMPLETE = "lower", "complete"
"""The words of `Way` and `State`."""


@click.command()
@click.argument("old")
@click.argument("new")
@click.option("--format", "form", type=click.Choice(["text", "json", "markdown"]), default="text", show_default=True)
@click.option("--fail-on", type=click.Choice(["any", "lower"]), default="any", show_default=True,
              help="What makes the exit code 1: any difference in results, or only less urgent ones.")  # fmt: skip
@click.option("--kinds", type=click.IntRange(min=1), default=None,
              help="Show so many kinds of report of each way to differ.  [default: 1 to 5]")  # fmt: skip
@click.option("--seconds", type=click.FloatRange(min=0), default=SECONDS, show_default=True,
              help="Give up after that time; what is not proved by then is told so.")  # fmt: skip
@handle_errors
def diff(old: str, new: str, *, form: str, fail_on: str, kinds: int | None, seconds: float) -> None:  # noqa: PLR0913 - click
    """Compare two versions of a ruleset: what is written otherwise, and for which reports the result differs.

    \b
    OLD and NEW are each one of
      rulesets/red-dots           a folder, or a ruleset file
      HEAD~1:rulesets/red-dots    a folder or file in a revision of this git repository, seen from its top
      red-dots                    what is live under that name (TRIAGE_REDIS_URL)
      sha256:...                  a bundle that was deployed, by its digest

    A file or folder of that name comes first. Every report is looked at by proof, not by sample: for each kind of
    report that differs, less urgent ones first, there is a smallest example with both results; where there is none
    (or no more), the command says "proved", and where the time ran out "gave up". Examples were evaluated by engine
    and reference evaluator of both versions.

    \b
    Exit: 0 no result differs (or with --fail-on lower: none is less urgent), 1 some do,
    2 wrong usage, 3 could not run, or gave up before it found or excluded a difference.
    """  # noqa: D301 - click wants the backspace itself
    from triage_rules.assurance.diff import report
    from triage_rules.assurance.diff.outcomes import DifferenceSearch
    from triage_rules.assurance.solver.solver import Budget  # the solver takes long to load
    from triage_rules.assurance.solver.witness import EncoderBugError

    before, after = evaluator_of(old), evaluator_of(new)
    try:
        found = list(_with_progress(DifferenceSearch(before, after, Budget(seconds), kinds).all()))
    except EncoderBugError as error:
        exit_with(f"A fault of this program, nothing is shown: {error}", ExitCode.CANNOT_RUN)
    told = report.as_data(before, after, found)
    if form == "json":
        write_data(as_json(told))
    else:
        write_data("\n".join(markdown(told) if form == "markdown" else text(told)))
    warn_not_approved(after.ruleset.name, after.ruleset.approved_by)
    _leave([one for one in found if fail_on == "any" or one.way == LOWER])


def _with_progress(differences: Iterable[ResultDifference]) -> Iterator[ResultDifference]:
    started = time.monotonic()
    for one in differences:
        kinds = f"{len(one.kinds)} kind{'' if len(one.kinds) == 1 else 's'}" if one.kinds else "none"
        write_message(
            f"{one.aspect.value}, {one.way.value}: {kinds}, {one.state.value} ({time.monotonic() - started:.1f} s)"
        )
        yield one


def _leave(counting: list[ResultDifference]) -> None:
    if any(one.kinds for one in counting):
        exit_with("Results differ.", ExitCode.FINDINGS)
    if any(one.state != COMPLETE for one in counting):
        exit_with("Gave up before every difference was found or excluded; try more --seconds.", ExitCode.CANNOT_RUN)
