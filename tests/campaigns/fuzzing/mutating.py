"""Mutations of real files: of bytes, lines, tokens and structure; and reports made of a ruleset's own words."""

from __future__ import annotations

import json
import re
from random import Random

TOKENS = [
    "null", "true", "yes", "-1", "0", "1e999", ".nan", ".inf", "9" * 120, "1e15", "0.1", "[]", "{}", "''", '""', "|", ">", "- ", "? ", ": ", "&a ", "*a", "!!str ", "<<: ",
    "%YAML 1.1\n", "---\n", "...\n", "#", "\t", "\r", "\x85", "\u2028", "\u202e", "\u200b", "\ufeff", "\0", "{not: ", "{all: [", "]}", "at_least", "open", "unless", "unknown",
]  # fmt: skip
_WORD = re.compile(r"\w+|[^\w\s]|\s+")


def mutated(text: str, random: Random) -> bytes:
    """Return a text with one to six mutations; it may be invalid UTF-8."""
    for _ in range(random.randint(1, 6)):
        text = random.choice([_lines, _tokens, _tokens, _moved])(text, random)
    data = bytearray(text.encode("utf-8", "surrogatepass"))
    if random.random() < 0.3:
        for _ in range(random.randint(1, 5)):
            at = random.randrange(len(data) + 1)
            data[at : at + random.randint(0, 3)] = random.randbytes(random.randint(0, 3))
    return bytes(data)


def _lines(text: str, random: Random) -> str:
    lines = text.split("\n")
    at, count = random.randrange(len(lines)), random.randint(1, 5)
    piece = lines[at : at + count]
    change = random.randrange(4)
    if change == 0:
        del lines[at : at + count]
    elif change == 1:
        lines[at:at] = piece * random.choice([1, 2, 50])
    elif change == 2:
        lines[at : at + count] = [" " * random.randint(0, 9) + line.lstrip() for line in piece]
    else:
        random.shuffle(piece)
        lines[at : at + count] = piece
    return "\n".join(lines)


def _tokens(text: str, random: Random) -> str:
    words = _WORD.findall(text)
    if not words:
        return random.choice(TOKENS)
    for _ in range(random.randint(1, 4)):
        at = random.randrange(len(words))
        words[at] = random.choice([random.choice(TOKENS), random.choice(words), "", words[at] * 2, words[at][:-1]])
    return "".join(words)


def _moved(text: str, random: Random) -> str:
    """Move or repeat a piece of the text."""
    start = random.randrange(len(text) + 1)
    piece = text[start : start + random.randint(1, 400)]
    at = random.randrange(len(text) + 1)
    return text[:at] + piece * random.choice([1, 1, 3, 100]) + text[at:]


def restructured(data: object, random: Random) -> object:
    """Return plain data with a few values changed, moved, dropped or doubled."""
    places: list[tuple[dict[str, object] | list[object], str | int]] = []
    _collect(data, places)
    for _ in range(random.randint(1, 5)):
        if not places:
            break
        inside, key = random.choice(places)
        other, other_key = random.choice(places)
        try:
            copied = json.loads(json.dumps(other[other_key]))  # type: ignore[index]
            inside[key] = random.choice([_value(random), _value(random), copied, [copied, 1]])  # type: ignore[index]
        except (IndexError, KeyError):
            continue  # an earlier change took the place away
    return data


def _collect(data: object, places: list[tuple[dict[str, object] | list[object], str | int]]) -> None:
    if isinstance(data, dict):
        for key, value in data.items():
            places.append((data, key))
            _collect(value, places)
    elif isinstance(data, list):
        for index, value in enumerate(data):
            places.append((data, index))
            _collect(value, places)


def _value(random: Random) -> object:
    return random.choice(
        [None, True, False, 0, -1, 1, 2**53 + 1, 10**30, -1e300, 0.1, "", "unknown", "x" * 300, "\u202e", "\ud800", "\0", [], {}, [[]], {"": {}}, [None], "../x"]
    )  # fmt: skip
