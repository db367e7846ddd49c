"""YAML text, or plain data, to a tree in which every key and value knows its place.

Only the part of YAML 1.2 that a ruleset needs: no anchors, aliases, merge keys, tags, directives or second documents.
Scalars are resolved here: null, true and false, numbers, else text; so dates, `yes` and `no` stay text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
    StreamStartEvent,
)
from ruamel.yaml.reader import ReaderError

from triage_rules.errors import RulesetFault
from triage_rules.ruleset import Place

MAX_BYTES = 2 * 1024 * 1024
MAX_DEPTH = 40

SHOWN = 60
"""So many characters of what was written are shown in a fault."""

DECIMALS_TOLD = "; decimals take a point, such as `38.5`"
Plain = None | bool | int | float | str
"""What a scalar resolves to."""

_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_NOT_FINITE = re.compile(r"(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z")
_WORDS: dict[str, Plain] = {"": None, "~": None, "null": None, "Null": None, "NULL": None}
_WORDS |= {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_MAX_DIGITS = 100
_MAX_FAULTS = 1000
_LONGEST = 1500


@dataclass(frozen=True, slots=True)
class Scalar:
    """A resolved value."""

    value: Plain
    place: Place


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    items: tuple[Node, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Entry:
    """A key's place, and what stands under it."""

    key_place: Place
    node: Node


@dataclass(frozen=True, slots=True)
class MappingNode:
    """A mapping from text keys. `whole`: no key of it was refused."""

    entries: dict[str, Entry]
    place: Place
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Broken:
    """Something that was refused already: readers stay silent about it."""

    place: Place


Node = Scalar | Sequence | MappingNode | Broken


def is_whole(node: Node) -> bool:
    """Nothing in it was refused while its text was parsed."""
    match node:
        case Scalar():
            return True
        case Sequence(items=items):
            return all(is_whole(item) for item in items)
        case MappingNode(entries=entries, whole=whole):
            return whole and all(is_whole(entry.node) for entry in entries.values())
        case Broken():
            return False


@dataclass(slots=True)
class Faults:
    """Collects faults, so that all are told at once."""

    found: list[RulesetFault] = field(default_factory=list)

    def add(self, place: Place, message: str) -> None:
        """`message` is one line, without the place."""
        line = " ".join(message.split())
        # What a file holds must not steer the terminal that shows the fault.
        shown = "".join(character if character.isprintable() else "\ufffd" for character in line)
        self.found.append(RulesetFault(place, shown if len(shown) <= _LONGEST else shown[:_LONGEST] + "..."))

    def in_order(self) -> tuple[RulesetFault, ...]:
        """Each fault once, as they stand in the file; of very many, the first thousand."""
        told = sorted(dict.fromkeys(self.found), key=lambda f: (f.place.line, f.place.column))
        if len(told) > _MAX_FAULTS:
            more = RulesetFault(told[_MAX_FAULTS].place, f"and {len(told) - _MAX_FAULTS} more faults from here on")
            told = [*told[:_MAX_FAULTS], more]
        return tuple(told)


class _Unreadable(Exception):
    """Reading can't go on; the fault has been collected."""


def tree_of_yaml(data: bytes, file: str, faults: Faults) -> Node:
    """The document's root. Faults go to `faults`; if the text can't be read on, the root is Broken."""
    start = Place(file, 1, 1)
    if len(data) > MAX_BYTES:
        faults.add(start, f"the file has {len(data)} bytes; at most {MAX_BYTES} are read")
        return Broken(start)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8", "replace")
        faults.add(_place_at(file, before), "this is not UTF-8; save the file as UTF-8")
        return Broken(start)
    yaml = YAML(typ="safe", pure=True)
    try:
        return _YamlReader(yaml.parse(text), file, faults).document()
    except _Unreadable:
        return Broken(start)
    except ReaderError as error:
        faults.add(
            _place_at(file, text[: error.position]), f"the character U+{ord(text[error.position]):04X} can't stand here"
        )
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(file, mark.line + 1, mark.column + 1) if mark else start
        faults.add(place, _told(error, text))
    except YAMLError as error:
        faults.add(start, f"not YAML: {error}")
    return Broken(start)


def _place_at(file: str, before: str) -> Place:
    lines = before.split("\n")
    return Place(file, len(lines), len(lines[-1]) + 1)


def _told(error: MarkedYAMLError, text: str) -> str:
    problem = str(error.problem or error.context or "not YAML")
    mark = error.problem_mark
    if mark and (line := _odd_blank(text, mark.line)):
        return f"not YAML: line {line} is indented with a blank that is no space (maybe pasted); indent with spaces"
    if "mapping values are not allowed" in problem:
        before = mark is not None and _starts_with_key(text, mark.line, mark.column)
        return "not YAML: `: ` can't stand here; " + (
            "the line above lacks its `: `, or this line's indentation is wrong"
            if before
            else "put a text with a colon in it into quotes, or the key onto its own line"
        )
    if "expected <block end>" in problem and "<scalar>" in problem:
        return "not YAML: text goes on after its closing quote; write the whole text within double quotes"
    if "expected <block end>" in problem:
        told = "the indentation of this line, or of one above, is wrong; what belongs together starts in one column"
        return f"not YAML: {told}"
    if error.context and "flow" in error.context and problem.startswith("expected"):
        opened = f"; the bracket was opened in line {error.context_mark.line + 1}" if error.context_mark else ""
        return "not YAML: expected a comma or the closing bracket before this" + opened
    if "'\\t'" in problem:
        return "not YAML: a tab can't stand here; indent with spaces"
    if "cannot start any token" in problem:
        return f"not YAML: {problem}; put the text into quotes"
    return f"not YAML: {problem}" + (f", {error.context}" if error.context and error.problem else "")


def _odd_blank(text: str, line: int) -> int | None:
    """The number of this line or the one before, if its indentation holds a blank that YAML takes for text."""
    lines = text.split("\n")
    for number in (line, line - 1):
        if 0 <= number < len(lines):
            written = lines[number]
            blanks = written[: len(written) - len(written.lstrip())]
            if blanks.strip(" \t\r"):
                return number + 1
    return None


def _starts_with_key(text: str, line: int, column: int) -> bool:
    """Only a name stands before the colon, as if it were the first key of its line."""
    written = text.split("\n")[line]
    return line > 0 and re.fullmatch(r"\s*[A-Za-z0-9_]+", written[:column]) is not None


class _YamlReader:
    """Turns the parser's events into a tree. Recursion is bounded by MAX_DEPTH."""

    def __init__(self, events: Iterator[Event], file: str, faults: Faults) -> None:
        self._events = events
        self._file = file
        self._faults = faults

    def document(self) -> Node:
        root: Node = Broken(Place(self._file, 1, 1))
        documents = 0
        for event in self._events:
            if isinstance(event, StreamStartEvent | StreamEndEvent | DocumentEndEvent):
                continue
            if isinstance(event, DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._faults.add(self._place(event), "a second document starts here; a ruleset is one document")
                    raise _Unreadable
                if event.version or event.tags:
                    self._faults.add(self._place(event), "directives (`%`) are not part of the ruleset language")
                continue
            root = self._node(event, 1)
        if documents == 0:
            self._faults.add(root.place, "the file is empty")
        return root

    def _place(self, event: Event) -> Place:
        mark = event.start_mark
        return Place(self._file, mark.line + 1, mark.column + 1)

    def _node(self, event: Event, depth: int) -> Node:
        place = self._place(event)
        if depth > MAX_DEPTH:
            self._faults.add(place, f"nested deeper than {MAX_DEPTH} levels")
            raise _Unreadable
        if isinstance(event, AliasEvent):
            self._faults.add(
                place, f"alias `*{event.anchor}`: aliases are not part of the ruleset language; write it out"
            )
            return Broken(place)
        refused = self._decorated(event, place)
        node: Node
        if isinstance(event, ScalarEvent):
            node = self._scalar(event, place)
        elif isinstance(event, SequenceStartEvent):
            node = self._sequence(place, depth)
        elif isinstance(event, MappingStartEvent):
            node = self._mapping(place, depth)
        else:
            raise TypeError(f"the parser gave an unknown event {event!r}")
        return Broken(place) if refused else node

    def _decorated(self, event: Event, place: Place) -> bool:
        anchor = getattr(event, "anchor", None)
        if anchor:
            told = f"anchor `&{anchor}`: anchors are not part of the ruleset language; remove it"
            self._faults.add(place, told)
        tag = getattr(event, "tag", None)
        if tag:
            self._faults.add(place, f"tag `{tag}`: tags are not part of the ruleset language; remove it")
        return bool(tag)

    def _scalar(self, event: ScalarEvent, place: Place) -> Node:
        if event.style is not None:
            return Scalar(event.value, place)
        try:
            return Scalar(resolve(event.value), place)
        except ValueError as error:
            self._faults.add(place, f"{quoted(event.value)}: {error}")
            return Broken(place)

    def _sequence(self, place: Place, depth: int) -> Node:
        items = []
        while not isinstance(event := next(self._events), SequenceEndEvent):
            items.append(self._node(event, depth + 1))
        return Sequence(tuple(items), place)

    def _mapping(self, place: Place, depth: int) -> Node:
        entries: dict[str, Entry] = {}
        whole = True
        while not isinstance(event := next(self._events), MappingEndEvent):
            plain = isinstance(event, ScalarEvent) and event.style is None
            key = self._node(event, depth + 1)
            value = next(self._events)
            node = self._node(value, depth + 1)
            if isinstance(node, Scalar) and isinstance(value, ScalarEvent) and value.style is None and not value.value:
                # The parser places an empty value where the next token is, maybe lines below.
                node = Scalar(None, key.place)
            whole = self._enter(entries, key, node, plain=plain) and whole
        return MappingNode(entries, place, whole)

    def _enter(self, entries: dict[str, Entry], key: Node, node: Node, *, plain: bool) -> bool:
        """Whether the key was taken."""
        if isinstance(key, Broken):
            return False
        if not isinstance(key, Scalar) or not isinstance(key.value, str):
            written = quoted(key.value) if isinstance(key, Scalar) else "a list or mapping"
            rest = written[1:-1].isdigit() and node == Scalar(None, key.place)  # `{a: 38,5}` is 38, and a key 5
            hint = DECIMALS_TOLD if rest else "; put it into quotes"
            self._faults.add(key.place, f"{written} is not a text, and a key must be one{hint}")
        elif plain and key.value == "<<":
            self._faults.add(key.place, "merge keys (`<<`) are not part of the ruleset language; write it out")
        elif key.value in entries:
            first = entries[key.value].key_place.line
            told = f"the key {quoted(key.value)} is here twice; it was written in line {first} first"
            self._faults.add(key.place, told)
        else:
            entries[key.value] = Entry(key.place, node)
            return True
        return False


def quoted(value: object) -> str:
    """A scalar in backticks as YAML writes it, cut and on one line."""
    match value:
        case None:
            return "`null`"
        case bool():
            return "`true`" if value else "`false`"
    text = " ".join(str(value).split())
    return f"`{text[:SHOWN]}...`" if len(text) > SHOWN else f"`{text}`"


def resolve(text: str) -> Plain:
    """What an unquoted scalar means. Raises ValueError for a number that can't be kept."""
    if text in _WORDS:
        return _WORDS[text]
    if _NOT_FINITE.match(text):
        raise ValueError("a number must be finite; put a text into quotes")
    if _INTEGER.match(text):
        if len(text) > _MAX_DIGITS:
            raise ValueError(f"a number has at most {_MAX_DIGITS} digits; put a text into quotes")
        return int(text)
    if _FLOAT.match(text):
        number = float(text)
        if not math.isfinite(number):
            raise ValueError("this number is too large")
        return number
    return text


def tree_of_data(data: object, file: str, faults: Faults, depth: int = 1) -> Node:
    """The same tree from plain JSON data, every place at line 0."""
    place = Place(file, 0, 0)
    if depth > MAX_DEPTH:
        faults.add(place, f"nested deeper than {MAX_DEPTH} levels")
        return Broken(place)
    if data is None or isinstance(data, bool | str):
        return Scalar(data, place)
    if isinstance(data, int):
        if abs(data) < 10**_MAX_DIGITS:
            return Scalar(data, place)
        faults.add(place, f"a number has at most {_MAX_DIGITS} digits")
        return Broken(place)
    if isinstance(data, float):
        if math.isfinite(data):
            return Scalar(data, place)
        faults.add(place, "a number must be finite")
        return Broken(place)
    if isinstance(data, list | tuple):
        return Sequence(tuple(tree_of_data(item, file, faults, depth + 1) for item in data), place)
    if isinstance(data, Mapping):
        entries: dict[str, Entry] = {}
        for key, value in data.items():
            if isinstance(key, str):
                entries[key] = Entry(place, tree_of_data(value, file, faults, depth + 1))
            else:
                faults.add(place, "a key must be a text")
        return MappingNode(entries, place)
    faults.add(place, f"a {type(data).__name__} can't stand in a ruleset")
    return Broken(place)


def data_of(node: Node) -> object:
    """The tree as plain JSON data, in the order of the file. What is Broken becomes null."""
    match node:
        case Scalar(value=value):
            return value
        case Sequence(items=items):
            return [data_of(item) for item in items]
        case MappingNode(entries=entries):
            return {key: data_of(entry.node) for key, entry in entries.items()}
        case Broken():
            return None
