"""Shows coverage: a summary and what is lacking as text, all of it as JSON, and whether it is as much as required."""

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
}
"""What each measure counts, in words."""

_STATUS = {Side.TRUE: "established", Side.FALSE: "ruled_out", Side.OPEN: "possible"}


def as_text(coverage: Coverage) -> str:
    """The summary; then, by rule, statement and question, what no case shows."""
    lines = ["Coverage by the cases:"]
    for measure, count in coverage.counts().items():
        out = f", {count.infeasible} that no report can show" if count.infeasible else ""
        lines.append(
            f"  {measure.value:<11}{count.percent:>6} %  {count.shown:>5} of {count.total:<5} "
            f"{MEASURE_NAMES[measure]}{out}"
        )
    told: dict[str, list[CoverageGoal]] = defaultdict(list)
    for goal in coverage.not_shown():
        told[group(goal.owner)].append(goal)
    for owner, goals in told.items():
        named = title(coverage.plan, owner)
        lines.append(f"\n{owner}: {named}" if named else f"\n{owner}")
        lines += [f"  {describe_goal(coverage, goal)}" for goal in goals]
    return "\n".join(lines)  # fmt: skip


def describe_goal(coverage: Coverage, goal: CoverageGoal) -> str:
    """What no case shows, with its owner: "R08: no case where `febrile` alone decides"."""
    return f"{goal.owner}: {describe_gap(coverage.plan, goal, coverage.unseen(goal))}"


def as_json(coverage: Coverage) -> dict[str, Any]:
    """The counts; of each rule and floor which of the three values some case shows; and what no case shows."""
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
        "rules": _statuses(coverage),
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


def _statuses(coverage: Coverage) -> dict[str, dict[str, Any]]:
    """The first case for each value of a rule or floor, and for each of its outcomes; null: none, so never."""
    found: dict[str, dict[str, Any]] = {}
    ruleset, seen = coverage.plan.ruleset, coverage.seen
    for measure, rules in ((CoverageMeasure.RULES, ruleset.rules), (CoverageMeasure.FLOORS, ruleset.floors)):
        for rule in rules.values():
            kinds = {Side.TRUE: measure, Side.FALSE: measure, Side.OPEN: CoverageMeasure.POSSIBLE}
            status: dict[str, Any] = {
                _STATUS[side]: seen.get((kind, rule.id, "", side)) for side, kind in kinds.items()
            }
            keys = [outcome_key(rule.id, index) for index in range(len(rule.outcomes))]
            status["outcomes"] = {key: seen.get((CoverageMeasure.OUTCOMES, key, "", Side.TRUE)) for key in keys}
            found[rule.id] = status
    return found


def read_required(text: str) -> dict[CoverageMeasure, Decimal]:
    """`mcdc=80,rules=100` as percentages. Raises ValueError, in words, for anything else."""
    found: dict[CoverageMeasure, Decimal] = {}
    for part in text.split(","):
        name, _, percent = (word.strip() for word in part.partition("="))
        if name not in list(CoverageMeasure):
            raise ValueError(f"`{name}` is not a measure; known are {', '.join(CoverageMeasure)}")
        if not percent.replace(".", "", 1).isdecimal() or not 0 <= Decimal(percent) <= 100:  # noqa: PLR2004 (percent)
            raise ValueError(f"`{part.strip()}`: expected a percentage from 0 to 100, such as `{name}=80`")
        found[CoverageMeasure(name)] = Decimal(percent)
    return found


def below(coverage: Coverage, required: Mapping[CoverageMeasure, Decimal]) -> list[str]:
    """Of each measure that falls short: by how much, in words. Compared exactly, not as rounded for show."""
    counts = coverage.counts()
    return [
        f"{measure.value}: {counts[measure].percent} % is shown, {percent} % is required"
        for measure, percent in required.items()
        if counts[measure].shown * 100 < percent * counts[measure].total
    ]
