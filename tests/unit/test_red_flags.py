"""Red flags: what counts as one, and outcomes that are known beforehand, on small rulesets."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from tests.support.rulesets.defects import Data, add_input, clean, rule
from triage_rules.assurance.red_flags.rendering import as_text
from triage_rules.assurance.red_flags.table import Table, make_table
from triage_rules.assurance.solver.logic import Formula, Logic
from triage_rules.assurance.solver.many_reports import ManyReports
from triage_rules.cli import main
from triage_rules.language.model import Value
from triage_rules.language.reading import parse_ruleset

BANDS = 6
CHILD = {"age_years": {"less_than": 16}}


def spots() -> Data:
    """A ruleset with a sign of each kind. `pain` is too mild: the planted defect."""
    data = clean(3) | {"inputs": {}, "inferences": {}, "mandatory": [], "safety_net": {}}
    data["default"] = {"disposition": "M2", "reason": "Nothing matched."}
    add_input(data, "age_years", {"type": "number", "unit": "a", "minimum": 0, "maximum": 120, "expected": 40})
    add_input(data, "glass", {"type": "choice", "choices": {"fades": "Fades", "stays": "Stays"}, "expected": "fades"})
    add_input(data, "temperature", {"type": "number", "unit": "Cel", "minimum": 30, "maximum": 43, "expected": 37})
    add_input(data, "pain", {"type": "yes_no"})
    add_input(data, "bleeding", {"type": "yes_no"})
    add_input(data, "gums", {"type": "yes_no", "relevant": {"when": "bleeding", "otherwise": False}})
    add_input(data, "mobile", {"type": "yes_no", "expected": True, "relevant": {"when": CHILD}})
    add_input(
        data, "platelets", {"type": "number", "unit": "1", "minimum": 0, "maximum": 999, "asked_of": "laboratory"}
    )
    add_input(data, "note", {"type": "text", "max_length": 80})
    data["mentions"] = {"stiff": {"text": "note", "phrases": ["stiff neck"], "says": "A stiff neck is written"}}
    fever: object = {"temperature": {"at_least": 38}}
    data["rules"] = {
        "R1": rule("Well", {"all": [{"not": "pain"}, {"not": "bleeding"}, {"not": fever}]}, "R1"),
        "R2": rule("Pain", "pain", "M2"),
        "R3": rule("Gums", "gums", "U2"),
        "R4": rule("Bleeding", "bleeding", "M1"),
        "R5": rule("Fever of a child", {"all": [fever, CHILD]}, "U1"),
        "R6": rule("Fever and spots that stay", {"all": [fever, {"glass": {"is": "stays"}}]}, "U1"),
        "R7": rule("Pain and bleeding", {"all": ["pain", "bleeding"]}, "U1"),
        "R8": rule("Lies still", {"not": "mobile"}, "U2"),
        "R9": rule("Words", {"all": ["stiff", {"unless": "pain"}]}, "M1"),
        "R10": rule("Few platelets", {"platelets": {"less_than": 20}}, "U1"),
    }
    return data


def table_of(data: Data, split: dict[str, list[Value]] | None = None, *, pairs: bool = False) -> Table:
    return make_table(parse_ruleset(json.dumps(data).encode(), "ruleset.yaml"), split or {}, with_pairs=pairs)


@pytest.fixture(scope="module")
def table() -> Table:
    return table_of(spots(), pairs=True)


def harmless(table: Table, name: str) -> tuple[str | None, ...]:
    return next(row.harmless for row in table.singles if row.flags[0].name == name)


def anything(table: Table, name: str) -> tuple[str | None, ...]:
    return next(row.anything for row in table.singles if row.flags[0].name == name)


def test_only_a_patients_answers_that_raise_are_red_flags(table: Table) -> None:
    """Neither platelets nor the age, nor the harmless answers; the glass test raises together with a fever."""
    assert [row.flags[0].name for row in table.singles] == [
        "glass: stays",
        "temperature: 38 or more",
        "pain: yes",
        "bleeding: yes",
        "gums: yes",
        "mobile: no",
        "stiff: “stiff neck”",
    ]


def test_a_flag_that_is_too_mild_shows_in_every_age_band(table: Table) -> None:
    assert table.baseline == ("R1",) * BANDS
    assert harmless(table, "pain: yes") == ("M2",) * BANDS
    assert "pain: yes                M2" in "\n".join(as_text(table))


def test_an_outcome_that_depends_on_the_age_differs_between_the_bands(table: Table) -> None:
    assert harmless(table, "temperature: 38 or more") == ("U1", "U1", "U1", "M2", "M2", "M2")


def test_a_question_that_is_gated_is_opened_first(table: Table) -> None:
    """Bleeding gums come with a yes to bleeding; where the question is not asked, there is no outcome."""
    assert harmless(table, "gums: yes") == ("U2",) * BANDS
    assert harmless(table, "mobile: no") == ("U2", "U2", "U2", None, None, None)


def test_without_its_opening_answer_a_gated_flag_would_end_otherwise() -> None:
    data = spots()
    data["rules"]["R3"]["when"] = {"all": ["gums", "bleeding"]}
    assert harmless(table_of(data), "gums: yes") == ("U2",) * BANDS


def test_the_mildest_of_any_answers_may_be_milder_than_with_harmless_ones(table: Table) -> None:
    """With a pain that is answered yes, the words no longer raise."""
    assert harmless(table, "stiff: “stiff neck”") == ("M1",) * BANDS
    assert anything(table, "stiff: “stiff neck”") == ("M2",) * BANDS
    assert anything(table, "gums: yes") == ("U2",) * BANDS


def test_a_split_shows_each_answer_and_is_no_flag_itself() -> None:
    table = table_of(spots(), {"glass": ["fades", "stays"]})
    assert "glass: stays" not in [row.flags[0].name for row in table.singles]
    assert harmless(table, "temperature: 38 or more")[6:] == ("M2", "U1") * 3


def test_the_mildest_age_of_a_band_counts() -> None:
    """A rule for 18 and over leaves the band of 16 to 24 at the outcome of 16."""
    data = spots()
    data["rules"]["R2"]["raised"] = [{"to": "M1", "when": {"age_years": {"at_least": 18}}}]
    assert harmless(table_of(data), "pain: yes") == ("M2", "M2", "M2", "M2", "M1", "M1")


def test_only_pairs_that_are_graver_than_both_flags_are_listed(table: Table) -> None:
    raising = {" + ".join(flag.name for flag in row.flags): row.harmless for row in table.raising_pairs()}
    assert raising == {
        "glass: stays + temperature: 38 or more": ("U1",) * BANDS,
        "pain: yes + bleeding: yes": ("U1",) * BANDS,
        "pain: yes + gums: yes": ("U1",) * BANDS,
    }
    assert len(table.pairs) == 7 * 6 / 2


def test_a_number_without_an_expected_answer_is_open_and_each_range_that_raises_is_a_flag() -> None:
    data = spots()
    del data["inputs"]["temperature"]["expected"]
    table = table_of(data)
    assert table.baseline == ("M2",) * BANDS
    assert harmless(table, "temperature: 38 or more")[0] == "U1"
    assert not any(row.flags[0].name == "temperature: below 38" for row in table.singles)


# --- many reports at once ---

Truth = Callable[[list[Formula], Logic], Formula]


def formulas(variables: int) -> st.SearchStrategy[tuple[object, ...]]:
    leaf = st.tuples(st.just("variable"), st.integers(0, variables - 1))
    return st.recursive(
        leaf,
        lambda inner: st.one_of(
            st.tuples(st.sampled_from(["all", "any", "2 of", "same"]), st.lists(inner, min_size=2, max_size=3)),
            st.tuples(st.sampled_from(["not", "named"]), st.lists(inner, min_size=1, max_size=1)),
        ),
        max_leaves=10,
    )


def build(logic: Logic, variables: list[Formula], shape: tuple[object, ...]) -> Formula:
    kind, inner = shape
    if kind == "variable":
        return variables[inner]  # type: ignore[call-overload]
    parts = [build(logic, variables, part) for part in inner]  # type: ignore[attr-defined]
    match kind:
        case "all":
            return logic.all_of(parts)
        case "any":
            return logic.any_of(parts)
        case "2 of":
            return logic.at_least(2, parts)
        case "same":
            return logic.same(parts[0], parts[1])
        case "not":
            return logic.opposite(parts[0])
        case _:
            return logic.named(parts[0])


def holds(shape: tuple[object, ...], report: int) -> bool:
    """The truth of one report, whose variables are the bits of its number."""
    kind, inner = shape
    if kind == "variable":
        return bool(report >> inner & 1)  # type: ignore[operator]
    truths = [holds(part, report) for part in inner]  # type: ignore[attr-defined]
    match kind:
        case "all":
            return all(truths)
        case "any":
            return any(truths)
        case "2 of":
            return sum(truths) >= 2
        case "same":
            return truths[0] == truths[1]
        case "not":
            return not truths[0]
        case _:
            return truths[0]


@given(shape=formulas(4))
def test_many_reports_come_out_as_each_by_itself(shape: tuple[object, ...]) -> None:
    """Law: the bit of a report is the formula's truth in it. All reports of four variables."""
    logic = Logic()
    variables = [logic.variable(f"v{number}") for number in range(4)]
    reports = range(16)
    known = {
        variable.get_id(): sum(1 << report for report in reports if report >> number & 1)
        for number, variable in enumerate(variables)
    }
    truths = ManyReports(logic).truths(build(logic, variables, shape), known, (1 << 16) - 1)
    assert [bool(truths >> report & 1) for report in reports] == [holds(shape, report) for report in reports]


# --- the command ---


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("spots")
    (folder / "ruleset.yaml").write_text(json.dumps(spots()), encoding="utf-8")
    return folder


def ran(folder: Path, *options: str) -> Result:
    return CliRunner().invoke(main, ["red-flags", str(folder), *options], catch_exceptions=False)


def test_csv_and_json_have_every_flag_and_pair(folder: Path) -> None:
    lines = list(csv.DictReader(io.StringIO(ran(folder, "--pairs", "--format", "csv").stdout)))
    data = json.loads(ran(folder, "--pairs", "--format", "json").stdout)
    pairs = [(line["flag"], line["second flag"]) for line in lines if line["second flag"]]
    assert pairs == [tuple(pair["flags"]) for pair in data["pairs"]]
    assert [one["flag"] for one in data["flags"]] == list(dict.fromkeys(line["flag"] for line in lines))
    fever = next(line for line in lines if line["flag"] == "temperature: 38 or more")
    assert (fever["everything else"], fever["5 to 15"], fever["16 to 24"]) == ("harmless", "U1", "M2")
    assert sum(pair["raises"] for pair in data["pairs"]) == 3


def test_markdown_has_a_table_for_single_flags_and_one_for_raising_pairs(folder: Path) -> None:
    page = ran(folder, "--pairs", "--split", "glass", "--format", "markdown").stdout
    assert "| temperature: 38 or more | U1 | U1 | U1 | M2 / U1 | M2 / U1 | M2 / U1 | M2 |" in page
    assert "| pain: yes + bleeding: yes | U1 | U1 | U1 | U1 | U1 | U1 |" in page
    assert "In each cell: fades / stays (glass)" in page


@pytest.mark.parametrize(
    ("split", "message"),
    [
        ("glas", "there is no choice or yes/no question `glas`"),
        ("age_years", "there is no choice or yes/no question `age_years`"),
        ("glass=fade", "`glass` has no answer `fade`"),
    ],
)
def test_a_split_that_is_no_question_or_answer_is_refused(folder: Path, split: str, message: str) -> None:
    refused = ran(folder, "--split", split)
    assert (refused.exit_code, message in refused.stderr) == (2, True), refused.stderr
