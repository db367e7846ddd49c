"""Signals and the formulas that make them true: disjunctions of conjunctions of literals that fire on an answer."""

from __future__ import annotations

import enum
import itertools
from collections.abc import Iterable
from dataclasses import dataclass

from triage_rules.foundation.errors import EngineLimitError
from triage_rules.language.model import Op, Value


class Mode(enum.StrEnum):
    """Time to which a signal applies: now, or after any further answers."""

    NOW = "now"
    CERTAIN = "certain"


@dataclass(frozen=True, slots=True, order=True)
class Signal:
    """Truth that the engine derives: of a statement, now or for certain, on its true or its false side."""

    statement: str
    mode: Mode
    side: bool


class Equality(enum.StrEnum):
    """Comparison of a choice or a yes/no."""

    IS = "is"
    IS_NOT = "is_not"


@dataclass(frozen=True, slots=True)
class Answered:
    """Literal: the input has an answer, which compares in this way with `value`."""

    input: str
    op: Op | Equality
    value: Value


@dataclass(frozen=True, slots=True)
class OpenIs:
    """Literal: the input is open, or is not."""

    input: str
    value: bool


@dataclass(frozen=True, slots=True)
class Derived:
    """Literal: an earlier signal is true, or is not."""

    signal: Signal
    value: bool


Literal = Answered | OpenIs | Derived
Term = frozenset[Literal]
Formula = frozenset[Term]

NEVER: Formula = frozenset()
ALWAYS: Formula = frozenset({frozenset()})


TERM_LITERALS = 120
"""Maximum number of literals in a term; in the engine each is a node beneath the one before."""

FORMULA_TERMS = 600
"""Maximum number of terms in a formula: each is compared with every other, to drop redundant ones."""

TERMS_LIMIT = 28_000
"""Maximum number of terms in a whole ruleset, as the engine's pages hold no more."""

LITERALS_LIMIT = 100_000
"""Maximum number of literals in all terms together: each takes some 20 microseconds to write."""


def single(literal: Literal) -> Formula:
    """Return the formula of only this literal."""
    return frozenset({frozenset({literal})})


def disjoin(parts: list[Formula]) -> Formula:
    """Return the disjunction of the parts. Raises EngineLimitError if it would have too many terms."""
    terms = frozenset(itertools.chain.from_iterable(parts))
    if len(terms) > FORMULA_TERMS:
        message = f"a condition would become {len(terms)} alternatives, and the engine takes {FORMULA_TERMS}"
        raise EngineLimitError(f"{message}; move parts of it into statements")
    return least(terms)


def least(terms: Iterable[Term]) -> Formula:
    """Return the terms without those that a shorter term makes redundant."""
    kept: list[Term] = []
    for term in sorted(set(terms), key=len):
        if not any(shorter <= term for shorter in kept):
            kept.append(term)
    return frozenset(kept)
