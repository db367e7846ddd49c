"""What an evaluator says of a ruleset's statements: established, possible, certain.

All evaluators answer with these, under the same keys, so that they can be compared: `Rails` in words, `Masks` in
numbers, where every report counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import compress
from typing import NamedTuple

from triage_rules.language.model import Floor, Ruleset

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


class Masks(NamedTuple):
    """Rails as numbers: bit n is 1 if the statement with the number n stands on the rail."""

    established: int
    possible: int
    certain: int


class Numbering:
    """A number for each statement of a ruleset.

    First the outcomes, the more urgent the lower their numbers, and of equal urgency in the ruleset's order; last of
    them what raises by one level. Then SOONER, the inferences, the conflicts.
    """

    def __init__(self, ruleset: Ruleset) -> None:
        outcomes = []
        for rule in ruleset.rules_and_floors:
            for index, outcome in enumerate(rule.outcomes):
                level, place = ruleset.urgency(outcome.disposition)
                outcomes.append(((-level, -place), outcome_key(rule.id, index)))
            if isinstance(rule, Floor) and rule.raise_one:
                outcomes.append(((1, 0), rule.id))
        outcomes.sort(key=lambda one: one[0])  # which keeps the order of what is equal
        self.outcomes = tuple(key for _, key in outcomes)
        self.keys = (*self.outcomes, SOONER, *ruleset.inferences, *ruleset.conflicts)
        self.number = {key: number for number, key in enumerate(self.keys)}
        self.bit = {key: 1 << number for number, key in enumerate(self.keys)}

    def mask(self, keys: Iterable[str]) -> int:
        """The keys as a number. Raises KeyError for one that is none."""
        return sum(self.bit[key] for key in set(keys))

    def named(self, mask: int) -> frozenset[str]:
        """The keys that the number holds."""
        return frozenset(compress(self.keys, flags(mask)))

    def masks(self, rails: Rails) -> Masks:
        """The rails in numbers."""
        return Masks(self.mask(rails.established), self.mask(rails.possible), self.mask(rails.certain))

    def rails(self, masks: Masks) -> Rails:
        """The rails in words."""
        return Rails(*map(self.named, masks))


_EIGHT = [bytes(byte >> bit & 1 for bit in range(8)) for byte in range(256)]


def flags(mask: int) -> bytes:
    """A byte for each bit of the mask, 0 or 1, from the lowest to its highest 1: what `itertools.compress` takes."""
    return b"".join([_EIGHT[byte] for byte in mask.to_bytes((mask.bit_length() + 7) // 8, "little")])
