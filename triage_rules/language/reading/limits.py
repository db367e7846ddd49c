"""How much a ruleset or a cases file may hold: enough for 500 rules, little enough to be refused in a moment.

The reason for each: what is read takes time and memory, and a file may come from anybody who may deploy.
docs/reference/limits.md lists them all, with what was measured.
"""

from __future__ import annotations

MAX_BYTES = 1024 * 1024
"""Of one file."""

MAX_NODES = 60_000
"""Keys, values, lists and mappings of one file: its parser needs 15 to 20 microseconds for each."""

MAX_DEPTH = 40
"""Lists and mappings within each other."""

MAX_KEY = 200
"""Characters of a key."""

MAX_TEXT = 20_000
"""Characters of one text."""

MAX_DIGITS = 100
"""Digits of a number; it is refused as too large long before."""

MAX_FAULTS = 200
"""Faults of one file: then reading stops, as nobody reads on."""

MOST_COMPARED = 200
"""Names that a misspelt one is compared with: each comparison costs about as much as reading a line."""

MOST = {
    "inputs": 1_000,
    "mentions": 100,
    "inferences": 2_000,
    "rules": 1_000,
    "safety_net": 200,
    "conflicts": 200,
    "dispositions": 50,
    "mandatory": 500,
    "any_of": 100,
    "choices": 100,
    "in": 100,
    "phrases": 100,
    "all": 200,
    "any": 200,
    "of": 200,
    "raised": 20,
    "looks_like": 20,
    "codes": 20,
    "marks": 20,
    "flags": 20,
    "bases": 200,
    "cases": 2_000,
    "properties": 500,
}
"""Key -> items or entries that may stand under it."""

MOST_ELSE = 1_000
"""Items or entries under any other key."""


def most(key: str) -> int:
    """How many items or entries may stand under the key."""
    return MOST.get(key, MOST_ELSE)


def too_deep() -> str:
    """What is told of too much nesting."""
    return f"nested deeper than {MAX_DEPTH} levels"


def too_many_nodes() -> str:
    """What is told of too large a file."""
    return f"more than {MAX_NODES} keys and values; a ruleset holds no more"


def text_too_long(length: int) -> str:
    """What is told of a text of that length."""
    return f"this text has {length} characters; at most {MAX_TEXT} are taken"
