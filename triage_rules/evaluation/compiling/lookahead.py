"""The rails that look ahead, possible and certain, as one Python function of the engine's own formulas."""

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


class Lookahead:
    """Lookahead: which outcomes can still become true, and which stay true, by the formulas of their signals.

    ruled_out, certain: an outcome's bit -> the signal that decides it. May be shared by threads, and cross a fork.
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
        namespace: dict[str, Any] = {}
        exec(compile(self.text, "<formulas>", "exec"), namespace)  # noqa: S102 - names and choices pass as literals
        self._function: Callable[[Callable[[str], Any]], tuple[Truths, Truths]] = namespace["look"]

    def of(self, answers: Answers) -> tuple[int, int]:
        """Return the possible and the certain outcomes of one report, as masks."""
        possible, certain = self._function(answers.get)
        return sum(compress(self._possible_bits, possible)), sum(compress(self._certain_bits, certain))


class _Lines:
    """Source lines. A signal is a variable, and so is the answer to an input, None while it is open."""

    def __init__(self, formulas: Mapping[Signal, Formula], choices: Mapping[str, Mapping[str, int]]) -> None:
        self._formulas = formulas
        self._values = {name: {place: value for value, place in of.items()} for name, of in choices.items()}
        self._signals = {signal: f"s{n}" for n, signal in enumerate(formulas)}
        self._answers: dict[str, str] = {}

    def function(self, ruled_out: list[Signal], certain: list[Signal]) -> Iterator[str]:
        needed = self._find_needed([*ruled_out, *certain])
        lines = [
            f" {self._signals[s]} = {self._write_formula(formula)}"
            for s, formula in self._formulas.items()
            if s in needed
        ]
        yield "def look(answer):"
        for name, answer in self._answers.items():
            yield f" {answer} = answer({name!r})"
        yield from lines
        possible = "".join(f"not {self._signals[signal]}, " for signal in ruled_out)
        stays = "".join(f"{self._signals[signal]}, " for signal in certain)
        yield f" return ({possible}), ({stays})"

    def _find_needed(self, signals: list[Signal]) -> set[Signal]:
        needed = set(signals)
        todo = list(needed)
        while todo:
            literals = {literal for term in self._formulas[todo.pop()] for literal in term}
            new = {literal.signal for literal in literals if isinstance(literal, Derived)} - needed
            needed |= new
            todo += new
        return needed

    def _write_formula(self, formula: Formula) -> str:
        ordered = sorted((sorted(term, key=repr) for term in formula), key=repr)  # the same order in every process
        terms = [" and ".join(sorted(map(self._write_literal, term), key=_by_length)) or "True" for term in ordered]
        return " or ".join(sorted(terms, key=_by_length)) or "False"

    def _write_literal(self, literal: Literal) -> str:
        match literal:
            case Derived(signal, value):
                return self._signals[signal] if value else f"not {self._signals[signal]}"
            case OpenIs(name, value):
                return f"{self._name_answer(name)} is {'None' if value else 'not None'}"
            case Answered(name, Equality.IS, bool(value)):
                return f"{self._name_answer(name)} is {value}"
            case Answered(name, op, value):
                answer = self._name_answer(name)
                wanted = self._values[name][int(value)] if name in self._values else value
                return (
                    f"{answer} {SIGNS[op]} {wanted!r}"
                    if op is Equality.IS
                    else f"({answer} is not None and {answer} {SIGNS[op]} {wanted!r})"
                )

    def _name_answer(self, name: str) -> str:
        return self._answers.setdefault(name, f"a{len(self._answers)}")


def _by_length(text: str) -> tuple[int, str]:
    return (len(text), text)
