"""Truth signals of a ruleset's statements: established, possible, certain.

All evaluators return these under the same keys, so that they can be compared: `Rails` by name, and `Masks` as bits,
which are quicker where every report counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import compress
from typing import NamedTuple

from triage_rules.language.model import Floor, Ruleset

SOONER = "validity.sooner"
"""Key of the condition under which a result expires sooner."""


def outcome_key(rule: str, index: int) -> str:
    """Return the key of a rule's or floor's outcome: the id, and for a raised outcome `+` and its number."""
    return rule if index == 0 else f"{rule}+{index}"


@dataclass(frozen=True, slots=True)
class Rails:
    """Signals of one evaluator for one report.

    established: keys of the outcomes, floors, conflicts and inferences that are true now.
    possible: of the outcomes and floors (and SOONER), those that some answers to open inputs could make true;
    may hold too many, never too few.
    certain: of the outcomes and floors, those that every answer to the open inputs leaves true; may hold too
    few, never too many.
    """

    established: frozenset[str]
    possible: frozenset[str]
    certain: frozenset[str]


class Masks(NamedTuple):
    """Rails as numbers: bit n is 1 if the statement with the number n is on the rail."""

    established: int
    possible: int
    certain: int


class Numbering:
    """Numbers of a ruleset's statements.

    Outcomes come first: the more urgent, the lower the number; equally urgent ones in the ruleset's order; last those
    that raise by one level. Then SOONER, the inferences, the conflicts.
    """

    def __init__(self, ruleset: Ruleset) -> None:
        outcomes = []
        for rule in ruleset.rules_and_floors:
            for index, outcome in enumerate(rule.outcomes):
                level, place = ruleset.urgency(outcome.disposition)
                outcomes.append(((-level, -place), outcome_key(rule.id, index)))
            if isinstance(rule, Floor) and rule.raise_one:
                outcomes.append(((1, 0), rule.id))
        outcomes.sort(key=lambda row: row[0])  # a stable sort: equally urgent outcomes keep the ruleset's order
        self.outcomes = tuple(key for _, key in outcomes)
        self.keys = (*self.outcomes, SOONER, *ruleset.inferences, *ruleset.conflicts)
        self.number = {key: number for number, key in enumerate(self.keys)}
        self.bit = {key: 1 << number for number, key in enumerate(self.keys)}

    def mask(self, keys: Iterable[str]) -> int:
        """Return the keys as a mask. Raises KeyError for an unknown key."""
        return sum(self.bit[key] for key in set(keys))

    def named(self, mask: int) -> frozenset[str]:
        """Return the keys in a mask."""
        return frozenset(compress(self.keys, flags(mask)))

    def masks(self, rails: Rails) -> Masks:
        """Convert rails to masks."""
        return Masks(self.mask(rails.established), self.mask(rails.possible), self.mask(rails.certain))

    def rails(self, masks: Masks) -> Rails:
        """Convert masks to rails."""
        return Rails(*map(self.named, masks))


def input_bits(ruleset: Ruleset) -> dict[str, int]:
    """Return the bit of each input in masks of inputs, in the order of asking: the lowest is asked first.

    First come signs of immediate danger, then mandatory inputs, then the others in the ruleset's order.
    """
    danger = [name for panel in ruleset.panels.values() if panel.immediate_danger for name in panel.inputs]
    mandatory = [name for item in ruleset.mandatory for name in item.inputs]
    return {name: 1 << n for n, name in enumerate(dict.fromkeys([*danger, *mandatory, *ruleset.inputs]))}


_EIGHT = [bytes(byte >> bit & 1 for bit in range(8)) for byte in range(256)]


def flags(mask: int) -> bytes:
    """Return a byte for each bit of the mask, 0 or 1, from the lowest to the highest 1, for `itertools.compress`."""
    return b"".join([_EIGHT[byte] for byte in mask.to_bytes((mask.bit_length() + 7) // 8, "little")])
