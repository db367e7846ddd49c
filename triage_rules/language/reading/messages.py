"""Parts of fault messages: the form of names, the kind of a value, the likely name."""

from __future__ import annotations

import difflib
import itertools
import re
import unicodedata
from collections.abc import Collection

from triage_rules.language.reading.limits import MOST_COMPARED
from triage_rules.language.reading.places import SHOWN, Broken, MappingNode, Node, Scalar, Sequence, quoted

NAME = re.compile(r"[a-z][a-z0-9_]{0,59}\Z")
RULE_ID = re.compile(r"[A-Z][A-Z0-9_-]{0,15}\Z")
DECIMAL_COMMA = re.compile(r"[-+]?[0-9]+,[0-9]+\Z")
CHOICE = re.compile(r"[a-z0-9][a-z0-9_]{0,59}\Z")
DISPOSITION = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,59}\Z")
LANGUAGE_TAG = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*\Z")
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")

_LENGTHS_APART = 3
_ALLOWED = "\n\t\u00ad\u200c\u200d\u200e\u200f"
"""Allowed invisible characters: line breaks, tabs, and in some languages soft hyphens, joiners, direction marks."""

_INVISIBLE = ("Cc", "Cf", "Cs", "Zl", "Zp")

NAME_HINT = "use lower case letters, digits and underscores, a letter first, at most 60 characters"
RULE_ID_HINT = "use capitals, digits, `-` and `_`, a capital first, at most 16 characters"
CHOICE_HINT = "use lower case letters, digits and underscores, at most 60 characters"
DISPOSITION_HINT = "use letters, digits and underscores, a letter first, at most 60 characters"
LANGUAGE_TAG_HINT = "use a language tag, such as `en`, `de` or `pt-BR`"
FLAG_HINT = NAME_HINT


def suggest_name(written: str, known: Collection[str]) -> str:
    """Return `; did you mean `x`?`, or nothing."""
    if len(written) > SHOWN:
        return ""
    close = difflib.get_close_matches(written, _comparable(written, known), n=1, cutoff=0.6)
    if not close:
        folded = {name.casefold(): name for name in known}
        close = [folded[written.casefold()]] if written.casefold() in folded else []
    return f"; did you mean `{close[0]}`?" if close else ""


def _comparable(written: str, known: Collection[str]) -> list[str]:
    """Return the names to compare with: all, or of very many those of similar length, first or last letter."""
    if len(known) <= MOST_COMPARED:
        return list(known)
    similar = (
        name
        for name in known
        if abs(len(name) - len(written)) <= _LENGTHS_APART and (name[:1] == written[:1] or name[-1:] == written[-1:])
    )
    return list(itertools.islice(similar, MOST_COMPARED))


def join_names(names: Collection[str], limit: int = 8) -> str:
    """Join names in backticks for a message; long lists are cut."""
    shown = ", ".join(f"`{name}`" for name in list(names)[:limit])
    return shown + (", ..." if len(names) > limit else "")


def describe_node_kind(node: Node) -> str:
    """Describe a value, for `expected ..., found ...`."""
    match node:
        case Scalar(value=None):
            return "nothing"
        case Scalar(value=bool() | int() | float() as value):
            return quoted(value)
        case Scalar(value=value):
            return f"the text {quoted(value)}"
        case Sequence():
            return "a list"
        case MappingNode():
            return "a mapping"
        case Broken():
            return "an invalid value"


def bad_character(text: str) -> str | None:
    """Return the first character that is not allowed in a text, such as U+0007; None if there is none."""
    for character in text:
        if not character.isprintable() and character not in _ALLOWED and unicodedata.category(character) in _INVISIBLE:
            return f"U+{ord(character):04X}"
    return None
