"""Conditions in words, as a nested list: "all of these", "at least 2 of these"; each line with a name for a link.

With a report, each line also has its state.
"""

from __future__ import annotations

from dataclasses import dataclass

from triage_rules.evaluation.answers import format_unit
from triage_rules.evaluation.reference import Reference
from triage_rules.explanation.graph.highlight import NodeState, state_of
from triage_rules.language.conditions import OPPOSITE
from triage_rules.language.model import (
    All,
    Any,
    AtLeast,
    Compare,
    Condition,
    Inferred,
    IsOpen,
    Not,
    OneOf,
    Ruleset,
    Unless,
    Yes,
)
from triage_rules.language.wording import OPS


@dataclass(frozen=True, slots=True)
class ConditionLine:
    """Line of a condition. `says`: its subject, in the ruleset's words; `is_so`: the wanted value.

    `name`: '' of a heading. `state`: for a report; None without one. `below`: the definition of a statement.
    """

    says: str
    is_so: str
    name: str
    parts: tuple[ConditionLine, ...]
    state: NodeState | None
    below: ConditionLine | None = None


MOST = 200
"""Approximate number of lines of one condition. Definitions beyond are shown only at their own place."""


def worded(ruleset: Ruleset, condition: Condition, reference: Reference | None = None) -> ConditionLine:
    """Put the condition into words."""
    return _Wording(ruleset, reference).line(condition)


@dataclass(slots=True)
class _Wording:
    ruleset: Ruleset
    reference: Reference | None
    lines: int = 0

    def line(self, condition: Condition) -> ConditionLine:
        match condition:
            case All(parts) | Any(parts) if len(parts) == 1:
                return self.line(parts[0])
            case All(parts):
                return self._make_list("All of these" if len(parts) > 2 else "Both of these", parts, condition)  # noqa: PLR2004
            case Any(parts):
                return self._make_list("Any of these" if len(parts) > 2 else "Either of these", parts, condition)  # noqa: PLR2004
            case AtLeast(count, parts):
                return self._make_list(f"At least {count} of these {len(parts)}", parts, condition)
            case Not(All(parts)) | Not(Any(parts)) | Not(AtLeast(_, parts)) if len(parts) > 1:
                inner = self.line(condition.part)
                return ConditionLine(f"Not so: {inner.says.lower()}", "", "", inner.parts, self._find_state(condition))
            case Not(Not(part)):
                return self.line(part)
            case _:
                return self._make_leaf(condition)

    def _make_list(self, heading: str, parts: tuple[Condition, ...], condition: Condition) -> ConditionLine:
        return ConditionLine(heading, "", "", tuple(map(self.line, parts)), self._find_state(condition))

    def _make_leaf(self, condition: Condition) -> ConditionLine:
        inner, holds = (condition.part, False) if isinstance(condition, Not) else (condition, True)
        match inner:
            case All(parts) | Any(parts) | AtLeast(_, parts):  # with a single part
                return self.line(Not(parts[0]))
            case Not(part):
                return self.line(part)
            case Compare(name, op, limit):
                is_so = f"{OPS[op if holds else OPPOSITE[op]]} {limit}{self._unit(name)}"
            case OneOf(name, values):
                is_so = ("" if holds else "not ") + " or ".join(self._label(name, value) for value in values)
            case IsOpen(name):
                is_so = "is not answered" if holds else "is answered"
            case Unless(Inferred(name) | Yes(name)):
                is_so = "isn\u2019t established" if holds else "is established"
            case Yes(name) if name in self.ruleset.inputs:
                is_so = "yes" if holds else "no"
            case Inferred(name) | Yes(name):
                is_so = "" if holds else "is ruled out"
        return ConditionLine(self._name(name), is_so, name, (), self._find_state(condition), self._define(name))

    def _define(self, name: str) -> ConditionLine | None:
        """Return a statement's definition while there is room for it."""
        self.lines += 1
        inference = self.ruleset.inferences.get(name)
        return None if inference is None or self.lines > MOST else self.line(inference.when)

    def _name(self, name: str) -> str:
        ruleset = self.ruleset
        if name in ruleset.inferences:
            return ruleset.inferences[name].says
        return ruleset.mentions[name].says if name in ruleset.mentions else ruleset.inputs[name].question

    def _unit(self, name: str) -> str:
        unit = self.ruleset.inputs[name].unit
        return format_unit(unit) if unit else ""

    def _label(self, name: str, value: str) -> str:
        for choice in self.ruleset.inputs[name].choices:
            if choice.value == value:
                return f"\u201c{choice.label}\u201d"
        return value

    def _find_state(self, condition: Condition) -> NodeState | None:
        return None if self.reference is None else state_of(self.reference, condition)
