"""Conditions taken apart: their parts, their leaves, the names that they read. The evaluators keep their own walks."""

from __future__ import annotations

from collections.abc import Iterator

from triage_rules.language.model import (
    IN_SCOPE,
    MANDATORY_OPEN,
    All,
    Any,
    AtLeast,
    Compare,
    Condition,
    Inference,
    Inferred,
    IsOpen,
    Not,
    OneOf,
    Op,
    Ruleset,
    Unless,
    Yes,
)

Atom = Compare | OneOf | Yes | IsOpen | Inferred
"""A condition that reads one name."""

Leaf = Atom | Unless
"""A condition without parts of its own: `unless` and its name are one leaf."""

OPPOSITE = {
    Op.AT_LEAST: Op.LESS_THAN,
    Op.LESS_THAN: Op.AT_LEAST,
    Op.AT_MOST: Op.MORE_THAN,
    Op.MORE_THAN: Op.AT_MOST,
}
"""The comparison that is true where the other is false."""

LOWER_LIMITS = frozenset({Op.AT_LEAST, Op.MORE_THAN})
"""The comparisons that take the numbers above their limit."""


def parts(condition: Condition) -> tuple[Condition, ...]:
    """Return the conditions that a condition is made of; none for a leaf."""
    match condition:
        case All() | Any() | AtLeast():
            return condition.parts
        case Not(part):
            return (part,)
        case _:
            return ()


def leaves(condition: Condition) -> Iterator[Leaf]:
    """Yield the leaves of a condition, each as often as it is written; statements aren't opened."""
    match condition:
        case All() | Any() | AtLeast() | Not():
            for part in parts(condition):
                yield from leaves(part)
        case leaf:
            yield leaf


def atoms(condition: Condition) -> Iterator[Atom]:
    """Yield the leaves of a condition; instead of an `unless`, the name inside it."""
    for leaf in leaves(condition):
        yield leaf.part if isinstance(leaf, Unless) else leaf


def name_in(leaf: Leaf) -> str:
    """Return the input, mention or statement that a leaf reads."""
    atom = leaf.part if isinstance(leaf, Unless) else leaf
    return atom.name if isinstance(atom, Inferred) else atom.input


def names_in(condition: Condition) -> Iterator[str]:
    """Yield the inputs, mentions and statements that a condition reads, each as often as it is written."""
    return map(name_in, leaves(condition))


def statements_in(condition: Condition) -> Iterator[str]:
    """Yield the statements that a condition reads, each as often as it is written."""
    return (atom.name for atom in atoms(condition) if isinstance(atom, Inferred))


def conjuncts(condition: Condition) -> list[Condition]:
    """Return the conditions that must all be true, through `all` within `all`."""
    if isinstance(condition, All):
        return [inner for part in condition.parts for inner in conjuncts(part)]
    return [condition]


def own_definition(ruleset: Ruleset, inference: Inference) -> Condition | None:
    """Return the condition written under an inference, without the rules that infer it; None if there is none."""
    if inference.name in (MANDATORY_OPEN, IN_SCOPE):
        return None
    whens = tuple(ruleset.rules[rule].when for rule in inference.rules)
    if not whens:
        return inference.when
    if inference.when in (Any(whens), *whens[: len(whens) == 1]):
        return None
    return inference.when.parts[0] if isinstance(inference.when, Any) else None
