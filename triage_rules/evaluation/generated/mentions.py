"""The second search of free text for phrases: each phrase as a regular expression, on each reading of the text.

It shares with the first search only the lists of characters.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable
from functools import cached_property, lru_cache

from triage_rules.language.characters import APOSTROPHES, HYPHENS, INVISIBLE_RANGES
from triage_rules.language.model import Mention

_HIDDEN = {point: "\0" for first, last in INVISIBLE_RANGES for point in range(first, last + 1)}
_LOOKS = (
    _HIDDEN
    | {ord(character): "\0" for character in APOSTROPHES}
    | {ord(character): " " for character in HYPHENS}
    | {ord("\N{LATIN SMALL LETTER DOTLESS I}"): "i"}
)
_SIGNS = {
    ord(wide): sign
    for sign, names in {
        "&": "\uff06\ufe60",
        "#": "\uff03\ufe5f",
        ";": "\uff1b\ufe54",
        "<": "\uff1c\ufe64",
        ">": "\uff1e\ufe65",
    }.items()
    for wide in names
}
_ENTITY = re.compile("&\0?[#0-9A-Za-z](?:\0?[#0-9A-Za-z]){1,39}\0?;?")


class MentionedPhrases:
    """The phrases of a ruleset's mentions, prepared for the search of texts."""

    def __init__(self, mentions: Iterable[Mention]) -> None:
        self._mentions = []
        for mention in mentions:
            phrases = list(map(_prepare, mention.phrases))
            by_letters = [(phrase.letters, phrase) for phrase in phrases if phrase.letters]
            signs = [phrase.written for phrase in phrases if not phrase.letters]
            self._mentions.append((mention.name, mention.text, by_letters, signs))

    def of(self, texts: dict[str, str]) -> dict[str, bool]:
        """Return for each mention whether its text has a phrase. `texts`: the texts given, by their inputs."""
        readings = {name: _read_text(text) for name, text in texts.items()}
        written = {name: _as_written(text) for name, text in texts.items()}
        return {
            name: any(_has_one(phrases, *reading) for reading in readings[text])
            or any(sign in written[text] for sign in signs)
            for name, text, phrases, signs in self._mentions
            if text in texts
        }


class _Phrase:
    """A phrase: what it looks like as written, its letters, and the pattern that finds it in a text of one line."""

    def __init__(self, phrase: str) -> None:
        self.written = _as_written(phrase)
        self.line = _one_line(phrase)
        self.letters = _letters(self.line)

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        between = {" ": "[ \0]", "\0": "[ \0]?"}
        parts = re.split("([ \0])", self.line)
        return re.compile("".join(between.get(part, "\0?".join(map(re.escape, part))) for part in parts))


@lru_cache(maxsize=20_000)
def _prepare(phrase: str) -> _Phrase:
    return _Phrase(phrase)


def _has_one(phrases: list[tuple[str, _Phrase]], line: str, letters: str) -> bool:
    near = [phrase for its_letters, phrase in phrases if its_letters in letters]
    return any(phrase.pattern.search(line) for phrase in near)


def _read_text(text: str) -> list[tuple[str, str]]:
    """Return the readings of the text, each with its letters."""
    versions = [_hide(text.translate(_SIGNS))]
    for _ in range(2):
        versions.append(_hide(_ENTITY.sub(_as_character, versions[-1])))
    whole = dict.fromkeys(versions)
    bare = [re.sub("[<>]", "\0", version) for version in whole]
    bare += [re.sub("[<>]", "\0", re.sub("<[^<>]*>", "\0", version)) for version in whole]
    readings = map(_one_line, dict.fromkeys([*whole, *bare]))
    return [(line, _letters(line)) for line in readings]


def _as_character(entity: re.Match[str]) -> str:
    name = entity[0].replace("\0", "")
    character = html.unescape(name)
    if name.endswith(";") and len(character) < 3:  # noqa: PLR2004
        return character
    return html.unescape(entity[0])


def _one_line(text: str) -> str:
    """Return the text without accents, one blank between words, U+0000 where a character may be a blank or nothing."""
    plain = unicodedata.normalize("NFKD", text.translate(_LOOKS)).casefold()
    plain = unicodedata.normalize("NFKD", plain).translate(_LOOKS)
    plain = "".join([c for c in plain if unicodedata.combining(c) == 0])
    return re.sub("\0?(?:\\s+\0?)+", " ", re.sub("\0+", "\0", plain)).strip(" \0")


def _hide(text: str) -> str:
    return re.sub("\0+", "\0", text.translate(_HIDDEN))


def _letters(line: str) -> str:
    return line.replace(" ", "").replace("\0", "")


def _as_written(text: str) -> str:
    return " ".join(
        unicodedata.normalize("NFKC", text).casefold().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").split()
    )
