"""Limits of a ruleset or cases file: enough for 500 rules, small enough to be rejected in a moment.

Reading takes time and memory, and a file may come from anyone who may deploy. docs/reference/limits.md lists all
limits, with measurements.
"""

from __future__ import annotations

MAX_BYTES = 1024 * 1024
"""The largest file."""

MAX_NODES = 60_000
"""The most keys, values, lists and mappings of a file: its parser needs 15 to 20 microseconds for each."""

MAX_DEPTH = 40
"""The most lists and mappings within each other."""

MAX_KEY = 200
"""The most characters of a key."""

MAX_TEXT = 20_000
"""The most characters of a text."""

MAX_DIGITS = 100
"""The most digits of a number; smaller ones are rejected as too large."""

MAX_FAULTS = 200
"""The most faults of a file; then reading stops, as no one reads further."""

MOST_COMPARED = 200
"""The most names that a misspelt name is compared with: a comparison costs about as much as reading a line."""

MOST = {
    "inputs": 1_000,
    "mentions": 100,
    "inferences": 2_000,
    "rules": 1_000,
    "safety_net": 200,
    "conflicts": 200,
    "dispositions": 50,
    "mandatory": 500,
    "panels": 100,
    "first": 20,
    "then": 200,
    "any_of": 100,
    "choices": 100,
    "in": 100,
    "phrases": 500,
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
    "personas": 500,
    "vignettes": 500,
}
"""The most items or entries under each key."""

MOST_ELSE = 1_000
"""The most items or entries under any other key."""


def most(key: str) -> int:
    """Return the most items or entries that a key may have."""
    return MOST.get(key, MOST_ELSE)


def too_deep() -> str:
    """Return the message for too much nesting."""
    return f"nested deeper than {MAX_DEPTH} levels"


def too_many_nodes() -> str:
    """Return the message for a file with too many nodes."""
    return f"more than {MAX_NODES} keys and values, the most that a file may have"


def text_too_long(length: int) -> str:
    """Return the message for a text of that length."""
    return f"this text has {length} characters; at most {MAX_TEXT} are allowed"
