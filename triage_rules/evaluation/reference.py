"""The second opinion: a plain evaluator that shares no code with compiler or engine.

For each condition it computes which of the three values it has now, and which values it can take once some of
the open inputs are answered (a set, perhaps too large, never too small).
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
    Value,
    Yes,
)

Kleene = bool | None
"""True, false, or None for open."""

Reach = frozenset[Kleene]
"""Values that a condition can take."""

_ALL: Reach = frozenset({True, False, None})
_OPEN: Reach = frozenset({None})
_TRUE: Reach = frozenset({True})
_FALSE: Reach = frozenset({False})


class Reference:
    """Evaluator of one ruleset on one report's answers; remembers statements it has visited.

    known: values of statements that need no evaluation. closed: inputs that the report's audience will not answer;
    given, `reach` is limited to what this audience can answer, and open inputs that make no sense, or that are out of
    scope, are closed too.
    """

    def __init__(
        self,
        ruleset: Ruleset,
        answers: Answers,
        known: Mapping[str, Kleene] | None = None,
        *,
        closed: frozenset[str] | None = None,
    ) -> None:
        self._ruleset = ruleset
        self.answers = answers
        self._closed = closed
        self._values: dict[str, Kleene] = dict(known or {})
        self._reaches: dict[int, tuple[Condition, Reach]] = {}

    def value(self, condition: Condition) -> Kleene:
        """Return the condition's current value."""
        match condition:
            case All(parts):
                return self._combine(False, parts)
            case Any(parts):
                return self._combine(True, parts)
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
            case IsOpen(name):
                return name not in self.answers
            case _:
                return self._compare_answer(condition)

    def _combine(self, decisive: bool, parts: tuple[Condition, ...]) -> Kleene:
        """Return `decisive` if a part has that value; else open if a part is open; else the opposite."""
        result: Kleene = not decisive
        for part in parts:
            value = self.value(part)
            if value is decisive:
                return decisive
            if value is None:
                result = None
        return result

    def reach(self, condition: Condition) -> Reach:
        """Return the values that the condition can take once any or none of the open inputs are answered."""
        known = self._reaches.get(id(condition))
        if known is None:  # kept with the condition: a freed one's id could pass to another condition
            known = self._reaches[id(condition)] = (condition, self._reach(condition))
        return known[1]

    def _reach(self, condition: Condition) -> Reach:
        match condition:
            case All(parts):
                return self._reach_count(len(parts), parts)
            case Any(parts):
                return self._reach_count(1, parts)
            case AtLeast(count, parts):
                return self._reach_count(count, parts)
            case Not(part):
                return frozenset(None if value is None else not value for value in self.reach(part))
            case Inferred(name):
                return self.reach(self._ruleset.inferences[name].when)
            case Unless(part):
                return frozenset(value is not True for value in self.reach(part))
            case IsOpen(name):
                if name in self.answers:
                    return _FALSE
                return frozenset({True, False}) if self.is_askable(name) or self.may_be_implied(name) else _TRUE
            case _:
                value = self._compare_answer(condition)
                if value is not None:
                    return frozenset({value})
                return _ALL if self._is_answerable(condition.input) else self._reach_implied(condition)

    def _reach_implied(self, condition: Compare | OneOf | Yes) -> Reach:
        """Return the values of a comparison whose input can't be answered, though relevance may imply its answer."""
        read = self._ruleset.input_behind(condition.input)
        if read.relevant is None or read.relevant.otherwise is None or not self.may_be_implied(read.name):
            return _OPEN
        return frozenset({None, _compare_with(condition, read.relevant.otherwise)})

    def may_be_implied(self, name: str) -> bool:
        """Return whether the input is open, and its relevance may still be ruled out and imply its answer."""
        relevant = self._ruleset.inputs[name].relevant
        if relevant is None or relevant.otherwise is None or name in self.answers:
            return False
        return False in self.reach(relevant.when)

    def _is_answerable(self, finding: str) -> bool:
        return self._closed is None or self.is_askable(self._ruleset.input_behind(finding).name)

    def is_askable(self, name: str) -> bool:
        """Return whether the input is open, and the report's audience may still answer it."""
        if self._closed is None:
            return name not in self.answers
        read = self._ruleset.inputs[name]
        return (
            name not in self.answers
            and name not in self._closed
            and name not in self._ruleset.not_asked(self.answers)
            and (read.relevant is None or self.value(read.relevant.when) is not False)
            and (read.available_if is None or True in self.reach(read.available_if))
        )

    def established(self) -> frozenset[str]:
        """Return the keys of the outcomes, floors, conflicts and inferences that are true now."""
        conditions = _outcomes(self._ruleset)
        conditions |= {name: Inferred(name) for name in self._ruleset.inferences}
        conditions |= {name: conflict.when for name, conflict in self._ruleset.conflicts.items()}
        return frozenset(key for key, condition in conditions.items() if self.value(condition))

    def rails(self) -> Rails:
        """Return the rails of every statement of the ruleset."""
        conditions = _outcomes(self._ruleset)
        reaches = {key: self.reach(condition) for key, condition in conditions.items()}
        sooner = self._ruleset.validity.sooner
        expires_sooner = {SOONER} if sooner is not None and True in self.reach(sooner) else set()
        return Rails(
            established=self.established(),
            possible=frozenset(key for key, reach in reaches.items() if True in reach) | expires_sooner,
            certain=frozenset(key for key, reach in reaches.items() if reach == {True}),
        )

    def _compare_answer(self, condition: Compare | OneOf | Yes) -> Kleene:
        answer = self.answers.get(condition.input)
        return None if answer is None else _compare_with(condition, answer)

    def _reach_count(self, count: int, parts: tuple[Condition, ...]) -> Reach:
        """Return the values of "`count` of the parts": by how few and how many can be true, or not false."""
        least_true = most_true = least_not_false = most_not_false = 0
        some_open = False
        for part in parts:
            reach = self.reach(part)
            least_true += reach == _TRUE
            most_true += True in reach
            least_not_false += False not in reach
            most_not_false += reach != _FALSE
            some_open = some_open or None in reach
        values: set[Kleene] = set()
        if most_true >= count:
            values.add(True)
        if least_not_false < count:
            values.add(False)
        if some_open and least_true < count <= most_not_false:
            values.add(None)
        return frozenset(values)


def _compare_with(condition: Compare | OneOf | Yes, answer: Value) -> bool:
    match condition:
        case Yes():
            return answer is True
        case OneOf(_, values):
            return answer in values
        case Compare(_, op, limit):
            assert isinstance(answer, int | float)  # answers were checked against their inputs' types
            return _compare(answer, op, limit)


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
    """Return the whole condition of each outcome of each rule and floor: the rule's together with the outcome's own."""
    conditions: dict[str, Condition] = {}
    for rule in ruleset.rules_and_floors:
        conditions[rule.id] = rule.when
        for index, outcome in enumerate(rule.outcomes):
            condition = rule.when if outcome.when is None else All((rule.when, outcome.when))
            conditions[outcome_key(rule.id, index)] = condition
    return conditions
