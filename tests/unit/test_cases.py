"""A slip in cases.yaml is told with its place, what was written and what was likely meant; no slip ends the program."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.rulesets import repository
from tests.support.rulesets.faulty_files import example
from triage_rules.assurance.cases import Case, read_cases, run_case
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.foundation.errors import RulesetError, RulesetNotFound
from triage_rules.language.model import Level, Ruleset
from triage_rules.language.reading import build_ruleset, parse_document, parse_ruleset
from triage_rules.records.reports import History

RED_DOTS = Path(__file__).parents[2] / "rulesets" / "red-dots"

GOOD = """\
bases:
  adult: {age_years: 40, fever_reported: false}
cases:
  - id: first
    note: A child.
    base: adult
    findings: {age_years: 4}
    without: [fever_reported]
    history: {reports_last_48h: 1, highest_level_24h: monitor}
    expect: {level: urgent, fires: [R08], conflicts: [C01], flags: [human_review]}
  - id: second
    findings: {temperature_c: 101}
    expect: {refused: [temperature_c]}
"""

SLIPS = [
    # the file
    ("cases:\n", None, "1:1: `cases`: expected a list, found nothing"),
    ("cases: none yet\n", None, "1:8: `cases`: expected a list, found the text `none yet`"),
    ("cases: []\n", None, "1:8: `cases`: the list is empty"),
    ("cases: {id: a}\n", None, "1:8: `cases`: expected a list, found a mapping"),
    ("", None, "1:1: the file is empty"),
    ("- id: a\n", None, "1:1: expected a mapping: lines such as `name: value`"),
    ("bases: {}\n", None, "1:1: the key `cases` is missing"),
    ("cases: [a child]\n", None, "1:9: case number 1: expected a mapping, found the text `a child`"),
    ("cases: [[a]]\n", None, "1:9: case number 1: expected a mapping, found a list"),
    ("cases:\n  -\n", None, "2:4: case number 1: expected a mapping, found nothing"),
    ("bases:\n  adult", "base:\n  adult", "1:1: unknown key `base`; did you mean `bases`?"),
    # the case
    ("  - id: first\n    note", "  - note", "4:5: case number 1: the key `id` is missing"),
    ("id: second", "id: first", "11:9: case `first`: `id`: the case in line 4 has this id already"),
    ("id: second", "id: 2", "11:9: case number 2: `id`: expected a text, found `2`; put it in quotes"),
    ("id: second", "id: [a]", "11:9: case number 2: `id`: expected a text, found a list"),
    ("note: A child.", "note: 38.1", "5:11: case `first`: `note`: expected a text, found `38.1`; put it in quotes"),
    ("note: A", "nota: A", "5:5: case `first`: unknown key `nota`; did you mean `note`?"),
    # what is answered
    ("findings: {age_years: 4}", "findings: a child", "7:15: case `first`: `findings`: expected a mapping of answers, found the text `a child`"),
    ("findings: {age_years: 4}", "findings:", "7:5: case `first`: `findings`: expected a mapping of answers, found nothing"),
    ("{age_years: 4}", "{age_year: 4}", "7:16: case `first`: `findings`: unknown input `age_year`; did you mean `age_years`?"),
    ("temperature_c: 101", "temperature_c: 38,5", "12:34: expected a text as the key, found `5`; write decimals with a point, such as `38.5`"),
    ("base: adult", "base: adlt", "6:11: case `first`: `base`: unknown base `adlt`; did you mean `adult`?"),
    ("base: adult", "base: child", "6:11: case `first`: `base`: unknown base `child`; known are `adult`"),
    ("base: adult", "base: {age_years: 4}", "6:11: case `first`: `base`: expected a text, found a mapping"),
    ("adult: {age_years: 40, fever_reported: false}", "adult: [age_years]", "2:10: base `adult`: expected a mapping of answers, found a list"),
    ("fever_reported: false", "fever_reportet: false, fever_reported: true", "2:26: base `adult`: unknown input `fever_reportet`; did you mean `fever_reported`?"),
    ("without: [fever_reported]", "without: [fever_report]", "8:15: case `first`: `without`: unknown input `fever_report`; did you mean `fever_reported`?"),
    ("without: [fever_reported]", "without: [temperature_c]", "8:15: case `first`: `without`: `temperature_c` is not among the findings"),
    ("without: [fever_reported]", "without: fever_reported", "8:14: case `first`: `without`: expected a list, found the text `fever_reported`"),
    # history
    ("{reports_last_48h: 1,", "{report_last_48h: 1,", "9:15: case `first`: `history`: unknown key `report_last_48h`; did you mean `reports_last_48h`?"),
    ("reports_last_48h: 1,", "reports_last_48h: two,", "9:33: case `first`: `history`: `reports_last_48h`: expected a whole number, found the text `two`"),
    ("reports_last_48h: 1,", "reports_last_48h: -1,", "9:33: case `first`: `history`: `reports_last_48h`: expected 0 or more, found `-1`"),
    ("highest_level_24h: monitor", "highest_level_24h: moniter", "9:55: case `first`: `history`: `highest_level_24h`: `moniter` is not one of"),
    ("history: {reports_last_48h: 1, highest_level_24h: monitor}", "history: 2", "9:14: case `first`: `history`: expected a mapping, found `2`"),
    # what is wanted
    ("expect: {refused: [temperature_c]}", "expect: urgent", "13:13: case `second`: `expect`: expected a mapping, found the text `urgent`"),
    ("    expect: {refused: [temperature_c]}\n", "", "11:5: case `second`: the key `expect` is missing"),
    ("{refused: [temperature_c]}", "{}", "13:5: case `second`: `expect` must state a `level` (or what is `refused`)"),
    ("{refused: [temperature_c]}", "{could_be: urgent}", "13:5: case `second`: `expect` must state a `level`"),
    ("{level: urgent,", "{levle: urgent,", "10:14: case `first`: `expect`: unknown key `levle`; did you mean `level`?"),
    ("level: urgent", "level: urgnet", "10:21: case `first`: `expect`: `level`: `urgnet` is not one of `routine`, `monitor`, `urgent`; did you mean `urgent`?"),
    ("level: urgent", "level: 2", "10:21: case `first`: `expect`: `level`: expected a text, found `2`"),
    ("level: urgent", "level: urgent, could_be: high", "10:39: case `first`: `expect`: `could_be`: `high` is not one of"),
    ("level: urgent", "level: urgent, disposition: U2_emergency_dept", "10:42: case `first`: `expect`: `disposition`: unknown disposition `U2_emergency_dept`; did you mean `U2_emergency_dept_now`?"),
    ("level: urgent", "level: urgent, disposition: [U2]", "10:42: case `first`: `expect`: `disposition`: expected a text, found a list"),
    ("level: urgent", "level: urgent, determined: yes", "10:41: case `first`: `expect`: `determined`: expected `true` or `false`"),
    ("level: urgent", "level: urgent, act_within_minutes: soon", "10:49: case `first`: `expect`: `act_within_minutes`: expected a whole number"),
    ("fires: [R08]", "fires: R08", "10:36: case `first`: `expect`: `fires`: expected a list, found the text `R08`"),
    ("fires: [R08]", "fires: [R088]", "10:37: case `first`: `expect`: `fires`: the ruleset has no rule or floor `R088`; did you mean `R88`?"),
    ("fires: [R08]", "fires: []", "10:36: case `first`: `expect`: `fires`: the list is empty"),
    ("fires: [R08]", "silent: {R08: true}", "10:37: case `first`: `expect`: `silent`: expected a list, found a mapping"),
    ("fires: [R08]", "silent: [R888]", "10:38: case `first`: `expect`: `silent`: the ruleset has no rule or floor `R888`"),
    ("fires: [R08]", "ask_includes: [age]", "10:44: case `first`: `expect`: `ask_includes`: the ruleset has no input `age`"),
    ("fires: [R08]", "ask_excludes: [age_year]", "10:44: case `first`: `expect`: `ask_excludes`: the ruleset has no input `age_year`; did you mean `age_years`?"),
    ("fires: [R08]", "missing: [age_year]", "10:39: case `first`: `expect`: `missing`: the ruleset has no input `age_year`; did you mean `age_years`?"),
    ("fires: [R08]", "ask: [age_year]", "10:35: case `first`: `expect`: `ask`: the ruleset has no input `age_year`; did you mean `age_years`?"),
    ("fires: [R08]", "ask: age_years", "10:34: case `first`: `expect`: `ask`: expected a list, found the text `age_years`"),
    ("fires: [R08]", "patient_say: [now]", "10:29: case `first`: `expect`: unknown key `patient_say`; did you mean `patient_says`?"),
    ("fires: [R08]", "patient_says: now", "10:43: case `first`: `expect`: `patient_says`: expected a list, found the text `now`"),
    ("fires: [R08]", "clinician_never_says: [1]", "10:52: case `first`: `expect`: `clinician_never_says`: expected a text, found `1`"),
    ("conflicts: [C01]", "conflicts: [C001]", "10:55: case `first`: `expect`: `conflicts`: the ruleset has no conflict `C001`; did you mean `C01`?"),
    ("flags: [human_review]", "flags: [1]", "10:69: case `first`: `expect`: `flags`: expected a text, found `1`"),
    ("refused: [temperature_c]", "refused: [temperature]", "13:24: case `second`: `expect`: `refused`: the ruleset has no input `temperature`; did you mean `temperature_c`?"),
    ("refused: [temperature_c]", "refused: true", "13:23: case `second`: `expect`: `refused`: expected a list, found `true`"),
    ("{refused: [temperature_c]}", "{refused: [temperature_c], level: urgent}", "13:14: case `second`: `expect`: a report that is `refused` has no result, so `level` can't"),
]  # fmt: skip


@pytest.fixture(scope="module")
def ruleset() -> Ruleset:
    return repository.ruleset(RED_DOTS)


@pytest.fixture(scope="module")
def evaluator(ruleset: Ruleset) -> Evaluator:
    return Evaluator(ruleset, "sha256:" + "0" * 64)


def read(folder: Path, text: str, ruleset: Ruleset) -> list[Case]:
    (folder / "cases.yaml").write_text(text, encoding="utf-8")
    return read_cases(folder, ruleset)


def faults_of(folder: Path, text: str, ruleset: Ruleset) -> list[str]:
    """The faults as they are shown, without the folder."""
    with pytest.raises(RulesetError) as refused:
        read(folder, text, ruleset)
    return [str(fault).removeprefix(f"{folder}/") for fault in refused.value.faults]


@pytest.mark.parametrize(("old", "new", "told"), SLIPS)
def test_a_slip_is_told_where_it_stands(tmp_path: Path, ruleset: Ruleset, old: str, new: str | None, told: str) -> None:
    """`new` None: `old` is the whole file. The first message is the one that helps."""
    if new is not None:
        assert GOOD.count(old) == 1
    text = old if new is None else GOOD.replace(old, new)
    assert faults_of(tmp_path, text, ruleset)[0].startswith(f"cases.yaml:{told}")


def test_most_slips_have_one_message(tmp_path: Path, ruleset: Ruleset) -> None:
    """Follow-ups would hide the slip; only a misspelt key at the top is also missed."""
    told = [faults_of(tmp_path, old if new is None else GOOD.replace(old, new), ruleset) for old, new, _ in SLIPS]
    assert [faults for faults in told if len(faults) > 1 and "`base`; did you mean `bases`" not in faults[0]] == []


def test_all_slips_are_told_at_once_in_the_order_of_the_file(tmp_path: Path, ruleset: Ruleset) -> None:
    """Also those that make it no plain YAML, if reading could go on."""
    text = (
        GOOD.replace("age_years: 40", "age_year: 40")
        .replace("note: A child.", "note: &x A child.")
        .replace("level: urgent", "level: urgnt")
        .replace("id: second", "id: first")
    )
    told = faults_of(tmp_path, text, ruleset)
    assert [int(fault.split(":")[1]) for fault in told] == [2, 5, 10, 11]


def test_what_is_written_right_is_read(tmp_path: Path, ruleset: Ruleset) -> None:
    first, second = read(tmp_path, GOOD, ruleset)
    assert first == Case(
        "first",
        "A child.",
        {"age_years": 4},
        History(1, Level.MONITOR),
        {"level": "urgent", "fires": ["R08"], "conflicts": ["C01"], "flags": ["human_review"]},
    )
    assert second == Case("second", "", {"temperature_c": 101}, History(), {"refused": ["temperature_c"]})


def test_the_cases_of_red_dots_are_read_without_a_fault(ruleset: Ruleset) -> None:
    assert len(repository.cases(RED_DOTS)) >= 800


def test_no_cases_at_all_is_told_as_a_file_that_is_not_there(tmp_path: Path, ruleset: Ruleset) -> None:
    with pytest.raises(RulesetNotFound, match=r"cases\.yaml` can't be read: No such file"):
        read_cases(tmp_path, ruleset)


def test_an_answer_that_does_not_fit_fails_its_case_in_words(tmp_path: Path, evaluator: Evaluator) -> None:
    """Bounds belong to the ruleset: when they change, one case fails, and the others still run."""
    text = "cases:\n  - {id: a, findings: {age_years: four}, expect: {level: urgent}}\n"
    (case,) = read(tmp_path, text, evaluator.ruleset)
    (told,) = run_case(evaluator, case).differences
    assert told.startswith("refused: /findings/age_years: ")


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ("ask: []", "ask: wanted nothing, got "),
        ("patient_says: [Call an AMBULANCE now]", None),
        ("patient_says: [stay at home]", "patient_says: `stay at home` is not there"),
        ("patient_never_says: [stay at home]", None),
        ("patient_never_says: [an ambulance  now]", "patient_never_says: `an ambulance  now` is there"),
        ("clinician_says: [R11], clinician_never_says: [Emergency ambulance]", "clinician_never_says: `Emergency"),
    ],
)
def test_a_case_may_say_what_is_asked_and_what_the_texts_tell(
    tmp_path: Path, evaluator: Evaluator, wanted: str, told: str | None
) -> None:
    """Letter case, blanks and line ends don't count, as in the phrases that are looked for in free text."""
    answers = "{blanches_on_pressure: does_not_blanch, rash_spreading: rapid_hours, age_years: 40}"
    if told is not None and told.startswith("ask"):
        answers = "{}"
    text = f"cases:\n  - {{id: a, findings: {answers}, expect: {{level: urgent, {wanted}}}}}\n"
    (case,) = read(tmp_path, text, evaluator.ruleset)
    differences = [d for d in run_case(evaluator, case).differences if not d.startswith("level")]
    assert [d.startswith(told) for d in differences if told] == ([] if told is None else [True])
    assert told is not None or differences == []


def test_a_case_may_say_exactly_what_is_asked_and_in_which_order(tmp_path: Path, evaluator: Evaluator) -> None:
    text = "cases:\n  - {id: a, findings: {}, expect: {level: monitor}}\n"
    (case,) = read(tmp_path, text, evaluator.ruleset)
    result = run_case(evaluator, case).result
    assert result is not None
    asked = [question["finding"] for question in result["ask"]]
    for order, same in ((asked, True), (asked[::-1], False), (asked[1:], False)):
        wanted = text.replace("{level: monitor}", f"{{level: {result['level']}, ask: [{', '.join(order)}]}}")
        (case,) = read(tmp_path, wanted, evaluator.ruleset)
        assert run_case(evaluator, case).passed == same


def test_an_approval_in_the_future_is_refused_in_a_file_but_opens_as_a_bundle() -> None:
    """Nobody can have approved it; but a worker whose clock is behind must go on with what is live."""
    today = datetime.now(UTC).date()
    for day, refused in ((today + timedelta(days=3), True), (today, False)):
        text = example().replace("approved_by: null", "approved_by: Dr Example").replace(
            "approved_on: null", f"approved_on: {day}"
        )  # fmt: skip
        if refused:
            with pytest.raises(RulesetError, match=f"approved_on`: `{day}` is in the future"):
                parse_ruleset(text.encode(), "ruleset.yaml")
        else:
            assert parse_ruleset(text.encode(), "ruleset.yaml").approved_on == day.isoformat()
        assert build_ruleset(parse_document(text.encode(), "x").data).approved_on == day.isoformat()


@pytest.mark.parametrize("written", ["{temperature_c: {at_least: 38,5}}", "{temperature_c: {at_least: '38,5'}}"])
def test_a_decimal_comma_is_told_to_be_a_point(written: str) -> None:
    text = example().replace("- temperature_c: {at_least: 38}", f"- {written}")
    assert text != example()
    with pytest.raises(RulesetError, match=r"write decimals with a point, such as `38\.5`"):
        parse_ruleset(text.encode(), "ruleset.yaml")
