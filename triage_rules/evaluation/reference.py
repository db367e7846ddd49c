"""The second opinion: a plain evaluator that shares no code with compiler or engine.

It keeps, for each condition, which of the three values it has now, and which values it can take once some of
the open findings are answered (a set, perhaps too large, never too small).
"""

from __future__ import annotations

from collections.abc import Mapping

from triage_rules.evaluation.signals import SOONER, Rails, outcome_key
from triage_rules.language.model import (
    All,
    Answers,
    Any,
    AtLeast,
    Compare,
    Condition,
    Inferred,
    IsOpen,
    Not,
    OneOf,
    Op,
    Ruleset,
    Unless,
    Yes,
)

Kleene = bool | None
"""True, false, or None for open."""

Reach = frozenset[Kleene]
"""The values that a condition can take."""

_ALL: Reach = frozenset({True, False, None})
_TRUE: Reach = frozenset({True})
_FALSE: Reach = frozenset({False})


class Reference:
    """The evaluator of one ruleset on one report's findings; remembers statements it has looked at.

    known: values of statements that need not be looked at again.
    """

    def __init__(self, ruleset: Ruleset, answers: Answers, known: Mapping[str, Kleene] | None = None) -> None:
        self._ruleset = ruleset
        self.answers = answers
        self._values: dict[str, Kleene] = dict(known or {})
        self._reaches: dict[int, tuple[Condition, Reach]] = {}

    def value(self, condition: Condition) -> Kleene:
        """The condition as things stand."""
        match condition:
            case All(parts):
                return self._unless_one_is(False, parts)
            case Any(parts):
                return self._unless_one_is(True, parts)
            case AtLeast(count, parts):
                values = [self.value(part) for part in parts]
                yes, open_ = values.count(True), values.count(None)
                return True if yes >= count else None if yes + open_ >= count else False
            case Not(part):
                value = self.value(part)
                return None if value is None else not value
            case Inferred(name):
                if name not in self._values:
                    self._values[name] = self.value(self._ruleset.inferences[name].when)
                return self._values[name]
            case Unless(part):
                return self.value(part) is not True
            case IsOpen(finding):
                return finding not in self.answers
            case _:
                return self._compared(condition)

    def _unless_one_is(self, decisive: bool, parts: tuple[Condition, ...]) -> Kleene:
        """One decisive part decides; else one open part leaves it open; else it is the opposite."""
        found: Kleene = not decisive
        for part in parts:
            value = self.value(part)
            if value is decisive:
                return decisive
            if value is None:
                found = None
        return found

    def reach(self, condition: Condition) -> Reach:
        """The values that the condition can take once any of the open findings are answered, or none."""
        known = self._reaches.get(id(condition))
        if known is None:  # with the condition, so that no other can come to have its id
            known = self._reaches[id(condition)] = (condition, self._reach(condition))
        return known[1]

    def _reach(self, condition: Condition) -> Reach:
        match condition:
            case All(parts):
                return self._count(len(parts), parts)
            case Any(parts):
                return self._count(1, parts)
            case AtLeast(count, parts):
                return self._count(count, parts)
            case Not(part):
                return frozenset(None if value is None else not value for value in self.reach(part))
            case Inferred(name):
                return self.reach(self._ruleset.inferences[name].when)
            case Unless(part):
                return frozenset(value is not True for value in self.reach(part))
            case IsOpen(finding):
                return frozenset({False}) if finding in self.answers else frozenset({True, False})
            case _:
                value = self._compared(condition)
                return _ALL if value is None else frozenset({value})

    def established(self) -> frozenset[str]:
        """The keys of the outcomes, floors, conflicts and inferences that are true as things stand."""
        conditions = _outcomes(self._ruleset)
        conditions |= {name: Inferred(name) for name in self._ruleset.inferences}
        conditions |= {name: conflict.when for name, conflict in self._ruleset.conflicts.items()}
        return frozenset(key for key, condition in conditions.items() if self.value(condition))

    def rails(self) -> Rails:
        """The rails of every statement of the ruleset."""
        conditions = _outcomes(self._ruleset)
        reaches = {key: self.reach(condition) for key, condition in conditions.items()}
        sooner = self._ruleset.validity.sooner
        expires_sooner = {SOONER} if sooner is not None and True in self.reach(sooner) else set()
        return Rails(
            established=self.established(),
            possible=frozenset(key for key, reach in reaches.items() if True in reach) | expires_sooner,
            certain=frozenset(key for key, reach in reaches.items() if reach == {True}),
        )

    def _compared(self, condition: Compare | OneOf | Yes) -> Kleene:
        answer = self.answers.get(condition.input)
        if answer is None:
            return None
        match condition:
            case Yes():
                return answer is True
            case OneOf(_, values):
                return answer in values
            case Compare(_, op, limit):
                assert isinstance(answer, int | float)  # findings are typed before they come here
                return _compare(answer, op, limit)

    def _count(self, count: int, parts: tuple[Condition, ...]) -> Reach:
        """`count` of the parts: how few and how many of them can be true, or be not false."""
        least_true = most_true = least_not_false = most_not_false = 0
        some_open = False
        for part in parts:
            reach = self.reach(part)
            least_true += reach == _TRUE
            most_true += True in reach
            least_not_false += False not in reach
            most_not_false += reach != _FALSE
            some_open = some_open or None in reach
        found: set[Kleene] = set()
        if most_true >= count:
            found.add(True)
        if least_not_false < count:
            found.add(False)
        if some_open and least_true < count <= most_not_false:
            found.add(None)
        return frozenset(found)


def _compare(answer: float, op: Op, limit: float) -> bool:
    match op:
        case Op.AT_LEAST:
            return answer >= limit
        case Op.MORE_THAN:
            return answer > limit
        case Op.AT_MOST:
            return answer <= limit
        case Op.LESS_THAN:
            return answer < limit


def _outcomes(ruleset: Ruleset) -> dict[str, Condition]:
    """Each outcome of each rule and floor, whole: the rule's condition together with the outcome's own."""
    found: dict[str, Condition] = {}
    for rule in ruleset.rules_and_floors:
        found[rule.id] = rule.when
        for index, outcome in enumerate(rule.outcomes):
            whole = rule.when if outcome.when is None else All((rule.when, outcome.when))
            found[outcome_key(rule.id, index)] = whole
    return found
