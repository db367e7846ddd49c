"""The mentions of red-dots are found in words as people write them, and not in harmless ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.paths import ROOT
from tests.support.rulesets import repository
from triage_rules.evaluation.phrases import PhraseSearch, ReadText
from triage_rules.language.model import Ruleset
from triage_rules.language.reading.places import Faults, data_of
from triage_rules.language.reading.yaml_text import tree_of_yaml

FILE: Path = ROOT / "tests" / "support" / "spellings.yaml"
SPELLINGS = data_of(tree_of_yaml(FILE.read_bytes(), FILE.name, Faults()))
FEWEST_SPELLINGS, FEWEST_HARMLESS = 30, 10


@pytest.fixture(scope="module")
def red_dots() -> Ruleset:
    return repository.ruleset(ROOT / "rulesets" / "red-dots")


@pytest.fixture(scope="module")
def search(red_dots: Ruleset) -> PhraseSearch:
    return PhraseSearch(red_dots.mentions.values())


def mentioned(search: PhraseSearch, words: str) -> set[str]:
    return {name for name, is_found in search.find({"free_text": ReadText(words)}).items() if is_found}


def test_every_mention_of_red_dots_has_spellings(red_dots: Ruleset) -> None:
    assert set(SPELLINGS) == set(red_dots.mentions)
    for words in SPELLINGS.values():
        assert len(set(words["found"])) >= FEWEST_SPELLINGS
        assert len(set(words["harmless"])) >= FEWEST_HARMLESS


@pytest.mark.parametrize("name", SPELLINGS)
def test_a_mention_is_found_however_people_write_it(search: PhraseSearch, name: str) -> None:
    missed = [words for words in SPELLINGS[name]["found"] if name not in mentioned(search, words)]
    assert missed == []


@pytest.mark.parametrize("name", SPELLINGS)
def test_harmless_words_are_no_mention(search: PhraseSearch, name: str) -> None:
    taken = {words: mentioned(search, words) for words in SPELLINGS[name]["harmless"]}
    assert {words: names for words, names in taken.items() if names} == {}
