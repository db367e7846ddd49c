"""durable-rules by its public interface: a Host, rules with `when_all`, a fact for the report and for each statement.

Two of its traps need a workaround even here: one rule fires for every report, since otherwise `delete_state`
frees wild memory, and a statement that no rule reads is not asserted, since that raises.
"""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Callable
from typing import Any as Anything

from durable import lang
from durable.engine import Host

from benchmarks.engines.contender import Decided, InProcess
from triage_rules.language.model import (
    All,
    Answers,
    Any,
    Compare,
    Condition,
    Inferred,
    Not,
    OneOf,
    Op,
    Rule,
    Ruleset,
    Yes,
)

SID = "report"
MOST_JOINS = 255
"""At 256 joins under one node durable-rules breaks; all rules of the second layer read the report."""

_numbers = itertools.count()
_COMPARE = {Op.AT_LEAST: operator.ge, Op.MORE_THAN: operator.gt, Op.AT_MOST: operator.le, Op.LESS_THAN: operator.lt}


class Quiet(Host):  # type: ignore[misc] # durable carries no types
    """A Host without its two timer threads, which nothing here needs and which would disturb the others."""

    def _run(self) -> None:
        pass


class DurableHost(InProcess):
    """A Host; each report is one state, deleted afterwards."""

    name = "durable-rules Host"

    def __init__(self, ruleset: Ruleset) -> None:
        super().__init__(ruleset)
        self._name = f"measured-{next(_numbers)}"
        self._fired: list[str] = []
        self._read = {name for rule in ruleset.rules.values() for name in _inferred(rule.when)}
        made = lang.ruleset(self._name)
        with made:
            lang.when_all(+lang.m.report)(lambda _: None)
            for rule in ruleset.rules.values():
                lang.when_all(*_antecedents(rule.when))(self._action(rule))
        lang._rulesets.pop(self._name)  # noqa: SLF001 - else its own global Host would take it, too
        self._host = Quiet()
        self._host.register_rulesets(dict([made.define()]))

    def run(self, answers: Answers) -> list[str]:
        self._fired = []
        self._host.assert_fact(self._name, {"sid": SID, "report": True, **answers})
        self._host.delete_state(self._name, SID)
        return self._fired

    def read(self, answer: list[str]) -> Decided:
        return self.from_rules(answer)

    def _action(self, rule: Rule) -> Callable[[Anything], None]:
        name, infers = rule.id, rule.infers

        def fired(_: Anything) -> None:
            self._fired.append(name)

        def fired_and_stated(closure: Anything) -> None:
            self._fired.append(name)
            closure.assert_fact({"says": infers})

        return fired_and_stated if infers in self._read else fired


def _antecedents(condition: Condition) -> list[Anything]:
    """Return one message for the report and one for each statement: a rule that reads a statement joins them."""
    parts = condition.parts if isinstance(condition, All) else (condition,)
    stated = [part for part in parts if _inferred(part)]
    answered = [part for part in parts if part not in stated]
    return [*map(_of_message, stated), functools.reduce(operator.and_, map(_of_message, answered))]


def _of_message(condition: Condition) -> Anything:
    match condition:
        case All(parts):
            return functools.reduce(operator.and_, map(_of_message, parts))
        case Any(parts):
            return functools.reduce(operator.or_, map(_of_message, parts))
        case Yes(finding):
            return getattr(lang.m, finding) == True  # noqa: E712 - durable's own notation
        case Not(Yes(finding)):
            return getattr(lang.m, finding) == False  # noqa: E712
        case Compare(finding, op, limit):
            return _COMPARE[op](getattr(lang.m, finding), limit)
        case OneOf(finding, values):
            return functools.reduce(operator.or_, [getattr(lang.m, finding) == value for value in values])
        case Inferred(name):
            return lang.m.says == name
        case _:
            raise ValueError(f"no made ruleset has a {type(condition).__name__}")


def _inferred(condition: Condition) -> set[str]:
    match condition:
        case Inferred(name):
            return {name}
        case All(parts) | Any(parts):
            return set().union(*map(_inferred, parts))
        case _:
            return set()
