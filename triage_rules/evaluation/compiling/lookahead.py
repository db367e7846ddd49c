"""The rails that look ahead, possible and certain, by formulas as the engine's rules are: one Python function."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import compress
from typing import Any

from triage_rules.evaluation.compiling.formulas import Answered, Derived, Equality, Formula, Literal, OpenIs, Signal
from triage_rules.language.model import Answers, Op

SIGNS = {
    Op.AT_LEAST: ">=",
    Op.MORE_THAN: ">",
    Op.AT_MOST: "<=",
    Op.LESS_THAN: "<",
    Equality.IS: "==",
    Equality.IS_NOT: "!=",
}

Truths = tuple[bool, ...]


class Outlook:
    """Which outcomes can still come true, and which will stay so, by the formulas of the signals that decide it.

    ruled_out, certain: an outcome's bit -> the signal that says so. May be shared by threads, and cross a fork.
    """

    def __init__(
        self,
        formulas: Mapping[Signal, Formula],
        choices: Mapping[str, Mapping[str, int]],
        ruled_out: Mapping[int, Signal],
        certain: Mapping[int, Signal],
    ) -> None:
        self._possible_bits = tuple(ruled_out)
        self._certain_bits = tuple(certain)
        self.text = "\n".join(_Lines(formulas, choices).function([*ruled_out.values()], [*certain.values()]))
        made: dict[str, Any] = {}
        exec(compile(self.text, "<formulas>", "exec"), made)  # noqa: S102 - names and choices pass as literals
        self._function: Callable[[Callable[[str], Any]], tuple[Truths, Truths]] = made["look"]

    def of(self, answers: Answers) -> tuple[int, int]:
        """The possible and the certain outcomes of one report, as masks."""
        possible, certain = self._function(answers.get)
        return sum(compress(self._possible_bits, possible)), sum(compress(self._certain_bits, certain))


class _Lines:
    """A signal is a variable, and so is the answer to a finding, None while it is open."""

    def __init__(self, formulas: Mapping[Signal, Formula], choices: Mapping[str, Mapping[str, int]]) -> None:
        self._formulas = formulas
        self._values = {finding: {place: value for value, place in of.items()} for finding, of in choices.items()}
        self._signals = {signal: f"s{n}" for n, signal in enumerate(formulas)}
        self._answers: dict[str, str] = {}

    def function(self, ruled_out: list[Signal], certain: list[Signal]) -> Iterator[str]:
        needed = self._needed([*ruled_out, *certain])
        lines = [
            f" {self._signals[s]} = {self._formula(formula)}" for s, formula in self._formulas.items() if s in needed
        ]
        yield "def look(answer):"
        for finding, answer in self._answers.items():
            yield f" {answer} = answer({finding!r})"
        yield from lines
        possible = "".join(f"not {self._signals[signal]}, " for signal in ruled_out)
        stays = "".join(f"{self._signals[signal]}, " for signal in certain)
        yield f" return ({possible}), ({stays})"

    def _needed(self, signals: list[Signal]) -> set[Signal]:
        found = set(signals)
        todo = list(found)
        while todo:
            literals = {literal for term in self._formulas[todo.pop()] for literal in term}
            new = {literal.signal for literal in literals if isinstance(literal, Derived)} - found
            found |= new
            todo += new
        return found

    def _formula(self, formula: Formula) -> str:
        ordered = sorted((sorted(term, key=repr) for term in formula), key=repr)  # one order in every process
        terms = [" and ".join(sorted(map(self._literal, term), key=_shortest)) or "True" for term in ordered]
        return " or ".join(sorted(terms, key=_shortest)) or "False"

    def _literal(self, literal: Literal) -> str:
        match literal:
            case Derived(signal, value):
                return self._signals[signal] if value else f"not {self._signals[signal]}"
            case OpenIs(finding, value):
                return f"{self._answer(finding)} is {'None' if value else 'not None'}"
            case Answered(finding, Equality.IS, bool(value)):
                return f"{self._answer(finding)} is {value}"
            case Answered(finding, op, value):
                answer = self._answer(finding)
                wanted = self._values[finding][int(value)] if finding in self._values else value
                return (
                    f"{answer} {SIGNS[op]} {wanted!r}"
                    if op is Equality.IS
                    else f"({answer} is not None and {answer} {SIGNS[op]} {wanted!r})"
                )

    def _answer(self, finding: str) -> str:
        return self._answers.setdefault(finding, f"a{len(self._answers)}")


def _shortest(text: str) -> tuple[int, str]:
    return (len(text), text)
