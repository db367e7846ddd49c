"""`triage decide`: decide one report."""

from __future__ import annotations

from typing import Any

import click

from triage_rules.cli.output import FORMATS, as_json, handle_errors, result_text, warn_not_approved, write_data
from triage_rules.cli.report_argument import MAX_BYTES, evaluate
from triage_rules.cli.ruleset_argument import open_any


@click.command()
@click.argument("ruleset")
@click.argument("file", type=click.File("rb"), default="-")
@click.option("--format", "form", type=FORMATS, default="text", show_default=True)
@handle_errors
def decide(ruleset: str, file: Any, form: str) -> None:
    """Decide one report; nothing is stored or published."""
    evaluator = open_any(ruleset)
    result = evaluate(evaluator, file.read(MAX_BYTES + 1))
    write_data(as_json(result) if form == "json" else "\n".join(result_text(result)))
    warn_not_approved(evaluator.ruleset.name, evaluator.ruleset.approved_by)
