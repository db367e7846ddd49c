"""What an audience can still change, as Python lines: conditions over the answers that it can still give.

Beside answered and open, an input may be closed: open, and not to be answered by this audience, because it is out of
its reach, was answered "unknown", or makes no sense. A closed input stays open, so what rests on it may stay open too.
So each condition has four facts: it is true for good, false for good, may become (or is) true, may become false.
"""

from __future__ import annotations

from triage_rules.evaluation.generated.expressions import SIGNS, Expressions, join_expressions
from triage_rules.evaluation.generated.gates import statements_behind
from triage_rules.language.gates import gated_in_order, gates_of
from triage_rules.language.model import (
    All,
    Any,
    AskedOf,
    AtLeast,
    Compare,
    Condition,
    Inferred,
    Input,
    IsOpen,
    Not,
    OneOf,
    Ruleset,
    Unless,
    Yes,
)


class ReachWriter:
    """Writes the lines of statements and inputs at once, and expressions for conditions.

    Expects a variable `closed`: a mask of the inputs that this audience will not answer, bit n is the nth input; and
    Expressions' variables. Its own: `u7`, an input can still be answered; `g7`, `h7`, a statement is true, or false,
    for good; `y7`, `n7`, it may be true, or false; `w7`, a mask of the inputs that it depends on.
    """

    def __init__(self, ruleset: Ruleset, expressions: Expressions, lines: list[str]) -> None:
        self._ruleset = ruleset
        self._expressions = expressions
        self._lines = lines
        self._bits = {name: 1 << n for n, name in enumerate(ruleset.inputs)}
        self._askable: dict[str, str] = {}
        self._masks: dict[str, str] = {}
        gated = gated_in_order(ruleset)
        for read in ruleset.inputs.values():
            if not (read.relevant or read.available_if):
                self._write_input(read)
        written: set[str] = set()
        for read in gated:
            for when in gates_of(read):
                self._write_statements(statements_behind(ruleset, when, written))
            self._write_input(read)
        self._write_statements([name for name in ruleset.inferences if name not in written])

    def _write_input(self, read: Input) -> None:
        if read.asked_of is AskedOf.SERVICE:
            return
        answer, bit = self._expressions.answers[read.name], self._bits[read.name]
        variable = self._askable[read.name] = f"u{answer[1:]}"
        needed = [f"{answer} is None", f"not closed & {bit}"]
        if read.relevant is not None:
            needed.append(f"not {self._expressions.false(read.relevant.when)}")
        if read.available_if is not None:
            needed.append(self.may_be(read.available_if, True))
        self._lines.append(f"{variable} = {' and '.join(needed)}")

    def _write_statements(self, names: list[str]) -> None:
        for name in names:
            number, when = self._expressions.numbers[name], self._ruleset.inferences[name].when
            if not self._expressions.is_settled(when):
                self._lines.append(f"g{number} = {self.stays(when, True)}")
                self._lines.append(f"h{number} = {self.stays(when, False)}")
            self._lines.append(f"y{number} = {self.may_be(when, True)}")
            self._lines.append(f"n{number} = {self.may_be(when, False)}")

    def closed_elsewhere(self) -> str:
        """Return an expression for a mask of the closed inputs that another audience could answer."""
        unavailable = [
            f"({self._bits[read.name]} if not {self._askable[read.name]} else 0)"
            for read in self._ruleset.inputs.values()
            if read.available_if is not None
        ]
        irrelevant = [
            f"({self._bits[read.name]} if {self._expressions.false(read.relevant.when)} else 0)"
            for read in self._ruleset.inputs.values()
            if read.relevant is not None
        ]
        beside = f" & ~({' | '.join(irrelevant)})" if irrelevant else ""
        return f"({' | '.join(['closed', *unavailable])}){beside}"

    # --- conditions ---

    def stays(self, condition: Condition, side: bool) -> str:
        """Return an expression for the condition being true (or false) for good."""
        if self._expressions.is_settled(condition):
            return self._expressions.true(condition) if side else self._expressions.false(condition)
        match condition:
            case All(parts) | Any(parts) | AtLeast(_, parts):
                return _write_count(_least(condition), [self.stays(part, side) for part in parts], side)
            case Not(part):
                return self.stays(part, not side)
            case Inferred(name):
                return f"{'g' if side else 'h'}{self._expressions.numbers[name]}"
            case Unless(part):
                return f"(not {self.may_be(part, True)})" if side else self.stays(part, True)
            case IsOpen(name):
                answer, askable = self._expressions.answers[name], self._askable.get(name, "False")
                return f"({answer} is None and not {askable})" if side else f"({answer} is not None)"
            case _:
                raise AssertionError("a comparison is settled")

    def may_be(self, condition: Condition, side: bool) -> str:
        """Return an expression for the condition being true (or false) now or after further answers."""
        match condition:
            case All(parts) | Any(parts) | AtLeast(_, parts):
                return _write_count(_least(condition), [self.may_be(part, side) for part in parts], side)
            case Not(part):
                return self.may_be(part, not side)
            case Inferred(name):
                return f"{'y' if side else 'n'}{self._expressions.numbers[name]}"
            case Unless(part):
                return f"(not {self.stays(part, True)})" if side else self.may_be(part, True)
            case IsOpen(name):
                answer, askable = self._expressions.answers[name], self._askable.get(name, "False")
                return f"({answer} is None)" if side else f"({answer} is not None or {askable})"
            case Yes(name):
                return self._or_askable(name, f"{self._expressions.answers[name]} is {side}")
            case OneOf(name, values):
                answer, sign = self._expressions.answers[name], "in" if side else "not in"
                return self._or_askable(name, f"{answer} is not None and {answer} {sign} {values!r}")
            case Compare(name, op, limit):
                answer, (sign, opposite) = self._expressions.answers[name], SIGNS[op]
                compared = f"{answer} is not None and {answer} {sign if side else opposite} {limit!r}"
                return self._or_askable(name, compared)

    def _or_askable(self, name: str, compared: str) -> str:
        askable = self._askable.get(self._ruleset.input_behind(name).name)
        return f"({compared})" if askable is None else f"({askable} or {compared})"

    # --- the inputs that a condition depends on ---

    def mask(self, condition: Condition) -> str:
        """Return an expression for the mask of the inputs whose answers can change the condition."""
        match condition:
            case Compare(name) | OneOf(name) | Yes(name) | IsOpen(name):
                return self._input_mask(self._ruleset.input_behind(name))
            case Inferred(name):
                if name not in self._masks:
                    variable = self._masks[name] = f"w{self._expressions.numbers[name]}"
                    self._lines.append(
                        f"{variable} = {self._opened_mask(condition, self._ruleset.inferences[name].when)}"
                    )
                return self._masks[name]
            case _:
                return self._opened_mask(condition, condition)

    def _opened_mask(self, settled: Condition, condition: Condition) -> str:
        match condition:
            case All(parts) | Any(parts) | AtLeast(_, parts):
                masks = list(dict.fromkeys(map(self.mask, parts)))
            case Not(part) | Unless(part):
                masks = [self.mask(part)]
            case _:
                masks = [self.mask(condition)]
        fixed = f"{self.stays(settled, True)} or {self.stays(settled, False)}"
        stuck = f"not ({self.may_be(settled, True)} or {self.may_be(settled, False)})"
        return f"(0 if {fixed} or {stuck} else {join_expressions(' | ', masks, none='0')})"

    def _input_mask(self, read: Input) -> str:
        """Return the input's bit while it can be asked, with the inputs that decide whether it can."""
        if read.name not in self._askable:
            return "0"
        key = f"input {read.name}"
        if key not in self._masks:
            gates = [self.mask(when) for when in gates_of(read)]
            variable = f"v{self._expressions.answers[read.name][1:]}"
            bit = str(self._bits[read.name])
            if read.available_if is not None:
                bit = f"({bit} if {self._expressions.true(read.available_if)} else 0)"
            self._lines.append(f"{variable} = {' | '.join([bit, *gates])} if {self._askable[read.name]} else 0")
            self._masks[key] = variable
        return self._masks[key]


def _least(condition: All | Any | AtLeast) -> int:
    match condition:
        case All(parts):
            return len(parts)
        case Any():
            return 1
        case AtLeast(count, _):
            return count


def _write_count(count: int, parts: list[str], side: bool) -> str:
    """Write "`count` of the parts", or "enough parts that `count` of their opposites can't be"."""
    enough = count if side else len(parts) - count + 1
    if enough == len(parts):
        return join_expressions(" and ", parts, none="True")
    if enough == 1:
        return join_expressions(" or ", parts, none="False")
    return f"({join_expressions(' + ', parts, none='0')} >= {enough})"
