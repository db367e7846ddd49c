"""`triage check`: errors and likely mistakes in a ruleset, over every possible report, each with an example report.

One file for each family of checks; docs/reference/checks.md explains each check.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from triage_rules.assurance.checking import (
    edges,
    equal,
    gaps,
    interview,
    mentions,
    open_danger,
    superfluous,
    unreachable,
    unused,
    upkeep,
)
from triage_rules.assurance.checking.accepting import apply_acceptances
from triage_rules.assurance.checking.context import CheckContext, Finding, Progress
from triage_rules.assurance.solver.solver import Budget
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.foundation.errors import RulesetFault
from triage_rules.foundation.place import Place
from triage_rules.language.check_types import CheckType, Family, Severity
from triage_rules.language.model import Ruleset
from triage_rules.language.reading import Document
from triage_rules.language.reading.acceptances import acceptances_of

SHOWN = 5
"""Number of undecided ids that an `incomplete` finding names."""

_ORDER = {severity: number for number, severity in enumerate(Severity)}
_TYPES = {check_type: number for number, check_type in enumerate(CheckType)}


FAMILIES: dict[Family, Callable[[CheckContext], Iterator[Finding]]] = {
    Family.UPKEEP: upkeep.find_upkeep,
    Family.REACH: unreachable.find_unreachable,
    Family.PARTS: unreachable.find_dead_conditions,
    Family.USE: unused.find_unused,
    Family.INTERVIEW: interview.find_interview,
    Family.MENTIONS: mentions.find_unasked_mentions,
    Family.OPEN_DANGER: open_danger.find_open_dangers,
    Family.LIMITS: edges.find_edges,
    Family.SUPERFLUOUS: superfluous.find_superfluous_rules,
    Family.EQUAL: equal.find_equal_statements,
    Family.GAPS: gaps.find_gaps,
}
"""Families in the order in which they run: errors first, in case the time runs out."""


def _ignore_progress(_family: str, _done: int, _total: int) -> None:
    """Report no progress."""


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """Options of one check.

    today: reviews due before this day are overdue. seconds: the time limit; None: no limit.
    least: the lowest severity to look for.
    """

    today: date
    seconds: float | None = None
    progress: Progress = _ignore_progress
    least: Severity = Severity.NOTE


def check(
    ruleset: Ruleset, document: Document, options: CheckOptions, evaluator: Evaluator | None = None
) -> tuple[Finding, ...]:
    """Check a ruleset that was read from this document. Return the findings, the most serious first.

    Questions that were not decided in time become findings of type INCOMPLETE.
    evaluator: of the same ruleset; without it, one is made when needed.

    Raises:
        EncoderBugError: If the solver and the evaluator disagree about a report.
        EngineLimitError: If the engine can't hold the rules.
    """
    budget, least = Budget(options.seconds), options.least
    context = CheckContext(ruleset, document.root, document.file, options.today, budget, options.progress, evaluator)
    findings: list[Finding] = []
    wanted = {type_ for type_ in CheckType if _is_at_least(type_, least)}
    families = [family for family in FAMILIES if any(type_.family is family for type_ in wanted)]
    for family in families:
        findings += [finding for finding in FAMILIES[family](context) if finding.type in wanted]
    decided = set(families) - set(context.undecided)
    unknown = {type_ for type_ in CheckType if type_ not in wanted or type_.family not in {None, *decided}}
    findings = apply_acceptances(findings, acceptances_of(document.root), unknown)
    return sort_findings([*(finding for finding in findings if finding.type in wanted), *_report_undecided(context)])


def findings_of_faults(faults: tuple[RulesetFault, ...]) -> tuple[Finding, ...]:
    """Turn the faults of a rejected file into findings."""
    return tuple(Finding(CheckType.FAULT, fault.place, "", fault.message) for fault in faults)


def sort_findings(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Sort findings: the most serious first, then by type and place; accepted findings last."""

    def key(finding: Finding) -> tuple[bool, int, int, str, int, int]:
        is_accepted, place, check_type = finding.accepted is not None, finding.place, finding.type
        return is_accepted, _ORDER[check_type.severity], _TYPES[check_type], place.file, place.line, place.column

    return tuple(sorted(findings, key=key))


def _is_at_least(check_type: CheckType, least: Severity) -> bool:
    return _ORDER[check_type.severity] <= _ORDER[least]


def _report_undecided(context: CheckContext) -> Iterator[Finding]:
    for family, ids in context.undecided.items():
        shown = ", ".join(f"`{name}`" for name in ids[:SHOWN])
        more = f" and {len(ids) - SHOWN} more" if len(ids) > SHOWN else ""
        message = f"{family}: the time ran out before {shown}{more} could be decided"
        yield Finding(CheckType.INCOMPLETE, Place(context.file, 1, 1), family, f"{message}.", tuple(ids))
