"""A ruleset as one Python function, and its evaluation of a report."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import compress
from typing import Any, NamedTuple

from triage_rules.evaluation.decision import keyed_outcomes
from triage_rules.evaluation.explanation import Reasons, outcome_condition
from triage_rules.evaluation.generated.expressions import Expressions
from triage_rules.evaluation.generated.reach import ReachWriter
from triage_rules.evaluation.generated.reasons import write_reasons
from triage_rules.evaluation.signals import SOONER, Masks, Numbering
from triage_rules.language.model import Answers, Condition, Inferred, IsOpen, Ruleset

Steps = Iterator[Any]
Look = Callable[[Callable[[str], Any], int, int], Steps]


class Reach(NamedTuple):
    """Masks of a report's open inputs (`input_bits`): those that its audience may still answer, and the others."""

    askable: int
    closed: int


NO_REACH = Reach(0, 0)


class GeneratedEvaluator:
    """Plain evaluator of one ruleset. May be shared by threads, and cross a fork."""

    def __init__(self, ruleset: Ruleset) -> None:
        numbering, program = Numbering(ruleset), _Program(ruleset)
        self._look: Look = program.evaluation()
        self._bits = tuple(numbering.bit[key] for key in program.keys)
        self._outcomes = tuple(numbering.bit[key] for key in (*program.outcomes, SOONER))

    def of(self, answers: Answers, reach: Reach = NO_REACH) -> GeneratedEvaluation:
        """Evaluate one report's answers."""
        steps = self._look(answers.get, reach.askable, reach.closed)
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
        self._reasons: dict[str, Reasons] | None = None

    def reasons(self, key: str) -> Reasons:
        """Return the reasons of a true statement; empty if it isn't true."""
        if self._reasons is None:
            self._reasons = self._step(0)[0]
        return self._reasons.get(key, {})

    def missing(self) -> list[str]:
        """Return the open mandatory inputs in the ruleset's order; all of a group if none of it is answered."""
        missing: list[str] = self._step(0)[1]
        return missing

    def rails_in_reach(self) -> Masks:
        """Return the rails as far as the report's audience can still change them."""
        possible, certain, _ = self._step(1)
        return Masks(
            established=self.rails.established,
            possible=sum(compress(self._outcomes, possible)),
            certain=sum(compress(self._outcomes, certain)),
        )

    def only_elsewhere(self) -> int:
        """Return a bit mask of the open inputs that only another audience can answer."""
        mask: int = self._step(1)[2]
        return mask

    def depends_on_in_reach(self) -> list[int]:
        """Return for each outcome a bit mask of the inputs that the audience can answer and that can change it."""
        masks: list[int] = self._step(2)
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

    def of(self, answers: Answers, reach: Reach) -> tuple[Masks, Steps]:
        """Return the rails in reach, and an iterator whose next value is `depends_on_in_reach`."""
        steps = self._look(answers.get, reach.askable, reach.closed)
        possible, certain, established = (sum(compress(self._outcomes, truths)) for truths in next(steps))
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
        statement, and the missing inputs; the outcomes possible and certain in the audience's reach, with the open
        inputs that only others can answer; the inputs that outcomes which it can change depend on.
        """
        self._write_truths()
        self._write_rails()
        self._write_reasons()
        reach = ReachWriter(self._ruleset, self._expressions, self._lines, self.outcomes.values())
        self._write_rails_in_reach(reach, reach.closed_elsewhere())
        self._write_dependencies_in_reach(reach)
        return self._compile()

    def reach(self) -> Look:
        """Write and compile the function of an interview.

        It yields the outcomes possible, certain and true, in reach; the inputs that outcomes in reach depend on.
        """
        self._write_truths()
        reach = ReachWriter(self._ruleset, self._expressions, self._lines, self.outcomes.values())
        self._write_rails_in_reach(reach, _join_tuple([self._true[key] for key in self.outcomes]))
        self._write_dependencies_in_reach(reach)
        return self._compile()

    def _compile(self) -> Look:
        body = "\n".join(f" {line}" for line in self._lines)
        namespace: dict[str, Any] = {}
        exec(compile(f"def look(answer, askable, closed):\n{body}\n", "<ruleset>", "exec"), namespace)  # noqa: S102 - see Expressions
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

    def _write_rails_in_reach(self, reach: ReachWriter, beside: str) -> None:
        for n, (key, condition) in enumerate(self.outcomes.items()):
            settled = self._expressions.is_settled(condition)
            self._lines.append(f"i{n} = {reach.may_be(condition, True)}")
            self._lines.append(f"j{n} = {self._true[key] if settled else reach.stays(condition, True)}")
        rails = [[f"{letter}{n}" for n in range(len(self.outcomes))] for letter in "ij"]
        self._lines.append(f"yield {', '.join([*map(_join_tuple, rails), beside])}")

    def _write_dependencies_in_reach(self, reach: ReachWriter) -> None:
        number = Numbering(self._ruleset).number
        reach.write_masks()
        masks = ["0"] * len(self.outcomes)
        for n, statement in enumerate(keyed_outcomes(self._ruleset.rules_and_floors)):
            when = statement.outcome.when if statement.outcome is not None else None
            parts = [statement.rule.when] if when is None else [statement.rule.when, when]
            mask = " | ".join(map(reach.mask, parts))
            masks[number[statement.key]] = f"({mask} if i{n} and not j{n} else 0)"
        self._lines.append(f"yield [{', '.join(masks)}]")


def _join_tuple(expressions: list[str]) -> str:
    return f"({', '.join(expressions)},)" if expressions else "()"
