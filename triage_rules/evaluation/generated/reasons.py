"""Python lines that collect the reasons of a true statement, as `evaluation.explanation.because` does."""

from __future__ import annotations

from collections.abc import Iterator

from triage_rules.evaluation.explanation import NOT_ESTABLISHED, OPEN
from triage_rules.evaluation.generated.expressions import Expressions
from triage_rules.language.model import All, Any, AtLeast, Compare, Condition, Inferred, IsOpen, Not, OneOf, Unless, Yes


def write_reasons(expressions: Expressions, condition: Condition, *, side: bool = True) -> Iterator[str]:
    """Yield lines that put into the dictionary `b` the reasons why the condition has the value `side`, which it has."""
    match condition:
        case All(parts) | Any(parts) | AtLeast(_, parts):
            every = isinstance(condition, All) is side and not isinstance(condition, AtLeast)
            for part in parts:
                lines = write_reasons(expressions, part, side=side)
                if every:
                    yield from lines
                else:
                    yield f"if {expressions.true(part) if side else expressions.false(part)}:"
                    yield " pass"
                    yield from (f" {line}" for line in lines)
        case Not(part):
            yield from write_reasons(expressions, part, side=not side)
        case Inferred(name):
            yield f"b[{name!r}] = {side}"
        case Unless(part):
            name = part.name if isinstance(part, Inferred) else part.input
            yield f"b[{name!r}] = {NOT_ESTABLISHED if side else True!r}"
        case IsOpen(name) | Yes(name) | Compare(name) | OneOf(name):
            answer = repr(OPEN) if isinstance(condition, IsOpen) and side else expressions.answers[name]
            yield f"b[{name!r}] = {answer}"
