"""Takes the keys out of one mapping of a ruleset, and tells what is wrong with each of them.

A value that was refused comes back as an empty one of its type, so that reading goes on to the next fault.
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
    """The text is a day, as `2027-11-01`."""
    if not DATE.match(text):
        return False
    try:
        dt.date.fromisoformat(text)
    except ValueError:
        return False
    return True


class Form:
    """One mapping. Ask for each key that may stand in it, then `close()`: what is left over is unknown."""

    def __init__(self, node: Node, what: str, faults: Faults, at: Place | None = None) -> None:
        """`at`: where missing keys are told, if not where the mapping starts."""
        self.what = what
        self.faults = faults
        self.place = at or node.place
        self._entries: dict[str, MappingEntry] = {}
        self._asked: list[str] = []
        self.broken = not isinstance(node, MappingNode)
        if isinstance(node, MappingNode):
            self._entries = node.entries
        elif not isinstance(node, Broken):
            self.add_fault(node.place, f"expected a mapping, found {describe_node_kind(node)}")

    def add_fault(self, place: Place, message: str) -> None:
        """Collect a fault of this form."""
        self.faults.add(place, f"{self.what}: {message}" if self.what else message)

    def has(self, key: str) -> bool:
        """The key is written, be it null."""
        return key in self._entries

    def has_value(self, key: str) -> bool:
        """The key is written, and not null."""
        node = self.peek(key)
        return node is not None and not (isinstance(node, Scalar) and node.value is None)

    def peek(self, key: str) -> Node | None:
        """What stands under the key, without asking for it."""
        return self._entries[key].node if key in self._entries else None

    def place_of(self, key: str) -> Place:
        """Where the key's value stands; the form's place if it is missing."""
        return self._entries[key].node.place if key in self._entries else self.place

    def key_place(self, key: str) -> Place:
        """Where the key stands; the form's place if it is missing."""
        return self._entries[key].key_place if key in self._entries else self.place

    def node(self, key: str, *, required: bool = True) -> Node | None:
        """What stands under the key, or None if it is missing (a fault if required)."""
        self._asked.append(key)
        if key in self._entries:
            return self._entries[key].node
        if required and not self.broken:
            self.add_fault(self.place, f"the key `{key}` is missing")
        return None

    def close(self) -> None:
        """Tell of keys that nobody asked for."""
        for key, entry in self._entries.items():
            if key not in self._asked:
                hint = suggest_name(key, [k for k in self._asked if k not in self._entries]) or suggest_name(
                    key, self._asked
                )
                self.add_fault(entry.key_place, f"unknown key {quoted(key)}{hint or self._likely(key, entry)}")

    def _likely(self, key: str, entry: MappingEntry) -> str:
        """What an unknown key without a near name may come from."""
        if " " in key and isinstance(entry.node, Scalar) and entry.node.value is None:
            return "; a text with a comma in it needs quotes within `{...}`"
        return f"; known are {join_names(self._asked, 20)}"

    # --- one value ---

    def text(self, key: str) -> str:
        """A non-empty text; "" if refused."""
        node = self.node(key)
        return "" if node is None else self._text(node, f"`{key}`")

    def text_or_none(self, key: str) -> str | None:
        """A non-empty text; None if missing or null."""
        node = self.node(key, required=False)
        if node is None or (isinstance(node, Scalar) and node.value is None):
            return None
        return self._text(node, f"`{key}`") or None

    def _text(self, node: Node, label: str) -> str:
        if isinstance(node, Broken):
            return ""
        if not isinstance(node, Scalar) or not isinstance(node.value, str):
            hint = "; put it into quotes" if isinstance(node, Scalar) and node.value is not None else ""
            self.add_fault(node.place, f"{label}: expected a text, found {describe_node_kind(node)}{hint}")
            return ""
        if not node.value.strip():
            self.add_fault(node.place, f"{label}: the text is empty")
            return ""
        if bad := bad_character(node.value):
            self.add_fault(node.place, f"{label}: the character {bad} can't stand in a text")
            return ""
        return node.value

    def matching(self, key: str, pattern: re.Pattern[str], told: str) -> str:
        """A text of that form; "" if refused."""
        text = self.text(key)
        if text and not pattern.match(text):
            self.add_fault(self.place_of(key), f"`{key}`: {quoted(text)} doesn't fit; {told}")
            return ""
        return text

    def date_or_none(self, key: str) -> str | None:
        """An ISO date such as 2027-11-01, as text; None if missing, null or refused."""
        text = self.text_or_none(key)
        if text is None:
            return None
        if not is_date(text):
            told = f"`{key}`: {quoted(text)} is no date; write it as year-month-day, such as `2027-11-01`"
            self.add_fault(self.place_of(key), told)
            return None
        return text

    def one_of(self, key: str, words: Collection[str], *, default: str | None = None) -> str | None:
        """One of the words; None if refused; `default` if missing."""
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
        """A boolean; false if missing."""
        node = self.node(key, required=False)
        if node is None or isinstance(node, Broken):
            return False
        if isinstance(node, Scalar) and isinstance(node.value, bool):
            return node.value
        self.add_fault(node.place, f"`{key}`: expected `true` or `false`, found {describe_node_kind(node)}")
        return False

    def number(self, key: str, *, required: bool = False, whole: bool = False) -> int | float | None:
        """A number; None if missing or refused. Whole floats become int if `whole`."""
        node = self.node(key, required=required)
        return None if node is None else self.number_of(node, f"`{key}`", whole=whole)

    def number_of(self, node: Node, label: str, *, whole: bool = False) -> int | float | None:
        """The number that `node` is; None if refused."""
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
            self.add_fault(node.place, f"{label}: {quoted(value)} is too large a number")
            return None
        if not whole:
            return value
        if value != int(value):
            self.add_fault(node.place, f"{label}: expected a whole number, found {quoted(value)}")
            return None
        return int(value)

    def minutes(self, key: str, *, least: int = 0) -> int | None:
        """A required whole number of minutes; None if refused."""
        value = self.number(key, required=True, whole=True)
        if value is not None and value < least:
            self.add_fault(self.place_of(key), f"`{key}`: expected {least} or more, found {quoted(value)}")
            return None
        return None if value is None else int(value)

    # --- many values ---

    def items(self, key: str, *, required: bool = False, least: int = 1) -> tuple[Node, ...]:
        """The items of a list; () if missing or refused."""
        node = self.node(key, required=required)
        return () if node is None else self.items_of(node, key, least=least)

    def items_of(self, node: Node, key: str, *, least: int = 1) -> tuple[Node, ...]:
        """The items of the list that `node` is, which stands under `key`."""
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
        """Different non-empty texts, with their places."""
        found: dict[str, Place] = {}
        for item in self.items(key, required=required, least=least):
            text = self._text(item, f"`{key}`")
            if text in found:
                self.add_fault(item.place, f"`{key}`: {quoted(text)} is in the list twice")
            elif text:
                found[text] = item.place
        return tuple(found.items())

    def flags(self) -> tuple[str, ...]:
        """The optional `flags`: words for other systems."""
        words = self.texts("flags", least=0)
        for word, place in words:
            if not NAME.match(word):
                self.add_fault(place, f"`flags`: {quoted(word)} doesn't fit; {FLAG_HINT}")
        return tuple(word for word, _ in words)

    def entries(self, key: str, *, required: bool = False) -> Iterator[tuple[str, MappingEntry]]:
        """The entries of a mapping, in the order of the file."""
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
        """`source`: {text, marks}."""
        node = self.node("source", required=required)
        if node is None or isinstance(node, Broken):
            return None
        form = Form(node, f"{self.what}: `source`", self.faults)
        text = form.text("text")
        marks = tuple(mark for mark, _ in form.texts("marks", least=0))
        form.close()
        return Source(text, marks)


def _at_most(key: str) -> str:
    return f"at most {most(key)} are taken"
