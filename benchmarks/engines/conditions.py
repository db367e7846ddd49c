"""Conditions as text, in the form that most expression languages share; the caller passes the language's words."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from triage_rules.language.model import All, Any, Compare, Condition, Inferred, Not, OneOf, Op, Yes

SIGNS = {Op.AT_LEAST: ">=", Op.MORE_THAN: ">", Op.AT_MOST: "<=", Op.LESS_THAN: "<"}


@dataclass(frozen=True, slots=True)
class Words:
    """A language's forms of the leaves; `both` and `either` join parts."""

    compare: Callable[[Compare], str]
    yes: Callable[[str], str]
    no: Callable[[str], str]
    one_of: Callable[[OneOf], str] = lambda leaf: f"{leaf.input} in {json.dumps(list(leaf.values))}"
    inferred: Callable[[str], str] = lambda name: name
    both: str = " and "
    either: str = " or "

    def write(self, condition: Condition) -> str:
        """Write a condition of a generated ruleset."""
        match condition:
            case All(parts):
                return self.both.join(map(self._bracketed, parts))
            case Any(parts):
                return self.either.join(map(self._bracketed, parts))
            case Compare():
                return self.compare(condition)
            case OneOf():
                return self.one_of(condition)
            case Yes(finding):
                return self.yes(finding)
            case Not(Yes(finding)):
                return self.no(finding)
            case Inferred(name):
                return self.inferred(name)
            case _:
                raise ValueError(f"no made ruleset has a {type(condition).__name__}")

    def _bracketed(self, part: Condition) -> str:
        return f"({self.write(part)})"
