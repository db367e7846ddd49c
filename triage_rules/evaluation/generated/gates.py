"""Gates of inputs as Python lines: the answers that relevance implies, and the inputs that can still be answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from triage_rules.evaluation.generated.expressions import Expressions
from triage_rules.language.conditions import statements_in
from triage_rules.language.gates import InputsBehind, gated_in_order
from triage_rules.language.model import Answers, Condition, Ruleset, Value

Implied = Mapping[str, Value]


class ImpliedAnswers:
    """Answers that relevance implies: an input without an answer whose relevance is ruled out. May be shared."""

    def __init__(self, ruleset: Ruleset) -> None:
        self._function = _write_function(ruleset)

    def of(self, answers: Answers) -> Implied:
        """Return the implied answers; none of them is in `answers`."""
        return self._function(answers.get) if self._function is not None else {}


def _write_function(ruleset: Ruleset) -> Callable[[Callable[[str], Any]], Implied] | None:
    """Write one function with a line for each gate, after the statements that it reads; None if there are no gates."""
    implying = [read for read in gated_in_order(ruleset) if read.relevant and read.relevant.otherwise is not None]
    if not implying:
        return None
    expressions = Expressions(ruleset)
    behind = InputsBehind(ruleset.inferences)
    read_names = {read.name for read in implying}
    read_names |= {name for read in implying if read.relevant for name in behind.of(read.relevant.when)}
    lines = ["def imply(answer):", " implied = {}"]
    lines += [f" {answer} = answer({name!r})" for name, answer in expressions.answers.items() if name in read_names]
    written: set[str] = set()
    for read in implying:
        assert read.relevant is not None  # selected above
        when, otherwise = read.relevant.when, read.relevant.otherwise
        for name in statements_behind(ruleset, when, written):
            number, condition = expressions.numbers[name], ruleset.inferences[name].when
            lines.append(f" t{number} = {expressions.true(condition)}")
            lines.append(f" f{number} = {expressions.false(condition)}")
        answer = expressions.answers[read.name]
        lines.append(f" if {answer} is None and {expressions.false(when)}:")
        lines.append(f"  {answer} = implied[{read.name!r}] = {otherwise!r}")
    lines.append(" return implied")
    namespace: dict[str, Any] = {}
    exec(compile("\n".join(lines), "<gates>", "exec"), namespace)  # noqa: S102 - see Expressions
    function: Callable[[Callable[[str], Any]], Implied] = namespace["imply"]
    return function


def statements_behind(ruleset: Ruleset, condition: Condition, written: set[str]) -> list[str]:
    """Return the statements that a condition needs and that are not in `written`, in order; add them to it."""
    needed: set[str] = set()
    waiting = [condition]
    while waiting:
        for name in statements_in(waiting.pop()):
            if name not in needed and name not in written:
                needed.add(name)
                waiting.append(ruleset.inferences[name].when)
    written |= needed
    return [name for name in ruleset.inferences if name in needed]
