"""A ruleset as one Python function, and its evaluation of a report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import compress
from typing import Any

from triage_rules.evaluation.decision import keyed_outcomes
from triage_rules.evaluation.explanation import Reasons, outcome_condition
from triage_rules.evaluation.generated.expressions import Expressions
from triage_rules.evaluation.generated.open_inputs import OpenInputWriter
from triage_rules.evaluation.generated.reach import ReachWriter
from triage_rules.evaluation.generated.reasons import write_reasons
from triage_rules.evaluation.signals import SOONER, Masks, Numbering
from triage_rules.language.model import Answers, Condition, Inferred, IsOpen, Ruleset

Steps = Iterator[Any]
Look = Callable[[Callable[[str], Any], int], Steps]


class GeneratedEvaluator:
    """Plain evaluator of one ruleset. May be shared by threads, and cross a fork."""

    def __init__(self, ruleset: Ruleset) -> None:
        numbering, program = Numbering(ruleset), _Program(ruleset)
        self._look: Look = program.evaluation()
        self._bits = tuple(numbering.bit[key] for key in program.keys)
        self._outcomes = tuple(numbering.bit[key] for key in (*program.outcomes, SOONER))

    def of(self, answers: Answers, closed: int = 0) -> GeneratedEvaluation:
        """Evaluate one report's answers. closed: mask of the inputs that its audience will not answer."""
        steps = self._look(answers.get, closed)
        established, possible, certain = next(steps)
        rails = Masks(
            established=sum(compress(self._bits, established)),
            possible=sum(compress(self._outcomes, possible)),
            certain=sum(compress(self._outcomes, certain)),
        )
        return GeneratedEvaluation(rails, steps, self._outcomes)


class GeneratedEvaluation:
    """Plain evaluation of one report: its rails, and, computed on demand, all that a result says beside them.

    The function's steps come in the order of the methods, so that a report that needs fewer runs fewer.
    """

    def __init__(self, rails: Masks, steps: Steps, outcomes: tuple[int, ...]) -> None:
        self.rails = rails
        self._steps = steps
        self._outcomes = outcomes
        self._read: list[Any] = []

    def reasons(self, key: str) -> Reasons:
        """Return the reasons of a true statement; empty if it isn't true."""
        reasons: dict[str, Reasons] = self._step(0)[0]
        return reasons.get(key, {})

    def missing(self) -> list[str]:
        """Return the open mandatory inputs in the ruleset's order; all of a group if none of it is answered."""
        missing: list[str] = self._step(0)[1]
        return missing

    def rails_in_reach(self) -> Masks:
        """Return the rails as far as the report's audience can still change them."""
        possible, certain = self._step(1)
        return Masks(
            established=self.rails.established,
            possible=sum(compress(self._outcomes, possible)),
            certain=sum(compress(self._outcomes, certain)),
        )

    def depends_on(self) -> Mapping[int, int]:
        """Map each undecided outcome's number to a bit mask of the open inputs it depends on."""
        masks: Mapping[int, int] = self._step(2)[0]
        return masks

    def only_elsewhere(self) -> int:
        """Return a bit mask of the open inputs that only another audience can answer."""
        mask: int = self._step(2)[1]
        return mask

    def depends_on_in_reach(self) -> Mapping[int, int]:
        """Map each outcome that the audience can still change to a bit mask of the inputs it can answer for that."""
        masks: Mapping[int, int] = self._step(3)
        return masks

    def _step(self, number: int) -> Any:
        while len(self._read) <= number:
            self._read.append(next(self._steps))
        return self._read[number]


class ReachEvaluator:
    """Plain evaluator for interviews: only what an audience can still change. May be shared by threads."""

    def __init__(self, ruleset: Ruleset) -> None:
        numbering, program = Numbering(ruleset), _Program(ruleset)
        self._look: Look = program.reach()
        self._outcomes = tuple(numbering.bit[key] for key in program.outcomes)

    def of(self, answers: Answers, closed: int) -> tuple[Masks, Steps]:
        """Return the rails in reach, and an iterator whose next value is `depends_on_in_reach`."""
        steps = self._look(answers.get, closed)
        established, possible, certain = (sum(compress(self._outcomes, truths)) for truths in next(steps))
        return Masks(established, possible, certain), steps


class _Program:
    """Source of a ruleset's functions, line by line. They yield in steps, as few reports need all of them."""

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

    def evaluation(self) -> Look:
        """Write and compile the function of an evaluation.

        It yields the truths of all statements with the outcomes still possible and certain; the reasons of each true
        statement, and the missing inputs; the outcomes possible and certain in the audience's reach; the open inputs
        that undecided outcomes depend on, and those only others can answer; the same in the audience's reach.
        """
        self._write_truths()
        self._write_rails()
        self._write_reasons()
        reach = ReachWriter(self._ruleset, self._expressions, self._lines)
        self._write_rails_in_reach(reach)
        self._write_dependencies(reach)
        self._write_dependencies_in_reach(reach)
        return self._compile()

    def reach(self) -> Look:
        """Write and compile the function of an interview.

        It yields the outcomes that are true, possible and certain in reach; the inputs that they depend on.
        """
        self._write_truths()
        reach = ReachWriter(self._ruleset, self._expressions, self._lines)
        self._write_rails_in_reach(reach, [self._true[key] for key in self.outcomes])
        self._write_dependencies_in_reach(reach)
        return self._compile()

    def _compile(self) -> Look:
        body = "\n".join(f" {line}" for line in self._lines)
        namespace: dict[str, Any] = {}
        exec(compile(f"def look(answer, closed):\n{body}\n", "<ruleset>", "exec"), namespace)  # noqa: S102 - see Expressions
        look: Look = namespace["look"]
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

    def _write_rails_in_reach(self, reach: ReachWriter, established: list[str] | None = None) -> None:
        for n, (key, condition) in enumerate(self.outcomes.items()):
            settled = self._expressions.is_settled(condition)
            self._lines.append(f"i{n} = {reach.may_be(condition, True)}")
            self._lines.append(f"j{n} = {self._true[key] if settled else reach.stays(condition, True)}")
        rails = [[f"{letter}{n}" for n in range(len(self.outcomes))] for letter in "ij"]
        rails = rails if established is None else [established, *rails]
        self._lines.append(f"yield {', '.join(map(_join_tuple, rails))}")

    def _write_dependencies(self, reach: ReachWriter) -> None:
        asking = OpenInputWriter(self._ruleset, self._expressions, self._lines)
        self._write_masks(asking.mask, "p{n} and not q{n}")
        self._lines.append(f"yield hangs, {reach.closed_elsewhere()}")

    def _write_dependencies_in_reach(self, reach: ReachWriter) -> None:
        self._write_masks(reach.mask, "i{n} and not j{n}")
        self._lines.append("yield hangs")

    def _write_masks(self, mask_of: Callable[[Condition], str], undecided: str) -> None:
        number = Numbering(self._ruleset).number
        self._lines.append("hangs = {}")
        for n, statement in enumerate(keyed_outcomes(self._ruleset.rules_and_floors)):
            when = statement.outcome.when if statement.outcome is not None else None
            parts = [statement.rule.when] if when is None else [statement.rule.when, when]
            mask = " | ".join(map(mask_of, parts))
            self._lines.append(f"if {undecided.format(n=n)}: hangs[{number[statement.key]}] = {mask}")


def _join_tuple(expressions: list[str]) -> str:
    return f"({', '.join(expressions)},)" if expressions else "()"
