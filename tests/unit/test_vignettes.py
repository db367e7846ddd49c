"""Vignettes are read with every fault at its place; a hash decides which of them are set aside."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from tests.support.paths import GLASS_TEST, ROOT
from tests.support.rulesets import glass_personas, glass_vignettes, repository
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.foundation.errors import RulesetError
from triage_rules.interview.vignette_runs import VignetteVerdict, run_vignettes
from triage_rules.interview.vignettes import (
    HELD_OUT_FILE,
    VIGNETTES_FILE,
    VignetteSource,
    load_vignettes,
    parse_vignettes,
)
from triage_rules.interview.vignettes_schema import vignettes_json_schema
from triage_rules.language.reading import load_document, parse_document

COMMITTED = ROOT / "triage_rules/schemas/vignettes.schema.json"
PAGE = (ROOT / "docs/reference/vignettes.md").read_text(encoding="utf-8")
VALIDATOR = Draft202012Validator(vignettes_json_schema())
GOOD = glass_vignettes.VIGNETTES
FILES = sorted(ROOT.glob("rulesets/**/vignettes*.yaml"))

SLIPS = [
    # the file
    ("ruleset: glass-test\n", "", "1:1: the key `ruleset` is missing"),
    ("glass-test", "glas-test", "1:10: `ruleset`: unknown ruleset `glas-test`; did you mean `glass-test`?"),
    ("vignettes:", "vignets:", "1:1: the key `vignettes` is missing"),
    ("{exact_percent: 50, acceptable_percent: 75, harmless_called_urgent_percent: 0}", "50", "2:9: `budget`: expected a mapping, found `50`"),
    ("exact_percent: 50", "exact_percent: 101", "2:25: `budget`: `exact_percent`: expected 0 to 100, found `101`"),
    ("exact_percent: 50", "exact_percent: half", "2:25: `budget`: `exact_percent`: expected a number, found the text `half`"),
    ("exact_percent: 50", "exact: 50", "2:10: `budget`: unknown key `exact`; known keys are `exact_percent`"),
    ("vignettes:\n", "bases: {adult: {}}\nvignettes:\n", "3:9: base `adult`: the personas have a base of this name; use another name"),
    # the story
    ("  fading:", "  Fading:", "4:3: vignette `Fading`: the name is not valid; use lower case letters"),
    ("    story: A man of 40 has a few spots that fade.\n", "", "4:3: vignette `fading`: the key `story` is missing"),
    ("group: children", "group: big children", "27:12: vignette `fever`: `group`: `big children` is not valid; use lower case letters"),
    ("kind: urgent", "kind: grave", "28:11: vignette `fever`: `kind`: `grave` is not one of `urgent`, `between`, `harmless`"),
    ("kind: urgent", "kind: between", "28:11: vignette `fever`: `kind`: expected `urgent`, since `U2_emergency_dept_now` is urgent; found `between`"),
    ("    why: Bites need no clinician.\n", "", "14:3: vignette `swelling`: the key `why` is missing"),
    ("    why: Bites need no clinician.\n", "    why: Bites need no clinician.\n    audience: clinician\n", "24:5: vignette `swelling`: unknown key `audience`; known keys are"),
    # truths
    ("    base: adult\n    wanted", "    wanted", "4:3: vignette `fading`: there is no truth for `age_years`"),
    ("    base: adult\n    wanted", "    base: adul\n    wanted", "8:11: vignette `fading`: `base`: unknown base `adul`; did you mean `adult`?"),
    ("age_years: 33", "age_years: 330", "19:27: vignette `swelling`: `age_years`: `330` does not fit: expected 0 to 120 years"),
    ("age_years: 33", "age_year: 33", "19:16: vignette `swelling`: `findings`: unknown input `age_year`; did you mean `age_years`?"),
    # the outcomes
    ("    gravest: M1_clinician_48h\n", "", "4:3: vignette `fading`: the key `gravest` is missing"),
    ("    gravest: M1_clinician_48h\n", "    gravest: M1_clinician\n", "11:14: vignette `fading`: `gravest`: unknown disposition `M1_clinician`; did you mean `M1_clinician_48h`?"),
    ("    mildest: U2_emergency_dept_now\n    gravest: U2_emergency_dept_now", "    mildest: U2_emergency_dept_now\n    gravest: M1_clinician_48h", "33:14: vignette `fever`: `gravest`: expected `U2_emergency_dept_now` or a more urgent one, found `M1_clinician_48h`"),
    ("    mildest: R2_self_care_info\n    gravest: M1", "    mildest: M1_clinician_48h\n    gravest: M1", "10:14: vignette `fading`: `mildest`: expected `R2_self_care_info` or a less urgent one, found `M1_clinician_48h`"),
    # the source
    ("    source: {text: for tests, marks: [M]}\n", "", "14:3: vignette `swelling`: the key `source` is missing"),
    ("{text: for tests, marks: [M]}", "{text: for tests}", "24:5: vignette `swelling`: `source`: the key `marks` is missing"),
    ("{text: for tests, marks: [M]}", "{marks: [M]}", "24:5: vignette `swelling`: `source`: the key `text` is missing"),
    ("marks: [M]", "marks: []", "24:38: vignette `swelling`: `source`: `marks`: the list is empty"),
    ("marks: [M]", "marks: [V]", "24:5: vignette `swelling`: `source`: the key `url` is missing: `V` stands for what was read there"),
    ('url: "https://example.org/spots"', "url: null", "13:5: vignette `fading`: `source`: the key `url` is missing: `V`, `V~` stands"),
    ("marks: [M]", "marks: [memory]", "24:39: vignette `swelling`: `source`: `marks`: `memory` is not valid; use `V` or `V~` (with a `url`), `V:key`"),
    ('"https://example.org/spots"', "example.org", "13:36: vignette `fading`: `source`: `url`: `example.org` is not valid; expected a web address such as"),
]  # fmt: skip
SCHEMA_IS_SILENT = (
    *("unknown ruleset", "unknown base", "unknown input", "unknown disposition", "no truth", "of this name"),
    *("` does not fit: expected", "since `", "urgent one, found", "stands"),
)
"""Faults that no schema can see: they depend on the ruleset, or on other parts of the file."""


@pytest.fixture(scope="module")
def evaluator() -> Evaluator:
    return glass_personas.evaluator()


def faults_of(evaluator: Evaluator, text: str) -> list[str]:
    with pytest.raises(RulesetError) as refused:
        glass_vignettes.vignettes(evaluator, text)
    return [str(fault) for fault in refused.value.faults]


def changed(old: str, new: str) -> str:
    assert GOOD.count(old) == 1, old
    return GOOD.replace(old, new)


def test_a_good_file_is_read_whole(evaluator: Evaluator) -> None:
    """Each vignette has a truth for every input, by the bases of the personas."""
    read = glass_vignettes.vignettes(evaluator)
    first, _, fever = read.vignettes
    limits = {"exact_percent": 50, "acceptable_percent": 75, "harmless_called_urgent_percent": 0}
    assert (read.budget.limits, read.budget.place.line) == (limits, 2)
    assert (first.name, first.story, first.group, first.kind) == (
        "fading", "A man of 40 has a few spots that fade.", "adults", "harmless",
    )  # fmt: skip
    assert (first.wanted, first.mildest, first.gravest) == (
        "R2_self_care_info",
        "R2_self_care_info",
        "M1_clinician_48h",
    )
    assert first.why == "Spots that fade are mostly harmless."
    assert first.source == VignetteSource("for tests", ("V", "V~"), "https://example.org/spots")
    assert first.truth == glass_personas.personas(evaluator).bases["adult"]
    assert (fever.truth["age_years"], fever.truth["itchy"], fever.place.line) == (6, False, 25)


def test_without_personas_a_file_has_bases_of_its_own(evaluator: Evaluator) -> None:
    bases = glass_personas.PERSONAS[
        glass_personas.PERSONAS.index("bases:") : glass_personas.PERSONAS.index("personas:")
    ]
    text = GOOD.replace("vignettes:", f"{bases}vignettes:").encode()
    read = parse_vignettes(text, VIGNETTES_FILE, evaluator.ruleset, None)
    assert [vignette.truth for vignette in read.vignettes] == [
        vignette.truth for vignette in glass_vignettes.vignettes(evaluator).vignettes
    ]


def test_a_folder_without_the_file_has_no_vignettes(evaluator: Evaluator, tmp_path: Path) -> None:
    people = glass_personas.personas(evaluator)
    folder = glass_vignettes.write_folder(tmp_path)
    assert load_vignettes(folder, evaluator.ruleset, people, HELD_OUT_FILE) is None
    assert load_vignettes(folder, evaluator.ruleset, people) == glass_vignettes.vignettes(evaluator)


@pytest.mark.parametrize(("old", "new", "message"), SLIPS)
def test_a_slip_has_its_fault_at_its_place(evaluator: Evaluator, old: str, new: str, message: str) -> None:
    first, *others = faults_of(evaluator, changed(old, new))
    assert first.startswith(f"{VIGNETTES_FILE}:{message}")
    assert [fault for fault in others if "unknown key `vignets`" not in fault] == []


def test_all_faults_are_listed_at_once_in_the_order_of_the_file(evaluator: Evaluator) -> None:
    text = (
        changed("kind: urgent", "kind: between").replace("marks: [M]", "marks: [V]").replace("age_years: 33", "age: 3")
    )
    assert [int(fault.split(":")[1]) for fault in faults_of(evaluator, text)] == [19, 24, 28]


# --- the set that is set aside ---


def test_no_vignette_is_both_set_aside_and_for_development() -> None:
    """Rules may be changed because of those for development; each of the others measures only once."""
    names = list[str]()
    for file in FILES:
        vignettes = load_document(file).data["vignettes"]
        assert isinstance(vignettes, dict)
        names += vignettes
    assert len(names) > 200
    assert len(set(names)) == len(names)


# --- the schema ---


def fits(text: str) -> bool:
    return VALIDATOR.is_valid(parse_document(text.encode(), VIGNETTES_FILE).data)


def test_the_committed_schema_is_current() -> None:
    """Editors load the file; `make schemas` writes it."""
    Draft202012Validator.check_schema(vignettes_json_schema())
    assert COMMITTED.read_text(encoding="utf-8") == json.dumps(vignettes_json_schema(), indent=2) + "\n"


def test_the_schema_accepts_a_good_file() -> None:
    assert fits(GOOD)


@pytest.mark.parametrize(("old", "new", "message"), SLIPS)
def test_the_schema_rejects_what_a_schema_can_see(old: str, new: str, message: str) -> None:
    assert fits(changed(old, new)) is any(words in message for words in SCHEMA_IS_SILENT)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_the_vignettes_of_every_ruleset_here_fit_the_schema(file: Path) -> None:
    assert [error.json_path + error.message for error in VALIDATOR.iter_errors(load_document(file).data)] == []


def test_the_example_of_the_page_is_whole_and_right() -> None:
    example = re.search(r"```yaml\n(# yaml-language-server.*?)```", PAGE, re.DOTALL)
    assert example is not None
    assert fits(example[1])
    evaluator = Evaluator(repository.ruleset(GLASS_TEST), "sha256:" + "0" * 64)
    read = parse_vignettes(example[1].encode(), VIGNETTES_FILE, evaluator.ruleset, None)
    assert {run.verdict for run in run_vignettes(evaluator, read.vignettes)} == {VignetteVerdict.EXACT}
