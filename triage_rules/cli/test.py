"""The command `triage test`: run the cases of a ruleset, and show what none of them covers."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree as ET

import click

from triage_rules.assurance.cases import CaseOutcome, read_cases, run_case
from triage_rules.assurance.coverage import Coverage, CoverageMeasure, Observed, measure
from triage_rules.assurance.coverage import reporting as covered
from triage_rules.assurance.coverage.suggestions import drafts, suggest
from triage_rules.cli.exit_codes import ExitCode
from triage_rules.cli.output import (
    as_json,
    exit_with,
    handle_errors,
    progress,
    warn_not_approved,
    write_data,
    write_message,
)
from triage_rules.cli.ruleset_argument import open_folder
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.language.model import Ruleset


def _required(_: click.Context, __: click.Parameter, value: str | None) -> dict[CoverageMeasure, Decimal]:
    try:
        return {} if value is None else covered.read_required(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@click.command()
@click.argument("folder", metavar="RULESET", type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(["text", "json", "junit"]), default="text", show_default=True)
@click.option("--coverage", is_flag=True, help="Show what the cases cover, and what no case shows.")
@click.option("--require", "required", metavar="MEASURE=PERCENT,...", callback=_required,
              help="Exit with 1 if less is covered, e.g. rules=100,mcdc=80.")  # fmt: skip
@click.option("--suggest", "wanted", metavar="N", type=click.IntRange(min=1),
              help="Draft up to N cases that would show more, as YAML; you say what each must result in.")  # fmt: skip
@handle_errors
def test(folder: Path, form: str, coverage: bool, required: dict[CoverageMeasure, Decimal], wanted: int | None) -> None:
    """Run the worked cases that lie beside a ruleset."""
    evaluator = open_folder(folder)
    cases, tell, outcomes = read_cases(folder, evaluator.ruleset), progress(), []
    for case in cases:
        outcomes.append(run_case(evaluator, case))
        tell(f"{len(outcomes)} of {len(cases)} cases")
    shown = cover(evaluator, outcomes) if coverage or required or wanted else None
    if wanted is not None and shown is not None:
        write_data(drafts(suggest(evaluator, shown, [outcome.case for outcome in outcomes], wanted)))
    else:
        show(form, evaluator.ruleset, outcomes, shown if coverage else None)
    warn_not_approved(evaluator.ruleset.name, evaluator.ruleset.approved_by)
    failed = [outcome for outcome in outcomes if not outcome.passed]
    lacking = covered.below(shown, required) if shown is not None else []
    for line in lacking:
        write_message(f"Too little is covered: {line}.")
    if failed or not outcomes:
        exit_with(f"{len(failed)} of {len(outcomes)} cases differ from what they want.", ExitCode.FINDINGS)
    if lacking:
        exit_with("`triage test RULESET --coverage` tells what no case shows.", ExitCode.FINDINGS)


def cover(evaluator: Evaluator, outcomes: list[CaseOutcome]) -> Coverage:
    """The coverage by cases that were run, passed or not; a refused report shows nothing."""
    observed = [
        Observed(
            outcome.case.id,
            outcome.case.answers,
            evaluator.facts(outcome.answers, outcome.case.history),
            outcome.result["disposition"],
        )
        for outcome in outcomes
        if outcome.answers is not None and outcome.result is not None
    ]
    return measure(evaluator.ruleset, observed)


def show(form: str, ruleset: Ruleset, outcomes: list[CaseOutcome], coverage: Coverage | None) -> None:
    """The outcomes, and the coverage if there is one, in one of the formats."""
    match form:
        case "json":
            write_data(as_json(_json(outcomes, coverage)))
        case "junit":
            write_data(_junit(ruleset, outcomes, coverage))
        case _:
            write_data(_text(outcomes, coverage))


def _text(outcomes: list[CaseOutcome], coverage: Coverage | None) -> str:
    lines = [
        f"{outcome.case.id}: {outcome.case.note}\n    " + "\n    ".join(outcome.differences)
        for outcome in outcomes
        if not outcome.passed
    ]
    lines.append(f"{sum(o.passed for o in outcomes)} passed, {len(lines)} failed")
    if coverage is not None:
        lines += ["", covered.as_text(coverage)]
    return "\n".join(lines)


def _json(outcomes: list[CaseOutcome], coverage: Coverage | None) -> Mapping[str, object]:
    cases = [{"id": o.case.id, "note": o.case.note, "passed": o.passed, "differences": o.differences} for o in outcomes]
    return {"cases": cases} if coverage is None else {"cases": cases, "coverage": covered.as_json(coverage)}


def _junit(ruleset: Ruleset, outcomes: list[CaseOutcome], coverage: Coverage | None) -> str:
    """One test suite, a test case for each case; coverage as properties, which readers of JUnit keep or ignore."""
    failures = str(sum(not o.passed for o in outcomes))
    suite = ET.Element(
        "testsuite", name=ruleset.name, tests=str(len(outcomes)), failures=failures, errors="0", skipped="0"
    )
    if coverage is not None:
        properties = ET.SubElement(suite, "properties")
        for kind, count in coverage.counts().items():
            ET.SubElement(properties, "property", name=f"coverage.{kind.value}", value=count.percent)
    for outcome in outcomes:
        case = ET.SubElement(suite, "testcase", name=outcome.case.id, classname=ruleset.name, time="0")
        if not outcome.passed:
            failure = ET.SubElement(case, "failure", type="difference", message=outcome.case.note)
            failure.text = "\n".join(outcome.differences)
    ET.indent(suite)
    return ET.tostring(suite, encoding="unicode", xml_declaration=True)
