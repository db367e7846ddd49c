"""Phrases for the encoder: which phrases a text has, and which phrase is part of another in every text.

Written a third time, so that an error in a search of the evaluators shows up as a contradiction.
"""

from __future__ import annotations

import html
import re
import unicodedata
from functools import lru_cache

from triage_rules.language.characters import APOSTROPHES, HYPHENS, INVISIBLE_RANGES

NOTHING, EITHER, BLANK = "", "?", " "
"""What stands before a letter; EITHER: a blank or nothing."""

Spelling = tuple[tuple[str, str], ...]
"""Letters of a text, each after what stands before it."""

_AMPERSAND = re.compile(r"&(?:\0?[#\dA-Za-z]){2,40}\0?;?", re.ASCII)
_SIGNS = {"\uff06": "&", "\ufe60": "&", "\uff03": "#", "\ufe5f": "#", "\uff1b": ";", "\ufe54": ";",
          "\uff1c": "<", "\ufe64": "<", "\uff1e": ">", "\ufe65": ">"}  # fmt: skip


@lru_cache(maxsize=10_000)
def folded(text: str) -> str:
    """Fold a text as it is written: case, the form of accents and quotes, and runs of blanks don't count."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().replace("\u2019", "'").split())


def has_phrase(text: str, phrase: str) -> bool:
    """Return whether the text has the phrase, as it is written or in another reading."""
    if folded(phrase) in folded(text):
        return True
    wanted = _spell(phrase)
    return bool(wanted) and any(_stands_in(wanted, reading) for reading in _read(text))


@lru_cache(maxsize=10_000)
def phrases_with_part(phrases: frozenset[str], parts: frozenset[str]) -> frozenset[str]:
    """Return the phrases of which one of the parts is part in every text. Encodings of one ruleset ask it again."""
    every = "\n".join(map(_letters, phrases))  # most parts are in no phrase, which one search shows
    near = [part for part in parts if _letters(part) in every]
    return frozenset(phrase for phrase in phrases if any(is_always_part(part, phrase) for part in near))


def is_always_part(part: str, phrase: str) -> bool:
    """Return whether every text that has the phrase also has the part, however it is written."""
    if _letters(part) not in _letters(phrase):
        return False
    small, large = _spell(part), _spell(phrase)
    if not small:
        return folded(part) == folded(phrase)
    return any(
        all(
            letter == other and (number == 0 or wanted in (gap, EITHER))
            for number, ((wanted, letter), (gap, other)) in enumerate(zip(small, large[start:], strict=False))
        )
        for start in range(len(large) - len(small) + 1)
    )


@lru_cache(maxsize=10_000)
def _letters(text: str) -> str:
    return "".join(letter for _, letter in _spell(text))


def _stands_in(wanted: Spelling, reading: Spelling) -> bool:
    return any(
        all(
            letter == other and (number == 0 or gap == other_gap or EITHER in (gap, other_gap))
            for number, ((gap, letter), (other_gap, other)) in enumerate(zip(wanted, reading[start:], strict=False))
        )
        for start in range(len(reading) - len(wanted) + 1)
    )


@lru_cache(maxsize=1000)
def _read(text: str) -> frozenset[Spelling]:
    """Return the readings of a text."""
    texts = [re.sub(f"[{''.join(_SIGNS)}]", lambda match: _SIGNS[match[0]], _hide(text))]
    texts.append(_hide(_AMPERSAND.sub(_character, texts[0])))
    texts.append(_hide(_AMPERSAND.sub(_character, texts[1])))
    without_brackets = [re.sub("[<>]", "\0", plain) for plain in texts]
    without_tags = [re.sub("<[^<>]*>|<|>", "\0", plain) for plain in texts]
    return frozenset(map(_spell, [*texts, *without_brackets, *without_tags]))


def _character(entity: re.Match[str]) -> str:
    character = html.unescape(entity[0].replace("\0", ""))
    return character if entity[0].endswith(";") and len(character) in (1, 2) else html.unescape(entity[0])


def _hide(text: str) -> str:
    return re.sub("\0+", "\0", "".join("\0" if _is_hidden(character) else character for character in text))


def _is_hidden(character: str) -> bool:
    return any(first <= ord(character) <= last for first, last in INVISIBLE_RANGES)


@lru_cache(maxsize=10_000)
def _spell(text: str) -> Spelling:
    spelling: list[tuple[str, str]] = []
    gap = NOTHING
    decomposed = "".join("\0" if character in APOSTROPHES else character for character in text)
    for character in unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", decomposed).casefold()):
        if character.isspace() or character in HYPHENS:
            gap = BLANK
        elif character in APOSTROPHES or _is_hidden(character):
            gap = gap or EITHER
        elif unicodedata.combining(character) == 0:
            spelling.append((gap, "i" if character == "\u0131" else character))
            gap = NOTHING
    return tuple(spelling)
