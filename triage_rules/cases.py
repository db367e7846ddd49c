"""Worked cases: reports with the results that their author wants, run against the ruleset they lie beside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from triage_rules.errors import ReportError, RulesetError, RulesetFault
from triage_rules.evaluating import Evaluator
from triage_rules.findings import read_findings
from triage_rules.messages import History
from triage_rules.reading import load_document
from triage_rules.ruleset import Level, Place, Ruleset

CASES_FILE = "cases.yaml"
EQUAL = ("level", "disposition", "could_be", "determined", "act_within_minutes")
INCLUDED = ("flags", "missing")
WANTED = {*EQUAL, *INCLUDED, "fires", "silent", "ask_includes", "ask_excludes", "conflicts", "refused"}


@dataclass(frozen=True, slots=True)
class Case:
    """One worked case. `expect`: any of WANTED; at least the level, unless the report is to be `refused`."""

    id: str
    note: str
    findings: dict[str, Any]
    history: History
    expect: dict[str, Any]


@dataclass(frozen=True, slots=True)
class CaseOutcome:
    """A case that was run: its result (None if refused) and what differs from what it wants, in words."""

    case: Case
    result: dict[str, Any] | None
    differences: tuple[str, ...] = field(default=())

    @property
    def passed(self) -> bool:
        return not self.differences


def read_cases(folder: Path) -> list[Case]:
    """The cases beside a ruleset. Raises RulesetNotFound, RulesetError with every fault."""
    path = folder / CASES_FILE
    return cases_of(load_document(path).data, str(path))


def cases_of(document: Mapping[str, Any], file: str) -> list[Case]:
    """The cases of a cases document: `bases` (name -> findings) and `cases`. Raises RulesetError."""
    bases = document.get("bases", {})
    faults: list[str] = []
    found: dict[str, Case] = {}
    for number, written in enumerate(document.get("cases", []), start=1):
        case_id = str(written.get("id", f"number {number}"))
        told = [f"case `{case_id}`: {fault}" for fault in _faults(written, bases)]
        if case_id in found:
            told.append(f"case `{case_id}`: there is another case of that id")
        if told:
            faults += told
            continue
        findings = {**bases.get(written.get("base"), {}), **written.get("findings", {})}
        findings = {name: value for name, value in findings.items() if name not in written.get("without", [])}
        found[case_id] = Case(
            case_id, written.get("note", ""), findings, _history(written.get("history", {})), written["expect"]
        )
    if faults:
        raise RulesetError(tuple(RulesetFault(Place(file, 0, 0), fault) for fault in faults))
    return list(found.values())


def run_case(evaluator: Evaluator, case: Case) -> CaseOutcome:
    """Evaluate one case and compare."""
    try:
        findings = read_findings(evaluator.ruleset, case.findings)
    except ReportError as error:
        pointers = sorted(fault.pointer.rsplit("/", 1)[-1] for fault in error.faults)
        wanted = sorted(case.expect.get("refused", []))
        told = () if pointers == wanted else (f"refused: {error}",)
        return CaseOutcome(case, None, told)
    result = evaluator.evaluate(findings, case.history, report_id=case.id, received_ms=0, evaluated_ms=0)
    return CaseOutcome(case, result, (*_unknown(evaluator.ruleset, case.expect), *_differences(case.expect, result)))


def _unknown(ruleset: Ruleset, expect: Mapping[str, Any]) -> Iterator[str]:
    """Names that nothing has: a misspelt one would be silent, or not asked, for ever."""
    statements = {rule.id for rule in ruleset.rules_and_floors}
    for key, known in (("silent", statements), ("ask_excludes", ruleset.inputs)):
        for name in expect.get(key, []):
            if name not in known:
                yield f"{key}: the ruleset has no `{name}`"


def _faults(written: Mapping[str, Any], bases: Mapping[str, Any]) -> list[str]:
    faults = [f"unknown key `{key}`" for key in written if key not in _KEYS]
    if "expect" not in written or not {"level", "refused"} & set(written["expect"]):
        faults.append("`expect` must say a `level` (or what is `refused`)")
    faults += [f"unknown expectation `{key}`" for key in written.get("expect", {}) if key not in WANTED]
    if "base" in written and written["base"] not in bases:
        faults.append(f"unknown base `{written['base']}`")
    faults += [f"unknown history `{key}`" for key in written.get("history", {}) if key not in _HISTORY]
    return faults


_KEYS = {"id", "note", "base", "findings", "without", "history", "expect"}
_HISTORY = {"reports_last_48h", "highest_level_24h"}


def _history(written: Mapping[str, Any]) -> History:
    highest = written.get("highest_level_24h")
    return History(written.get("reports_last_48h", 0), None if highest in (None, "none") else Level.of(highest))


def fired_ids(result: Mapping[str, Any]) -> set[str]:
    """The ids of the rules and floors that fired."""
    return {rule["id"] for rule in [*result["rules"], *result["safety_net"]]}


def _differences(expect: Mapping[str, Any], result: Mapping[str, Any]) -> list[str]:
    told = [f"{k}: wanted {expect[k]}, got {result[k]}" for k in EQUAL if k in expect and expect[k] != result[k]]
    fired = fired_ids(result)
    asked = {question["finding"] for question in result["ask"]}
    conflicts = {conflict["id"] for conflict in result["conflicts"]}
    for key, here in (("fires", fired), ("ask_includes", asked), ("conflicts", conflicts)):
        told += [f"{key}: `{name}` is not there" for name in expect.get(key, []) if name not in here]
    for key, here in (("silent", fired), ("ask_excludes", asked)):
        told += [f"{key}: `{name}` is there" for name in expect.get(key, []) if name in here]
    for key in INCLUDED:
        told += [f"{key}: `{name}` is not there" for name in expect.get(key, []) if name not in result[key]]
    if "refused" in expect:
        told.append("the report was to be refused, and was not")
    return told
