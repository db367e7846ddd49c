"""Names and places in a text, found line by line, so that they work in a text that can't be parsed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

LOOK_BACK = 60
"""Number of lines above a place that are searched for its open bracket."""

_KEY = re.compile(
    r"""(?P<indent> *)(?P<dashes>(?:- +)*)"""
    r"""(?:(?P<quote>["']?)(?P<key>[^\s"'#:\[\]{},-][^"'#:\[\]{},]*)(?P=quote):(?= |$))?"""
)
_DASH = re.compile(r" *-(?= |$)")
_WORD = re.compile(r"[A-Za-z0-9_-]*\Z")
_ENTRY = re.compile(r"""( +)(["']?)([A-Za-z0-9_-]+)\2:(?= |$)""")
_TOP = re.compile(r"([a-z_]+):")

ITEM = "-"
"""Step of a path into a list."""


@dataclass(frozen=True, slots=True)
class Where:
    """Place in a text: its path of keys, outermost first (ITEM: an element of a list), and the word typed so far.

    `is_key`: whether a key (True), a value (False) or either (None) fits. `start`: the column where the word begins.
    """

    path: tuple[str, ...]
    is_key: bool | None
    word: str
    start: int


def locate(text: str, line: int, column: int) -> Where | None:
    """Describe a place (1-based); None if it can't be completed, such as a place in a comment or in free text."""
    lines = text.split("\n")[:line]
    if not lines or len(lines) < line:
        return None
    lines[-1] = lines[-1][: column - 1]
    word = _WORD.search(lines[-1])
    assert word is not None  # it may be empty
    lines[-1] = lines[-1][: word.start()]
    if _in_comment(lines[-1]):
        return None
    begun = _flow_start(lines)
    inner = _flow(_after_key(lines[begun]) + "\n" + "\n".join(lines[begun + 1 :])) if begun is not None else None
    if begun is not None and inner is not None:
        path, is_key = inner
        return Where((*_above(lines[: begun + 1], whole=True), *path), is_key, word[0], word.start() + 1)
    form = _KEY.match(lines[-1])
    assert form is not None  # every part is optional
    rest = lines[-1][form.end() :]
    if rest.strip() or (form["key"] and not rest):
        return None
    is_value = form["key"] is not None
    return Where(tuple(_above(lines, whole=is_value)), False if is_value else None, word[0], word.start() + 1)


def _above(lines: list[str], *, whole: bool) -> list[str]:
    """Return the path to the last line, by indents. `whole`: with its own key."""
    last = _tokens(lines[-1])
    form = _KEY.match(lines[-1])
    assert form is not None  # as above
    path = [name for _, name in last if name == ITEM or whole]
    limit = last[0][0] if last else len(form["indent"])
    first_is_item = bool(last) and last[0][1] == ITEM
    for line in reversed(lines[:-1]):
        if limit == 0 and not first_is_item:
            break
        for indent, name in reversed(_tokens(line)):
            # an item may have the same indent as its key
            if indent < limit or (first_is_item and name != ITEM and indent == limit):
                path.insert(0, name)
                limit, first_is_item = indent, name == ITEM
    return path


def _tokens(line: str) -> list[tuple[int, str]]:
    """Return the dashes and the key of a line, each with its indent."""
    form = _KEY.match(line)
    if form is None or line.lstrip().startswith("#"):
        return []
    dashes = [(match.start() + len(form["indent"]), ITEM) for match in re.finditer("-", form["dashes"])]
    if not dashes and not form["key"] and (dash := _DASH.match(line)):
        dashes = [(dash.end() - 1, ITEM)]
    return [*dashes, *([(form.start("key") - len(form["quote"]), form["key"])] if form["key"] else [])]


def _after_key(line: str) -> str:
    form = _KEY.match(line)
    return line[form.end() :] if form else line


def _flow_start(lines: list[str]) -> int | None:
    """Return the line with the key whose bracket is open at the end; None if no bracket is open."""
    for number in range(len(lines) - 1, max(-1, len(lines) - 1 - LOOK_BACK), -1):
        form = _KEY.match(lines[number])
        if form is None or not (form["key"] or form["dashes"]):
            continue
        text = _after_key(lines[number])
        if not text.lstrip().startswith(("{", "[")):
            if number < len(lines) - 1:
                return None
            continue
        return number if _depth(text + "\n" + "\n".join(lines[number + 1 :])) > 0 else None
    return None


def _depth(text: str) -> int:
    return sum({"{": 1, "[": 1, "}": -1, "]": -1}.get(mark, 0) for mark, _ in _marks(text))


def _flow(text: str) -> tuple[list[str], bool] | None:
    """Return the path within the open brackets, and whether a key fits at the end."""
    stack: list[tuple[str, str | None]] = []
    last = ""
    for mark, word in _marks(text):
        last = word or last
        if mark in "{[":
            stack.append((mark, None))
        elif mark in "}]" and stack:
            stack.pop()
        elif mark == ":" and stack and stack[-1][0] == "{":
            stack[-1] = ("{", last)
        elif mark == "," and stack:
            stack[-1] = (stack[-1][0], None)
        if mark in "{[,":
            last = ""
    if not stack:
        return None
    path = [step for kind, key in stack if (step := ITEM if kind == "[" else key) is not None]
    kind, key = stack[-1]
    return path, kind == "{" and key is None


_MARK = re.compile(
    r"""(["'])(?:(?!\1).)*(?:\1|\Z)|(?:^|(?<=\s))\#[^\n]*|[{}\[\],]|:(?=\s|\Z)|[^\s{}\[\],:"'#]+""", re.DOTALL
)


def _marks(text: str) -> Iterator[tuple[str, str]]:
    """Yield brackets, commas and colons, each with the word before it; skip those in quotes and comments."""
    word = ""
    for match in _MARK.finditer(text):
        part = match[0]
        if part in ("{", "}", "[", "]", ",", ":"):
            yield part, word
            word = ""
        elif not part.startswith("#"):
            word = part.strip("\"'")


def _in_comment(line: str) -> bool:
    return bool(re.search(r"(?:^|\s)#", re.sub(r"""(["']).*?\1""", "", line)))


def sections(text: str) -> dict[str, dict[str, str]]:
    """Return the entries of each top section: section -> name -> its lines, unchanged."""
    parts: dict[str, dict[str, str]] = {}
    entries: dict[str, str] = {}
    name, depth, block = "", 0, list[str]()

    def close() -> None:
        if name:
            entries[name] = "\n".join(block)

    for line in text.split("\n"):
        if top := _TOP.match(line):
            close()
            entries, name, depth = parts.setdefault(top[1], {}), "", 0
        elif (entry := _ENTRY.match(line)) and depth in (0, len(entry[1])):
            close()
            name, depth, block = entry[3], len(entry[1]), []
        block.append(line)
    close()
    return parts
