"""`triage check`: what is wrong or doubtful about a ruleset, with its place and, where there can be one, a report."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from triage_rules.assurance.cases import read_cases
from triage_rules.assurance.cases.reading import CASES_FILE
from triage_rules.cli.exit_codes import ExitCode
from triage_rules.cli.output import as_json, exit_with, handle_errors, progress, warn_not_approved, write_data
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.foundation.errors import EngineLimitError, RulesetError
from triage_rules.foundation.place import Place
from triage_rules.foundation.version import version
from triage_rules.language.bundle import bundle_of
from triage_rules.language.check_types import CheckType
from triage_rules.language.model import Ruleset
from triage_rules.language.reading import FILE_NAME, Document, read_with_document

if TYPE_CHECKING:
    from triage_rules.assurance.checking.context import Finding

SECONDS = 60
"""What a check may take, unless told otherwise."""


@click.command()
@click.argument("folder", metavar="RULESET", type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(["text", "json", "sarif"]), default="text", show_default=True)
@click.option("--strict", is_flag=True, help="Warnings count as errors.")
@click.option(
    "--seconds", type=click.FloatRange(min=0), default=SECONDS, show_default=True, help="What it may take altogether."
)
@handle_errors
def check(folder: Path, form: str, strict: bool, seconds: float) -> None:
    """Check a ruleset: that it can be read and run, and for every possible report what can't be meant so.

    Tells rules that can never fire or never matter, limits that don't meet, questions that nothing reads, reports that
    no rule takes up and more, each with its line, and with a report that shows it (docs/reference/checks.md). What is
    so on purpose is accepted in the file, under `accepts`. Exits with 1 if there is an error, or with --strict a
    warning.
    """
    from triage_rules.assurance.checking.rendering import as_text, has_failures
    from triage_rules.assurance.checking.sarif import as_sarif  # loads the solver, which most commands never need

    ruleset, document, findings = _checked(folder, seconds)
    if form == "sarif":
        write_data(as_json(as_sarif(findings, version())))
    elif form == "json":
        write_data(as_json(_facts(ruleset, document, findings)))
    else:
        if ruleset is not None and document is not None:
            write_data(f"{ruleset.name} {ruleset.version} ({bundle_of(document).digest})")
            write_data(f"{len(ruleset.inputs)} inputs, {len(ruleset.inferences)} statements, "
                       f"{len(ruleset.rules)} rules, "
                 f"{len(ruleset.floors)} floors: no fault found.")  # fmt: skip
        write_data("\n".join(as_text(findings, ruleset)))
    if ruleset is not None:
        warn_not_approved(ruleset.name, ruleset.approved_by)
    if has_failures(findings, strict=strict):
        sys.exit(ExitCode.FINDINGS)


def _checked(folder: Path, seconds: float) -> tuple[Ruleset | None, Document | None, tuple[Finding, ...]]:
    """The ruleset if it can be read, and all that was found. Raises RulesetNotFound."""
    from triage_rules.assurance import checking
    from triage_rules.assurance.checking.context import Finding
    from triage_rules.assurance.solver.witness import EncoderBugError

    try:
        ruleset, document = read_with_document(folder)
        if (folder / CASES_FILE).exists():
            read_cases(folder, ruleset)
    except RulesetError as error:
        return None, None, checking.findings_of_faults(error.faults)
    try:
        evaluator = Evaluator(ruleset, bundle_of(document).digest)
    except EngineLimitError as error:
        place = Place(str(folder / FILE_NAME if folder.is_dir() else folder), 1, 1)
        return ruleset, document, (Finding(CheckType.ENGINE_LIMIT, place, ruleset.name, str(error)),)
    tell = progress()
    how = checking.CheckOptions(
        datetime.now(UTC).date(), seconds, lambda what, done, of: tell(f"looking for {what}: {done} of {of}")
    )
    try:
        return ruleset, document, checking.check(ruleset, document, how, evaluator)
    except EncoderBugError as error:
        exit_with(
            f"A fault of this program, so nothing is shown: a report differs from its proof ({error}).",
            ExitCode.CANNOT_RUN,
        )


def _facts(ruleset: Ruleset | None, document: Document | None, findings: tuple[Finding, ...]) -> dict[str, object]:
    from triage_rules.assurance.checking.rendering import as_json as finding_as_json
    from triage_rules.assurance.checking.rendering import count_by_severity

    facts: dict[str, object] = {}
    if ruleset is not None and document is not None:
        facts = {
            "ruleset": ruleset.name,
            "version": ruleset.version,
            "digest": bundle_of(document).digest,
            "inputs": len(ruleset.inputs),
            "inferences": len(ruleset.inferences),
            "rules": len(ruleset.rules),
            "floors": len(ruleset.floors),
            "approved_by": ruleset.approved_by,
        }
    return facts | {
        "summary": count_by_severity(findings),
        "findings": [finding_as_json(found, ruleset) for found in findings],
    }
