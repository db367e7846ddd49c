"""Conditions as Python expressions: one that is true when the condition is, and one when it is false.

If neither expression is true, the condition is open. An expression is for now or for good, that is, whatever is still
answered. An open condition can take both values; a true or false one may change only if there is an `open` or
`unless` beneath it. So a condition can still become true unless it is false for good.
"""

from __future__ import annotations

from collections.abc import Iterable

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
    Op,
    Ruleset,
    Unless,
    Yes,
)

SIGNS = {Op.AT_LEAST: (">=", "<"), Op.MORE_THAN: (">", "<="), Op.AT_MOST: ("<=", ">"), Op.LESS_THAN: ("<", ">=")}
"""Python's sign for a comparison, and for its opposite."""


class Expressions:
    """Expressions of one ruleset's conditions.

    Their variables: `a7` is the answer to an input, None while it is open; `t7` and `f7` are whether a statement is
    true, or false, now; `c7` and `d7` whether it is so for good.
    Names and choices are written as literals, so no text of a ruleset is executed.
    """

    def __init__(self, ruleset: Ruleset) -> None:
        self.answers = {name: f"a{n}" for n, name in enumerate([*ruleset.inputs, *ruleset.mentions])}
        self.numbers = {name: n for n, name in enumerate(ruleset.inferences)}
        self._settled: set[str] = set()
        for name, inference in ruleset.inferences.items():
            if self.is_settled(inference.when):
                self._settled.add(name)

    def is_settled(self, condition: Condition) -> bool:
        """Return whether the condition has no `open` and no `unless` beneath it: its value is for good."""
        match condition:
            case All(parts) | Any(parts) | AtLeast(_, parts):
                return all(map(self.is_settled, parts))
            case Not(part):
                return self.is_settled(part)
            case Inferred(name):
                return name in self._settled
            case _:
                return not isinstance(condition, IsOpen | Unless)

    def true(self, condition: Condition, *, for_good: bool = False) -> str:
        """Return an expression for the condition being true."""
        return self._write(condition, True, for_good)

    def false(self, condition: Condition, *, for_good: bool = False) -> str:
        """Return an expression for the condition being false."""
        return self._write(condition, False, for_good)

    def _write(self, condition: Condition, side: bool, for_good: bool) -> str:
        match condition:
            case All(parts):
                return self._write_count(len(parts), parts, side, for_good)
            case Any(parts):
                return self._write_count(1, parts, side, for_good)
            case AtLeast(count, parts):
                return self._write_count(count, parts, side, for_good)
            case Not(part):
                return self._write(part, not side, for_good)
            case Inferred(name):
                letters = "cd" if for_good and name not in self._settled else "tf"
                return f"{letters[0 if side else 1]}{self.numbers[name]}"
            case Unless(part):
                if for_good:
                    return self._write(part, not side, for_good)
                return f"(not {self.true(part)})" if side else self.true(part)
            case IsOpen(name):
                if side and for_good:
                    return "False"  # an answer may still come
                return f"({self.answers[name]} is {'None' if side else 'not None'})"
            case Yes(name):
                return f"({self.answers[name]} is {side})"
            case OneOf(name, values):
                answer = self.answers[name]
                return f"({answer} in {values!r})" if side else f"({answer} is not None and {answer} not in {values!r})"
            case Compare(name, op, limit):
                answer, (sign, opposite) = self.answers[name], SIGNS[op]
                return f"({answer} is not None and {answer} {sign if side else opposite} {limit!r})"

    def _write_count(self, count: int, parts: tuple[Condition, ...], side: bool, for_good: bool) -> str:
        """Write "`count` of the parts are true", or "enough parts are false that `count` can't be true"."""
        enough = count if side else len(parts) - count + 1
        written = [self._write(part, side, for_good) for part in parts]
        if enough == len(parts):
            return join_expressions(" and ", written, none="True")
        if enough == 1:
            return join_expressions(" or ", written, none="False")
        return f"({join_expressions(' + ', written, none='0')} >= {enough})"


def join_expressions(between: str, parts: Iterable[str], *, none: str) -> str:
    """Join the expressions in brackets; `none`: text if there is no expression."""
    return f"({between.join(parts) or none})"
