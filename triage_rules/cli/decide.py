"""`triage decide`: decide one report."""

from __future__ import annotations

from typing import Any

import click

from triage_rules.cli.output import FORMATS, handle_errors, result_text, warn_not_approved, write
from triage_rules.cli.report_argument import MAX_BYTES, decide_answers, read_report
from triage_rules.cli.ruleset_argument import open_folder_or_live


@click.command()
@click.argument("ruleset")
@click.argument("file", type=click.File("rb"), default="-")
@click.option("--format", "form", type=FORMATS, default="text", show_default=True)
@handle_errors
def decide(ruleset: str, file: Any, form: str) -> None:
    """Decide one report. Nothing is stored or published."""
    evaluator = open_folder_or_live(ruleset)
    result = decide_answers(evaluator, read_report(evaluator, file.read(MAX_BYTES + 1)))
    write(form, result, result_text(result))
    warn_not_approved(evaluator.ruleset.name, evaluator.ruleset.approved_by)
