"""Signals and the formulas that make them true: disjunctions of conjunctions of what fires on an answer."""

from __future__ import annotations

import enum
import itertools
from collections.abc import Iterable
from dataclasses import dataclass

from triage_rules.foundation.errors import EngineLimitError
from triage_rules.language.model import Op, Value


class Mode(enum.StrEnum):
    """As things stand, or whatever is still answered."""

    NOW = "now"
    CERTAIN = "certain"


@dataclass(frozen=True, slots=True, order=True)
class Signal:
    """A truth that the engine derives: a statement, as it stands or for good, on its true or its false side."""

    statement: str
    mode: Mode
    side: bool


class Equality(enum.StrEnum):
    """A comparison of a choice or a yes/no."""

    IS = "is"
    IS_NOT = "is_not"


@dataclass(frozen=True, slots=True)
class Answered:
    """The finding has an answer, and it compares so with `value`."""

    input: str
    op: Op | Equality
    value: Value


@dataclass(frozen=True, slots=True)
class OpenIs:
    """The finding is open, or is not."""

    input: str
    value: bool


@dataclass(frozen=True, slots=True)
class Derived:
    """An earlier signal came out so."""

    signal: Signal
    value: bool


Literal = Answered | OpenIs | Derived
Term = frozenset[Literal]
Formula = frozenset[Term]

NEVER: Formula = frozenset()
ALWAYS: Formula = frozenset({frozenset()})


TERM_LITERALS = 120
"""Literals of one term: in the engine a chain of conditions, one under the other."""

FORMULA_TERMS = 600
"""Terms of one formula: each is compared with each, to drop what is superfluous."""

TERMS_LIMIT = 28_000
"""Terms of a whole ruleset: as many as the engine's pages take."""

LITERALS_LIMIT = 100_000
"""Literals of all its terms together: writing them out takes some 20 microseconds each."""


def single(literal: Literal) -> Formula:
    """The formula that is just this literal."""
    return frozenset({frozenset({literal})})


def disjoin(parts: list[Formula]) -> Formula:
    """True if one of the parts is. Raises EngineLimitError if that would take too many terms."""
    terms = frozenset(itertools.chain.from_iterable(parts))
    if len(terms) > FORMULA_TERMS:
        message = f"a condition would become {len(terms)} alternatives, and the engine takes {FORMULA_TERMS}"
        raise EngineLimitError(f"{message}; make statements of parts of it")
    return least(terms)


def least(terms: Iterable[Term]) -> Formula:
    """Without the terms that another, shorter term makes superfluous."""
    kept: list[Term] = []
    for term in sorted(set(terms), key=len):
        if not any(shorter <= term for shorter in kept):
            kept.append(term)
    return frozenset(kept)
