"""What an evaluator says of a ruleset's statements: established, possible, certain.

Both evaluators answer with these, under the same keys, so that they can be compared.
"""

from __future__ import annotations

from dataclasses import dataclass

SOONER = "validity.sooner"
"""The key of the condition under which a result expires sooner."""


def outcome_key(rule: str, index: int) -> str:
    """The key of a rule's or floor's outcome: its id, and for a raised one `+` and its number."""
    return rule if index == 0 else f"{rule}+{index}"


@dataclass(frozen=True, slots=True)
class Rails:
    """The answer of one evaluator to one report.

    established: keys of the outcomes, floors, conflicts and inferences that are true as things stand.
    possible: of the outcomes and floors (and SOONER), those that some answers to open findings could make true;
    may hold too many, never too few.
    certain: of the outcomes and floors, those that every answer to the open findings leaves true; may hold too
    few, never too many.
    """

    established: frozenset[str]
    possible: frozenset[str]
    certain: frozenset[str]
