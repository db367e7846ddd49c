"""A condition as Python expressions: one for when it is true, one for when it is false. If neither, it is open.

Either as things stand, or for good: whatever is still answered. A condition that is open can take both values; one that
is true or false may change only if there is an `open` or `unless` beneath it. So what can still become true is what is
not false for good.
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
"""How a comparison is written, and its opposite."""


class Expressions:
    """The expressions of one ruleset's conditions.

    They speak of variables: `a7` is the answer to a finding, None while it is open; `t7` and `f7` tell whether a
    statement is true, or false, as things stand; `c7` and `d7` whether it is so for good.
    Names and choices pass as literals, so nothing that was written in a ruleset is run.
    """

    def __init__(self, ruleset: Ruleset) -> None:
        self.answers = {name: f"a{n}" for n, name in enumerate([*ruleset.inputs, *ruleset.mentions])}
        self.numbers = {name: n for n, name in enumerate(ruleset.inferences)}
        self._settled: set[str] = set()
        for name, inference in ruleset.inferences.items():
            if self.is_settled(inference.when):
                self._settled.add(name)

    def is_settled(self, condition: Condition) -> bool:
        """There is no `open` and no `unless` beneath it: what it is, it is for good."""
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
        """When the condition is true."""
        return self._when(condition, True, for_good)

    def false(self, condition: Condition, *, for_good: bool = False) -> str:
        """When the condition is false."""
        return self._when(condition, False, for_good)

    def _when(self, condition: Condition, side: bool, for_good: bool) -> str:
        match condition:
            case All(parts):
                return self._counted(len(parts), parts, side, for_good)
            case Any(parts):
                return self._counted(1, parts, side, for_good)
            case AtLeast(count, parts):
                return self._counted(count, parts, side, for_good)
            case Not(part):
                return self._when(part, not side, for_good)
            case Inferred(name):
                letters = "cd" if for_good and name not in self._settled else "tf"
                return f"{letters[0 if side else 1]}{self.numbers[name]}"
            case Unless(part):
                if for_good:
                    return self._when(part, not side, for_good)
                return f"(not {self.true(part)})" if side else self.true(part)
            case IsOpen(finding):
                if side and for_good:
                    return "False"  # it may be answered yet
                return f"({self.answers[finding]} is {'None' if side else 'not None'})"
            case Yes(finding):
                return f"({self.answers[finding]} is {side})"
            case OneOf(finding, values):
                answer = self.answers[finding]
                return f"({answer} in {values!r})" if side else f"({answer} is not None and {answer} not in {values!r})"
            case Compare(finding, op, limit):
                answer, (sign, opposite) = self.answers[finding], SIGNS[op]
                return f"({answer} is not None and {answer} {sign if side else opposite} {limit!r})"

    def _counted(self, count: int, parts: tuple[Condition, ...], side: bool, for_good: bool) -> str:
        """`count` of the parts are true; or so many are false that these can't be."""
        enough = count if side else len(parts) - count + 1
        written = [self._when(part, side, for_good) for part in parts]
        if enough == len(parts):
            return join_expressions(" and ", written, none="True")
        if enough == 1:
            return join_expressions(" or ", written, none="False")
        return f"({join_expressions(' + ', written, none='0')} >= {enough})"


def join_expressions(between: str, parts: Iterable[str], *, none: str) -> str:
    """The expressions put together; `none`: what stands for no expression at all."""
    return f"({between.join(parts) or none})"
