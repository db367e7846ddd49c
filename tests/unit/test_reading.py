"""A ruleset is read to what its words say, from YAML and from plain data alike."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.rulesets.faulty_files import example
from tests.support.shares import examples
from triage_rules.foundation.errors import RulesetError, RulesetNotFound
from triage_rules.foundation.place import Place
from triage_rules.foundation.strict_json import dumps
from triage_rules.language.conditions import statements_in
from triage_rules.language.model import (
    MANDATORY_OPEN,
    All,
    Any,
    AskedOf,
    AtLeast,
    Choice,
    Code,
    Compare,
    Inferred,
    InputKind,
    IsOpen,
    Level,
    LooksLike,
    Not,
    OneOf,
    Op,
    RuleOutcome,
    Ruleset,
    Source,
    Unless,
    Validity,
    Yes,
)
from triage_rules.language.reading import build_ruleset, load_document, parse_document, parse_ruleset, read_ruleset

ROOT = Path(__file__).resolve().parents[2]
RULESETS = sorted(path.parent for path in (ROOT / "rulesets").glob("*/ruleset.yaml"))


def read(text: str) -> Ruleset:
    return parse_ruleset(text.encode(), "ruleset.yaml")


def text_with(condition: str) -> str:
    """The example, with this condition in rule R67."""
    old = "{all: [{blanches_on_pressure: {is: blanches}}, itchy, {not: febrile}]}"
    assert example().count(old) == 1
    return example().replace(old, condition)


def with_condition(condition: str) -> Ruleset:
    return read(text_with(condition))


@pytest.fixture(scope="module")
def ruleset() -> Ruleset:
    return read(example())


# --- what the example says ---


def test_the_example_in_the_docs_is_read_without_a_fault(ruleset):
    """Who learns the language from the page must be able to start from its example."""
    assert (ruleset.name, ruleset.version, ruleset.title) == ("glass-test", "1.0.0", "Spots and the glass test")
    assert (ruleset.approved_by, ruleset.approved_on) == (None, None)
    assert ruleset.always_patient == "Do the glass test again in 4 hours."
    assert list(ruleset.dispositions) == ["U2_emergency_dept_now", "M1_clinician_48h", "R2_self_care_info"]
    assert [d.act_within_minutes for d in ruleset.dispositions.values()] == [60, 2880, None]


def test_inputs_keep_kind_bounds_unit_codes_and_hints(ruleset):
    """Validation and forms are made from these and nothing else."""
    temperature = ruleset.inputs["temperature_c"]
    assert (temperature.kind, temperature.unit, temperature.minimum, temperature.maximum) == (
        InputKind.NUMBER,
        "Cel",
        30,
        43,
    )
    assert temperature.codes == (Code("LOINC", "8310-5"),)
    assert temperature.looks_like == (LooksLike(86, 110, "this looks like degrees Fahrenheit"),)
    assert ruleset.inputs["free_text"].max_length == 2000
    assert ruleset.inputs["explanation_inconsistent"].asked_of is AskedOf.CLINICIAN
    assert ruleset.inputs["reports_last_48h"].asked_of is AskedOf.SERVICE
    assert ruleset.inputs["blanches_on_pressure"].choices == (
        Choice("blanches", "Yes, they fade"),
        Choice("does_not_blanch", "No, they stay"),
        Choice("not_tested", "Not tried yet", means_open=True),
    )


def test_a_rule_keeps_its_written_condition_and_its_statement_gets_the_same(ruleset):
    """The rule is explained by what was written; others build on the statement."""
    rule, statement = ruleset.rules["R08"], ruleset.inferences["suspected_imd"]
    assert rule.when == All((Inferred("nonblanching"), Inferred("febrile")))
    assert rule.outcomes == (
        RuleOutcome("M1_clinician_48h"),
        RuleOutcome("U2_emergency_dept_now", Inferred("child")),
    )
    assert (statement.when, statement.says, statement.rules) == (rule.when, rule.title, ("R08",))
    assert statement.source == Source("Kohlmaier 2023", ("V:Kohlmaier",))


def test_owner_and_review_date_of_a_rule_default_to_those_of_the_ruleset(ruleset):
    """Every rule has someone who answers for it, written or not."""
    assert (ruleset.rules["R08"].owner, ruleset.rules["R08"].review_by) == ("ruleset maintainers", "2027-11-01")
    own = read(example().replace("    section: Sepsis", "    owner: Dr Own\n    review_by: 2026-12-31"))
    assert (own.rules["R08"].owner, own.rules["R08"].review_by) == ("Dr Own", "2026-12-31")
    assert own.rules["R67"].owner == "ruleset maintainers"


def test_the_mandatory_list_becomes_a_statement(ruleset):
    """`mandatory_open` holds as soon as one item of the list is open."""
    assert ruleset.inferences[MANDATORY_OPEN].when == Any(
        (
            IsOpen("age_years"),
            All((IsOpen("temperature_c"), IsOpen("fever_reported"))),
            All((Compare("age_years", Op.LESS_THAN, 16), IsOpen("itchy"))),
        )
    )


def test_raise_one_maps_the_level_reached_to_its_disposition(ruleset):
    """Such a floor has no outcomes of its own."""
    floor = ruleset.floors["S12"]
    assert floor.outcomes == ()
    assert floor.raise_one == ((Level.MONITOR, "M1_clinician_48h"), (Level.URGENT, "U2_emergency_dept_now"))
    assert ruleset.floors["S01"].outcomes == (RuleOutcome("M1_clinician_48h"),)


def test_validity_conflicts_and_mentions_are_read(ruleset):
    assert ruleset.validity == Validity(1440, 240, Any((Inferred("child"), Inferred("febrile"))))
    assert ruleset.conflicts["C01"].when == All((Compare("temperature_c", Op.AT_LEAST, 38), Not(Yes("fever_reported"))))
    assert ruleset.conflicts["C01"].inputs == ("temperature_c", "fever_reported")
    assert ruleset.mentions["red_flag_words"].phrases == ("stiff neck", "blue lips")


def test_phrases_by_language_are_one_list():
    """A phrase that two languages share is written under both."""
    text = example().replace("phrases: [stiff neck, blue lips]", "phrases: {en: [stroke, fit], de: [Stroke, stroke]}")
    assert read(text).mentions["red_flag_words"].phrases == ("stroke", "fit", "Stroke")


def test_everything_knows_where_it_was_written(ruleset):
    """Later checks tell their faults with a place too."""
    lines = example().splitlines()
    for kept in (ruleset.rules, ruleset.floors, ruleset.inputs, ruleset.conflicts, ruleset.dispositions):
        for name, thing in kept.items():
            place = thing.place
            assert isinstance(place, Place)
            assert lines[place.line - 1][place.column - 1 :].startswith(name)


# --- conditions ---


CONDITIONS = [
    ("itchy", Yes("itchy")),
    ("febrile", Inferred("febrile")),
    ("red_flag_words", Yes("red_flag_words")),
    ("mandatory_open", Inferred(MANDATORY_OPEN)),
    ("{not: itchy}", Not(Yes("itchy"))),
    ("{open: age_years}", IsOpen("age_years")),
    ("{open: free_text}", IsOpen("free_text")),
    ("{unless: febrile}", Unless(Inferred("febrile"))),
    ("{unless: itchy}", Unless(Yes("itchy"))),
    ("{unless: red_flag_words}", Unless(Yes("red_flag_words"))),
    ("{unless: suspected_imd}", Unless(Inferred("suspected_imd"))),
    ("{at_least: 1, of: [itchy, febrile]}", AtLeast(1, (Yes("itchy"), Inferred("febrile")))),
    ("{at_least: 2.0, of: [itchy, febrile]}", AtLeast(2, (Yes("itchy"), Inferred("febrile")))),
    ("{any: [itchy]}", Any((Yes("itchy"),))),
    ("{age_years: {more_than: 2.5}}", Compare("age_years", Op.MORE_THAN, 2.5)),
    ("{age_years: {at_most: 120}}", Compare("age_years", Op.AT_MOST, 120)),
    (
        "{age_years: {less_than: 5, at_least: 2}}",
        All((Compare("age_years", Op.AT_LEAST, 2), Compare("age_years", Op.LESS_THAN, 5))),
    ),
    (
        "{age_years: {at_least: 2, at_most: 2}}",
        All((Compare("age_years", Op.AT_LEAST, 2), Compare("age_years", Op.AT_MOST, 2))),
    ),
    ("{blanches_on_pressure: {is: blanches}}", OneOf("blanches_on_pressure", ("blanches",))),
    (
        "{blanches_on_pressure: {in: [does_not_blanch, blanches]}}",
        OneOf("blanches_on_pressure", ("does_not_blanch", "blanches")),
    ),
    ("{reports_last_48h: {at_least: 2}}", Compare("reports_last_48h", Op.AT_LEAST, 2)),
]


@pytest.mark.parametrize(("written", "meant"), CONDITIONS)
def test_a_condition_means_what_is_written(written, meant):
    """The whole table of conditions in the docs."""
    assert with_condition(written).rules["R67"].when == meant


def test_a_limit_of_an_integer_becomes_an_integer():
    """2.0 and 2 are the same limit, and a canonical text writes both as 2."""
    condition = with_condition("{reports_last_48h: {at_least: 2.0}}").rules["R67"].when
    assert isinstance(condition, Compare)
    assert isinstance(condition.limit, int)


# --- statements ---


def statements(inferences: str, first: str = "", second: str = "") -> Ruleset:
    """The example with these inferences, and `infers` for its two rules."""
    text = example().replace("inferences:\n", f"inferences:\n{inferences}", 1)
    text = text.replace(
        "    infers: suspected_imd      # usable in other conditions; several rules may infer the same statement\n",
        first,
    )
    return read(text.replace("    title: Itchy and fading\n", f"    title: Itchy and fading\n{second}"))


def test_definitions_of_a_statement_are_joined_by_any():
    """An own definition comes first, then those of rules, in the order of the file."""
    read_ = statements("  found: {says: Found, when: itchy}\n", "    infers: found\n", "    infers: found\n")
    found = read_.inferences["found"]
    assert found.when == Any((Yes("itchy"), read_.rules["R08"].when, read_.rules["R67"].when))
    assert (found.says, found.rules) == ("Found", ("R08", "R67"))


def test_two_rules_can_infer_one_statement_that_is_not_declared():
    """It is called by the title of the first."""
    found = statements("", "    infers: found\n", "    infers: found\n").inferences["found"]
    assert (found.says, found.rules) == ("Non-blanching spots with fever", ("R08", "R67"))


def test_an_inference_without_a_condition_is_defined_by_its_rules():
    """The words of a statement can be written beside the others, its rules elsewhere."""
    read_ = statements("  found: {says: Found}\n", "    infers: found\n")
    assert read_.inferences["found"].when == read_.rules["R08"].when
    assert read_.inferences["found"].says == "Found"


def test_statements_come_after_all_that_they_need():
    """Evaluators walk them once."""
    late = "  first: {says: A, when: {not: second}}\n  second: {says: B, when: {unless: third}}\n  third: {says: C, when: suspected_imd}\n"
    read_ = read(example().replace("inferences:\n", f"inferences:\n{late}", 1))
    seen: set[str] = set()
    for name, inference in read_.inferences.items():
        assert set(statements_in(inference.when)) <= seen
        seen.add(name)
    assert seen == set(read_.inferences)


def test_a_very_long_chain_of_statements_is_put_in_order():
    """The search for circles must not end at Python's recursion limit."""
    chain = "".join(f"  c{n}: {{says: C, when: c{n + 1}}}\n" for n in range(1800)) + "  c1800: {says: C, when: itchy}\n"
    names = list(read(example().replace("inferences:\n", f"inferences:\n{chain}", 1)).inferences)
    assert [name for name in names if name[1:].isdigit()] == [f"c{n}" for n in range(1800, -1, -1)]


def test_without_a_mandatory_list_there_is_no_such_statement():
    """A condition on it would never be open nor true, so naming it is a fault."""
    text = example()
    start, end = text.index("mandatory:"), text.index("inferences:")
    text = text[:start] + text[end:]
    with pytest.raises(RulesetError, match="`mandatory_open` needs the list `mandatory`, which is missing"):
        read(text)
    assert MANDATORY_OPEN not in read(text.replace("when: mandatory_open", "when: itchy")).inferences


# --- texts, numbers and what looks like them ---


@pytest.mark.parametrize(
    "word", ["yes", "no", "on", "off", "y", "2027-11-01", "0x1F", "0o17", "1_000", "007", "1:30", "None", "'38'"]
)
def test_what_only_looks_like_a_boolean_number_or_date_is_text(word):
    """YAML 1.1 would read `no` as false and 1:30 as 90."""
    data = parse_document(f"title: {word}".encode(), "x").data
    assert data == {"title": word.strip("'")}


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("38", 38),
        ("-1", -1),
        ("+2", 2),
        ("38.5", 38.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
    ],
)
def test_scalars_are_resolved_as_yaml_1_2_says(word, value):
    data = parse_document(f"title: {word}".encode(), "x").data
    assert data == {"title": value}
    assert type(data["title"]) is type(value)


# --- from plain data ---


def test_plain_data_gives_the_same_ruleset_as_the_file(ruleset):
    """A bundle holds the plain data; workers must decide as the file says."""
    document = parse_document(example().encode(), "ruleset.yaml")
    assert build_ruleset(json.loads(dumps(document.data))) == ruleset


@pytest.mark.parametrize("folder", RULESETS, ids=lambda path: path.name)
def test_each_ruleset_of_the_repository_survives_the_round_trip(folder):
    """As above, for what is deployed."""
    again = build_ruleset(json.loads(dumps(load_document(folder).data)))
    assert again == read_ruleset(folder)
    for kept in ("inputs", "inferences", "rules", "floors", "dispositions"):
        assert list(getattr(again, kept)) == list(getattr(read_ruleset(folder), kept)), "the order must survive too"


def edited(data: object, path: list[int], value: object) -> object:
    """A copy in which the part at `path` (taken modulo the sizes) is replaced, or dropped if value is `...`."""
    parts = list(data.items()) if isinstance(data, dict) else list(enumerate(data)) if isinstance(data, list) else []
    if not path or not parts:
        return value
    key, inner = parts[path[0] % len(parts)]
    new = edited(inner, path[1:], value)
    changed = [(k, new if k == key else v) for k, v in parts if k != key or new is not ...]
    return dict(changed) if isinstance(data, dict) else [v for _, v in changed]


VALUES = st.one_of(
    st.just(...),
    st.sampled_from(
        [
            "itchy",
            "child",
            "febrile",
            "age_years",
            "unknown",
            "open",
            "mandatory_open",
            "U2_emergency_dept_now",
            "",
            " ",
        ]
    ),
    st.sampled_from(
        [None, True, False, 0, 1, 2, -1, 38.5, 1e300, [], {}, [[]], {"": None}, {"all": []}, {"not": "child"}]
    ),
)
PATHS = st.lists(st.integers(0, 40), min_size=1, max_size=6)


@settings(deadline=None, max_examples=examples(40, 150))
@given(st.lists(st.tuples(PATHS, VALUES), min_size=1, max_size=3))
def test_yaml_and_plain_data_agree_on_any_edit(edits):
    """JSON is YAML: one reader must find the same faults, or the same ruleset, by both ways in; nothing else may happen."""
    data: object = parse_document(example().encode(), "x").data
    for path, value in edits:
        data = edited(data, path, value)
    data = None if data is ... else data
    assert outcome_of_text(json.dumps(data)) == outcome_of_data(data)


def outcome_of_text(text: str) -> object:
    try:
        return read(text)
    except RulesetError as error:
        return sorted({fault.message for fault in error.faults})


def outcome_of_data(data: object) -> object:
    try:
        return build_ruleset(data)
    except RulesetError as error:
        return sorted({fault.message for fault in error.faults})


@settings(deadline=None, max_examples=examples(40, 150))
@given(
    st.integers(0, len(example())),
    st.integers(0, 60),
    st.text(max_size=20) | st.sampled_from(["\t", ": ", "- ", "{", "]", "'", '"', "|", "%", "---\n"]),
)
def test_any_text_gives_a_ruleset_or_faults_with_places(at, cut, put):
    """A slip of the hand never ends in a traceback."""
    text = example()[:at] + put + example()[at + cut :]
    try:
        read(text)
    except RulesetError as error:
        for fault in error.faults:
            assert fault.place.line >= 1
            assert fault.place.column >= 1
            assert fault.message.isprintable()


# --- files ---


def test_a_folder_means_its_ruleset_file(tmp_path, ruleset):
    (tmp_path / "ruleset.yaml").write_text(example(), encoding="utf-8")
    assert read_ruleset(tmp_path) == read_ruleset(tmp_path / "ruleset.yaml") == ruleset
    assert load_document(tmp_path).file == str(tmp_path / "ruleset.yaml")


def test_a_missing_file_is_told_by_its_name(tmp_path):
    with pytest.raises(RulesetNotFound, match=r"ruleset\.yaml` can't be read: No such file"):
        read_ruleset(tmp_path)


def test_a_byte_order_mark_and_windows_line_ends_are_read(ruleset):
    """Editors on Windows write both."""
    assert parse_ruleset(b"\xef\xbb\xbf" + example().replace("\n", "\r\n").encode(), "x") == ruleset
