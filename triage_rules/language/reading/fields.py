"""Fields of one mapping of a ruleset: each value read as its type, each fault collected.

An invalid value is read as an empty value of its type, so reading continues to the next fault.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Iterator

from triage_rules.foundation.place import Place
from triage_rules.language.model import MAX_NUMBER, Source
from triage_rules.language.reading.limits import most
from triage_rules.language.reading.messages import (
    DATE,
    DECIMAL_COMMA,
    FLAG_HINT,
    NAME,
    bad_character,
    describe_node_kind,
    join_names,
    suggest_name,
)
from triage_rules.language.reading.places import (
    DECIMALS_HINT,
    Broken,
    Faults,
    MappingEntry,
    MappingNode,
    Node,
    Scalar,
    Sequence,
    quoted,
)


def is_date(text: str) -> bool:
    """Return whether the text is a date, such as `2027-11-01`."""
    if not DATE.match(text):
        return False
    try:
        dt.date.fromisoformat(text)
    except ValueError:
        return False
    return True


class Form:
    """The fields of one mapping. Read each known key, then `close()`: keys that were not read are unknown."""

    def __init__(self, node: Node, what: str, faults: Faults, at: Place | None = None) -> None:
        """Make a form. `at`: the place for missing keys, if not the start of the mapping."""
        self.what = what
        self.faults = faults
        self.place = at or node.place
        self._entries: dict[str, MappingEntry] = {}
        self._read: list[str] = []
        self.broken = not isinstance(node, MappingNode)
        if isinstance(node, MappingNode):
            self._entries = node.entries
        elif not isinstance(node, Broken):
            self.add_fault(node.place, f"expected a mapping, found {describe_node_kind(node)}")

    def add_fault(self, place: Place, message: str) -> None:
        """Collect a fault of this form."""
        self.faults.add(place, f"{self.what}: {message}" if self.what else message)

    def has(self, key: str) -> bool:
        """Return whether the key is written, even with null."""
        return key in self._entries

    def has_value(self, key: str) -> bool:
        """Return whether the key is written, and not null."""
        node = self.peek(key)
        return node is not None and not (isinstance(node, Scalar) and node.value is None)

    def peek(self, key: str) -> Node | None:
        """Return the node under the key, without marking the key as read."""
        return self._entries[key].node if key in self._entries else None

    def place_of(self, key: str) -> Place:
        """Return the place of the key's value; the form's place if the key is missing."""
        return self._entries[key].node.place if key in self._entries else self.place

    def key_place(self, key: str) -> Place:
        """Return the place of the key; the form's place if the key is missing."""
        return self._entries[key].key_place if key in self._entries else self.place

    def node(self, key: str, *, required: bool = True) -> Node | None:
        """Read the node under the key; None if the key is missing (a fault if required)."""
        self._read.append(key)
        if key in self._entries:
            return self._entries[key].node
        if required and not self.broken:
            self.add_fault(self.place, f"the key `{key}` is missing")
        return None

    def close(self) -> None:
        """Collect a fault for each key that was not read."""
        for key, entry in self._entries.items():
            if key not in self._read:
                hint = suggest_name(key, [k for k in self._read if k not in self._entries]) or suggest_name(
                    key, self._read
                )
                self.add_fault(entry.key_place, f"unknown key {quoted(key)}{hint or self._hint(key, entry)}")

    def _hint(self, key: str, entry: MappingEntry) -> str:
        """Return the likely cause of an unknown key without a similar name."""
        if " " in key and isinstance(entry.node, Scalar) and entry.node.value is None:
            return "; within `{...}`, put a text that contains a comma in quotes"
        return f"; known keys are {join_names(list(dict.fromkeys(self._read)), 20)}"

    # --- one value ---

    def text(self, key: str) -> str:
        """Read a non-empty text; "" if it is invalid."""
        node = self.node(key)
        return "" if node is None else self._text(node, f"`{key}`")

    def text_or_none(self, key: str) -> str | None:
        """Read a non-empty text; None if it is missing or null."""
        node = self.node(key, required=False)
        if node is None or (isinstance(node, Scalar) and node.value is None):
            return None
        return self._text(node, f"`{key}`") or None

    def _text(self, node: Node, label: str) -> str:
        if isinstance(node, Broken):
            return ""
        if not isinstance(node, Scalar) or not isinstance(node.value, str):
            hint = "; put it in quotes" if isinstance(node, Scalar) and node.value is not None else ""
            self.add_fault(node.place, f"{label}: expected a text, found {describe_node_kind(node)}{hint}")
            return ""
        if not node.value.strip():
            self.add_fault(node.place, f"{label}: the text is empty")
            return ""
        if bad := bad_character(node.value):
            self.add_fault(node.place, f"{label}: the character {bad} is not allowed in a text")
            return ""
        return node.value

    def matching(self, key: str, pattern: re.Pattern[str], hint: str) -> str:
        """Read a text that matches the pattern; "" if it is invalid. `hint`: the expected form."""
        text = self.text(key)
        if text and not pattern.match(text):
            self.add_fault(self.place_of(key), f"`{key}`: {quoted(text)} is not valid; {hint}")
            return ""
        return text

    def name_among(self, key: str, known: Collection[str], kind: str) -> str:
        """Read a name that must be one of the known ones; "" if it is invalid. `kind`: what the name stands for."""
        name = self.text(key)
        if name and name not in known:
            hint = suggest_name(name, known) or (
                f"; known are {join_names(known, 12)}" if known else "; there is none above"
            )
            self.add_fault(self.place_of(key), f"`{key}`: unknown {kind} {quoted(name)}{hint}")
            return ""
        return name

    def date_or_none(self, key: str) -> str | None:
        """Read an ISO date such as 2027-11-01, as text; None if it is missing, null or invalid."""
        text = self.text_or_none(key)
        if text is None:
            return None
        if not is_date(text):
            message = f"`{key}`: {quoted(text)} is not a date; write it as year-month-day, such as `2027-11-01`"
            self.add_fault(self.place_of(key), message)
            return None
        return text

    def keyword(self, key: str, words: Collection[str], *, default: str | None = None) -> str | None:
        """Read a word from a list; None if it is invalid; `default` if it is missing."""
        node = self.node(key, required=default is None)
        if node is None:
            return default
        text = self._text(node, f"`{key}`")
        if text and text not in words:
            self.add_fault(
                node.place, f"`{key}`: {quoted(text)} is not one of {join_names(words)}{suggest_name(text, words)}"
            )
        return text if text in words else None

    def flag(self, key: str) -> bool:
        """Read a boolean; false if it is missing."""
        node = self.node(key, required=False)
        if node is None or isinstance(node, Broken):
            return False
        if isinstance(node, Scalar) and isinstance(node.value, bool):
            return node.value
        self.add_fault(node.place, f"`{key}`: expected `true` or `false`, found {describe_node_kind(node)}")
        return False

    def number(self, key: str, *, required: bool = False, whole: bool = False) -> int | float | None:
        """Read a number; None if it is missing or invalid. Whole floats become int if `whole`."""
        node = self.node(key, required=required)
        return None if node is None else self.number_of(node, f"`{key}`", whole=whole)

    def number_of(self, node: Node, label: str, *, whole: bool = False) -> int | float | None:
        """Return the number in a node; None if it is invalid."""
        if isinstance(node, Broken):
            return None
        value = node.value if isinstance(node, Scalar) else None
        if isinstance(value, bool) or not isinstance(value, int | float):
            hint = DECIMALS_HINT if isinstance(value, str) and DECIMAL_COMMA.match(value) and not whole else ""
            self.add_fault(
                node.place,
                f"{label}: expected a {'whole ' if whole else ''}number, found {describe_node_kind(node)}{hint}",
            )
            return None
        if abs(value) > MAX_NUMBER:
            self.add_fault(node.place, f"{label}: the number {quoted(value)} is too large")
            return None
        if not whole:
            return value
        if value != int(value):
            self.add_fault(node.place, f"{label}: expected a whole number, found {quoted(value)}")
            return None
        return int(value)

    def minutes(self, key: str, *, least: int = 0) -> int | None:
        """Read a required whole number of minutes; None if it is invalid."""
        value = self.number(key, required=True, whole=True)
        if value is not None and value < least:
            self.add_fault(self.place_of(key), f"`{key}`: expected {least} or more, found {quoted(value)}")
            return None
        return None if value is None else int(value)

    # --- many values ---

    def items(self, key: str, *, required: bool = False, least: int = 1) -> tuple[Node, ...]:
        """Read the items of a list; () if it is missing or invalid."""
        node = self.node(key, required=required)
        return () if node is None else self.items_of(node, key, least=least)

    def items_of(self, node: Node, key: str, *, least: int = 1) -> tuple[Node, ...]:
        """Return the items of a list node. `key`: the key above it."""
        label = f"`{key}`"
        if isinstance(node, Broken):
            return ()
        if not isinstance(node, Sequence):
            self.add_fault(node.place, f"{label}: expected a list, found {describe_node_kind(node)}")
            return ()
        if len(node.items) < least:
            self.add_fault(node.place, f"{label}: the list is empty")
        if len(node.items) > most(key):
            self.add_fault(
                node.items[most(key)].place, f"{label}: the list has {len(node.items)} items; {_at_most(key)}"
            )
            return ()
        return node.items

    def texts(self, key: str, *, required: bool = False, least: int = 1) -> tuple[tuple[str, Place], ...]:
        """Read a list of different non-empty texts, with their places."""
        texts: dict[str, Place] = {}
        for item in self.items(key, required=required, least=least):
            text = self._text(item, f"`{key}`")
            if text in texts:
                self.add_fault(item.place, f"`{key}`: {quoted(text)} is in the list twice")
            elif text:
                texts[text] = item.place
        return tuple(texts.items())

    def flags(self) -> tuple[str, ...]:
        """Read the optional `flags`: words for other systems."""
        words = self.texts("flags", least=0)
        for word, place in words:
            if not NAME.match(word):
                self.add_fault(place, f"`flags`: {quoted(word)} is not valid; {FLAG_HINT}")
        return tuple(word for word, _ in words)

    def entries(self, key: str, *, required: bool = False) -> Iterator[tuple[str, MappingEntry]]:
        """Read the entries of a mapping, in the order of the file."""
        node = self.node(key, required=required)
        if node is None or isinstance(node, Broken):
            return iter(())
        if not isinstance(node, MappingNode):
            self.add_fault(node.place, f"`{key}`: expected a mapping, found {describe_node_kind(node)}")
            return iter(())
        if required and not node.entries:
            self.add_fault(node.place, f"`{key}`: the mapping is empty")
        if len(node.entries) > most(key):
            beyond = list(node.entries.values())[most(key)].key_place
            self.add_fault(beyond, f"`{key}`: the mapping has {len(node.entries)} entries; {_at_most(key)}")
            return iter(())
        return iter(node.entries.items())

    def source(self, *, required: bool = True) -> Source | None:
        """Read `source`: {text, marks}."""
        node = self.node("source", required=required)
        if node is None or isinstance(node, Broken):
            return None
        form = Form(node, f"{self.what}: `source`", self.faults)
        text = form.text("text")
        marks = tuple(mark for mark, _ in form.texts("marks", least=0))
        form.close()
        return Source(text, marks)


def _at_most(key: str) -> str:
    return f"at most {most(key)} are allowed"
