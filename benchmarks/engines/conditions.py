"""Conditions as text: the shape that most expression languages share, with each language's words handed in."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from triage_rules.language.model import All, Any, Compare, Condition, Inferred, Not, OneOf, Op, Yes

SIGNS = {Op.AT_LEAST: ">=", Op.MORE_THAN: ">", Op.AT_MOST: "<=", Op.LESS_THAN: "<"}


@dataclass(frozen=True, slots=True)
class Words:
    """How a language writes each leaf; `both` and `either` join parts."""

    compare: Callable[[Compare], str]
    yes: Callable[[str], str]
    no: Callable[[str], str]
    one_of: Callable[[OneOf], str] = lambda leaf: f"{leaf.input} in {json.dumps(list(leaf.values))}"
    inferred: Callable[[str], str] = lambda name: name
    both: str = " and "
    either: str = " or "

    def write(self, condition: Condition) -> str:
        """One condition of a made ruleset."""
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
