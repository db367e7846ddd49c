"""Drafts of cases that would raise coverage: an existing case with one answer changed, for a clinician to label."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from typing import Any

from triage_rules.assurance.cases import Case, answers_of, findings_of
from triage_rules.assurance.coverage import Coverage, Observed, marks, of_answers, of_leaves
from triage_rules.assurance.coverage.goals import CoverageMeasure, Mark, Plan, Side, gates_of_relevance, step
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
    Audience,
    Condition,
    Inferred,
    InputKind,
    Value,
)

MAX_TRIES = 2000


@dataclass(frozen=True, slots=True)
class CaseDraft:
    """Report near a case, without panels. input: the changed one; answers: all; shows: the goal that it shows."""

    near: Case
    input: str
    answers: Mapping[str, Any]
    shows: str


def suggest(evaluator: Evaluator, coverage: Coverage, cases: Collection[Case], wanted: int) -> list[CaseDraft]:
    """Return up to `wanted` drafts, each showing a goal that no case and no earlier draft shows.

    Tries only single changes of single cases, and at most MAX_TRIES of them for each goal: a goal without a draft may
    still be reachable.
    """
    search = _Search(evaluator, coverage.plan, cases)
    suggestions: list[CaseDraft] = []
    seen: set[Mark] = set(coverage.seen)
    for goal in coverage.not_shown():
        for mark in goal.marks:
            if len(suggestions) == wanted:
                return suggestions
            draft = None if mark in seen else search.draft(mark, describe_goal(coverage, goal))
            if draft is not None:
                suggestions.append(draft)
                seen |= search.shown_by(draft)
    return suggestions


def drafts(suggestions: Collection[CaseDraft]) -> str:
    """Write the drafts as YAML to be put below `cases`. They are rejected until the clinician sets the level."""
    lines = ["# Drafts. Set the expected level of each by your own knowledge, not by the ruleset."]
    for number, draft in enumerate(suggestions, start=1):
        lines += ["", f"  # {draft.shows}", f"  - id: draft-{number}"]
        lines.append(f"    note: {json.dumps(f'Like {draft.near.id}, except {draft.input}.', ensure_ascii=False)}")
        if draft.input not in draft.answers:
            lines.append(f"    # without {draft.input}")
        lines.append("    findings:")
        for name, answer in draft.answers.items():
            mark = "  # changed" if name == draft.input else ""
            lines.append(f"      {name}: {json.dumps(answer, ensure_ascii=False)}{mark}")
        lines += _write_history(draft)
        if draft.near.audience is not Audience.PATIENT:
            lines.append(f"    audience: {draft.near.audience.value}")
        lines.append("    expect: {level: to_be_said}")
    return "\n".join(lines)


def _write_history(draft: CaseDraft) -> list[str]:
    history = draft.near.history
    lines = [f"    history: {{reports_last_48h: {history.reports_last_48h}"]
    if history.highest_level_24h is not None:
        lines[0] += f", highest_level_24h: {history.highest_level_24h.word}"
    return [lines[0] + "}"] if history.reports_last_48h or history.highest_level_24h is not None else []


@dataclass(frozen=True, slots=True)
class _Target:
    """Condition to cover, with the condition that must be true before it counts, if any, and the inputs of both."""

    when: Condition
    guard: Condition | None
    inputs: tuple[str, ...]


class _Search:
    """Search by single changes on cases, only of inputs that the goal depends on."""

    def __init__(self, evaluator: Evaluator, plan: Plan, cases: Collection[Case]) -> None:
        self._evaluator, self._plan = evaluator, plan
        self._cases = [(case, checked) for case in cases if (checked := self._read_answers(case)) is not None]
        self._targets = {owner: self._make_target(when, guard) for owner, when, guard in _list_conditions(plan)}
        self._answers = {name: tuple(_list_answers(plan, name)) for name in plan.ruleset.inputs}

    def draft(self, mark: Mark, says: str) -> CaseDraft | None:
        """Return the first single change that shows the mark; None if no tried change does."""
        for case, input_name, answer, facts in islice(self._list_changes(mark), MAX_TRIES):
            if self._shows(mark, facts):
                findings = findings_of(self._plan.ruleset, case)
                answers = {name: value for name, value in findings.items() if name != input_name}
                return CaseDraft(case, input_name, answers if answer is None else {**answers, input_name: answer}, says)
        return None

    def shown_by(self, draft: CaseDraft) -> frozenset[Mark]:
        """Return all marks that a draft shows."""
        facts = self._make_facts(read_answers(self._plan.ruleset, dict(draft.answers)), draft.near)
        disposition = disposition_of(self._plan.ruleset, Reference(self._plan.ruleset, facts).established())
        return frozenset(marks(self._plan, Observed("", draft.answers, facts, disposition)))

    def _read_answers(self, case: Case) -> Answers | None:
        try:
            return answers_of(self._plan.ruleset, case)
        except ReportError:  # a case that expects a refusal shows nothing, nor does a case near it
            return None

    def _make_target(self, when: Condition, guard: Condition | None) -> _Target:
        read = {name: None for condition in (guard, when) if condition for name in _list_inputs(self._plan, condition)}
        return _Target(when, guard, tuple(read))

    def _make_facts(self, answers: Answers, case: Case) -> Answers:
        return self._evaluator.facts(answers, case.history)

    def _list_changes(self, mark: Mark) -> Iterator[tuple[Case, str, Value | None, Answers]]:
        """Yield each case with an input answered otherwise, or left open; equal combinations are tried once."""
        measure, owner, _, _ = mark
        inputs = (
            (owner,) if measure in (CoverageMeasure.THRESHOLDS, CoverageMeasure.CHOICES) else self._inputs_of(owner)
        )
        tried: set[tuple[object, ...]] = set()
        # an open input hides the effect of others, so cases that answer most of the inputs come first
        for case, checked in sorted(self._cases, key=lambda pair: -sum(name in pair[1] for name in inputs)):
            alike = (*(checked.get(name) for name in inputs), case.history)
            if alike in tried:
                continue
            tried.add(alike)
            for input_name in inputs:
                others = {name: value for name, value in checked.items() if name != input_name}
                for answer in self._answers[input_name]:
                    if answer != checked.get(input_name):
                        changed = others if answer is None else {**others, input_name: answer}
                        yield case, input_name, answer, self._make_facts(changed, case)

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


def _list_conditions(plan: Plan) -> Iterator[tuple[str, Condition, Condition | None]]:
    """Yield every condition that a goal may be about, by owner."""
    for rule in plan.ruleset.rules_and_floors:
        yield rule.id, rule.when, None
    for name, inference in plan.ruleset.inferences.items():
        yield name, inference.when, None
    for decision in plan.decisions:
        yield decision.owner, decision.when, decision.guard
    for name, when in gates_of_relevance(plan.ruleset).items():
        yield name, when, None


def _list_inputs(plan: Plan, condition: Condition) -> Iterator[str]:
    """Yield the inputs that a condition depends on, through statements too, without the service's counts."""
    for atom in atoms(condition):
        if isinstance(atom, Inferred):
            yield from _list_inputs(plan, plan.ruleset.inferences[atom.name].when)
        elif (asked := plan.ruleset.input_behind(atom.input)).asked_of is not AskedOf.SERVICE:
            yield asked.name


def _list_answers(plan: Plan, name: str) -> Iterator[Value | None]:
    """Yield the answers to try: each that a condition distinguishes from the others, and None for no answer."""
    read = plan.ruleset.inputs[name]
    match read.kind:
        case InputKind.YES_NO:
            yield from (True, False)
        case InputKind.CHOICE:
            yield from (choice.value for choice in read.choices if not choice.means_open)
        case InputKind.TEXT:
            yield from (m.phrases[0] for m in plan.ruleset.mentions.values() if m.text == name)
            yield "-"
        case InputKind.NUMBER | InputKind.INTEGER:
            limits = sorted(Decimal(str(limit)) for limited, limit in plan.limits if limited == name)
            for value in dict.fromkeys(limit + step(limit) * way for limit in limits for way in (-1, 0, 1)):
                low, high = read.minimum, read.maximum
                if (low is None or value >= low) and (high is None or value <= high):
                    yield int(value) if value == int(value) else float(value)
    yield None
