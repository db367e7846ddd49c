"""YAML text to a tree in which every key and value has its place.

Only the part of YAML 1.2 that a ruleset needs: no anchors, aliases, merge keys, tags, directives or second documents.
Scalars are resolved here: null, true and false, numbers, else text; so dates, `yes` and `no` stay text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
    StreamStartEvent,
)
from ruamel.yaml.reader import ReaderError

from triage_rules.foundation.place import Place
from triage_rules.language.reading.limits import (
    MAX_BYTES,
    MAX_DEPTH,
    MAX_DIGITS,
    MAX_KEY,
    MAX_NODES,
    MAX_TEXT,
    text_too_long,
    too_deep,
    too_many_nodes,
)
from triage_rules.language.reading.places import (
    DECIMALS_HINT,
    Broken,
    Faults,
    MappingEntry,
    MappingNode,
    Node,
    PlainValue,
    Scalar,
    Sequence,
    Unreadable,
    key_too_long,
    quoted,
)

_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_NOT_FINITE = re.compile(r"(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z")
_WORDS: dict[str, PlainValue] = {"": None, "~": None, "null": None, "Null": None, "NULL": None}
_WORDS |= {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_TURNS = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""Characters that change the direction of the text after them, so that a line reads differently from its content."""


def tree_of_yaml(data: bytes, file: str, faults: Faults) -> Node:
    """Parse YAML and return its root. Faults go to `faults`; if reading can't continue, the root is Broken."""
    start = Place(file, 1, 1)
    if len(data) > MAX_BYTES:
        faults.add(start, f"the file is larger than {MAX_BYTES} bytes, the most that is read")
        return Broken(start)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8", "replace")
        faults.add(_place_at(file, before), "this is not UTF-8; save the file as UTF-8")
        return Broken(start)
    if turn := _TURNS.search(text):
        message = f"the character U+{ord(turn[0]):04X} is not allowed here: it changes the direction of the text"
        faults.add(_place_at(file, text[: turn.start()]), message)
        return Broken(start)
    yaml = YAML(typ="safe", pure=True)
    try:
        return _YamlReader(yaml.parse(text), file, faults).document()
    except Unreadable:
        return Broken(start)
    except ReaderError as error:
        message = f"the character U+{ord(text[error.position]):04X} is not allowed here"
        faults.add(_place_at(file, text[: error.position]), message)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(file, mark.line + 1, mark.column + 1) if mark else start
        faults.add(place, _message_of(error, text))
    except YAMLError as error:
        faults.add(start, f"not YAML: {error}")
    return Broken(start)


def _place_at(file: str, before: str) -> Place:
    lines = before.split("\n")
    return Place(file, len(lines), len(lines[-1]) + 1)


def _message_of(error: MarkedYAMLError, text: str) -> str:
    problem = str(error.problem or error.context or "not YAML")
    mark = error.problem_mark
    if mark and (line := _odd_blank(text, mark.line)):
        return f"not YAML: line {line} is indented with a blank that is not a space (maybe pasted); indent with spaces"
    if "mapping values are not allowed" in problem:
        before = mark is not None and _starts_with_key(text, mark.line, mark.column)
        return "not YAML: `: ` is not allowed here; " + (
            "the line above lacks its `: `, or this line's indentation is wrong"
            if before
            else "put a text that contains a colon in quotes, or put the key on its own line"
        )
    if "expected <block end>" in problem and "<scalar>" in problem:
        return "not YAML: text continues after its closing quote; put the whole text in double quotes"
    if "expected <block end>" in problem:
        hint = "lines that belong together start in the same column"
        return f"not YAML: the indentation of this line, or of a line above, is wrong; {hint}"
    if error.context and "flow" in error.context and problem.startswith("expected"):
        opened = f"; the bracket was opened in line {error.context_mark.line + 1}" if error.context_mark else ""
        return "not YAML: expected a comma or the closing bracket before this" + opened
    if "'\\t'" in problem:
        return "not YAML: a tab is not allowed here; indent with spaces"
    if "cannot start any token" in problem:
        return f"not YAML: {problem}; put the text in quotes"
    return f"not YAML: {problem}" + (f", {error.context}" if error.context and error.problem else "")


def _odd_blank(text: str, line: int) -> int | None:
    """Return the number of this line or the line before if its indentation has a blank that YAML reads as text."""
    lines = text.split("\n")
    for number in (line, line - 1):
        if 0 <= number < len(lines):
            written = lines[number]
            blanks = written[: len(written) - len(written.lstrip())]
            if blanks.strip(" \t\r"):
                return number + 1
    return None


def _starts_with_key(text: str, line: int, column: int) -> bool:
    """Return whether only a name is before the colon, like the first key of a line."""
    written = text.split("\n")[line]
    return line > 0 and re.fullmatch(r"\s*[A-Za-z0-9_]+", written[:column]) is not None


@dataclass(slots=True)
class _OpenList:
    """A list whose end is not read yet. `refused`: it has a tag."""

    place: Place
    refused: bool
    items: list[Node] = field(default_factory=list)


@dataclass(slots=True)
class _OpenMapping:
    """A mapping whose end is not read yet. `key`: waits for its value; `plain`: the key is not in quotes."""

    place: Place
    refused: bool
    entries: dict[str, MappingEntry] = field(default_factory=dict)
    whole: bool = True
    key: Node | None = None
    plain: bool = False


class _YamlReader:
    """The builder of a tree from the parser's events.

    Without recursion: at some depths of Python's stack each call of the parser would cost ten times as much, and a file
    could choose that depth.
    """

    def __init__(self, events: Iterator[Event], file: str, faults: Faults) -> None:
        self._events = events
        self._file = file
        self._faults = faults
        self._nodes = 0
        self._open: list[_OpenList | _OpenMapping] = []

    def document(self) -> Node:
        root: Node | None = None
        documents = 0
        for event in self._events:
            if isinstance(event, DocumentStartEvent):
                documents += 1
                self._check_start(event, documents)
            elif not isinstance(event, StreamStartEvent | StreamEndEvent | DocumentEndEvent):
                node = self._node(event)
                if node is not None and self._open:
                    self._deliver(node, event)
                elif node is not None:
                    root = node
        if root is None:
            root = Broken(Place(self._file, 1, 1))
            self._faults.add(root.place, "the file is empty")
        return root

    def _check_start(self, event: DocumentStartEvent, documents: int) -> None:
        if documents > 1:
            self._faults.add(self._place(event), "a second document starts here; a ruleset is one document")
            raise Unreadable
        if event.version or event.tags:
            self._faults.add(self._place(event), "directives (`%`) are not part of the ruleset language")

    def _place(self, event: Event) -> Place:
        mark = event.start_mark
        return Place(self._file, mark.line + 1, mark.column + 1)

    def _node(self, event: Event) -> Node | None:
        """Return the node that this event completes; None if it only begins here."""
        if isinstance(event, SequenceEndEvent | MappingEndEvent):
            return self._close()
        place = self._place(event)
        self._count(place)
        if isinstance(event, AliasEvent):
            message = f"alias `*{event.anchor}`: aliases are not part of the ruleset language; repeat the value"
            self._faults.add(place, message)
            return Broken(place)
        refused = self._decorated(event, place)
        if isinstance(event, ScalarEvent):
            node = self._scalar(event, place)
            return Broken(place) if refused else node
        self._open.append(
            _OpenList(place, refused) if isinstance(event, SequenceStartEvent) else _OpenMapping(place, refused)
        )
        return None

    def _count(self, place: Place) -> None:
        if len(self._open) >= MAX_DEPTH:
            self._faults.add(place, too_deep())
            raise Unreadable
        self._nodes += 1
        if self._nodes > MAX_NODES:
            self._faults.add(place, too_many_nodes())
            raise Unreadable

    def _decorated(self, event: Event, place: Place) -> bool:
        anchor = getattr(event, "anchor", None)
        if anchor:
            message = f"anchor `&{anchor}`: anchors are not part of the ruleset language; remove it"
            self._faults.add(place, message)
        tag = getattr(event, "tag", None)
        if tag:
            self._faults.add(place, f"tag `{tag}`: tags are not part of the ruleset language; remove it")
        return bool(tag)

    def _scalar(self, event: ScalarEvent, place: Place) -> Node:
        if len(event.value) > MAX_TEXT:
            self._faults.add(place, text_too_long(len(event.value)))
            return Broken(place)
        if event.style is not None:
            return Scalar(event.value, place)
        try:
            return Scalar(resolve(event.value), place)
        except ValueError as error:
            self._faults.add(place, f"{quoted(event.value)}: {error}")
            return Broken(place)

    def _close(self) -> Node:
        ended = self._open.pop()
        if ended.refused:
            return Broken(ended.place)
        if isinstance(ended, _OpenList):
            return Sequence(tuple(ended.items), ended.place)
        return MappingNode(ended.entries, ended.place, ended.whole)

    def _deliver(self, node: Node, event: Event) -> None:
        """Put a complete node, which ends with `event`, into the open list or mapping."""
        into = self._open[-1]
        plain = event.value if isinstance(event, ScalarEvent) and event.style is None else None
        if isinstance(into, _OpenList):
            into.items.append(node)
        elif into.key is None:
            into.key, into.plain = node, plain is not None
        else:
            if plain == "" and isinstance(node, Scalar):
                # The parser places an empty value where the next token is, maybe lines below.
                node = Scalar(None, into.key.place)
            into.whole = self._enter(into.entries, into.key, node, plain=into.plain) and into.whole
            into.key = None

    def _enter(self, entries: dict[str, MappingEntry], key: Node, node: Node, *, plain: bool) -> bool:
        """Enter a key and its node; return False, with a fault, if the key is not valid."""
        if isinstance(key, Broken):
            return False
        if not isinstance(key, Scalar) or not isinstance(key.value, str):
            written = quoted(key.value) if isinstance(key, Scalar) else "a list or mapping"
            decimals = written[1:-1].isdigit() and node == Scalar(None, key.place)  # `{a: 38,5}` is 38, and a key 5
            hint = DECIMALS_HINT if decimals else "; put it in quotes"
            self._faults.add(key.place, f"expected a text as the key, found {written}{hint}")
        elif plain and key.value == "<<":
            self._faults.add(key.place, "merge keys (`<<`) are not part of the ruleset language; repeat the keys")
        elif len(key.value) > MAX_KEY:
            self._faults.add(key.place, key_too_long(key.value))
        elif key.value in entries:
            first = entries[key.value].key_place.line
            self._faults.add(key.place, f"duplicate key {quoted(key.value)}; it is already in line {first}")
        else:
            entries[key.value] = MappingEntry(key.place, node)
            return True
        return False


def resolve(text: str) -> PlainValue:
    """Return the value of an unquoted scalar. Raises ValueError for a number that can't be stored."""
    if text in _WORDS:
        return _WORDS[text]
    if _NOT_FINITE.match(text):
        raise ValueError("a number must be finite; put a text in quotes")
    if _INTEGER.match(text):
        if len(text) > MAX_DIGITS:
            raise ValueError(f"a number has at most {MAX_DIGITS} digits; put a text in quotes")
        return int(text)
    if _FLOAT.match(text):
        number = float(text)
        if not math.isfinite(number):
            raise ValueError("the number is too large")
        return number
    return text
