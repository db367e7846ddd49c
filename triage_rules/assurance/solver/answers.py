"""What a report can say, as Boolean variables: each number is cut where somebody compares it, and nowhere else.

A number's cut at `p` is the variable "answered, and p or more". With p the smallest acceptable number that makes the
comparison true, every comparison is a cut or the opposite of one, and between two cuts there is always a number.
"""

from __future__ import annotations

import bisect
import math
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field

from triage_rules.assurance.solver.logic import Formula, Logic
from triage_rules.language.model import MAX_NUMBER, AskedOf, Input, InputKind, Mention, Op


def first_at_least(kind: InputKind, limit: float) -> float:
    """The smallest acceptable number that is not below the limit."""
    return math.ceil(limit) if kind is InputKind.INTEGER else float(limit) + 0.0


def first_above(kind: InputKind, limit: float) -> float:
    """The smallest acceptable number beyond the limit."""
    return math.floor(limit) + 1 if kind is InputKind.INTEGER else math.nextafter(limit, math.inf)


def bounds(read: Input) -> tuple[float, float]:
    """The smallest and the greatest acceptable answer. What the service counts is not held against the ruleset's."""
    counted = read.asked_of is AskedOf.SERVICE
    low = 0.0 if counted else -MAX_NUMBER if read.minimum is None else read.minimum
    high = MAX_NUMBER if counted or read.maximum is None else read.maximum
    low, high = max(low, -MAX_NUMBER), min(high, MAX_NUMBER)
    return first_at_least(read.kind, low), math.floor(high) if read.kind is InputKind.INTEGER else float(high)


@dataclass
class Number:
    """A number: answered, and its cuts. `points` is sorted."""

    name: str
    answered: Formula
    points: list[float] = field(default_factory=list)
    cuts: dict[float, Formula] = field(default_factory=dict)

    def cut(self, logic: Logic, point: float) -> Formula:
        """The number is answered, and `point` or more."""
        if point not in self.cuts:
            made = self.cuts[point] = logic.variable(f"{self.name} >= {point!r}")
            place = bisect.bisect_left(self.points, point)
            below = self.cuts[self.points[place - 1]] if place else self.answered
            logic.facts.append(logic.any_of([logic.opposite(made), below]))
            if place < len(self.points):
                logic.facts.append(logic.any_of([logic.opposite(self.cuts[self.points[place]]), made]))
            self.points.insert(place, point)
        return self.cuts[point]


@dataclass
class Text:
    """A text: answered, and what it mentions; a mention by its folded phrases."""

    name: str
    answered: Formula
    mentions: dict[frozenset[str], Formula] = field(default_factory=dict)


@dataclass
class OneHot:
    """A yes/no or a choice: at most one of its values, open if none."""

    name: str
    values: dict[bool | str, Formula] = field(default_factory=dict)

    def value(self, logic: Logic, value: bool | str) -> Formula:
        """The answer is this value."""
        if value not in self.values:
            made = logic.variable(f"{self.name} is {value}")
            for other in self.values.values():
                logic.facts.append(logic.any_of([logic.opposite(made), logic.opposite(other)]))
            self.values[value] = made
        return self.values[value]


class AnswerVariables:
    """The variables of all inputs, by name and kind. Rulesets that share them are asked about the same report.

    Made by `but`, it is another report: it shares the variables of all inputs except those that may differ.
    """

    def __init__(self, logic: Logic) -> None:
        self.logic = logic
        self.one_hots: dict[tuple[str, InputKind], OneHot] = {}
        self.numbers: dict[tuple[str, InputKind], Number] = {}
        self.texts: dict[str, Text] = {}
        self._shared: AnswerVariables | None = None
        self._differing: frozenset[str] = frozenset()

    def but(self, differing: Iterable[str]) -> AnswerVariables:
        """The answers of a second report, which may differ from this one in the named inputs alone."""
        second = AnswerVariables(self.logic)
        second._shared, second._differing = self, frozenset(differing)
        return second

    def one_hot(self, read: Input) -> OneHot:
        """The variables of a yes/no or choice input."""
        if (shared := self._of_both(read.name)) is not None:
            return shared.one_hot(read)
        return self.one_hots.setdefault((read.name, read.kind), OneHot(read.name))

    def number(self, read: Input) -> Number:
        """The variables of a number or integer input."""
        if (shared := self._of_both(read.name)) is not None:
            return shared.number(read)
        key = (read.name, read.kind)
        if key not in self.numbers:
            self.numbers[key] = Number(read.name, self.logic.variable(f"{read.name} answered"))
        return self.numbers[key]

    def text(self, name: str) -> Text:
        """The variables of a text input."""
        if (shared := self._of_both(name)) is not None:
            return shared.text(name)
        if name not in self.texts:
            self.texts[name] = Text(name, self.logic.variable(f"{name} answered"))
        return self.texts[name]

    def _of_both(self, name: str) -> AnswerVariables | None:
        """The answers that this input's variables are shared with, if they are."""
        return None if name in self._differing else self._shared

    def answered(self, read: Input) -> Formula:
        """The report answers the input; for a choice, by a value that does not mean open."""
        match read.kind:
            case InputKind.YES_NO | InputKind.CHOICE:
                one_hot = self.one_hot(read)
                return self.logic.any_of(one_hot.value(self.logic, value) for value in answering(read))
            case InputKind.TEXT:
                return self.text(read.name).answered
            case _:
                return self.number(read).answered

    def compares(self, read: Input, op: Op, limit: float) -> tuple[Formula, Formula]:
        """The comparison is true; it is false."""
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
        """The number is answered by exactly this value."""
        number = self.number(read)
        above = number.cut(self.logic, first_above(read.kind, value))
        return self.logic.all_of([number.cut(self.logic, first_at_least(read.kind, value)), self.logic.opposite(above)])

    def mentioned(self, mention: Mention) -> Formula:
        """The text is answered and contains one of the phrases."""
        text, phrases = self.text(mention.text), frozenset(map(folded, mention.phrases))
        if phrases not in text.mentions:
            made = text.mentions[phrases] = self.logic.variable(f"{mention.name} in {text.name}")
            self.logic.facts.append(self.logic.any_of([self.logic.opposite(made), text.answered]))
            self.logic.facts.extend(self._implied(text, phrases) for phrases in text.mentions)
        return text.mentions[phrases]

    def _implied(self, text: Text, phrases: frozenset[str]) -> Formula:
        """A text with one of the phrases also has every phrase that is part of that one."""
        ways = [
            self.logic.all_of(made for other, made in text.mentions.items() if any(part in phrase for part in other))
            for phrase in phrases
        ]
        return self.logic.any_of([self.logic.opposite(text.mentions[phrases]), *ways])

    def variables(self) -> list[Formula]:
        """Every variable there is; together they say all that a report says, as far as anybody looks."""
        found = [] if self._shared is None else self._shared.variables()
        found += [made for one_hot in self.one_hots.values() for made in one_hot.values.values()]
        for number in self.numbers.values():
            found += [number.answered, *number.cuts.values()]
        for text in self.texts.values():
            found += [text.answered, *text.mentions.values()]
        return found

    def accepted(self, read: Input) -> Formula:
        """The answer to this input is one that this ruleset accepts; what the service counts is always there."""
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
            self.answered(read)  # makes all its values
            known = {choice.value for choice in read.choices}
            values = self.one_hot(read).values
            parts += [logic.opposite(made) for value, made in values.items() if value not in known]
        return logic.all_of(parts)


def answering(read: Input) -> tuple[bool | str, ...]:
    """The values of a yes/no or choice that answer it: not those that mean open."""
    if read.kind is InputKind.YES_NO:
        return (True, False)
    return tuple(choice.value for choice in read.choices if not choice.means_open)


def folded(text: str) -> str:
    """A phrase as it is looked for: without regard to case, the form of accents and quotes, and runs of blanks."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().replace("\u2019", "'").split())
