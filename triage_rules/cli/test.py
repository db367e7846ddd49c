"""`triage test`: run the cases, personas and vignettes of a ruleset, and show what the cases leave uncovered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree as ET

import click

from triage_rules.assurance.cases import CaseOutcome, findings_of, read_cases, run_case
from triage_rules.assurance.coverage import Coverage, CoverageMeasure, Observed, measure
from triage_rules.assurance.coverage import reporting as coverage_reporting
from triage_rules.assurance.coverage.suggestions import drafts, suggest
from triage_rules.cli.exit_codes import ExitCode
from triage_rules.cli.output import (
    Progress,
    count_noun,
    exit_with,
    handle_errors,
    warn_not_approved,
    write,
    write_data,
    write_message,
)
from triage_rules.cli.ruleset_argument import open_folder
from triage_rules.cli.vignettes import run_with_progress
from triage_rules.cli.vignettes_text import count_line
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.interview.persona_runs import PersonaRun, median_screens, run_persona
from triage_rules.interview.personas import Personas, load_personas
from triage_rules.interview.plan import Planner
from triage_rules.interview.vignette_figures import VignetteSuite, describe_counts, describe_vignette
from triage_rules.interview.vignettes import load_vignettes


def _read_required(_: click.Context, __: click.Parameter, value: str | None) -> dict[CoverageMeasure, Decimal]:
    try:
        return {} if value is None else coverage_reporting.read_required(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@click.command()
@click.argument("folder", metavar="RULESET", type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(["text", "json", "junit"]), default="text", show_default=True)
@click.option("--coverage", "is_covered", is_flag=True, help="Show what the cases cover and what they don't.")
@click.option("--require", "required", metavar="MEASURE=PERCENT,...", callback=_read_required,
              help="Exit with 1 if less is covered, such as rules=100,mcdc=80.")  # fmt: skip
@click.option("--suggest", "suggested", metavar="N", type=click.IntRange(min=1),
              help="Draft up to N cases that would cover more, as YAML; you add the expected results.")  # fmt: skip
@handle_errors
def test(
    folder: Path, form: str, is_covered: bool, required: dict[CoverageMeasure, Decimal], suggested: int | None
) -> None:
    """Run the worked cases of a ruleset, interview its personas, and run its vignettes."""
    evaluator = open_folder(folder)
    outcomes = _run_cases(evaluator, folder)
    people = load_personas(folder, evaluator.ruleset)
    stories = load_vignettes(folder, evaluator.ruleset, people)
    personas = [] if people is None else _run_personas(evaluator, people)
    vignettes = VignetteSuite() if stories is None else run_with_progress(evaluator, stories)
    coverage = cover(evaluator, outcomes) if is_covered or required or suggested else None
    run = SuiteRun(evaluator.ruleset.name, outcomes, personas, vignettes, coverage if is_covered else None)
    if suggested is not None and coverage is not None:
        write_data(drafts(suggest(evaluator, coverage, [outcome.case for outcome in outcomes], suggested)))
    elif form == "junit":
        write_data(run.as_junit())
    else:
        write(form, run.as_json(), run.as_text())
    warn_not_approved(evaluator.ruleset.name, evaluator.ruleset.approved_by)
    lacking = coverage_reporting.below(coverage, required) if coverage is not None else []
    for line in lacking:
        write_message(f"Too little is covered: {line}.")
    failures = [_count_failures(len(run.failed), len(outcomes), "case")] if run.failed or not outcomes else []
    failures += [_count_failures(len(run.failed_personas), len(personas), "persona")] if run.failed_personas else []
    failures += [f"Vignettes: {'; '.join(vignettes.failures)}."] if vignettes.failures else []
    if failures:
        exit_with(" ".join(failures), ExitCode.FINDINGS)
    if lacking:
        exit_with("`triage test RULESET --coverage` lists what no case covers.", ExitCode.FINDINGS)


def _run_cases(evaluator: Evaluator, folder: Path) -> list[CaseOutcome]:
    cases, progress, outcomes = read_cases(folder, evaluator.ruleset), Progress(), []
    for case in cases:
        outcomes.append(run_case(evaluator, case))
        progress.show(f"{len(outcomes)} of {len(cases)} cases")
    return outcomes


def _run_personas(evaluator: Evaluator, known: Personas) -> list[PersonaRun]:
    planner, progress, runs = Planner(evaluator), Progress(), list[PersonaRun]()
    for persona in known.personas:
        runs.append(run_persona(evaluator, planner, persona))
        progress.show(f"{len(runs)} of {count_noun(len(known.personas), 'persona')}")
    return runs


def _count_failures(failed: int, total: int, noun: str) -> str:
    return f"{failed} of {count_noun(total, noun)} {'fails' if failed == 1 else 'fail'}."


def cover(evaluator: Evaluator, outcomes: list[CaseOutcome]) -> Coverage:
    """Measure the coverage of cases that were run, passed or failed. A refused report covers nothing."""
    observed = [
        Observed(
            outcome.case.id,
            findings_of(evaluator.ruleset, outcome.case),
            evaluator.facts(outcome.answers, outcome.case.history),
            outcome.result["disposition"],
        )
        for outcome in outcomes
        if outcome.answers is not None and outcome.result is not None
    ]
    return measure(evaluator.ruleset, observed)


@dataclass(frozen=True, slots=True)
class SuiteRun:
    """Outcomes of a ruleset's cases, personas and vignettes, and the coverage if it was asked for."""

    ruleset: str
    outcomes: Sequence[CaseOutcome]
    personas: Sequence[PersonaRun]
    vignettes: VignetteSuite
    coverage: Coverage | None

    @property
    def failed(self) -> list[CaseOutcome]:
        """Return the cases whose result is not as expected."""
        return [outcome for outcome in self.outcomes if not outcome.passed]

    @property
    def failed_personas(self) -> list[PersonaRun]:
        """Return the personas whose interview does not end with the expected outcome."""
        return [run for run in self.personas if not run.passed]

    def as_text(self) -> Iterator[str]:
        """Yield the lines of the run: failed cases and personas, missed vignettes, their counts, the coverage."""
        for outcome in self.failed:
            yield f"{outcome.case.id}: {outcome.case.note}"
            yield "\n".join(f"    {difference}" for difference in outcome.differences)
        for run in self.failed_personas:
            yield f"{run.persona.name}: {run.persona.title}"
            yield "\n".join(f"    {difference}" for difference in run.differences)
        yield from (f"{name}: {miss}" for name, miss in self.vignettes.misses.items())
        yield f"{len(self.outcomes) - len(self.failed)} passed, {len(self.failed)} failed"
        if self.personas:
            failed, screens = len(self.failed_personas), f"{median_screens(self.personas):g}"
            yield f"personas: {len(self.personas) - failed} passed, {failed} failed (median: {screens} screens)"
        if self.vignettes.runs:
            yield count_line(describe_counts(self.vignettes.figures))
        if self.coverage is not None:
            yield f"\n{coverage_reporting.as_text(self.coverage)}"

    def as_json(self) -> dict[str, object]:
        """Return the run as plain data."""
        data: dict[str, object] = {
            "cases": [
                {
                    "id": outcome.case.id,
                    "note": outcome.case.note,
                    "passed": outcome.passed,
                    "differences": outcome.differences,
                }
                for outcome in self.outcomes
            ],
            "personas": [
                {
                    "name": run.persona.name,
                    "title": run.persona.title,
                    "passed": run.passed,
                    "differences": run.differences,
                    "screens": run.conversation.screens,
                    "taps": run.conversation.taps,
                }
                for run in self.personas
            ],
            "vignettes": [describe_vignette(run) for run in self.vignettes.runs],
        }
        return data if self.coverage is None else data | {"coverage": coverage_reporting.as_json(self.coverage)}

    def as_junit(self) -> str:
        """Return the run as a JUnit suite; coverage as properties, which readers of JUnit keep or ignore."""
        tests = list(self._list_tests())
        failed = sum(bool(differences) for *_, differences in tests)
        counts = {"tests": len(tests), "failures": failed, "errors": 0, "skipped": 0}
        suite = ET.Element("testsuite", {"name": self.ruleset} | {name: str(count) for name, count in counts.items()})
        if self.coverage is not None:
            properties = ET.SubElement(suite, "properties")
            for kind, count in self.coverage.counts().items():
                ET.SubElement(properties, "property", name=f"coverage.{kind.value}", value=count.percent)
        for group, name, message, differences in tests:
            case = ET.SubElement(suite, "testcase", name=name, classname=group, time="0")
            if differences:
                failure = ET.SubElement(case, "failure", type="difference", message=message)
                failure.text = "\n".join(differences)
        ET.indent(suite)
        return ET.tostring(suite, encoding="unicode", xml_declaration=True)

    def _list_tests(self) -> Iterator[tuple[str, str, str, Sequence[str]]]:
        """Yield the group, name and title of each test, and its differences: none if it passes."""
        for outcome in self.outcomes:
            yield self.ruleset, outcome.case.id, outcome.case.note, outcome.differences
        for run in self.personas:
            yield f"{self.ruleset}.personas", run.persona.name, run.persona.title, run.differences
        group = f"{self.ruleset}.vignettes"
        for vignette in self.vignettes.runs:
            failed = () if vignette.passed else (vignette.miss or "",)
            yield group, vignette.vignette.name, vignette.vignette.story, failed
        if self.vignettes.budget.limits:
            yield group, "budget", "The shares that the ruleset must keep", self.vignettes.shortfalls
