"""What changed in a condition: the smallest parts that are there before or after alone, or in another form."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass

from triage_rules.language.conditions import LOWER_LIMITS
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
    Unless,
    Yes,
)
from triage_rules.language.wording import describe_condition, limit_in_words, values_in_words


class Within(enum.Enum):
    """What a part was added to or taken from; WHOLE: it was put in another's place."""

    WHOLE = "whole"
    ALL = "all"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Edit:
    """A part of a condition that was replaced, added (`before` None) or taken away (`after` None)."""

    before: Condition | None
    after: Condition | None
    within: Within = Within.WHOLE

    def __str__(self) -> str:
        match self.before, self.after:
            case Compare() as before, Compare() as after if before.input == after.input:
                return f"`{after.input}` {limit_in_words(after)}; before: {limit_in_words(before)}"
            case OneOf() as before, OneOf() as after if before.input == after.input:
                return f"`{after.input}` {values_in_words(after)}; before: {values_in_words(before)}"
            case None, _:
                return f"{_ADDED[self.within]} {_told(self.after)}"
            case _, None:
                return f"{_TAKEN[self.within]} {_told(self.before)}"
            case _:
                return f"{_told(self.after)}; before: {_told(self.before)}"


_ADDED = {Within.ALL: "now also needs", Within.ANY: "now also counts:", Within.WHOLE: "now only if"}
_TAKEN = {Within.ALL: "no longer needs", Within.ANY: "no longer counts:", Within.WHOLE: "no longer only if"}


def _told(part: Condition | None) -> str:
    return "nothing" if part is None else describe_condition(part)


def edits(before: Condition | None, after: Condition | None) -> list[Edit]:
    """The changes that make one of the other, in the order of the condition; none if they are equal."""
    if before == after:
        return []
    return list(_edits(before, after))


def _edits(before: Condition | None, after: Condition | None) -> Iterator[Edit]:
    match before, after:
        case (Not(one), Not(two)) | (Unless(one), Unless(two)):
            yield from edits(one, two)
        case (All(ones), All(twos)):
            yield from _parts(ones, twos, Within.ALL)
        case (Any(ones), Any(twos)):
            yield from _parts(ones, twos, Within.ANY)
        case (AtLeast(count, ones), AtLeast(other, twos)) if count == other:
            yield from _parts(ones, twos, Within.ANY)
        case (All(ones), two) if two in ones:
            yield from _parts(ones, (two,), Within.ALL)
        case (one, All(twos)) if one in twos:
            yield from _parts((one,), twos, Within.ALL)
        case (Any(ones), two) if two in ones:
            yield from _parts(ones, (two,), Within.ANY)
        case (one, Any(twos)) if one in twos:
            yield from _parts((one,), twos, Within.ANY)
        case _:
            yield Edit(before, after)


def _parts(ones: tuple[Condition | None, ...], twos: tuple[Condition | None, ...], within: Within) -> Iterator[Edit]:
    """Equal parts are left out, those about the same thing are paired; what remains was added or taken away."""
    before, after = list(ones), list(twos)
    for part in ones:
        if part in after:
            before.remove(part)
            after.remove(part)
    for one in list(before):
        two = next((part for part in after if _about(part) == _about(one)), None)
        if two is not None:
            before.remove(one)
            after.remove(two)
            yield from edits(one, two)
    yield from (Edit(one, None, within) for one in before)
    yield from (Edit(None, two, within) for two in after)


def _about(part: Condition | None) -> object:
    """What makes two parts versions of one: the finding of a comparison, else the form."""
    match part:
        case Compare(finding, op):
            return Compare, finding, op in LOWER_LIMITS
        case OneOf(finding):
            return OneOf, finding
        case Yes(name) | Inferred(name) | IsOpen(name):
            return type(part), name
        case Not(inner):
            return Not, _about(inner)
        case Unless(inner):
            return Unless, _about(inner)
        case _:
            return type(part)
