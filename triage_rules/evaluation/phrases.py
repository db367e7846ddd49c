"""Search of free text for phrases, whatever the writing: letters and the gaps between them are compared apart.

A text is read in several ways: HTML entities kept or decoded; brackets kept or dropped, or whole tags dropped. A
phrase is found if one reading has it, so a further reading only adds matches. The search takes time that grows
with the text's length and with the number of phrases.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import zip_longest

from triage_rules.language.characters import APOSTROPHES, HYPHENS, INVISIBLE_RANGES
from triage_rules.language.model import Mention

_NONE, _MAYBE, _BLANK = b"\0\1\2"
"""Gaps before a letter: none; one that may be a blank or nothing (an invisible character, an apostrophe); a blank."""

_MARK = "\0"
"""Stands for invisible characters and apostrophes, and for a dropped tag."""

_INVISIBLE = re.compile("[" + "".join(f"{chr(first)}-{chr(last)}" for first, last in INVISIBLE_RANGES) + "]+")
_ENTITY = re.compile(r"&\0?(?:[#0-9A-Za-z]\0?){2,40};?")
_TAG = re.compile(r"<[^<>]*>|[<>]")
_WIDE = str.maketrans("\uff06\uff03\uff1b\uff1c\uff1e\ufe60\ufe5f\ufe54\ufe64\ufe65", "&#;<>&#;<>")
_MARKS = dict.fromkeys(map(ord, APOSTROPHES), _MARK)
_SEPARATORS = dict.fromkeys(map(ord, HYPHENS), " ") | {ord("\u0131"): "i"}


@dataclass(frozen=True, slots=True)
class Reading:
    """Letters of a text, without blanks and invisible characters, and the gap before each."""

    letters: str
    gaps: bytes

    def find(self, phrase: Reading) -> Iterator[tuple[int, int]]:
        """Yield the first and last index of the phrase's letters, wherever it is found."""
        length = len(phrase.letters)
        start = self.letters.find(phrase.letters) if length else -1
        while start >= 0:
            gaps = zip(self.gaps[start + 1 : start + length], phrase.gaps[1:], strict=True)
            if all(abs(gap - wanted) < _BLANK for gap, wanted in gaps):
                yield start, start + length - 1
            start = self.letters.find(phrase.letters, start + 1)

    def write(self, first: int, end: int) -> str:
        """Write the letters from `first` to before `end`, with the blanks between them and at both ends."""
        first, end = max(first, 0), min(end, len(self.letters))
        blanks = (" " if gap == _BLANK else "" for gap in (*self.gaps[first:end], *self.gaps[end : end + 1]))
        return "".join(map("".join, zip_longest(blanks, self.letters[first:end], fillvalue="")))


class ReadText:
    """Free text with all its readings."""

    def __init__(self, text: str) -> None:
        self.as_written = folded(text)
        self.readings = tuple(map(read_letters, dict.fromkeys(_list_readings(text))))

    @property
    def is_visible(self) -> bool:
        """Return whether a reader sees anything of the text."""
        return bool(self.readings[0].letters)

    def places(self, phrase: Reading) -> list[tuple[Reading, int, int]]:
        """Return the places of a phrase in the first reading that has it: its first and last letter."""
        places = ([(reading, *place) for place in reading.find(phrase)] for reading in self.readings)
        return next(filter(None, places), [])


class PhraseSearch:
    """Phrases of a ruleset's mentions, read once; their entities and brackets are compared as they are written."""

    def __init__(self, mentions: Iterable[Mention]) -> None:
        self._mentions: dict[str, str] = {}
        self._phrases: dict[str, list[tuple[str, str, Reading]]] = {}
        self._signs: list[tuple[str, str, str]] = []
        for mention in mentions:
            self._mentions[mention.name] = mention.text
            for phrase in mention.phrases:
                reading = read_phrase(phrase)
                if reading.letters:
                    entry = (reading.letters, mention.name, reading)
                    self._phrases.setdefault(mention.text, []).append(entry)
                else:  # a sign such as a hyphen, which is a blank in every reading
                    self._signs.append((folded(phrase), mention.name, mention.text))

    def find(self, texts: Mapping[str, ReadText]) -> dict[str, bool]:
        """Return for each mention whether its text has one of the phrases. `texts`: those given, by their inputs."""
        mentioned = {name: False for name, text in self._mentions.items() if text in texts}
        for text, read in texts.items():
            for reading in read.readings:
                whole = reading.letters
                candidates = [entry for entry in self._phrases.get(text, ()) if entry[0] in whole]
                for _, name, phrase in candidates:
                    mentioned[name] = mentioned[name] or next(reading.find(phrase), None) is not None
        for sign, name, text in self._signs:
            if text in texts:
                mentioned[name] = mentioned[name] or sign in texts[text].as_written
        return mentioned


def folded(text: str) -> str:
    """Fold a text as written: case, the form of accents, quotes and runs of blanks don't count."""
    plain = unicodedata.normalize("NFKC", text).casefold().replace("\u2019", "'")
    return " ".join(plain.split())


@lru_cache(maxsize=20_000)
def read_phrase(phrase: str) -> Reading:
    """Return the reading of a phrase; of a ruleset's versions and variants most phrases are the same."""
    return read_letters(phrase)


def read_letters(text: str) -> Reading:
    """Return the letters and gaps of a text. Accents are dropped; hyphens and slashes are blanks."""
    plain = unicodedata.normalize("NFKD", _mark_invisible(text).translate(_MARKS))
    plain = _mark_invisible(unicodedata.normalize("NFKD", plain.casefold()).translate(_MARKS).translate(_SEPARATORS))
    letters: list[str] = []
    gaps = bytearray()
    gap = _NONE
    for character in plain:
        if character == _MARK:
            gap = max(gap, _MAYBE)
        elif character.isspace():
            gap = _BLANK
        elif not unicodedata.combining(character):
            letters.append(character)
            gaps.append(gap)
            gap = _NONE
    return Reading("".join(letters), bytes(gaps))


def _mark_invisible(text: str) -> str:
    return text if text.isascii() and text.isprintable() else _INVISIBLE.sub(_MARK, text)


def _list_readings(text: str) -> Iterator[str]:
    """Yield the text with its entities kept, decoded once and twice; each with brackets kept or dropped, or no tags."""
    plain = _mark_invisible(text.translate(_WIDE))
    for _ in range(3):
        yield plain
        if "<" in plain or ">" in plain:
            yield plain.replace("<", _MARK).replace(">", _MARK)
            yield _TAG.sub(_MARK, plain)
        decoded = _mark_invisible(_ENTITY.sub(_decode, plain))
        if decoded == plain:
            return
        plain = decoded


def _decode(match: re.Match[str]) -> str:
    """Decode an entity, also one with invisible characters within it."""
    whole = match[0].replace(_MARK, "")
    decoded = html.unescape(whole)
    is_one = whole.endswith(";") and len(decoded) <= 2  # noqa: PLR2004 (no entity stands for more characters)
    return decoded if is_one else html.unescape(match[0])
