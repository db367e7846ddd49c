"""Reports of a mutation run: counts by operator and by rule, survivors with their patients, drafts of cases."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from triage_rules.assurance.mutation.equivalence import Differs
from triage_rules.assurance.mutation.operators import Operator
from triage_rules.assurance.mutation.running import MutantOutcome, MutantStatus
from triage_rules.assurance.solver.witness import Witness
from triage_rules.language.model import Ruleset

Json = dict[str, Any]

_DIFFERS = {
    Differs.URGENT_LOWERED: "an urgent level is lowered",
    Differs.LEVEL: "the level differs",
    Differs.DISPOSITION: "the disposition differs",
    Differs.RULES: "other rules fire",
    Differs.REST: "a reason, flag, conflict or missing answer differs",
}


@dataclass(frozen=True, slots=True)
class MutantCounts:
    """Counts of mutants by their status. The percentage leaves out equivalent ones."""

    made: int
    killed: int
    equivalent: int
    survived: int
    gave_up: int

    @property
    def percent(self) -> Decimal:
        """Return the percentage killed of those not equivalent, to one decimal, rounded down; 100 of none."""
        return percentage(self.killed, self.made - self.equivalent)


def percentage(part: int, whole: int) -> Decimal:
    """Return a percentage with one decimal, rounded down."""
    return Decimal(part * 1000 // whole) / 10 if whole else Decimal(100)


def count_mutants(outcomes: Iterable[MutantOutcome]) -> MutantCounts:
    """Count the mutants by their status."""
    statuses = [outcome.status for outcome in outcomes]
    killed, equivalent, survived, gave_up = (statuses.count(status) for status in MutantStatus)
    return MutantCounts(len(statuses), killed, equivalent, survived, gave_up)


def count_urgent(outcomes: Iterable[MutantOutcome]) -> MutantCounts:
    """Count the mutants known to lower an urgent level: by their killing case, or as survivors by proof."""
    return count_mutants(outcome for outcome in outcomes if outcome.lowers_urgent)


def count_by(outcomes: Collection[MutantOutcome], key: Callable[[MutantOutcome], str]) -> dict[str, MutantCounts]:
    """Count the mutants of each group, in the order in which the groups come."""
    groups: dict[str, list[MutantOutcome]] = {}
    for outcome in outcomes:
        groups.setdefault(key(outcome), []).append(outcome)
    return {name: count_mutants(group) for name, group in groups.items()}


def list_survivors(outcomes: Iterable[MutantOutcome]) -> list[MutantOutcome]:
    """Return the mutants that no case noticed and that are not proved equivalent, the most serious first."""
    order = list(Differs)
    alive = [outcome for outcome in outcomes if outcome.status in {MutantStatus.SURVIVED, MutantStatus.GAVE_UP}]
    return sorted(alive, key=lambda o: -1 if o.distinguished is None else order.index(o.distinguished.differs))


# --- text ---


def as_text(ruleset: Ruleset, outcomes: Collection[MutantOutcome]) -> str:
    """Write the run as text: the summary, then each survivor with its patient."""
    kinds = count_by(outcomes, lambda outcome: str(outcome.mutant.operator))
    ordered = {str(operator): kinds[operator] for operator in Operator if operator in kinds}
    lines = [*summary(outcomes), "", *_table("by kind of change", ordered)]
    incomplete = {
        name: n for name, n in count_by(outcomes, lambda o: o.mutant.owner).items() if n.survived or n.gave_up
    }
    lines += ["", *_table("by rule or statement, where something survived", incomplete)] if incomplete else []
    for outcome in list_survivors(outcomes):
        lines += ["", *_survivor(ruleset, outcome)]
    return "\n".join(lines)


def summary(outcomes: Collection[MutantOutcome]) -> list[str]:
    """Sum up the run in two lines."""
    whole, lowering = count_mutants(outcomes), count_urgent(outcomes)
    alive = whole.survived + whole.gave_up
    return [
        f"{whole.made} mutants: {whole.killed} killed, {whole.equivalent} equivalent (proved), {alive} survived"
        + (f" ({whole.gave_up} because the solver gave up)" if whole.gave_up else "")
        + f"; {whole.percent} % killed",
        f"of those known to lower an urgent level: {lowering.killed} of {lowering.made} killed, {lowering.percent} %",
    ]


def _table(title: str, groups: dict[str, MutantCounts]) -> list[str]:
    width = max([len(title), *map(len, groups)])
    lines = [f"{title:<{width}}  made killed equivalent survived gave up  killed %"]
    lines += [
        f"{name:<{width}} {n.made:>5} {n.killed:>6} {n.equivalent:>10} {n.survived:>8} {n.gave_up:>7} {n.percent:>9}"
        for name, n in groups.items()
    ]
    return lines


def _survivor(ruleset: Ruleset, outcome: MutantOutcome) -> list[str]:
    mutant = outcome.mutant
    lines = [f"{mutant.place}: {mutant.id}", f"  {mutant.words}"]
    if outcome.distinguished is None or outcome.distinguished.witness is None:
        return [*lines, "  no case notices; the solver gave up on it"]
    lines.append(f"  no case notices; {_DIFFERS[outcome.distinguished.differs]} for a patient such as")
    lines += [f"    {line}" for line in outcome.distinguished.witness.describe(ruleset)] or [
        "    (no question is answered)"
    ]
    before, after = outcome.distinguished.witness.results
    return [*lines, f"  as written: {_result(before)}", f"  changed:    {_result(after)}"]


def _result(result: Json) -> str:
    fired = [rule["id"] for rule in [*result["rules"], *result["safety_net"]]]
    return f"{result['level']}, {result['disposition']}, {', '.join(fired) or 'no rule'}"


# --- JSON ---


def as_json(outcomes: Collection[MutantOutcome]) -> Json:
    """Return the run as JSON data."""
    return {
        "counts": _counts(count_mutants(outcomes)),
        "lowering_urgent": _counts(count_urgent(outcomes)),
        "by_operator": {n: _counts(c) for n, c in count_by(outcomes, lambda o: o.mutant.operator.value).items()},
        "by_owner": {n: _counts(c) for n, c in count_by(outcomes, lambda o: o.mutant.owner).items()},
        "mutants": [_mutant(outcome) for outcome in outcomes],
    }


def _counts(mutants: MutantCounts) -> Json:
    return {
        "made": mutants.made,
        "killed": mutants.killed,
        "equivalent": mutants.equivalent,
        "survived": mutants.survived,
        "gave_up": mutants.gave_up,
        "percent": float(mutants.percent),
    }


def _mutant(outcome: MutantOutcome) -> Json:
    mutant, distinguished = outcome.mutant, outcome.distinguished
    data: Json = {
        "id": mutant.id,
        "operator": mutant.operator.value,
        "owner": mutant.owner,
        "place": str(mutant.place),
        "words": mutant.words,
        "status": outcome.status.value,
        "killed_by": None if outcome.killed is None else outcome.killed.case,
        "differs": None if distinguished is None else distinguished.differs.value,
    }
    if distinguished is not None and distinguished.witness is not None:
        before, after = distinguished.witness.results
        data |= {"report": _report(distinguished.witness), "as_written": _short(before), "changed": _short(after)}
    return data


def _report(witness: Witness) -> Json:
    history = witness.history
    highest = None if history.highest_level_24h is None else history.highest_level_24h.word
    counted = {"reports_last_48h": history.reports_last_48h, "highest_level_24h": highest}
    return {"findings": witness.answers, "history": counted}


def _short(result: Json) -> Json:
    fired = [rule["id"] for rule in [*result["rules"], *result["safety_net"]]]
    return {"level": result["level"], "disposition": result["disposition"], "fired": fired}


# --- drafts ---


def write_drafts(outcomes: Iterable[MutantOutcome]) -> str:
    """Write a draft of a case for each report. Drafts are rejected until someone fills in the level."""
    groups: dict[str, list[MutantOutcome]] = {}
    for outcome in list_survivors(outcomes):
        if outcome.distinguished is not None and outcome.distinguished.witness is not None:
            groups.setdefault(json.dumps(_report(outcome.distinguished.witness), sort_keys=True), []).append(outcome)
    lines = ["# Drafts. Set the expected result of each by your own knowledge, not from the ruleset."]
    for number, group in enumerate(groups.values(), start=1):
        lines += _draft(number, group)
    return "\n".join(lines)


def _draft(number: int, group: list[MutantOutcome]) -> list[str]:
    lines = [""]
    for outcome in group:
        assert outcome.distinguished is not None  # drafts() leaves out the others
        lines.append(f"  # {outcome.mutant.id}: {outcome.mutant.words}: {_DIFFERS[outcome.distinguished.differs]}")
    distinguished = group[0].distinguished
    assert distinguished is not None
    assert distinguished.witness is not None
    lines += [f"  - id: draft-{number}", f'    note: "Would notice a change of {group[0].mutant.owner}."']
    answers = distinguished.witness.answers
    lines.append("    findings:" if answers else "    findings: {}")
    lines += [f"      {name}: {json.dumps(answer, ensure_ascii=False)}" for name, answer in answers.items()]
    history = distinguished.witness.history
    if history.reports_last_48h or history.highest_level_24h is not None:
        highest = "none" if history.highest_level_24h is None else history.highest_level_24h.word
        lines.append(f"    history: {{reports_last_48h: {history.reports_last_48h}, highest_level_24h: {highest}}}")
    return [*lines, "    expect: {level: to_be_said}"]
