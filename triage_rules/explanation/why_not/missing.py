"""Missing parts of a condition: the parts that keep it from being true, or false, down to the answers."""

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
    """Obstacle: `says` is the subject, `given` its value now, `wanted` the value needed, in words.

    With `parts`, `needed` of the parts must change; of a statement, parts of its definition.
    """

    says: str
    given: str
    wanted: str
    needed: int = 0
    parts: tuple[Obstacle, ...] = ()


class ObstacleFinder:
    """Missing parts of a ruleset's conditions for one report."""

    def __init__(self, ruleset: Ruleset, reference: Reference) -> None:
        self._ruleset = ruleset
        self._reference = reference

    def of(self, condition: Condition, wanted: bool = True) -> tuple[Obstacle, ...]:
        """Return all obstacles, which must all change; none if the condition has the wanted value."""
        if self._reference.value(condition) is wanted:
            return ()
        match condition:
            case Not(part):
                return self.of(part, not wanted)
            case All(parts):
                return self._list_every(parts, True) if wanted else self._list_some(parts, False, 1)
            case Any(parts):
                return self._list_some(parts, True, 1) if wanted else self._list_every(parts, False)
            case AtLeast(count, parts):
                needed = count if wanted else len(parts) - count + 1
                return self._list_some(parts, wanted, needed - self._count_met(parts, wanted))
            case Inferred(name):
                inference = self._ruleset.inferences[name]
                below = self.of(inference.when, wanted)
                return (
                    Obstacle(inference.says, self._describe_value(condition), _write_yes(wanted), len(below), below),
                )
            case Unless(part) if wanted:  # the part is established; any other value would do
                return tuple(replace(lack, wanted="no, or open") for lack in self.of(part, False))
            case Unless(part):
                return self.of(part, True)
            case _:
                return (self._make_lack(condition, wanted),)

    def _list_every(self, parts: Iterable[Condition], wanted: bool) -> tuple[Obstacle, ...]:
        return tuple(dict.fromkeys(lack for part in parts for lack in self.of(part, wanted)))

    def _list_some(self, parts: tuple[Condition, ...], wanted: bool, needed: int) -> tuple[Obstacle, ...]:
        """Return the obstacles if `needed` more parts must change; several changes of a part are one obstacle."""
        ways = [lacks for part in parts if (lacks := self.of(part, wanted))]
        if len(ways) <= needed:
            return tuple(lack for lacks in ways for lack in lacks)
        together = (lacks[0] if len(lacks) == 1 else Obstacle("together", "", "", len(lacks), lacks) for lacks in ways)
        return (Obstacle("", "", "", needed, tuple(dict.fromkeys(together))),)

    def _count_met(self, parts: Iterable[Condition], wanted: bool) -> int:
        return sum(self._reference.value(part) is wanted for part in parts)

    def _make_lack(self, condition: Compare | OneOf | Yes | IsOpen, wanted: bool) -> Obstacle:
        given = self._describe_value(condition)
        match condition:
            case Compare():
                read = self._ruleset.inputs[condition.input]
                limit = f"{limit_in_words(condition)}{format_unit(read.unit)}"
                wanted_words = limit if wanted else f"not {limit}"
            case OneOf(name, values):
                labels = {choice.value: choice.label for choice in self._ruleset.inputs[name].choices}
                wanted_words = " or ".join(labels.get(value, value) for value in values)
                wanted_words = wanted_words if wanted else f"something else than {wanted_words}"
            case IsOpen():
                wanted_words = "left open" if wanted else "an answer"
            case Yes():
                wanted_words = _write_yes(wanted)
        return Obstacle(self._name_subject(condition), given, wanted_words)

    def _name_subject(self, condition: Condition) -> str:
        match condition:
            case Inferred(name):
                return self._ruleset.inferences[name].says
            case Compare(name) | OneOf(name) | Yes(name) | IsOpen(name):
                mention = self._ruleset.mentions.get(name)
                return mention.says if mention is not None else self._ruleset.inputs[name].question
            case _:
                return ""

    def _describe_value(self, condition: Condition) -> str:
        match condition:
            case Compare(name) | OneOf(name) | Yes(name) | IsOpen(name):
                answer = self._reference.answers.get(name, OPEN)
                return describe_node(self._ruleset, DerivationNode(name, "", answer))
            case _:
                value = self._reference.value(condition)
                return OPEN if value is None else _write_yes(value)


def _write_yes(value: bool) -> str:
    return "yes" if value else "no"
