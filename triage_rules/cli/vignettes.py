"""`triage vignettes`: run clinical stories through a ruleset, and compare the outcomes with those that are wanted."""

from __future__ import annotations

from pathlib import Path

import click

from triage_rules.cli.exit_codes import ExitCode
from triage_rules.cli.output import Progress, count_noun, exit_with, handle_errors, warn_not_approved, write
from triage_rules.cli.ruleset_argument import open_folder
from triage_rules.cli.vignettes_text import as_markdown, as_text
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.foundation.errors import RulesetNotFound
from triage_rules.interview.personas import load_personas
from triage_rules.interview.vignette_figures import VignetteSuite, describe_figures, describe_vignette
from triage_rules.interview.vignette_runs import VignetteRun, run_vignettes
from triage_rules.interview.vignettes import HELD_OUT_FILE, VIGNETTES_FILE, Vignettes, load_vignettes


@click.command()
@click.argument("folder", metavar="RULESET", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--held-out", "is_held_out", is_flag=True,
              help=f"Run those of {HELD_OUT_FILE}, and show only counts.")  # fmt: skip
@click.option("--forms-only", is_flag=True, help="Run only the full forms, without the interviews: much faster.")
@click.option("--format", "form", type=click.Choice(["text", "json", "markdown"]), default="text", show_default=True)
@handle_errors
def vignettes(folder: Path, form: str, *, is_held_out: bool, forms_only: bool) -> None:
    """Run the vignettes of a ruleset: clinical stories with a wanted outcome.

    The file vignettes.yaml has them. Each is run as a full form and as an interview. Shows how many outcomes are exact,
    acceptable, too mild and too grave, by group and kind, and which levels and dispositions came out for which wanted
    ones. Exits with 1 if one is too mild, if form and interview differ, or if a budget in the file is not kept.
    """
    evaluator = open_folder(folder)
    file = HELD_OUT_FILE if is_held_out else VIGNETTES_FILE
    known = load_vignettes(folder, evaluator.ruleset, load_personas(folder, evaluator.ruleset), file)
    if known is None:
        raise RulesetNotFound(f"there is no `{folder / file}`, so there are no vignettes to run")
    suite = run_with_progress(evaluator, known, forms_only=forms_only)
    data: dict[str, object] = {
        "ruleset": evaluator.ruleset.name,
        "version": evaluator.ruleset.version,
        "digest": evaluator.digest,
        "file": file,
        "budget": suite.budget.limits,
        "failures": suite.failures,
        "figures": describe_figures(evaluator.ruleset, suite.runs),
    }
    if not is_held_out:
        data["vignettes"] = [describe_vignette(run) for run in suite.runs]
    write(form, data, as_markdown(data) if form == "markdown" else as_text(data))
    warn_not_approved(evaluator.ruleset.name, evaluator.ruleset.approved_by)
    if suite.failures:
        exit_with(f"Vignettes: {'; '.join(suite.failures)}.", ExitCode.FINDINGS)


def run_with_progress(evaluator: Evaluator, known: Vignettes, *, forms_only: bool = False) -> VignetteSuite:
    """Run vignettes, and show how many are done."""
    runs, progress = list[VignetteRun](), Progress()
    for run in run_vignettes(evaluator, known.vignettes, forms_only=forms_only):
        runs.append(run)
        progress.show(f"{len(runs)} of {count_noun(len(known.vignettes), 'vignette')}")
    return VignetteSuite(tuple(runs), known.budget)
