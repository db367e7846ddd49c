"""`triage decide`: decide one report."""

from __future__ import annotations

from typing import Any

import click

from triage_rules.cli.output import FORMATS, handle_errors, result_text, warn_not_approved, write
from triage_rules.cli.report_argument import MAX_BYTES, decide_answers, read_report
from triage_rules.cli.ruleset_argument import open_folder_or_live
from triage_rules.interview.wire import add_next
from triage_rules.records.reports import History


@click.command()
@click.argument("ruleset")
@click.argument("file", type=click.File("rb"), default="-")
@click.option("--interview", "is_interview", is_flag=True, help="Add the screen to show next in an interview.")
@click.option("--format", "form", type=FORMATS, default="text", show_default=True)
@handle_errors
def decide(ruleset: str, file: Any, form: str, *, is_interview: bool) -> None:
    """Decide one report. Nothing is stored or published."""
    evaluator = open_folder_or_live(ruleset)
    posted = read_report(evaluator, file.read(MAX_BYTES + 1))
    result = decide_answers(evaluator, posted)
    if is_interview:
        add_next(
            result,
            posted.loaded.planner,
            posted.answers,
            history=History(),
            audience=posted.audience,
            ticked=posted.ticked,
        )
    write(form, result, result_text(result))
    warn_not_approved(evaluator.ruleset.name, evaluator.ruleset.approved_by)
