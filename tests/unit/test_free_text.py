"""Free text: a phrase is found however it is written, by three searches that share no code, and nobody has read it."""

from __future__ import annotations

import unicodedata
from random import Random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests import golden
from tests.support.rulesets.generated import DIGEST
from tests.support.shares import examples
from triage_rules.assurance.diff.text_changes import ChangedLine, list_changes
from triage_rules.assurance.solver import phrases as third
from triage_rules.cli.explain import derive_rules
from triage_rules.cli.output import result_text
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.evaluation.explanation import as_json
from triage_rules.evaluation.generated import mentions as second
from triage_rules.evaluation.own_words import UNREAD_CLINICIAN, UNREAD_PATIENT
from triage_rules.evaluation.phrases import PhraseSearch, ReadText, folded, read_letters
from triage_rules.evaluation.result import ENGINE_DISAGREEMENT
from triage_rules.explanation.not_asked import derivation_lines
from triage_rules.language.characters import APOSTROPHES, HYPHENS, INVISIBLE_RANGES
from triage_rules.language.model import Answers, Level, Mention
from triage_rules.language.reading import parse_ruleset, read_ruleset
from triage_rules.records.reports import History

PHRASES = (
    *(
        "stiff neck",
        "can't wake",
        "self-harm",
        "blue lip",
        "temp >39",
        "h\u00e4ngendes Gesicht",
        "and/or",
        "-",
        "b&amp;w",
    ),
    *("\u0130stanbul", "stra\u00dfe", "&lt;b", "a", "don't won't"),
)
MENTIONS = [Mention(f"m{number}", "text", (phrase,), "says") for number, phrase in enumerate(PHRASES)]
FIRST, SECOND = PhraseSearch(MENTIONS), second.MentionedPhrases(MENTIONS)
INVISIBLE = [chr(point) for first, last in INVISIBLE_RANGES for point in range(first, min(last, first + 20) + 1)]


def found(text: str) -> set[str]:
    """The phrases that the text has; all three searches say the same."""
    by_first = FIRST.find({"text": ReadText(text)})
    assert by_first == SECOND.of({"text": text})
    names = {PHRASES[number] for number, is_found in enumerate(by_first.values()) if is_found}
    assert names == {phrase for phrase in PHRASES if third.has_phrase(text, phrase)}
    return names


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        *((f"can{sign}t wake her", "can't wake") for sign in "\u2018\u2019\u02bc`\u00b4\u2032\u201b\uff07\u055a\ua78c"),
        *((f"self{sign}harm", "self-harm") for sign in "- \u2010\u2011\u2013\u2014\u2212/\u2044\\\uff0d\u00a0\u3000"),
        *(
            (f"st{sign}iff{sign} ne{sign}ck", "stiff neck")
            for sign in "\u00ad\u200b\u200d\u2060\ufeff\u202e\ufe0f\u034f"
        ),
        *((f"stiff{sign}neck", "stiff neck") for sign in "\u00ad\u200b\u2029\u2007\u202f\U000e0020"),
        ("cant wake", "can't wake"),
        ("can t wake", "can't wake"),
        ("dont wont", "don't won't"),
        ("st\u00adiff\u200bne\u2060ck", "stiff neck"),  # one stands for a blank, two for nothing
        ("can&rsquo;t wake, can&#39;t sit", "can't wake"),
        ("can&amp;rsquo;t wake", "can't wake"),
        ("stiff&nbsp;neck", "stiff neck"),
        ("st&shy;iff ne&#8203;ck", "stiff neck"),
        ("stiff ne&\u200b#x63;k", "stiff neck"),
        ("<b>stiff</b> neck", "stiff neck"),
        ("stiff<br/>neck", "stiff neck"),
        ("temp <38 stiff neck >2 days", "stiff neck"),
        ("<stiff <i>ne</i>ck", "stiff neck"),
        ("&lt;p&gt;stiff&lt;/p&gt; neck", "stiff neck"),
        ("\uff1cb\uff1e\uff33\uff34\uff29\uff26\uff26\uff1c/b\uff1e neck", "stiff neck"),
        ("temp >39", "temp >39"),
        ("ST\u0130FF neck, st\u0131ff neck", "stiff neck"),
        ("istanbul", "\u0130stanbul"),
        ("STRASSE", "stra\u00dfe"),
        ("Hangendes Gesicht", "h\u00e4ngendes Gesicht"),
        ("ha\u0308ngendes gesicht", "h\u00e4ngendes Gesicht"),
    ],
)
def test_a_phrase_is_found_however_it_is_written(text: str, phrase: str) -> None:
    assert phrase in found(text)


@pytest.mark.parametrize(
    "text", ["", "stif neck", "stifff neck", "stiff. neck", "stiffneck", "selfharm", "\u200b" * 2000]
)
def test_another_word_is_not_found(text: str) -> None:
    """Doubled letters are not folded, a sign between words stays, and a blank that was not written is not read."""
    assert not found(text) & {"stiff neck", "self-harm"}


def test_a_sign_is_found_only_where_it_is_written() -> None:
    """A hyphen is a blank in every reading, so a phrase of nothing else is looked for as it stands."""
    assert found("a - b") == {"-", "a"}
    assert found("b c") == set()


def test_every_character_without_a_look_is_invisible() -> None:
    """Unicode's control, format and enclosing characters, and Default_Ignorable_Code_Point."""
    hidden = {point for first, last in INVISIBLE_RANGES for point in range(first, last + 1)}
    ignorable = {0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, *range(0x180B, 0x1810), 0x3164, *range(0xFE00, 0xFE10), 0xFFA0}
    for point in range(0x30000):
        character = chr(point)
        if unicodedata.category(character) in {"Cc", "Cf", "Me"} and not character.isspace():
            assert point in hidden, f"U+{point:04X}"
    assert ignorable <= hidden
    assert not any(chr(point).isspace() or chr(point) in APOSTROPHES + HYPHENS for point in hidden)


def test_every_character_is_read_the_same_by_all_three() -> None:
    for start in range(0, 0x20000, 0x100):
        characters = [chr(point) for point in range(start, start + 0x100) if not 0xD800 <= point < 0xE000]
        if 0x3400 <= start < 0xA400 or 0xAC00 <= start < 0xD800 or 0xE000 <= start < 0xF900:
            continue  # ideographs, syllables and private use have no other forms
        text = "x".join(characters)
        reading = read_letters(text)
        signs = ["\0 "[gap - 1] if gap else "" for gap in reading.gaps]
        line = "".join(map("".join, zip(signs, reading.letters, strict=True)))
        assert line.strip("\0 ") == second._one_line(text), f"U+{start:04X}"
        assert line.replace("\0", "?") == "".join(map("".join, third._spell(text))), f"U+{start:04X}"


def test_a_phrase_dropped_from_a_language_is_a_change_in_words() -> None:
    text = (golden.GOLDEN / "spots" / "ruleset.yaml").read_text(encoding="utf-8")
    old, new = (
        parse_ruleset(text.replace("phrases: [stiff neck, blue lips]", f"phrases: {phrases}").encode(), "ruleset.yaml")
        for phrases in (
            "{en: [stiff neck, blue lips], de: [blaue Lippen]}",
            "{en: [stiff neck, blue lips], de: [Hals]}",
        )
    )
    (change,) = list_changes(old, new)
    assert (change.part, change.id) == ("mention", "red_flag_words")
    assert change.lines == (ChangedLine("phrases", "blaue Lippen", "Hals"),)


# --- laws ---------------------------------------------------------------------------------------

ODD = [
    "<",
    ">",
    "<b>",
    "</b>",
    "&",
    ";",
    "&lt;",
    "&gt;",
    "&amp;",
    "&nbsp;",
    "&shy;",
    "&#39;",
    "&#x200b;",
    "&rsquo;",
    "#",
]
PIECES = st.one_of(
    st.sampled_from(PHRASES),
    st.sampled_from([*ODD, *INVISIBLE, *APOSTROPHES, *HYPHENS, " ", "\n", "\u00a0", ".", "\u0307", "\u0301"]),
    st.text(max_size=3),
    st.sampled_from(PHRASES).flatmap(lambda phrase: st.sampled_from([phrase.upper(), phrase[:3], phrase[3:]])),
)
TEXTS = st.lists(PIECES, max_size=8).map("".join).filter(lambda text: "\0" not in text)


@settings(deadline=None, max_examples=examples(150, 5000))
@given(TEXTS)
@example("can&amp;amp;#39;t wake")
def test_the_searches_agree_and_a_phrase_as_it_is_written_is_found(text: str) -> None:
    names = found(text)
    assert {phrase for phrase in PHRASES if folded(phrase) in folded(text)} <= names


@settings(deadline=None, max_examples=examples(150, 5000))
@given(TEXTS, st.lists(st.tuples(st.integers(0, 200), st.sampled_from(INVISIBLE)), min_size=1, max_size=6))
def test_invisible_characters_anywhere_lose_no_phrase(text: str, inserted: list[tuple[int, str]]) -> None:
    changed = text
    for place, character in inserted:
        changed = changed[:place] + character + changed[place:]
    signs = {"-"} if "-" in text else set()  # no letters: looked for as it is written
    assert found(text) - signs <= found(changed)


@settings(deadline=None, max_examples=examples(150, 5000))
@given(TEXTS.filter(lambda text: "&" not in text), st.randoms(use_true_random=False))
def test_another_apostrophe_or_hyphen_loses_no_phrase(text: str, random: Random) -> None:
    changed = "".join(
        random.choice(APOSTROPHES) if c in APOSTROPHES else random.choice(HYPHENS) if c in HYPHENS else c for c in text
    )
    assert found(text) - {"-"} <= found(changed)


@pytest.fixture(scope="module")
def spots() -> Evaluator:
    return Evaluator(read_ruleset(golden.GOLDEN / "spots"), DIGEST)


def evaluate(evaluator: Evaluator, answers: Answers) -> dict[str, object]:
    return evaluator.evaluate(answers, History(), report_id="r", received_ms=0, evaluated_ms=0)


WELL: Answers = {"age_years": 30, "temperature_c": 36.8, "blanches_on_pressure": "blanches", "drowsy": True}
"""Urgent if the text has a red-flag word: two general signs."""


@settings(deadline=None, max_examples=examples(30, 500))
@given(st.sampled_from(["a stiff neck", "BLUE LIPS today"]), st.integers(0, 15), st.sampled_from(INVISIBLE))
def test_the_outcome_is_not_lower(spots: Evaluator, text: str, place: int, character: str) -> None:
    before, after = (text[:place], text[place:])
    plain, changed = (
        Level.of(str(evaluate(spots, WELL | {"free_text": words})["level"]))
        for words in (text, before + character + after)
    )
    assert (plain, changed) == (Level.URGENT, Level.URGENT)


def test_readings_only_add(spots: Evaluator) -> None:
    """A text has every phrase that one of its readings has."""
    text = "<stiff neck> &lt;blue&gt; lips"
    reading = ReadText(text)
    assert len(reading.readings) > len(ReadText("stiff neck").readings)
    assert spots.facts({"free_text": text}, History())["red_flag_words"] is True


@pytest.mark.parametrize("search", [(PhraseSearch, "find"), (second.MentionedPhrases, "of")])
def test_each_evaluator_uses_a_search_of_its_own(
    spots: Evaluator, monkeypatch: pytest.MonkeyPatch, search: tuple[type, str]
) -> None:
    """One search that finds nothing is an alarm, and the higher level counts."""
    monkeypatch.setattr(*search, lambda *_: {"red_flag_words": False})
    result = evaluate(spots, WELL | {"free_text": "a stiff neck"})
    assert ENGINE_DISAGREEMENT in result["flags"]
    assert result["level"] == "urgent"


def test_a_long_text_of_nothing_visible_or_of_phrases_is_searched() -> None:
    """Up to the longest text that a ruleset may allow; a search that tries again from each character would not end."""
    for sign in ("\u200b", "'", "<", "&", "&\u200ba", "<a ", "' ", "&amp;", "a"):
        text = (sign * 100_000)[:100_000]
        by_first, by_second = FIRST.find({"text": ReadText(text)}), SECOND.of({"text": text})
        assert by_first == by_second
        assert by_first["m0"] is False
    assert found("; ".join(PHRASES * 40)) == set(PHRASES)


# --- what a result says of it -------------------------------------------------------------------


@pytest.mark.parametrize("text", ["a stiff neck", "My cat is ill", "\u200b.", "<>"])
def test_words_that_a_reader_sees_are_said_to_be_unread(spots: Evaluator, text: str) -> None:
    own_words = evaluate(spots, WELL | {"free_text": text})["own_words"]
    assert own_words["patient"] == UNREAD_PATIENT == "Nobody has read your own words yet."
    assert "read" in own_words["clinician"]
    assert text not in str(own_words)


@pytest.mark.parametrize("given_", [{}, {"free_text": "unknown"}, {"free_text": ""}, {"free_text": " \u200b\u00ad\n"}])
def test_without_visible_words_there_is_no_note(spots: Evaluator, given_: Answers) -> None:
    assert evaluate(spots, WELL | given_)["own_words"] is None


@pytest.mark.parametrize(
    ("text", "is_marked"),
    [
        ("no stiff neck", True),
        ("She has no sign of any stiff neck.", True),
        ("denies stiff neck", True),
        ("without a stiff neck", True),
        ("hasn\u2019t got a stiff neck", True),
        ("stiff neck: no", True),
        ("stiff neck? No.", True),
        ("Stiff neck not present", True),
        ("kein stiff neck", True),
        ("No fever. A stiff neck", False),
        ("A stiff neck. No fever", False),
        ("no stiff neck yesterday but today she really has a very stiff neck", False),
        ("know: stiff neck", False),
        ("a stiff neck", False),
    ],
)
def test_a_phrase_beside_a_negation_counts_and_is_marked(spots: Evaluator, text: str, is_marked: bool) -> None:
    result = evaluate(spots, WELL | {"free_text": text})
    assert spots.facts({"free_text": text}, History())["red_flag_words"] is True
    assert result["own_words"]["next_to_negation"] == (["red_flag_words"] if is_marked else [])
    note = " Counted although next to a negation: The text has red-flag words."
    assert result["own_words"]["clinician"] == UNREAD_CLINICIAN + (note if is_marked else "")
    assert result["level"] == "urgent"


def test_the_explanation_marks_a_phrase_beside_a_negation(spots: Evaluator) -> None:
    answers = WELL | {"free_text": "no stiff neck"}
    result = evaluate(spots, answers)
    (nodes,) = derive_rules(spots, answers, result).values()
    lines = [line for node in nodes for line in derivation_lines(spots.ruleset, node)]
    assert "- The text has red-flag words: yes (next to a negation)" in lines
    assert [as_json(node)["note"] for node in nodes if node.name == "red_flag_words"] == ["next to a negation"]
    assert "next to a negation" not in str(
        derive_rules(spots, answers | {"free_text": "stiff neck"}, result | {"own_words": None})
    )


def test_a_result_in_the_shell_says_that_its_free_text_is_unread(spots: Evaluator) -> None:
    with_text, without = (result_text(evaluate(spots, WELL | more)) for more in ({"free_text": "My cat is ill"}, {}))
    assert [line.strip() for line in with_text if "Nobody has read" in line] == [UNREAD_CLINICIAN]
    assert not any("Nobody has read" in line for line in without)


# --- the solver ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "phrase", "is_part"),
    [
        ("neck", "Stiff  Neck", True),
        ("self harm", "self-harm now", True),
        ("can't", "can\u2019t wake", True),
        ("cant", "can't wake", False),  # a text that has "can t wake" has the phrase, too
        ("can t", "can't wake", False),
        ("-", "self-harm", False),  # "self harm" has the phrase
        ("-", "-", True),
        ("harm self", "self-harm", False),
    ],
)
def test_a_part_is_part_of_a_phrase_in_every_writing(part: str, phrase: str, is_part: bool) -> None:
    assert third.is_always_part(part, phrase) is is_part
    assert third.phrases_with_part(frozenset({phrase}), frozenset({part})) == frozenset({phrase} if is_part else ())
