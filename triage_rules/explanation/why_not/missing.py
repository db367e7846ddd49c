"""What a condition lacks to be true, or to be false: the parts in its way, down to the answers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from triage_rules.evaluation.answers import format_unit
from triage_rules.evaluation.explanation import OPEN, DerivationNode, describe_node
from triage_rules.evaluation.reference import Reference
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
from triage_rules.language.wording import limit_in_words


@dataclass(frozen=True, slots=True)
class Obstacle:
    """One thing in the way: `says` it is `given` and was to be `wanted`, in words.

    With `parts`, that many (`needed`) of the parts must come out as wanted; of a statement, of what it rests on.
    """

    says: str
    given: str
    wanted: str
    needed: int = 0
    parts: tuple[Obstacle, ...] = ()


class ObstacleFinder:
    """What the conditions of a ruleset lack on one report."""

    def __init__(self, ruleset: Ruleset, reference: Reference) -> None:
        self._ruleset = ruleset
        self._reference = reference

    def of(self, condition: Condition, wanted: bool = True) -> tuple[Obstacle, ...]:
        """All that is in the way, so that every one of these must change; empty if the condition is as wanted."""
        if self._reference.value(condition) is wanted:
            return ()
        match condition:
            case Not(part):
                return self.of(part, not wanted)
            case All(parts):
                return self._every(parts, True) if wanted else self._some(parts, False, 1)
            case Any(parts):
                return self._some(parts, True, 1) if wanted else self._every(parts, False)
            case AtLeast(count, parts):
                needed = count if wanted else len(parts) - count + 1
                return self._some(parts, wanted, needed - self._as_wanted(parts, wanted))
            case Inferred(name):
                inference = self._ruleset.inferences[name]
                below = self.of(inference.when, wanted)
                return (Obstacle(inference.says, self._given(condition), _yes(wanted), len(below), below),)
            case Unless(part) if wanted:  # it is established, and anything else would do
                return tuple(replace(lack, wanted="no, or open") for lack in self.of(part, False))
            case Unless(part):
                return self.of(part, True)
            case _:
                return (self._leaf(condition, wanted),)

    def _every(self, parts: Iterable[Condition], wanted: bool) -> tuple[Obstacle, ...]:
        return tuple(dict.fromkeys(lack for part in parts for lack in self.of(part, wanted)))

    def _some(self, parts: tuple[Condition, ...], wanted: bool, needed: int) -> tuple[Obstacle, ...]:
        """So many more of the parts must change; one part that needs several changes is one."""
        ways = [found for part in parts if (found := self.of(part, wanted))]
        if len(ways) <= needed:
            return tuple(lack for found in ways for lack in found)
        together = (found[0] if len(found) == 1 else Obstacle("together", "", "", len(found), found) for found in ways)
        return (Obstacle("", "", "", needed, tuple(dict.fromkeys(together))),)

    def _as_wanted(self, parts: Iterable[Condition], wanted: bool) -> int:
        return sum(self._reference.value(part) is wanted for part in parts)

    def _leaf(self, condition: Compare | OneOf | Yes | IsOpen, wanted: bool) -> Obstacle:
        given = self._given(condition)
        match condition:
            case Compare():
                read = self._ruleset.inputs[condition.input]
                words = f"{limit_in_words(condition)}{format_unit(read.unit)}"
                told = words if wanted else f"not {words}"
            case OneOf(name, values):
                labels = {choice.value: choice.label for choice in self._ruleset.inputs[name].choices}
                told = " or ".join(labels.get(value, value) for value in values)
                told = told if wanted else f"something else than {told}"
            case IsOpen():
                told = "left open" if wanted else "an answer"
            case Yes():
                told = _yes(wanted)
        return Obstacle(self._says(condition), given, told)

    def _says(self, condition: Condition) -> str:
        match condition:
            case Inferred(name):
                return self._ruleset.inferences[name].says
            case Compare(name) | OneOf(name) | Yes(name) | IsOpen(name):
                mention = self._ruleset.mentions.get(name)
                return mention.says if mention is not None else self._ruleset.inputs[name].question
            case _:
                return ""

    def _given(self, condition: Condition) -> str:
        match condition:
            case Compare(name) | OneOf(name) | Yes(name) | IsOpen(name):
                answer = self._reference.answers.get(name, OPEN)
                return describe_node(self._ruleset, DerivationNode(name, "", answer))
            case _:
                value = self._reference.value(condition)
                return OPEN if value is None else _yes(value)


def _yes(value: bool) -> str:
    return "yes" if value else "no"
