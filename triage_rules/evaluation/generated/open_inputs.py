"""Open inputs that a condition depends on, as a Python expression: a number whose nth bit is the nth input."""

from __future__ import annotations

from triage_rules.evaluation.generated.expressions import Expressions, join_expressions
from triage_rules.language.model import (
    All,
    Any,
    AskedOf,
    AtLeast,
    Compare,
    Condition,
    Inferred,
    IsOpen,
    Not,
    OneOf,
    Ruleset,
    Unless,
    Yes,
)


class OpenInputWriter:
    """Writes the expressions. An input that the service counts has no bit; a mention has its text's bit."""

    def __init__(self, ruleset: Ruleset, expressions: Expressions, lines: list[str]) -> None:
        self._expressions = expressions
        bits = {
            name: 0 if read.asked_of is AskedOf.SERVICE else 1 << n
            for n, (name, read) in enumerate(ruleset.inputs.items())
        }
        bits |= {name: bits[mention.text] for name, mention in ruleset.mentions.items()}
        self._open: dict[str, str] = {}
        for n, (name, bit) in enumerate(bits.items()):
            if bit:
                self._open[name] = f"o{n}"
                lines.append(f"o{n} = {bit} if {expressions.answers[name]} is None else 0")
        self._statements: dict[str, str] = {}
        for name, inference in ruleset.inferences.items():
            mask = f"m{expressions.numbers[name]}"
            lines.append(f"{mask} = {self._write_mask(self._write_settled(Inferred(name)), inference.when)}")
            self._statements[name] = mask

    def mask(self, condition: Condition) -> str:
        """Return an expression for the inputs that the condition depends on; 0 if no answer can change it."""
        match condition:
            case Compare(name) | OneOf(name) | Yes(name) | IsOpen(name):
                return self._open.get(name, "0")
            case Inferred(name):
                return self._statements[name]
            case _:
                return self._write_mask(self._write_settled(condition), condition)

    def _write_mask(self, settled: str, condition: Condition) -> str:
        match condition:
            case All(parts) | Any(parts) | AtLeast(_, parts):
                masks = list(dict.fromkeys(map(self.mask, parts)))
            case Not(part) | Unless(part):
                masks = [self.mask(part)]
            case _:
                return self.mask(condition)
        return f"(0 if {settled} else {join_expressions(' | ', masks, none='0')})"

    def _write_settled(self, condition: Condition) -> str:
        expressions = self._expressions
        return f"{expressions.true(condition, for_good=True)} or {expressions.false(condition, for_good=True)}"
