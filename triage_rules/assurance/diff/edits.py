"""Changes in a condition: the smallest parts that were added, removed or replaced."""

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
    """Surroundings of an added or removed part; WHOLE: the part replaced another."""

    WHOLE = "whole"
    ALL = "all"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Edit:
    """Part of a condition that was replaced, added (`before` is None) or removed (`after` is None)."""

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
                return f"{_ADDED[self.within]} {_describe(self.after)}"
            case _, None:
                return f"{_REMOVED[self.within]} {_describe(self.before)}"
            case _:
                return f"{_describe(self.after)}; before: {_describe(self.before)}"


_ADDED = {Within.ALL: "now also needs", Within.ANY: "now also counts:", Within.WHOLE: "now only if"}
_REMOVED = {Within.ALL: "no longer needs", Within.ANY: "no longer counts:", Within.WHOLE: "no longer only if"}


def _describe(part: Condition | None) -> str:
    return "nothing" if part is None else describe_condition(part)


def find_edits(before: Condition | None, after: Condition | None) -> list[Edit]:
    """Return the changes from `before` to `after`, in the order of the condition; none if they are equal."""
    if before == after:
        return []
    return list(_compare(before, after))


def _compare(before: Condition | None, after: Condition | None) -> Iterator[Edit]:
    match before, after:
        case (Not(old), Not(new)) | (Unless(old), Unless(new)):
            yield from find_edits(old, new)
        case (All(old_parts), All(new_parts)):
            yield from _compare_parts(old_parts, new_parts, Within.ALL)
        case (Any(old_parts), Any(new_parts)):
            yield from _compare_parts(old_parts, new_parts, Within.ANY)
        case (AtLeast(count, old_parts), AtLeast(other, new_parts)) if count == other:
            yield from _compare_parts(old_parts, new_parts, Within.ANY)
        case (All(old_parts), new) if new in old_parts:
            yield from _compare_parts(old_parts, (new,), Within.ALL)
        case (old, All(new_parts)) if old in new_parts:
            yield from _compare_parts((old,), new_parts, Within.ALL)
        case (Any(old_parts), new) if new in old_parts:
            yield from _compare_parts(old_parts, (new,), Within.ANY)
        case (old, Any(new_parts)) if old in new_parts:
            yield from _compare_parts((old,), new_parts, Within.ANY)
        case _:
            yield Edit(before, after)


def _compare_parts(
    old_parts: tuple[Condition | None, ...], new_parts: tuple[Condition | None, ...], within: Within
) -> Iterator[Edit]:
    """Skip equal parts, compare parts about the same subject in pairs, and yield the rest as added or removed."""
    before, after = list(old_parts), list(new_parts)
    for part in old_parts:
        if part in after:
            before.remove(part)
            after.remove(part)
    for old in list(before):
        new = next((part for part in after if _subject(part) == _subject(old)), None)
        if new is not None:
            before.remove(old)
            after.remove(new)
            yield from find_edits(old, new)
    yield from (Edit(old, None, within) for old in before)
    yield from (Edit(None, new, within) for new in after)


def _subject(part: Condition | None) -> object:
    """Return the key that pairs two versions of a part: the form, with its input or name if it has one."""
    match part:
        case Compare(name, op):
            return Compare, name, op in LOWER_LIMITS
        case OneOf(name):
            return OneOf, name
        case Yes(name) | Inferred(name) | IsOpen(name):
            return type(part), name
        case Not(inner):
            return Not, _subject(inner)
        case Unless(inner):
            return Unless, _subject(inner)
        case _:
            return type(part)
