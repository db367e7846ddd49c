"""What is wrong or doubtful about a draft, as data with places: the faults at once, the rest with the solver."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from triage_rules.foundation.errors import RulesetFault
from triage_rules.language.check_types import CheckType, Severity
from triage_rules.workbench.draft import FILES, Files, OpenedDraft
from triage_rules.workbench.try_patient import words_of

if TYPE_CHECKING:  # they load the solver
    from triage_rules.assurance.checking.context import Finding
    from triage_rules.assurance.properties.proving import Proof

Json = dict[str, Any]

CHECK_SECONDS, PROVE_SECONDS = 20.0, 20.0
"""What the search for findings and the proof of properties may take. What is not decided by then is told."""

NOT_PROVED = "property"
"""The type of a diagnostic about a property that isn't proved; the other types are those of `CheckType`."""

_WORD = re.compile(r"""[^\s,:\[\]{}"'#]+""")


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One thing to look at: where (1-based; `end_column` is behind the last character), how serious, what.

    `example`: a report that shows it, a line each answer; `outcome`: what comes of it.
    `accepted`: why it is on purpose. `patient`: that report in the words of the controls.
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
    """Every fault that reading finds, in the order of the files."""
    found = [_of_fault(fault, files) for fault in opened.faults]
    return sorted(found, key=lambda one: (FILES.index(one.file), one.line, one.column))


def examine(opened: OpenedDraft, files: Files, today: date) -> list[Diagnostic]:
    """As `triage check` and `triage prove`: also what can't be meant so, for every possible report, worst first.

    The faults alone if there are any. Raises EncoderBugError.
    """
    from triage_rules.assurance.checking import CheckOptions, check  # loads the solver
    from triage_rules.assurance.properties.proving import prove

    rules = opened.rules
    if opened.faults or rules is None or rules.evaluator is None:
        return faults_of(opened, files)
    found = check(rules.ruleset, rules.document, CheckOptions(today, CHECK_SECONDS), rules.evaluator)
    proofs = prove(rules.ruleset, opened.properties, seconds=PROVE_SECONDS, evaluator=rules.evaluator)
    refuted = [_of_proof(proof, files) for proof in proofs if not proof.holds]
    diagnostics = [*refuted, *(_of_finding(one, opened, files) for one in found)]
    order = [severity.value for severity in Severity]
    return sorted(diagnostics, key=lambda one: (one.accepted is not None, order.index(one.severity)))


def as_json(diagnostics: Iterable[Diagnostic]) -> list[Json]:
    """As data."""
    return [asdict(one) for one in diagnostics]


def _of_fault(fault: RulesetFault, files: Files) -> Diagnostic:
    found = CheckType.FAULT
    return Diagnostic(*_span(fault.place.file, fault.place.line, fault.place.column, files), found.severity.value,
                      found.value, fault.message, found.meaning)  # fmt: skip


def _of_finding(found: Finding, opened: OpenedDraft, files: Files) -> Diagnostic:
    example, outcome, patient = None, None, None
    witness = found.witness
    if witness is not None and opened.rules is not None:
        ruleset = opened.rules.ruleset
        example, outcome = tuple(witness.describe(ruleset)), _outcome(witness.result)
        patient = words_of(ruleset, witness.answers, witness.history)
    place = _span(found.place.file, found.place.line, found.place.column, files)
    return Diagnostic(*place, found.type.severity.value, found.type.value, found.message, found.type.meaning, example,
                      outcome, found.accepted, patient)  # fmt: skip


def _of_proof(proof: Proof, files: Files) -> Diagnostic:
    from triage_rules.assurance.solver.witness import describe_report

    place, example, outcome, patient = proof.asked.place, None, None, None
    witness = proof.counterexample
    if witness is not None:
        findings, history = witness.reports[0]
        example = tuple(describe_report(witness.rulesets[0], findings, history))
        outcome = ", and with the change: ".join(map(_outcome, witness.results))
        patient = words_of(witness.rulesets[0], findings, history)
    where = _span(*((FILES[2], 1, 1) if place is None else (place.file, place.line, place.column)), files)
    message = f"property `{proof.asked.id}` is {proof.verdict.value}: {proof.asked.says} {proof.why}".strip()
    return Diagnostic(*where, Severity.ERROR.value, NOT_PROVED, message, "a property that is not proved", example,
                      outcome, patient=patient)  # fmt: skip


def _outcome(result: Json) -> str:
    fired = ", ".join(rule["id"] for rule in [*result["rules"], *result["safety_net"]]) or "no rule"
    return f"{result['level']}, {result['disposition']} ({fired})"


def _span(file: str, line: int, column: int, files: Files) -> tuple[str, int, int, int]:
    """Where the word at this place ends; places of bundles, which have line 0, are the file's beginning."""
    line, column = max(1, line), max(1, column)
    text = next(_lines(files.get(file, ""), line), "")
    word = _WORD.match(text, column - 1)
    return file, line, column, max(column + 1, (word.end() if word else len(text)) + 1 if text else column + 1)


def _lines(text: str, line: int) -> Iterator[str]:
    """From that line on."""
    found = text.split("\n")
    yield from found[line - 1 :]
