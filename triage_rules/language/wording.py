"""Conditions in words, as a person would read the YAML aloud; and words for what a result rests on."""

from __future__ import annotations

from collections.abc import Iterable

from triage_rules.language.model import (
    All,
    Any,
    AtLeast,
    Basis,
    Compare,
    Condition,
    Inferred,
    IsOpen,
    Not,
    OneOf,
    Op,
    Unless,
    Yes,
)

OPS = {Op.AT_LEAST: "at least", Op.MORE_THAN: "more than", Op.AT_MOST: "at most", Op.LESS_THAN: "less than"}

BASIS_MARKS = {Basis.RULES: "", Basis.SAFETY_NET: "answers missing or contradictory", Basis.DEFAULT: "no rule matched"}
"""Marks of results that rest on something other than established rules."""


def describe_lowered(level: str | None, disposition: str | None) -> str:
    """Describe what an amendment lowers: the level and disposition of an earlier result."""
    if level is None:
        return "lowers a report that could not be decided"
    return f"lowers {level}, {disposition}"


def describe_condition(condition: Condition) -> str:
    """Describe a condition on one line: "all of: `spots`, `age_years` less than 16"."""
    match condition:
        case All(parts):
            return f"all of: {_listed(parts)}"
        case Any(parts):
            return f"any of: {_listed(parts)}"
        case AtLeast(count, parts):
            return f"at least {count} of: {_listed(parts)}"
        case Not(part):
            return f"not {_inside(part)}"
        case Unless(part):
            return f"unless {_inside(part)}"
        case IsOpen(name):
            return f"`{name}` is open"
        case Inferred(name) | Yes(name):
            return f"`{name}`"
        case Compare(name):
            return f"`{name}` {limit_in_words(condition)}"
        case OneOf(name):
            return f"`{name}` {values_in_words(condition)}"


def limit_in_words(compare: Compare) -> str:
    """Describe only the limit: "at least 38"."""
    return f"{OPS[compare.op]} {compare.limit}"


def values_in_words(choice: OneOf) -> str:
    """Describe only the values: "is `few`", "is `few` or `many`"."""
    return f"is {' or '.join(f'`{value}`' for value in choice.values)}"


def _listed(parts: Iterable[Condition]) -> str:
    return ", ".join(map(_inside, parts))


def _inside(part: Condition) -> str:
    words = describe_condition(part)
    return f"({words})" if isinstance(part, All | Any | AtLeast) else words
