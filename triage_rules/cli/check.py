"""`triage check`: faults and likely mistakes of a ruleset, with their places and example reports."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from triage_rules.assurance.cases import read_cases
from triage_rules.assurance.cases.reading import CASES_FILE
from triage_rules.cli.exit_codes import ExitCode
from triage_rules.cli.output import Progress, as_json, exit_with, handle_errors, warn_not_approved, write, write_data
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.foundation.errors import EngineLimitError, RulesetError
from triage_rules.foundation.place import Place
from triage_rules.foundation.version import version
from triage_rules.interview.personas import load_personas
from triage_rules.interview.vignettes import HELD_OUT_FILE, VIGNETTES_FILE, load_vignettes
from triage_rules.language.bundle import bundle_of
from triage_rules.language.check_types import CheckType
from triage_rules.language.model import Ruleset
from triage_rules.language.reading import FILE_NAME, read_with_document

if TYPE_CHECKING:
    from triage_rules.assurance.checking.context import Finding

SECONDS = 120
"""Default time limit of a check."""


@click.command()
@click.argument("folder", metavar="RULESET", type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(["text", "json", "sarif"]), default="text", show_default=True)
@click.option("--strict", is_flag=True, help="Treat warnings as errors.")
@click.option(
    "--seconds", type=click.FloatRange(min=0), default=SECONDS, show_default=True, help="Time limit of the whole check."
)
@handle_errors
def check(folder: Path, form: str, strict: bool, seconds: float) -> None:
    """Check a ruleset for faults and likely mistakes.

    A fault keeps the ruleset from being read or run. Likely mistakes are rules that can never fire or make no
    difference, limits that don't meet, unused questions, reports that no rule covers and more. Each finding has its
    line and, where possible, an example report (docs/reference/checks.md). An intended finding is accepted in the
    file, under `accepts`. Exits with 1 if there is an error, or with --strict a warning.
    """
    from triage_rules.assurance.checking.rendering import has_failures
    from triage_rules.assurance.checking.sarif import as_sarif  # loads the solver, which most commands never need

    report = check_folder(folder, seconds)
    if form == "sarif":
        write_data(as_json(as_sarif(report.findings, version())))
    else:
        write(form, report.as_json(), report.as_text())
    if report.ruleset is not None:
        warn_not_approved(report.ruleset.name, report.ruleset.approved_by)
    if has_failures(report.findings, strict=strict):
        sys.exit(ExitCode.FINDINGS)


@dataclass(frozen=True, slots=True)
class CheckReport:
    """Findings of a check; the ruleset and its digest if the file could be read."""

    findings: tuple[Finding, ...]
    ruleset: Ruleset | None = None
    digest: str | None = None

    def as_json(self) -> dict[str, object]:
        """Return the report as plain data."""
        from triage_rules.assurance.checking import rendering

        ruleset = self.ruleset
        data: dict[str, object] = {}
        if ruleset is not None:
            data = {
                "ruleset": ruleset.name,
                "version": ruleset.version,
                "digest": self.digest,
                **_count_parts(ruleset),
                "approved_by": ruleset.approved_by,
            }
        return data | {
            "summary": rendering.count_by_severity(self.findings),
            "findings": [rendering.as_json(finding, ruleset) for finding in self.findings],
        }

    def as_text(self) -> Iterator[str]:
        """Yield the lines of the report."""
        from triage_rules.assurance.checking import rendering

        if self.ruleset is not None:
            parts = _count_parts(self.ruleset)
            yield f"{self.ruleset.name} {self.ruleset.version} ({self.digest})"
            yield (
                f"{parts['inputs']} inputs, {parts['inferences']} statements, {parts['rules']} rules, "
                f"{parts['floors']} floors: no fault found."
            )
        yield from rendering.as_text(self.findings, self.ruleset)


def check_folder(folder: Path, seconds: float) -> CheckReport:
    """Read and check the ruleset of a folder. Raises RulesetNotFound."""
    from triage_rules.assurance import checking
    from triage_rules.assurance.checking.context import Finding
    from triage_rules.assurance.solver.witness import EncoderBugError

    try:
        ruleset, document = read_with_document(folder)
        if (folder / CASES_FILE).exists():
            read_cases(folder, ruleset)
        if folder.is_dir():
            personas = load_personas(folder, ruleset)
            for file in (VIGNETTES_FILE, HELD_OUT_FILE):
                load_vignettes(folder, ruleset, personas, file)
    except RulesetError as error:
        return CheckReport(checking.findings_of_faults(error.faults))
    digest = bundle_of(document).digest
    try:
        evaluator = Evaluator(ruleset, digest)
    except EngineLimitError as error:
        place = Place(str(folder / FILE_NAME if folder.is_dir() else folder), 1, 1)
        return CheckReport((Finding(CheckType.ENGINE_LIMIT, place, ruleset.name, str(error)),), ruleset, digest)
    progress = Progress()
    options = checking.CheckOptions(
        datetime.now(UTC).date(), seconds, lambda what, done, of: progress.show(f"looking for {what}: {done} of {of}")
    )
    try:
        return CheckReport(checking.check(ruleset, document, options, evaluator), ruleset, digest)
    except EncoderBugError as error:
        exit_with(
            f"A fault of this program, so nothing is shown: a report differs from its proof ({error}).",
            ExitCode.CANNOT_RUN,
        )


def _count_parts(ruleset: Ruleset) -> dict[str, int]:
    return {
        "inputs": len(ruleset.inputs),
        "inferences": len(ruleset.inferences),
        "rules": len(ruleset.rules),
        "floors": len(ruleset.floors),
    }
