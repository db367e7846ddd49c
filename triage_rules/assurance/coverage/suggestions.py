"""Drafts cases that would show more: a case that is there with one answer changed, for a clinician to label."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from typing import Any

from triage_rules.assurance.cases import Case
from triage_rules.assurance.coverage import Coverage, Observed, marks, of_answers, of_leaves
from triage_rules.assurance.coverage.goals import CoverageMeasure, Mark, Plan, Side, step
from triage_rules.assurance.coverage.reporting import describe_goal
from triage_rules.evaluation.answers import read_answers
from triage_rules.evaluation.decision import disposition_of
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.evaluation.reference import Reference
from triage_rules.foundation.errors import ReportError
from triage_rules.language.conditions import atoms
from triage_rules.language.model import (
    Answers,
    AskedOf,
    Condition,
    Inferred,
    InputKind,
    Value,
)

MAX_TRIES = 2000


@dataclass(frozen=True, slots=True)
class CaseDraft:
    """A report near a case. finding: what was changed; findings: the whole report; shows: why it is drafted."""

    near: Case
    input: str
    answers: Mapping[str, Any]
    shows: str


def suggest(evaluator: Evaluator, coverage: Coverage, cases: Collection[Case], wanted: int) -> list[CaseDraft]:
    """Up to `wanted` drafts, each showing something that no case and no earlier draft shows.

    Only single changes of single cases are tried, and MAX_TRIES of them at most for each: that none is found does not
    mean that there is none.
    """
    search = _Search(evaluator, coverage.plan, cases)
    found: list[CaseDraft] = []
    seen: set[Mark] = set(coverage.seen)
    for goal in coverage.not_shown():
        for mark in goal.marks:
            if len(found) == wanted:
                return found
            draft = None if mark in seen else search.draft(mark, describe_goal(coverage, goal))
            if draft is not None:
                found.append(draft)
                seen |= search.shown_by(draft)
    return found


def drafts(found: Collection[CaseDraft]) -> str:
    """The drafts as YAML to be put below `cases`. The level is left for the clinician: as it stands it is refused."""
    lines = ["# Drafts. Say of each what must come out, by what you know and not by what the ruleset says."]
    for number, draft in enumerate(found, start=1):
        lines += ["", f"  # {draft.shows}", f"  - id: draft-{number}"]
        lines.append(f"    note: {json.dumps(f'Like {draft.near.id}, but for {draft.input}.', ensure_ascii=False)}")
        if draft.input not in draft.answers:
            lines.append(f"    # without {draft.input}")
        lines.append("    findings:")
        for name, answer in draft.answers.items():
            mark = "  # changed" if name == draft.input else ""
            lines.append(f"      {name}: {json.dumps(answer, ensure_ascii=False)}{mark}")
        lines += _history(draft)
        lines.append("    expect: {level: to_be_said}")
    return "\n".join(lines)


def _history(draft: CaseDraft) -> list[str]:
    history = draft.near.history
    lines = [f"    history: {{reports_last_48h: {history.reports_last_48h}"]
    if history.highest_level_24h is not None:
        lines[0] += f", highest_level_24h: {history.highest_level_24h.word}"
    return [lines[0] + "}"] if history.reports_last_48h or history.highest_level_24h is not None else []


@dataclass(frozen=True, slots=True)
class _Target:
    """A condition; the one that must be true before it counts, if any; the inputs that both hang on."""

    when: Condition
    guard: Condition | None
    inputs: tuple[str, ...]


class _Search:
    """Tries single changes on cases, only of findings on which what is sought hangs."""

    def __init__(self, evaluator: Evaluator, plan: Plan, cases: Collection[Case]) -> None:
        self._evaluator, self._plan = evaluator, plan
        self._cases = [(case, checked) for case in cases if (checked := self._checked(case)) is not None]
        self._targets = {owner: self._target(when, guard) for owner, when, guard in _conditions(plan)}
        self._answers = {name: tuple(_answers(plan, name)) for name in plan.ruleset.inputs}

    def draft(self, mark: Mark, says: str) -> CaseDraft | None:
        """The first single change that shows the mark; None if none of those tried does."""
        for case, finding, answer, facts in islice(self._changes(mark), MAX_TRIES):
            if self._shows(mark, facts):
                answers = {name: value for name, value in case.answers.items() if name != finding}
                return CaseDraft(case, finding, answers if answer is None else {**answers, finding: answer}, says)
        return None

    def shown_by(self, draft: CaseDraft) -> frozenset[Mark]:
        """All that a draft shows."""
        facts = self._facts(read_answers(self._plan.ruleset, dict(draft.answers)), draft.near)
        disposition = disposition_of(self._plan.ruleset, Reference(self._plan.ruleset, facts).established())
        return frozenset(marks(self._plan, Observed("", draft.answers, facts, disposition)))

    def _checked(self, case: Case) -> Answers | None:
        try:
            return read_answers(self._plan.ruleset, case.answers)
        except ReportError:  # a case that is to be refused shows nothing, and nor does one near it
            return None

    def _target(self, when: Condition, guard: Condition | None) -> _Target:
        read = {name: None for condition in (guard, when) if condition for name in _inputs(self._plan, condition)}
        return _Target(when, guard, tuple(read))

    def _facts(self, answers: Answers, case: Case) -> Answers:
        return self._evaluator.facts(answers, case.history)

    def _changes(self, mark: Mark) -> Iterator[tuple[Case, str, Value | None, Answers]]:
        """Each case with one of the inputs answered otherwise, or left open; what looks alike is tried once."""
        measure, owner, _, _ = mark
        inputs = (
            (owner,) if measure in (CoverageMeasure.THRESHOLDS, CoverageMeasure.CHOICES) else self._inputs_of(owner)
        )
        tried: set[tuple[object, ...]] = set()
        # what is open hides the rest: so cases that answer the most of what it hangs on come first
        for case, checked in sorted(self._cases, key=lambda pair: -sum(name in pair[1] for name in inputs)):
            alike = (*(checked.get(name) for name in inputs), case.history)
            if alike in tried:
                continue
            tried.add(alike)
            for finding in inputs:
                others = {name: value for name, value in checked.items() if name != finding}
                for answer in self._answers[finding]:
                    if answer != checked.get(finding):
                        changed = others if answer is None else {**others, finding: answer}
                        yield case, finding, answer, self._facts(changed, case)

    def _inputs_of(self, owner: str) -> tuple[str, ...]:
        return self._targets[owner].inputs if owner in self._targets else ()

    def _shows(self, mark: Mark, facts: Answers) -> bool:
        measure, owner, _, side = mark
        if measure in (CoverageMeasure.THRESHOLDS, CoverageMeasure.CHOICES):
            return mark in of_answers(self._plan, facts, facts)
        reference, target = Reference(self._plan.ruleset, facts), self._targets[owner]
        guarded = target.guard is None or reference.value(target.guard) is True
        if measure in (CoverageMeasure.CONDITIONS, CoverageMeasure.MCDC):
            return mark in of_leaves(owner, target.when, reference, decides=guarded)
        wanted = {Side.TRUE: True, Side.FALSE: False}.get(side)
        return guarded and reference.value(target.when) is wanted


def _conditions(plan: Plan) -> Iterator[tuple[str, Condition, Condition | None]]:
    """Every condition that a goal may be about, by owner."""
    for rule in plan.ruleset.rules_and_floors:
        yield rule.id, rule.when, None
    for name, inference in plan.ruleset.inferences.items():
        yield name, inference.when, None
    for decision in plan.decisions:
        yield decision.owner, decision.when, decision.guard


def _inputs(plan: Plan, condition: Condition) -> Iterator[str]:
    """The inputs that a condition hangs on, through statements too; not those that the service counts."""
    for atom in atoms(condition):
        if isinstance(atom, Inferred):
            yield from _inputs(plan, plan.ruleset.inferences[atom.name].when)
        elif (asked := plan.ruleset.input_behind(atom.input)).asked_of is not AskedOf.SERVICE:
            yield asked.name


def _answers(plan: Plan, name: str) -> Iterator[Value | None]:
    """The answers to try: each that some condition tells from the others, and (None) no answer."""
    asked = plan.ruleset.inputs[name]
    match asked.kind:
        case InputKind.YES_NO:
            yield from (True, False)
        case InputKind.CHOICE:
            yield from (choice.value for choice in asked.choices if not choice.means_open)
        case InputKind.TEXT:
            yield from (m.phrases[0] for m in plan.ruleset.mentions.values() if m.text == name)
            yield "-"
        case InputKind.NUMBER | InputKind.INTEGER:
            limits = sorted(Decimal(str(limit)) for finding, limit in plan.limits if finding == name)
            for value in dict.fromkeys(limit + step(limit) * way for limit in limits for way in (-1, 0, 1)):
                low, high = asked.minimum, asked.maximum
                if (low is None or value >= low) and (high is None or value <= high):
                    yield int(value) if value == int(value) else float(value)
    yield None
