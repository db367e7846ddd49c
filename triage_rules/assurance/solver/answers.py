"""A report's answers as Boolean variables: each number is cut only at values that a condition compares it with.

A number's cut at `p` is the variable "answered, and p or more". With p the smallest acceptable number that makes the
comparison true, every comparison is a cut or the opposite of a cut, and between two cuts there is always a number.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from triage_rules.assurance.solver.logic import Formula, Logic
from triage_rules.assurance.solver.phrases import folded, phrases_with_part
from triage_rules.language.model import MAX_NUMBER, AskedOf, Input, InputKind, Mention, Op


def first_at_least(kind: InputKind, limit: float) -> float:
    """Return the smallest acceptable number that is not below the limit."""
    return math.ceil(limit) if kind is InputKind.INTEGER else float(limit) + 0.0


def first_above(kind: InputKind, limit: float) -> float:
    """Return the smallest acceptable number above the limit."""
    return math.floor(limit) + 1 if kind is InputKind.INTEGER else math.nextafter(limit, math.inf)


def bounds(read: Input) -> tuple[float, float]:
    """Return the smallest and the greatest acceptable answer. Counts of the service ignore the ruleset's bounds."""
    is_counted = read.asked_of is AskedOf.SERVICE
    low = 0.0 if is_counted else -MAX_NUMBER if read.minimum is None else read.minimum
    high = MAX_NUMBER if is_counted or read.maximum is None else read.maximum
    low, high = max(low, -MAX_NUMBER), min(high, MAX_NUMBER)
    return first_at_least(read.kind, low), math.floor(high) if read.kind is InputKind.INTEGER else float(high)


@dataclass
class Number:
    """Variables of a number: answered, and its cuts. `points` is sorted."""

    name: str
    answered: Formula
    points: list[float] = field(default_factory=list)
    cuts: dict[float, Formula] = field(default_factory=dict)

    def cut(self, logic: Logic, point: float) -> Formula:
        """Return the formula: answered, and `point` or more."""
        if point not in self.cuts:
            variable = self.cuts[point] = logic.variable(f"{self.name} >= {point!r}")
            place = bisect.bisect_left(self.points, point)
            below = self.cuts[self.points[place - 1]] if place else self.answered
            logic.facts.append(logic.any_of([logic.opposite(variable), below]))
            if place < len(self.points):
                logic.facts.append(logic.any_of([logic.opposite(self.cuts[self.points[place]]), variable]))
            self.points.insert(place, point)
        return self.cuts[point]


@dataclass
class Text:
    """Variables of a text: answered, and its mentions, each by its folded phrases."""

    name: str
    answered: Formula
    mentions: dict[frozenset[str], Formula] = field(default_factory=dict)


@dataclass
class OneHot:
    """Variables of a yes/no or a choice: at most one of its values, open if none."""

    name: str
    values: dict[bool | str, Formula] = field(default_factory=dict)

    def value(self, logic: Logic, value: bool | str) -> Formula:
        """Return the formula: the answer is this value."""
        if value not in self.values:
            variable = logic.variable(f"{self.name} is {value}")
            for other in self.values.values():
                logic.facts.append(logic.any_of([logic.opposite(variable), logic.opposite(other)]))
            self.values[value] = variable
        return self.values[value]


class AnswerVariables:
    """Variables of all inputs, by name and kind. Rulesets that share them are asked about the same report.

    `but` makes the answers of another report, which share the variables of all inputs except those that may differ.
    """

    def __init__(self, logic: Logic) -> None:
        self.logic = logic
        self.one_hots: dict[tuple[str, InputKind], OneHot] = {}
        self.numbers: dict[tuple[str, InputKind], Number] = {}
        self.texts: dict[str, Text] = {}
        self._shared: AnswerVariables | None = None
        self._differing: frozenset[str] = frozenset()

    def but(self, differing: Iterable[str]) -> AnswerVariables:
        """Return the answers of a second report, which may differ from this one only in the named inputs."""
        second = AnswerVariables(self.logic)
        second._shared, second._differing = self, frozenset(differing)
        return second

    def one_hot(self, read: Input) -> OneHot:
        """Return the variables of a yes/no or choice input."""
        if (shared := self._find_shared(read.name)) is not None:
            return shared.one_hot(read)
        return self.one_hots.setdefault((read.name, read.kind), OneHot(read.name))

    def number(self, read: Input) -> Number:
        """Return the variables of a number or integer input."""
        if (shared := self._find_shared(read.name)) is not None:
            return shared.number(read)
        key = (read.name, read.kind)
        if key not in self.numbers:
            self.numbers[key] = Number(read.name, self.logic.variable(f"{read.name} answered"))
        return self.numbers[key]

    def text(self, name: str) -> Text:
        """Return the variables of a text input."""
        if (shared := self._find_shared(name)) is not None:
            return shared.text(name)
        if name not in self.texts:
            self.texts[name] = Text(name, self.logic.variable(f"{name} answered"))
        return self.texts[name]

    def _find_shared(self, name: str) -> AnswerVariables | None:
        """Return the answers that share this input's variables, if any."""
        return None if name in self._differing else self._shared

    def answered(self, read: Input) -> Formula:
        """Return the formula: the report answers the input; a choice by a value that does not mean open."""
        match read.kind:
            case InputKind.YES_NO | InputKind.CHOICE:
                one_hot = self.one_hot(read)
                return self.logic.any_of(one_hot.value(self.logic, value) for value in answering(read))
            case InputKind.TEXT:
                return self.text(read.name).answered
            case _:
                return self.number(read).answered

    def compares(self, read: Input, op: Op, limit: float) -> tuple[Formula, Formula]:
        """Return the formulas: the comparison is true; the comparison is false."""
        point = (first_at_least if op in {Op.AT_LEAST, Op.LESS_THAN} else first_above)(read.kind, limit)
        low, high = bounds(read)
        number = self.number(read)
        if point <= low:
            beyond = number.answered
        elif point > high:
            beyond = self.logic.false
        else:
            beyond = number.cut(self.logic, point)
        short = self.logic.all_of([number.answered, self.logic.opposite(beyond)])
        if beyond is number.answered:
            short = self.logic.false
        return (beyond, short) if op in {Op.AT_LEAST, Op.MORE_THAN} else (short, beyond)

    def number_is(self, read: Input, value: float) -> Formula:
        """Return the formula: the number is answered by exactly this value."""
        number = self.number(read)
        above = number.cut(self.logic, first_above(read.kind, value))
        return self.logic.all_of([number.cut(self.logic, first_at_least(read.kind, value)), self.logic.opposite(above)])

    def mentioned(self, mention: Mention) -> Formula:
        """Return the formula: the text is answered and contains one of the phrases."""
        text, phrases = self.text(mention.text), frozenset(map(folded, mention.phrases))
        if phrases not in text.mentions:
            variable = text.mentions[phrases] = self.logic.variable(f"{mention.name} in {text.name}")
            self.logic.facts.append(self.logic.any_of([self.logic.opposite(variable), text.answered]))
            self.logic.facts.extend(self._imply_parts(text, phrases) for phrases in text.mentions)
        return text.mentions[phrases]

    def _imply_parts(self, text: Text, phrases: frozenset[str]) -> Formula:
        """Return the formula: a text with one of the phrases also has every phrase that is always part of it."""
        having = {other: phrases_with_part(phrases, other) for other in text.mentions}
        ways = {frozenset(other for other, some in having.items() if phrase in some) for phrase in phrases}
        if frozenset({phrases}) in ways:  # one of the phrases has no other part
            return self.logic.true
        implied = (self.logic.all_of(text.mentions[other] for other in text.mentions if other in way) for way in ways)
        return self.logic.any_of([self.logic.opposite(text.mentions[phrases]), *implied])

    def variables(self) -> list[Formula]:
        """Return every variable; together they describe a report as far as any condition reads it."""
        variables = [] if self._shared is None else self._shared.variables()
        variables += [variable for one_hot in self.one_hots.values() for variable in one_hot.values.values()]
        for number in self.numbers.values():
            variables += [number.answered, *number.cuts.values()]
        for text in self.texts.values():
            variables += [text.answered, *text.mentions.values()]
        return variables

    def accepted(self, read: Input) -> Formula:
        """Return the formula: this ruleset accepts the answer; a count of the service is always present."""
        logic, parts = self.logic, []
        if read.asked_of is AskedOf.SERVICE:
            parts.append(self.answered(read))
        if read.kind in {InputKind.NUMBER, InputKind.INTEGER}:
            number, (low, high) = self.number(read), bounds(read)
            if low > -MAX_NUMBER:
                parts.append(logic.any_of([logic.opposite(number.answered), number.cut(logic, low)]))
            if high < MAX_NUMBER:
                parts.append(logic.opposite(number.cut(logic, first_above(read.kind, high))))
        if read.kind is InputKind.CHOICE:
            self.answered(read)  # makes the variables of all its values
            known = {choice.value for choice in read.choices}
            values = self.one_hot(read).values
            parts += [logic.opposite(variable) for value, variable in values.items() if value not in known]
        return logic.all_of(parts)


def answering(read: Input) -> tuple[bool | str, ...]:
    """Return the values of a yes/no or choice that answer it, without those that mean open."""
    if read.kind is InputKind.YES_NO:
        return (True, False)
    return tuple(choice.value for choice in read.choices if not choice.means_open)
