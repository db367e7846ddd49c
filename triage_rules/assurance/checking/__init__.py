"""`triage check`: what is wrong or doubtful about a ruleset, for every possible report, with a report that shows it.

One file for each family of findings; docs/reference/checks.md explains each type.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from triage_rules.assurance.checking import edges, equal, gaps, superfluous, unreachable, unused, upkeep
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
"""So many ids are named of what was not decided."""

_ORDER = {severity: number for number, severity in enumerate(Severity)}
_TYPES = {found: number for number, found in enumerate(CheckType)}


FAMILIES: dict[Family, Callable[[CheckContext], Iterator[Finding]]] = {
    Family.UPKEEP: upkeep.find_upkeep,
    Family.REACH: unreachable.find_unreachable,
    Family.PARTS: unreachable.find_dead_conditions,
    Family.USE: unused.find_unused,
    Family.LIMITS: edges.find_edges,
    Family.SUPERFLUOUS: superfluous.find_superfluous_rules,
    Family.EQUAL: equal.find_equal_statements,
    Family.GAPS: gaps.find_gaps,
}
"""In the order of asking: what may not go live first, in case the time runs out."""


def _quiet(_what: str, _done: int, _of: int) -> None:
    """No progress is told."""


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """How to check.

    today: the day from which reviews are overdue. seconds: how long it may take; None: as long as it needs.
    least: what is less serious is not looked for.
    """

    today: date
    seconds: float | None = None
    progress: Progress = _quiet
    least: Severity = Severity.NOTE


def check(
    ruleset: Ruleset, document: Document, how: CheckOptions, evaluator: Evaluator | None = None
) -> tuple[Finding, ...]:
    """What was found in a ruleset that was read from that document, the most serious first.

    What was not decided in time is told as INCOMPLETE. evaluator: of the same ruleset; made at need if left out.
    Raises EncoderBugError, EngineLimitError.
    """
    budget, least = Budget(how.seconds), how.least
    asking = CheckContext(ruleset, document.root, document.file, how.today, budget, how.progress, evaluator)
    findings: list[Finding] = []
    wanted = {type_ for type_ in CheckType if _at_least(type_, least)}
    families = [family for family in FAMILIES if any(type_.family is family for type_ in wanted)]
    for family in families:
        findings += [finding for finding in FAMILIES[family](asking) if finding.type in wanted]
    decided = set(families) - set(asking.undecided)
    unknown = {type_ for type_ in CheckType if type_ not in wanted or type_.family not in {None, *decided}}
    findings = apply_acceptances(findings, acceptances_of(document.root), unknown)
    return in_order([*(finding for finding in findings if finding.type in wanted), *_incomplete(asking)])


def findings_of_faults(faults: tuple[RulesetFault, ...]) -> tuple[Finding, ...]:
    """The faults for which a file was refused, as findings."""
    return tuple(Finding(CheckType.FAULT, fault.place, "", fault.message) for fault in faults)


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The most serious first, then by type and place; accepted ones last."""

    def key(found: Finding) -> tuple[bool, int, int, str, int, int]:
        accepted_one, place = found.accepted is not None, found.place
        return accepted_one, _ORDER[found.type.severity], _TYPES[found.type], place.file, place.line, place.column

    return tuple(sorted(findings, key=key))


def _at_least(found: CheckType, least: Severity) -> bool:
    return _ORDER[found.severity] <= _ORDER[least]


def _incomplete(asking: CheckContext) -> Iterator[Finding]:
    for family, of in asking.undecided.items():
        shown = ", ".join(f"`{one}`" for one in of[:SHOWN])
        more = f" and {len(of) - SHOWN} more" if len(of) > SHOWN else ""
        message = f"{family}: the time ran out before {shown}{more} was decided; nothing is known about it"
        yield Finding(CheckType.INCOMPLETE, Place(asking.file, 1, 1), family, f"{message}.", tuple(of))
