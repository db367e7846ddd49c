"""What an audience can still change, as Python lines: conditions over the answers that it can still give.

Beside answered and open, an input may be closed: open, and not to be answered by this audience, because it is out of
its reach, was answered "unknown", or makes no sense. A closed input stays open, so what rests on it may stay open too;
only relevance, once it is ruled out, may still imply its answer.
So each condition has four facts: it is true for good, false for good, may become (or is) true, may become false.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from triage_rules.evaluation.generated.expressions import SIGNS, Expressions, join_expressions
from triage_rules.evaluation.generated.gates import statements_behind
from triage_rules.evaluation.signals import input_bits
from triage_rules.language.conditions import parts
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

STAYS, MAY = True, False


class Fact(NamedTuple):
    """A fact about a statement: it is true (or false) for good, or may be. lasts: STAYS or MAY."""

    name: str
    lasts: bool
    side: bool


class ReachWriter:
    """Writes the lines of statements and inputs at once, and expressions for conditions.

    Expects Expressions' variables, and two masks of open inputs (`input_bits`): `askable`, those that this audience may
    answer, and `closed`, the others. Its own: `u7`, an input can still be answered; `e7`, it can't, but its answer may
    still be implied; `g7`, `h7`, a statement is true, or false, for good; `y7`, `n7`, it may be true, or false; `w7`,
    `v7`, masks of the inputs that it, or an input with gates, depends on.
    """

    def __init__(
        self, ruleset: Ruleset, expressions: Expressions, lines: list[str], conditions: Iterable[Condition]
    ) -> None:
        """Write the lines for these conditions being true for good, and possibly true; `mask` writes what it needs."""
        self._ruleset = ruleset
        self._expressions = expressions
        self._lines = lines
        self._bits = input_bits(ruleset)
        self._askable: dict[str, str] = {}
        self._implied: dict[str, str] = {}
        self._masks: dict[str, str] = {}
        self._written: set[Fact] = set()
        gated = gated_in_order(ruleset)
        for read in ruleset.inputs.values():
            if not (read.relevant or read.available_if):
                self._write_input(read)
        for read in gated:
            needed = {
                need for when in gates_of(read) for side in (True, False) for need in self._needs(when, MAY, side)
            }
            self._write_facts(self._needed_beneath(needed))
            self._write_input(read)
        whole = [
            need for condition in conditions for lasts in (MAY, STAYS) for need in self._needs(condition, lasts, True)
        ]
        self._write_facts(self._needed_beneath(set(whole)))

    def _needs(self, condition: Condition, lasts: bool, side: bool) -> Iterator[Fact]:
        """Yield the facts of statements that an expression for the condition reads."""
        match condition:
            case All() | Any() | AtLeast():
                for part in parts(condition):
                    yield from self._needs(part, lasts, side)
            case Not(part):
                yield from self._needs(part, lasts, not side)
            case Inferred(name):
                if lasts is MAY or not self._expressions.is_settled(condition):
                    yield Fact(name, lasts, side)
            case Unless(part):
                yield from self._needs(part, lasts is not side, True)

    def _needed_beneath(self, needed: set[Fact]) -> set[Fact]:
        """Return these facts with all that their expressions read in turn."""
        for name, inference in reversed(self._ruleset.inferences.items()):
            for lasts, side in itertools.product((MAY, STAYS), (True, False)):
                if Fact(name, lasts, side) in needed:
                    needed.update(self._needs(inference.when, lasts, side))
        return needed

    def _write_facts(self, needed: set[Fact]) -> None:
        for name, inference in self._ruleset.inferences.items():
            for fact in (Fact(name, *which) for which in itertools.product((STAYS, MAY), (True, False))):
                if fact in needed and fact not in self._written:
                    self._written.add(fact)
                    write = self.stays if fact.lasts is STAYS else self.may_be
                    self._lines.append(f"{self._variable(fact)} = {write(inference.when, fact.side)}")

    def _variable(self, fact: Fact) -> str:
        letters = "gh" if fact.lasts is STAYS else "yn"
        return f"{letters[0 if fact.side else 1]}{self._expressions.numbers[fact.name]}"

    def write_masks(self) -> None:
        """Write the lines that `mask` needs: every fact of every statement, and its mask."""
        every = {
            Fact(name, STAYS, side)
            for name in self._ruleset.inferences
            for side in (True, False)
            if not self._expressions.is_settled(Inferred(name))
        }
        self._write_facts(self._needed_beneath(every))
        written: set[str] = set()
        for read in gated_in_order(self._ruleset):
            for when in gates_of(read):
                for name in statements_behind(self._ruleset, when, written):
                    self.mask(Inferred(name))
            self._input_mask(read)
        for name in self._ruleset.inferences:
            self.mask(Inferred(name))

    def _write_input(self, read: Input) -> None:
        if read.asked_of is AskedOf.SERVICE:
            return
        variable = self._askable[read.name] = f"u{self._expressions.answers[read.name][1:]}"
        needed = [f"askable & {self._bits[read.name]}"]
        if read.relevant is not None:
            needed.append(f"not {self._expressions.false(read.relevant.when)}")
        if read.available_if is not None:
            needed.append(self.may_be(read.available_if, True))
        self._lines.append(f"{variable} = {' and '.join(needed)}")
        if read.relevant is not None and read.relevant.otherwise is not None:
            answer, implied = self._expressions.answers[read.name], f"e{variable[1:]}"
            self._lines.append(
                f"{implied} = {answer} is None and not {variable} and {self.may_be(read.relevant.when, False)}"
            )
            self._implied[read.name] = implied

    def closed_elsewhere(self) -> str:
        """Return an expression for a mask of the closed inputs that another audience could answer."""
        unavailable = [
            f"(askable & {self._bits[read.name]} if not {self._askable[read.name]} else 0)"
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
            case All() | Any() | AtLeast():
                return _write_count(_least(condition), [self.stays(part, side) for part in parts(condition)], side)
            case Not(part):
                return self.stays(part, not side)
            case Inferred(name):
                return self._variable(Fact(name, STAYS, side))
            case Unless(part):
                return f"(not {self.may_be(part, True)})" if side else self.stays(part, True)
            case IsOpen(name):
                answer = self._expressions.answers[name]
                return f"({answer} is None and not {self._may_get_answer(name)})" if side else f"({answer} is not None)"
            case _:
                raise AssertionError("a comparison is settled")

    def may_be(self, condition: Condition, side: bool) -> str:
        """Return an expression for the condition being true (or false) now or after further answers."""
        match condition:
            case All() | Any() | AtLeast():
                return _write_count(_least(condition), [self.may_be(part, side) for part in parts(condition)], side)
            case Not(part):
                return self.may_be(part, not side)
            case Inferred(name):
                return self._variable(Fact(name, MAY, side))
            case Unless(part):
                return f"(not {self.stays(part, True)})" if side else self.may_be(part, True)
            case IsOpen(name):
                answer = self._expressions.answers[name]
                return f"({answer} is None)" if side else f"({answer} is not None or {self._may_get_answer(name)})"
            case Yes(name):
                return self._may_be_answered(name, f"is {side}")
            case OneOf(name, values):
                comparison = f"{'in' if side else 'not in'} {values!r}"
                return self._may_be_answered(name, comparison)
            case Compare(name, op, limit):
                sign, opposite = SIGNS[op]
                return self._may_be_answered(name, f"{sign if side else opposite} {limit!r}")

    def _may_get_answer(self, name: str) -> str:
        ways = [each[name] for each in (self._askable, self._implied) if name in each]
        return join_expressions(" or ", ways, none="False")

    def _may_be_answered(self, name: str, comparison: str) -> str:
        """Write "the answer compares so, or one that does may come"; of an implied one, only its own value may."""
        read, answer = self._ruleset.input_behind(name), self._expressions.answers[name]
        ways = [self._askable[read.name]] if read.name in self._askable else []
        if read.name in self._implied and read.relevant is not None:
            ways.append(f"{self._implied[read.name]} and {read.relevant.otherwise!r} {comparison}")
        return f"({' or '.join([*ways, f'{answer} is not None and {answer} {comparison}'])})"

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
        bits, masks = 0, []
        within = condition.part if isinstance(condition, Unless) else condition
        for part in parts(within) if isinstance(within, All | Any | AtLeast | Not) else (within,):
            read = self._ungated_input(part)
            if read is None:
                masks.append(self.mask(part))
            else:
                bits |= self._bits[read.name]
        masks = list(dict.fromkeys([f"askable & {bits}", *masks] if bits else masks))
        fixed = f"{self.stays(settled, True)} or {self.stays(settled, False)}"
        return f"(0 if {fixed} else {join_expressions(' | ', masks, none='0')})"

    def _ungated_input(self, condition: Condition) -> Input | None:
        """Return the input that a leaf reads, if it has no gates and can be asked."""
        leaf = condition.part if isinstance(condition, Not | Unless) else condition
        if not isinstance(leaf, Compare | OneOf | Yes | IsOpen):
            return None
        read = self._ruleset.input_behind(leaf.input)
        return None if read.relevant or read.available_if or read.name not in self._askable else read

    def _input_mask(self, read: Input) -> str:
        """Return the input's bit while it can be asked, with the inputs behind its gates while they matter."""
        if read.name not in self._askable:
            return "0"
        if not (read.relevant or read.available_if):
            return f"(askable & {self._bits[read.name]})"
        key = f"input {read.name}"
        if key not in self._masks:
            gates = [self.mask(when) for when in gates_of(read)]
            variable = f"v{self._expressions.answers[read.name][1:]}"
            bit = str(self._bits[read.name])
            if read.available_if is not None:
                bit = f"({bit} if {self._expressions.true(read.available_if)} else 0)"
            implied = ""
            if read.name in self._implied and read.relevant is not None:
                implied = f"{self.mask(read.relevant.when)} if {self._implied[read.name]} else "
            mask = f"{' | '.join([bit, *gates])} if {self._askable[read.name]} else {implied}0"
            self._lines.append(f"{variable} = {mask}")
            self._masks[key] = variable
        return self._masks[key]


def _least(condition: All | Any | AtLeast) -> int:
    match condition:
        case All():
            return len(condition.parts)
        case Any():
            return 1
        case AtLeast(count, _):
            return count


def _write_count(count: int, written: list[str], side: bool) -> str:
    """Write "`count` of these", or "enough of these that `count` of their opposites can't be"."""
    enough = count if side else len(written) - count + 1
    if enough == len(written):
        return join_expressions(" and ", written, none="True")
    if enough == 1:
        return join_expressions(" or ", written, none="False")
    return f"({join_expressions(' + ', [f'bool({each})' for each in written], none='0')} >= {enough})"
