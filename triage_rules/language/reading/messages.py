"""The words of fault messages: how names must look, what was written, what was likely meant."""

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
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")

_LENGTHS_APART = 3
_TAKEN = "\n\t\u00ad\u200c\u200d\u200e\u200f"
"""Invisible, and needed: line breaks, tabs, and in some languages soft hyphens, joiners and marks of direction."""

_INVISIBLE = ("Cc", "Cf", "Cs", "Zl", "Zp")

NAME_HINT = "a name is lower case letters, digits and underscores, a letter first, at most 60"
RULE_ID_HINT = "an id is capitals, digits, `-` and `_`, a capital first, at most 16"
CHOICE_HINT = "a choice's value is lower case letters, digits and underscores, at most 60"
DISPOSITION_HINT = "a code is letters, digits and underscores, a letter first, at most 60"
FLAG_HINT = "a flag is lower case letters, digits and underscores, a letter first, at most 60"


def suggest_name(written: str, known: Collection[str]) -> str:
    """`; did you mean `x`?`, or nothing."""
    if len(written) > SHOWN:
        return ""
    close = difflib.get_close_matches(written, _comparable(written, known), n=1, cutoff=0.6)
    if not close:
        folded = {name.casefold(): name for name in known}
        close = [folded[written.casefold()]] if written.casefold() in folded else []
    return f"; did you mean `{close[0]}`?" if close else ""


def _comparable(written: str, known: Collection[str]) -> list[str]:
    """The names to compare with: all, or of very many those of like length that begin or end alike."""
    if len(known) <= MOST_COMPARED:
        return list(known)
    alike = (
        name
        for name in known
        if abs(len(name) - len(written)) <= _LENGTHS_APART and (name[:1] == written[:1] or name[-1:] == written[-1:])
    )
    return list(itertools.islice(alike, MOST_COMPARED))


def join_names(names: Collection[str], limit: int = 8) -> str:
    """Names in backticks for a message; long lists are cut."""
    shown = ", ".join(f"`{name}`" for name in list(names)[:limit])
    return shown + (", ..." if len(names) > limit else "")


def describe_node_kind(node: Node) -> str:
    """What was written, for `expected ..., found ...`."""
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
            return "something refused"


def bad_character(text: str) -> str | None:
    """The first character that no text may hold, such as U+0007; None if there is none."""
    for character in text:
        if not character.isprintable() and character not in _TAKEN and unicodedata.category(character) in _INVISIBLE:
            return f"U+{ord(character):04X}"
    return None
