"""A ruleset as one Python function, and its evaluation of a report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import compress
from typing import Any

from triage_rules.evaluation.decision import keyed_outcomes
from triage_rules.evaluation.explanation import Reasons, outcome_condition
from triage_rules.evaluation.generated.expressions import Expressions
from triage_rules.evaluation.generated.open_inputs import OpenInputWriter
from triage_rules.evaluation.generated.reasons import write_reasons
from triage_rules.evaluation.signals import SOONER, Masks, Numbering
from triage_rules.language.model import Answers, Condition, Inferred, IsOpen, Ruleset

Steps = Iterator[Any]


class GeneratedEvaluator:
    """Plain evaluator of one ruleset. May be shared by threads, and cross a fork."""

    def __init__(self, ruleset: Ruleset) -> None:
        numbering, program = Numbering(ruleset), _Program(ruleset)
        self._look: Callable[[Callable[[str], Any]], Steps] = program.function()
        self._bits = tuple(numbering.bit[key] for key in program.keys)
        self._outcomes = tuple(numbering.bit[key] for key in (*program.outcomes, SOONER))

    def of(self, answers: Answers) -> GeneratedEvaluation:
        """Evaluate one report's answers."""
        steps = self._look(answers.get)
        established, possible, certain = next(steps)
        rails = Masks(
            established=sum(compress(self._bits, established)),
            possible=sum(compress(self._outcomes, possible)),
            certain=sum(compress(self._outcomes, certain)),
        )
        return GeneratedEvaluation(rails, steps)


class GeneratedEvaluation:
    """Plain evaluation of one report: its rails, and, computed on demand, its reasons and dependencies."""

    def __init__(self, rails: Masks, steps: Steps) -> None:
        self.rails = rails
        self._steps = steps
        self._reasons: tuple[dict[str, Reasons], list[str]] | None = None
        self._dependencies: Mapping[int, int] | None = None

    def reasons(self, key: str) -> Reasons:
        """Return the reasons of a true statement; empty if it isn't true."""
        return self._read_reasons()[0].get(key, {})

    def missing(self) -> list[str]:
        """Return the open mandatory inputs in the ruleset's order; all of a group if none of it is answered."""
        return self._read_reasons()[1]

    def depends_on(self) -> Mapping[int, int]:
        """Map each undecided outcome's number to a bit mask of the open inputs it depends on."""
        if self._dependencies is None:
            self._read_reasons()
            self._dependencies = next(self._steps)
        return self._dependencies

    def _read_reasons(self) -> tuple[dict[str, Reasons], list[str]]:
        if self._reasons is None:
            self._reasons = next(self._steps)
        return self._reasons


class _Program:
    """Source of the function, line by line. It yields its answers in three steps, as few reports need all of them.

    First the truths of all statements, and the outcomes still possible; then the reasons of each true statement, and
    the missing inputs; then the open inputs that undecided outcomes depend on.
    """

    def __init__(self, ruleset: Ruleset) -> None:
        self._ruleset = ruleset
        self._expressions = Expressions(ruleset)
        self._lines: list[str] = []
        self.outcomes = {s.key: outcome_condition(s) for s in keyed_outcomes(ruleset.rules_and_floors)}
        inferred = {name: inference.when for name, inference in ruleset.inferences.items()}
        conflicts = {name: conflict.when for name, conflict in ruleset.conflicts.items()}
        self._conditions: dict[str, Condition] = {**inferred, **self.outcomes, **conflicts}
        self._true: dict[str, str] = {}
        self.keys = tuple(self._conditions)

    def function(self) -> Callable[[Callable[[str], Any]], Steps]:
        """Write the function, and compile it."""
        self._write_truths()
        self._write_reasons()
        self._write_dependencies()
        body = "\n".join(f" {line}" for line in self._lines)
        namespace: dict[str, Any] = {}
        exec(compile(f"def look(answer):\n{body}\n", "<ruleset>", "exec"), namespace)  # noqa: S102 - see Expressions
        look: Callable[[Callable[[str], Any]], Steps] = namespace["look"]
        return look

    def _write_truths(self) -> None:
        write, expressions = self._lines.append, self._expressions
        for name, answer in expressions.answers.items():
            write(f"{answer} = answer({name!r})")
        for name, inference in self._ruleset.inferences.items():
            number = expressions.numbers[name]
            write(f"t{number} = {expressions.true(inference.when)}")
            write(f"f{number} = {expressions.false(inference.when)}")
            if not expressions.is_settled(inference.when):
                write(f"c{number} = {expressions.true(inference.when, for_good=True)}")
                write(f"d{number} = {expressions.false(inference.when, for_good=True)}")
        for n, (key, condition) in enumerate(self._conditions.items()):
            self._true[key] = expressions.true(Inferred(key)) if key in self._ruleset.inferences else f"s{n}"
            if key not in self._ruleset.inferences:
                write(f"s{n} = {expressions.true(condition)}")
        self._write_rails()

    def _write_rails(self) -> None:
        write, expressions = self._lines.append, self._expressions
        for n, (key, condition) in enumerate(self.outcomes.items()):
            write(f"p{n} = not {expressions.false(condition, for_good=True)}")
            settled = expressions.is_settled(condition)
            write(f"q{n} = {self._true[key] if settled else expressions.true(condition, for_good=True)}")
        count, sooner = len(self.outcomes), self._ruleset.validity.sooner
        soon = "False" if sooner is None else f"not {expressions.false(sooner, for_good=True)}"
        possible = [*(f"p{n}" for n in range(count)), soon]
        certain = [*(f"q{n}" for n in range(count)), "False"]
        truths = [self._true[key] for key in self.keys]
        write(f"yield {_join_tuple(truths)}, {_join_tuple(possible)}, {_join_tuple(certain)}")

    def _write_reasons(self) -> None:
        write, expressions = self._lines.append, self._expressions
        write("because = {}")
        for key, condition in self._conditions.items():
            write(f"if {self._true[key]}:")
            write(f" because[{key!r}] = b = {{}}")
            self._lines += (f" {line}" for line in write_reasons(expressions, condition))
        write("missing = []")
        for item in self._ruleset.mandatory:
            needed = [expressions.true(IsOpen(name)) for name in item.inputs]
            if item.when is not None:
                needed.append(f"not {expressions.false(item.when)}")
            write(f"if {' and '.join(needed)}: missing += {list(item.inputs)!r}")
        write("yield because, missing")

    def _write_dependencies(self) -> None:
        asking, number = OpenInputWriter(self._ruleset, self._expressions, self._lines), Numbering(self._ruleset).number
        self._lines.append("hangs = {}")
        for n, statement in enumerate(keyed_outcomes(self._ruleset.rules_and_floors)):
            when = statement.outcome.when if statement.outcome is not None else None
            parts = [statement.rule.when] if when is None else [statement.rule.when, when]
            mask = " | ".join(map(asking.mask, parts))
            self._lines.append(f"if p{n} and not q{n}: hangs[{number[statement.key]}] = {mask}")
        self._lines.append("yield hangs")


def _join_tuple(expressions: list[str]) -> str:
    return f"({', '.join(expressions)},)" if expressions else "()"
