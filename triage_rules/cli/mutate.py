"""`triage mutate`: small wrong changes of a ruleset that no case detects."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from triage_rules.assurance.cases import read_cases
from triage_rules.cli.exit_codes import ExitCode
from triage_rules.cli.output import Progress, exit_with, handle_errors, warn_not_approved, write, write_message
from triage_rules.language.model import Ruleset
from triage_rules.language.reading import read_with_document

if TYPE_CHECKING:
    from triage_rules.assurance.mutation.operators import Mutant
    from triage_rules.assurance.mutation.running import MutantOutcome

MOST_PROCESSES = 2

PERCENT = click.FloatRange(0, 100)


@click.command()
@click.argument("folder", metavar="RULESET", type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--rule", "owners", metavar="ID", multiple=True,
              help="Only changes of this rule, floor, conflict or statement; repeatable.")  # fmt: skip
@click.option("--sample", type=click.IntRange(min=1), metavar="N", help="Only N mutants, drawn at random.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the draw.")
@click.option("--require", type=PERCENT, metavar="PERCENT", help="Exit with 1 if fewer mutants are killed.")
@click.option("--require-urgent", type=PERCENT, metavar="PERCENT",
              help="Exit with 1 if fewer are killed of the mutants that lower an urgent level.")  # fmt: skip
@click.option("--drafts", type=click.File("w", encoding="utf-8"), metavar="FILE",
              help="Write a draft case for each survivor; a clinician adds the expected result.")  # fmt: skip
@click.option("--processes", type=click.IntRange(1, 64), default=min(MOST_PROCESSES, os.cpu_count() or 1),
              show_default=True, help="Number of processes that work at the same time.")  # fmt: skip
@handle_errors
def mutate(  # noqa: PLR0913 (each is an option of the command)
    folder: Path,
    *,
    form: str,
    owners: tuple[str, ...],
    sample: int | None,
    seed: int,
    require: float | None,
    require_urgent: float | None,
    drafts: TextIO | None,
    processes: int,
) -> None:
    """Find small wrong changes of a ruleset that no case detects.

    Your files are not changed. Each changed copy of the ruleset is a mutant. It is killed if a case fails for it, and
    equivalent if it is proved that every report gets the same result. Otherwise it survived, and is listed with the
    smallest patient who gets another result (docs/reference/mutation.md).
    """
    from triage_rules.assurance.mutation import reporting
    from triage_rules.assurance.mutation.operators import make_mutants
    from triage_rules.assurance.mutation.running import FailingCasesError, run
    from triage_rules.assurance.solver.witness import EncoderBugError  # the solver takes long to load

    ruleset, document = read_with_document(folder)
    cases = read_cases(folder, ruleset)
    selected = _select(ruleset, make_mutants(ruleset, document.root, document.file), owners)
    if sample is not None and sample < len(selected):
        write_message(f"A sample of {sample} of {len(selected)} mutants (seed {seed}).")
        drawn = set(random.Random(seed).sample(range(len(selected)), sample))  # noqa: S311 (a draw, not a secret)
        selected = [mutant for number, mutant in enumerate(selected) if number in drawn]
    progress = Progress()
    try:
        outcomes = run(
            ruleset,
            cases,
            selected,
            processes=processes,
            progress=lambda done, of: progress.show(f"{done} of {of} mutants"),
        )
    except FailingCasesError as error:
        exit_with(f"{folder}: {error}", ExitCode.FINDINGS)
    except EncoderBugError as error:
        exit_with(f"A fault of this program, so nothing is shown: {error}", ExitCode.CANNOT_RUN)
    write(form, reporting.as_json(outcomes), [reporting.as_text(ruleset, outcomes)])
    if drafts is not None:
        drafts.write(reporting.write_drafts(outcomes) + "\n")
    warn_not_approved(ruleset.name, ruleset.approved_by)
    _check_required(outcomes, require, require_urgent)


def _select(ruleset: Ruleset, made: tuple[Mutant, ...], owners: tuple[str, ...]) -> list[Mutant]:
    """Return the mutants of these rules; a statement may be given by name or by id."""
    if not owners:
        return list(made)
    names = {i.id: i.name for i in ruleset.inferences.values() if i.id is not None}
    wanted = {*owners, *(names[owner] for owner in owners if owner in names)}
    unknown = wanted - {mutant.owner for mutant in made} - names.keys()
    if unknown:
        exit_with(
            f"There is no rule, floor, conflict or statement `{min(unknown)}` that can be changed.",
            ExitCode.USAGE,
        )
    return [mutant for mutant in made if mutant.owner in wanted]


def _check_required(outcomes: tuple[MutantOutcome, ...], require: float | None, require_urgent: float | None) -> None:
    """Exit with 1 if fewer are killed than required. The shares are compared without rounding."""
    from triage_rules.assurance.mutation import reporting

    lacking = []
    for wanted, counts, noun in (
        (require, reporting.count_mutants(outcomes), "mutants"),
        (require_urgent, reporting.count_urgent(outcomes), "mutants that lower an urgent level"),
    ):
        if wanted is not None and counts.killed * 100 < wanted * (counts.made - counts.equivalent):
            lacking.append(f"{counts.percent} % of the {noun} are killed, {wanted:g} % are required")
    if lacking:
        exit_with("; ".join(lacking) + ".", ExitCode.FINDINGS)
