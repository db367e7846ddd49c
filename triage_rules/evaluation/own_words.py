"""What a result says about free text: that nobody has read it, and which mentions stand beside a negation."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from triage_rules.evaluation.phrases import Reading, ReadText, read_phrase
from triage_rules.language.model import Answers, Mention, Ruleset

UNREAD_PATIENT = "Nobody has read your own words yet."
UNREAD_CLINICIAN = "Nobody has read the person's own words yet; only phrases of the ruleset were looked for."

NEXT_TO_NEGATION = "next to a negation"

NEGATIONS = frozenset([
    "no", "not", "none", "never", "neither", "nor", "without", "denies", "denied",
    "deny", "denying", "negative", "absent", "ruled", "dont", "doesnt", "didnt", "isnt",
    "arent", "wasnt", "werent", "hasnt", "havent", "hadnt",
    "kein", "keine", "keinen", "keinem", "keiner", "keines", "keinerlei", "nein", "nicht",
    "nie", "niemals", "ohne", "weder", "verneint",
])  # fmt: skip
"""English and German words that may negate a phrase, without their apostrophes."""

WORDS_BEFORE, WORDS_AFTER = 5, 3
"""How near to a phrase, in words of its sentence, a negation stands beside it."""


def describe_own_words(ruleset: Ruleset, texts: Mapping[str, ReadText], facts: Answers) -> dict[str, Any] | None:
    """Return the notes on a report's texts; None if it has none with anything visible."""
    if not any(text.is_visible for text in texts.values()):
        return None
    negated = [
        mention
        for name, mention in ruleset.mentions.items()
        if facts.get(name) is True and _is_next_to_negation(texts[mention.text], mention)
    ]
    counted = f" Counted although {NEXT_TO_NEGATION}: {'; '.join(mention.says for mention in negated)}."
    return {
        "patient": UNREAD_PATIENT,
        "clinician": UNREAD_CLINICIAN + (counted if negated else ""),
        "next_to_negation": [mention.name for mention in negated],
    }


def _is_next_to_negation(text: ReadText, mention: Mention) -> bool:
    """Return whether every place where the text has one of the phrases is beside a negation."""
    places = [place for phrase in mention.phrases for place in text.places(read_phrase(phrase))]
    return bool(places) and all(_is_negated(*place) for place in places)


def _is_negated(reading: Reading, first: int, last: int) -> bool:
    """Return whether a negation stands near these letters, within their sentence."""
    before = re.split(r"[.!?;]", reading.write(first - 120, first))[-1].split()
    after = re.split(r"[.!;]", reading.write(last + 1, last + 60).lstrip("?:"))[0].split()
    near = [*before[-WORDS_BEFORE:], *after[: WORDS_AFTER + 1]]
    return any(word.strip("?:,()\"'") in NEGATIONS for word in near)
