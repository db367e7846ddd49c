"""Questions that are asked in vain or too late: pointless relevance, gated danger, negated lines, idle panels."""

from __future__ import annotations

import re
from collections.abc import Iterator

from triage_rules.assurance.checking.context import CheckContext, Finding
from triage_rules.assurance.checking.unused import names_read
from triage_rules.assurance.checking.written_conditions import (
    AVAILABLE,
    WrittenCondition,
    condition_text,
    place_at,
    written_conditions,
)
from triage_rules.assurance.solver.encoding import Encoding
from triage_rules.assurance.solver.logic import Formula
from triage_rules.assurance.solver.solver import GaveUp, NoReport
from triage_rules.assurance.solver.witness import Witness
from triage_rules.language.check_types import CheckType, Family
from triage_rules.language.gates import InputsBehind, gates_of
from triage_rules.language.model import Input, InputKind, Panel, PanelLine, Ruleset

FAMILY = Family.INTERVIEW

_NEGATED = re.compile(
    r"(no|not|none|never|neither|without)\b"
    r"|(is|are|was|were|do|does|did|has|have|had|can|could|will|would|should|must|may)n[\u2019']t\b"
    r"|(can|won|shan)[\u2019']t\b|cannot\b"
    r"|(is|are|was|were|do|does|did|has|have|had|can|could|will|would|should)( (?!that\b|which\b|who\b)\w+){1,4} not\b",
    re.IGNORECASE,
)
"""Beginning of a line whose yes means that something is absent. "Bleeding that does not stop" is none."""


def find_interview(context: CheckContext) -> Iterator[Finding]:
    """Yield a finding for each pointless gate, gated sign of danger, negated line, and panel that nothing reads."""
    gates = [entry for entry in written_conditions(context.ruleset) if entry.is_gate]
    for entry in gates:
        yield from _check_gate(context, entry)
    scope = context.ruleset.scope
    meant = () if scope is None else scope.then_ask  # such as self-harm, which only the no may lead to
    gated = dict.fromkeys(entry.owner for entry in gates if entry.owner not in meant)
    yield from _find_gated_dangers(context, list(gated))
    yield from _find_late_scope(context)
    yield from _find_negated_lines(context)
    yield from _find_idle_panels(context)


def _check_gate(context: CheckContext, entry: WrittenCondition) -> Iterator[Finding]:
    name, encoding = entry.owner, context.encoding
    key = AVAILABLE if AVAILABLE in entry.path else "relevant"
    if context.impossible(FAMILY, name, encoding.false(entry.condition)):
        why = "no report can rule it out, so the question is always asked"
    elif context.impossible(FAMILY, name, encoding.true(entry.condition)):
        why = "no report can make it true, so every whole answer rules the question out"
    else:
        return
    message = f"`{key}` of `{name}`, {condition_text(entry.condition)}: {why}. This is proved for every report."
    yield Finding(CheckType.POINTLESS_GATE, place_at(context.root, entry.path), name, message, (), True)


# --- danger ---


def _find_gated_dangers(context: CheckContext, gated: list[str]) -> Iterator[Finding]:
    """Find reports in which a sign needs action at once, though the question is not asked."""
    now = [code for code, disposition in context.ruleset.dispositions.items() if disposition.act_within_minutes == 0]
    matter = _inputs_behind(context.ruleset, set(now))
    signs = [name for name in gated if context.ruleset.inputs[name].kind in {InputKind.YES_NO, InputKind.CHOICE}]
    for name in context.each(FAMILY, [name for name in signs if name in matter]):
        answer = context.smallest_of_two(CheckType.GATED_DANGER, name, *_omission(context, name, now))
        if isinstance(answer, GaveUp):
            context.note(FAMILY, name)
        elif not isinstance(answer, NoReport):
            message = f"`{name}` may need action at once in a report in which the question is not asked"
            place = place_at(context.root, ("inputs", name))
            witness = answer if isinstance(answer, Witness) else None
            yield Finding(CheckType.GATED_DANGER, place, name, f"{message}.", witness=witness)


def _inputs_behind(ruleset: Ruleset, codes: set[str]) -> set[str]:
    """Return the inputs on which reaching one of these dispositions may depend, also through relevance."""
    raised = {code for floor in ruleset.floors.values() for _, code in floor.raise_one}
    if codes & {ruleset.default.disposition, *raised}:
        return set(ruleset.inputs)
    behind = InputsBehind(ruleset.inferences)
    waiting = [
        condition
        for rule in ruleset.rules_and_floors
        for outcome in rule.outcomes
        if outcome.disposition in codes
        for condition in (rule.when, outcome.when)
        if condition is not None
    ]
    names: set[str] = set()
    while waiting:
        new = {ruleset.input_behind(name).name for name in behind.of(waiting.pop())} - names
        names |= new
        waiting += [gate for name in new for gate in gates_of(ruleset.inputs[name])]
    return names


def _omission(context: CheckContext, name: str, now: list[str]) -> list[Formula]:
    """Return formulas: the first report needs action now, only by an answer to a gated input that is not asked for."""
    reports, logic, read = context.two_reports, context.two_reports.logic, context.ruleset.inputs[name]
    given, left_out = reports.first, reports.second
    yes = given.answer(name, True) if read.kind is InputKind.YES_NO else given.given(name)
    acts, acts_without = (logic.any_of(map(encoding.disposition_is, now)) for encoding in (given, left_out))
    no_answer = logic.opposite(left_out.given(name))
    return [yes, _not_asked(given, read), acts, no_answer, logic.opposite(acts_without), reports.same_but([name])]


def _not_asked(given: Encoding, read: Input) -> Formula:
    ways = []
    if read.relevant is not None:
        ways.append(given.false(read.relevant.when))
    if read.available_if is not None:
        ways.append(given.logic.opposite(given.true(read.available_if)))
    return given.logic.any_of(ways)


# --- scope ---


def _find_late_scope(context: CheckContext) -> Iterator[Finding]:
    """Find a scope question that is not asked among the first, so that others are asked before they make sense."""
    scope, first = context.ruleset.scope, context.ruleset.screens.first
    if scope is not None and not any(scope.question in screen for screen in first if not isinstance(screen, str)):
        message = (
            f"no `first` screen asks `{scope.question}`, the question of `scope`, so other questions come before it"
        )
        place = place_at(context.root, ("scope", "question"))
        yield Finding(CheckType.LATE_SCOPE, place, scope.question, f"{message}.")


# --- panels ---


def _find_negated_lines(context: CheckContext) -> Iterator[Finding]:
    for panel in context.ruleset.panels.values():
        for number, line in enumerate(panel.lines):
            why = _why_negated(context.ruleset.inputs[line.input], line)
            if why:
                message = (
                    f"`{line.input}` in panel `{panel.name}`: {why}, so \u201cnone of these\u201d reads as its opposite"
                )
                place = place_at(context.root, ("panels", panel.name, "lines", number))
                yield Finding(CheckType.NEGATED_LINE, place, line.input, f"{message}.", (panel.name,))


def _why_negated(read: Input, line: PanelLine) -> str:
    text = line.text or read.question
    if _NEGATED.match(text):
        return f"the line \u201c{text}\u201d is a negation"
    return "its usual answer is yes" if read.kind is InputKind.YES_NO and read.expected is True else ""


def _find_idle_panels(context: CheckContext) -> Iterator[Finding]:
    read = names_read(context.ruleset) | {name for item in context.ruleset.mandatory for name in item.inputs}
    for panel in context.ruleset.panels.values():
        if not read & set(panel.inputs):
            yield _report_idle(context, panel)


def _report_idle(context: CheckContext, panel: Panel) -> Finding:
    message = f"panel `{panel.name}` ({panel.question}): no rule or statement reads any of its lines"
    place = place_at(context.root, ("panels", panel.name))
    return Finding(CheckType.IDLE_PANEL, place, panel.name, f"{message}.", panel.inputs)
