"""Faults and likely mistakes of a draft, as data with places: faults at once, likely mistakes with the solver."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from triage_rules.assurance.properties.reading import PROPERTIES_FILE
from triage_rules.foundation.errors import RulesetFault
from triage_rules.language.check_types import CheckType, Severity
from triage_rules.workbench.draft import FILES, Files, OpenedDraft
from triage_rules.workbench.try_patient import words_of

if TYPE_CHECKING:  # they load the solver
    from triage_rules.assurance.checking.context import Finding
    from triage_rules.assurance.properties.proving import Proof

Json = dict[str, Any]

CHECK_SECONDS, PROVE_SECONDS = 20.0, 20.0
"""Time limits of the search for findings and of the proofs. The answer lists the undecided questions."""

NOT_PROVED = "property"
"""Type of a diagnostic about a property that isn't proved; the other types are those of `CheckType`."""

_WORD = re.compile(r"""[^\s,:\[\]{}"'#]+""")


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """Fault, finding or unproved property: its place (1-based; `end_column` is exclusive), severity and message.

    `example`: a report that shows it, a line for each answer; `outcome`: the report's result.
    `accepted`: the reason for accepting it. `patient`: the report in the values of the controls.
    """

    file: str
    line: int
    column: int
    end_column: int
    severity: str
    type: str
    message: str
    means: str = ""
    example: tuple[str, ...] | None = None
    outcome: str | None = None
    accepted: str | None = None
    patient: dict[str, str] | None = None


def faults_of(opened: OpenedDraft, files: Files) -> list[Diagnostic]:
    """List every fault of reading the files, in the order of the files."""
    faults = [_of_fault(fault, files) for fault in opened.faults]
    return sorted(faults, key=lambda fault: (FILES.index(fault.file), fault.line, fault.column))


def examine(opened: OpenedDraft, files: Files, today: date) -> list[Diagnostic]:
    """List likely mistakes and unproved properties, as `triage check` and `triage prove` do, the worst first.

    If there are faults, list only those. Raises EncoderBugError.
    """
    from triage_rules.assurance.checking import CheckOptions, check  # loads the solver
    from triage_rules.assurance.properties.proving import prove

    rules = opened.rules
    if opened.faults or rules is None or rules.evaluator is None:
        return faults_of(opened, files)
    findings = check(rules.ruleset, rules.document, CheckOptions(today, CHECK_SECONDS), rules.evaluator)
    proofs = prove(rules.ruleset, opened.properties, seconds=PROVE_SECONDS, evaluator=rules.evaluator)
    refuted = [_of_proof(proof, files) for proof in proofs if not proof.holds]
    diagnostics = [*refuted, *(_of_finding(finding, opened, files) for finding in findings)]
    order = [severity.value for severity in Severity]
    return sorted(diagnostics, key=lambda shown: (shown.accepted is not None, order.index(shown.severity)))


def as_json(diagnostics: Iterable[Diagnostic]) -> list[Json]:
    """Return the diagnostics as JSON data."""
    return [asdict(diagnostic) for diagnostic in diagnostics]


def _of_fault(fault: RulesetFault, files: Files) -> Diagnostic:
    check_type = CheckType.FAULT
    return Diagnostic(*_span(fault.place.file, fault.place.line, fault.place.column, files), check_type.severity.value,
                      check_type.value, fault.message, check_type.meaning)  # fmt: skip


def _of_finding(finding: Finding, opened: OpenedDraft, files: Files) -> Diagnostic:
    example, outcome, patient = None, None, None
    witness = finding.witness
    if witness is not None and opened.rules is not None:
        ruleset = opened.rules.ruleset
        example, outcome = tuple(witness.describe(ruleset)), _outcome(witness.result)
        patient = words_of(ruleset, witness.answers, witness.history)
    place = _span(finding.place.file, finding.place.line, finding.place.column, files)
    severity, meaning = finding.type.severity.value, finding.type.meaning
    return Diagnostic(*place, severity, finding.type.value, finding.message, meaning, example,
                      outcome, finding.accepted, patient)  # fmt: skip


def _of_proof(proof: Proof, files: Files) -> Diagnostic:
    from triage_rules.assurance.solver.witness import describe_report

    place, example, outcome, patient = proof.asked.place, None, None, None
    witness = proof.counterexample
    if witness is not None:
        answers, history = witness.reports[0]
        example = tuple(describe_report(witness.rulesets[0], answers, history))
        outcome = "; with the other answer: ".join(map(_outcome, witness.results))
        patient = words_of(witness.rulesets[0], answers, history)
    span = _span(*((PROPERTIES_FILE, 1, 1) if place is None else (place.file, place.line, place.column)), files)
    message = f"property `{proof.asked.id}` is {proof.verdict.value}: {proof.asked.says} {proof.why}".strip()
    return Diagnostic(*span, Severity.ERROR.value, NOT_PROVED, message, "a property that is not proved", example,
                      outcome, patient=patient)  # fmt: skip


def _outcome(result: Json) -> str:
    fired = ", ".join(rule["id"] for rule in [*result["rules"], *result["safety_net"]]) or "no rule"
    return f"{result['level']}, {result['disposition']} ({fired})"


def _span(file: str, line: int, column: int, files: Files) -> tuple[str, int, int, int]:
    """Return the place with the end of its word; a place of a bundle, which has line 0, is the start of the file."""
    line, column = max(1, line), max(1, column)
    text = next(_lines(files.get(file, ""), line), "")
    word = _WORD.match(text, column - 1)
    return file, line, column, max(column + 1, (word.end() if word else len(text)) + 1 if text else column + 1)


def _lines(text: str, line: int) -> Iterator[str]:
    """Yield the lines of a text from this line on."""
    yield from text.split("\n")[line - 1 :]
