"""Report of coverage: a summary and the gaps as text, everything as JSON, and a check against required percentages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from triage_rules.assurance.coverage import Coverage
from triage_rules.assurance.coverage.goals import CoverageGoal, CoverageMeasure, Side
from triage_rules.assurance.coverage.wording import describe_gap, group, title
from triage_rules.evaluation.signals import outcome_key

MEASURE_NAMES: dict[CoverageMeasure, str] = {
    CoverageMeasure.RULES: "rules, established and ruled out",
    CoverageMeasure.FLOORS: "floors, established and ruled out",
    CoverageMeasure.OUTCOMES: "outcomes, reached and (if raised) not raised",
    CoverageMeasure.INFERENCES: "statements, established and ruled out",
    CoverageMeasure.POSSIBLE: "rules, floors and statements, still possible",
    CoverageMeasure.CONDITIONS: "conditions, true, false and open",
    CoverageMeasure.THRESHOLDS: "limits, just below, at and just above",
    CoverageMeasure.CHOICES: "values of choices, answered",
    CoverageMeasure.MCDC: "conditions that decide alone (masking MC/DC)",
    CoverageMeasure.RELEVANCE: "gated questions, relevant and ruled out",
}
"""Description of what each measure counts."""

_STATUS = {Side.TRUE: "established", Side.FALSE: "ruled_out", Side.OPEN: "possible"}


def as_text(coverage: Coverage) -> str:
    """Return the summary; then, by rule, statement and question, the goals that no case shows."""
    lines = ["Coverage by the cases:"]
    for measure, count in coverage.counts().items():
        out = f", {count.infeasible} that no report can show" if count.infeasible else ""
        name = f"{MEASURE_NAMES[measure]}{out}"
        lines.append(f"  {measure.value:<11}{count.percent:>6} %  {count.shown:>5} of {count.total:<5} {name}")
    groups: dict[str, list[CoverageGoal]] = defaultdict(list)
    for goal in coverage.not_shown():
        groups[group(goal.owner)].append(goal)
    for owner, goals in groups.items():
        name = title(coverage.plan, owner)
        lines.append(f"\n{owner}: {name}" if name else f"\n{owner}")
        lines += [f"  {describe_goal(coverage, goal)}" for goal in goals]
    return "\n".join(lines)  # fmt: skip


def describe_goal(coverage: Coverage, goal: CoverageGoal) -> str:
    """Describe a gap with its owner: "R08: no case where `febrile` alone decides"."""
    return f"{goal.owner}: {describe_gap(coverage.plan, goal, coverage.unseen(goal))}"


def as_json(coverage: Coverage) -> dict[str, Any]:
    """Return the counts; which of the three values of each rule and floor a case shows; and the gaps."""
    return {
        "measures": {
            measure.value: {
                "shown": count.shown,
                "total": count.total,
                "infeasible": count.infeasible,
                "percent": count.tenths / 10,
            }
            for measure, count in coverage.counts().items()
        },
        "rules": _collect_statuses(coverage),
        "not_shown": [
            {
                "key": goal.key,
                "measure": goal.measure.value,
                "owner": goal.owner,
                "sides": [side.value for side in coverage.unseen(goal)],
                "text": describe_goal(coverage, goal),
            }
            for goal in coverage.not_shown()
        ],
        "infeasible": sorted(g.key for g in coverage.plan.goals if g.key in coverage.infeasible),
    }


def _collect_statuses(coverage: Coverage) -> dict[str, dict[str, Any]]:
    """Return the first case for each value of a rule or floor, and for each of its outcomes; null if none."""
    statuses: dict[str, dict[str, Any]] = {}
    ruleset, seen = coverage.plan.ruleset, coverage.seen
    for measure, rules in ((CoverageMeasure.RULES, ruleset.rules), (CoverageMeasure.FLOORS, ruleset.floors)):
        for rule in rules.values():
            kinds = {Side.TRUE: measure, Side.FALSE: measure, Side.OPEN: CoverageMeasure.POSSIBLE}
            status: dict[str, Any] = {
                _STATUS[side]: seen.get((kind, rule.id, "", side)) for side, kind in kinds.items()
            }
            keys = [outcome_key(rule.id, index) for index in range(len(rule.outcomes))]
            status["outcomes"] = {key: seen.get((CoverageMeasure.OUTCOMES, key, "", Side.TRUE)) for key in keys}
            statuses[rule.id] = status
    return statuses


def read_required(text: str) -> dict[CoverageMeasure, Decimal]:
    """Parse `mcdc=80,rules=100` as percentages. Raises ValueError, in words, for anything else."""
    required: dict[CoverageMeasure, Decimal] = {}
    for part in text.split(","):
        name, _, percent = (word.strip() for word in part.partition("="))
        if name not in list(CoverageMeasure):
            raise ValueError(f"`{name}` is not a measure; known are {', '.join(CoverageMeasure)}")
        if not percent.replace(".", "", 1).isdecimal() or not 0 <= Decimal(percent) <= 100:  # noqa: PLR2004 (percent)
            raise ValueError(f"`{part.strip()}`: expected a percentage from 0 to 100, such as `{name}=80`")
        required[CoverageMeasure(name)] = Decimal(percent)
    return required


def below(coverage: Coverage, required: Mapping[CoverageMeasure, Decimal]) -> list[str]:
    """Describe each measure that falls short, with both percentages. Compared exactly, not as rounded for show."""
    counts = coverage.counts()
    return [
        f"{measure.value}: {counts[measure].percent} % is shown, {percent} % is required"
        for measure, percent in required.items()
        if counts[measure].shown * 100 < percent * counts[measure].total
    ]
