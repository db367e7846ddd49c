"""The findings of a report are taken strictly or refused, each fault with a pointer and no answer repeated."""

from __future__ import annotations

import dataclasses
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from marshmallow import Schema

from tests.support.paths import RED_DOTS
from tests.support.rulesets import repository
from tests.support.rulesets.faulty_files import example
from tests.support.rulesets.generated import DIGEST
from triage_rules.evaluation.answers import UNKNOWN, answers_json_schema, answers_schema, asked, read_answers
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.foundation.errors import ReportError, ReportFault
from triage_rules.language.model import SERVICE_COUNTS, AskedOf, InputKind, Ruleset
from triage_rules.language.reading import parse_ruleset
from triage_rules.records.reports import History

MORE = """
  bleeding_days: {type: integer, group: illness, minimum: 0, question: Days of bleeding?}
  drop: {type: number, group: illness, unit: 'g/L', maximum: 10.5, question: Drop?}
  anything: {type: number, group: illness, question: Any number?}
"""
RULESET = parse_ruleset(example().replace("\ninputs:\n", f"\ninputs:{MORE}", 1).encode(), "ruleset.yaml")


def faults_of(raw: object, ruleset: Ruleset = RULESET) -> list[ReportFault]:
    with pytest.raises(ReportError) as refused:
        read_answers(ruleset, raw)
    return list(refused.value.faults)


# --- what is taken ---


def test_answers_come_out_as_they_were_given():
    """Evaluators see exactly what was answered, by the same types."""
    raw = {
        "age_years": 3,
        "temperature_c": 38.5,
        "fever_reported": True,
        "itchy": False,
        "blanches_on_pressure": "does_not_blanch",
        "bleeding_days": 0,
        "free_text": "a\nb",
    }
    taken = read_answers(RULESET, raw)
    assert taken == raw
    assert [type(value) for value in taken.values()] == [type(raw[name]) for name in taken]


def test_unknown_leaves_every_kind_of_question_open():
    """ "unknown" is kept, for numbers and texts too, so that the question is not asked again."""
    unknown = {read.name: UNKNOWN for read in asked(RULESET)}
    assert read_answers(RULESET, unknown) == unknown
    assert Evaluator(RULESET, DIGEST).facts(unknown, History()).keys() <= set(SERVICE_COUNTS)


def test_a_choice_that_means_open_leaves_the_question_open():
    """`not_tested` is no answer to whether the spots fade."""
    assert read_answers(RULESET, {"blanches_on_pressure": "not_tested"}) == {"blanches_on_pressure": UNKNOWN}


def test_no_findings_at_all_are_findings():
    """A report without an answer is evaluated: everything is open."""
    assert read_answers(RULESET, {}) == {}


def test_an_empty_text_is_an_answer():
    """Nothing was added: the text mentions no red flag."""
    assert read_answers(RULESET, {"free_text": ""}) == {"free_text": ""}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature_c", 30),
        ("temperature_c", 43),
        ("temperature_c", 43.0),
        ("drop", -1e15),
        ("drop", 10.5),
        ("anything", 1e15),
        ("anything", 10**15),
        ("free_text", "x" * 2000),
        ("free_text", "\U0001f600" * 2000),
    ],
)
def test_bounds_are_included(name, value):
    """Also that a text's length is counted in characters, not in bytes."""
    assert read_answers(RULESET, {name: value}) == {name: value}


def test_minus_zero_becomes_zero():
    """No evaluator has to know about two zeros."""
    assert str(read_answers(RULESET, {"anything": -0.0})["anything"]) == "0.0"


# --- what is refused ---


@pytest.mark.parametrize(
    ("name", "value", "code", "told"),
    [
        ("age_years", "3", "wrong_type", 'expected a number or "unknown", found a text'),
        ("age_years", True, "wrong_type", 'expected a number or "unknown", found true or false'),
        ("age_years", [3], "wrong_type", 'expected a number or "unknown", found a list'),
        ("age_years", {"value": 3}, "wrong_type", 'expected a number or "unknown", found an object'),
        ("age_years", b"3", "wrong_type", 'expected a number or "unknown", found something that is not JSON'),
        ("age_years", "", "wrong_type", 'expected a number or "unknown", found a text'),
        ("age_years", "Unknown", "wrong_type", 'expected a number or "unknown", found a text'),
        ("age_years", -1, "out_of_range", "expected 0 to 120 years"),
        ("age_years", 120.00001, "out_of_range", "expected 0 to 120 years"),
        ("age_years", float("nan"), "not_finite", "the number is not finite"),
        ("age_years", float("inf"), "not_finite", "the number is not finite"),
        ("age_years", 10**400, "out_of_range", "expected 0 to 120 years"),
        ("temperature_c", 101.3, "out_of_range", "expected 30 to 43 °C; this looks like degrees Fahrenheit"),
        ("temperature_c", 86, "out_of_range", "expected 30 to 43 °C; this looks like degrees Fahrenheit"),
        ("temperature_c", 110, "out_of_range", "expected 30 to 43 °C; this looks like degrees Fahrenheit"),
        ("temperature_c", 60, "out_of_range", "expected 30 to 43 °C"),
        ("bleeding_days", 3.0, "wrong_type", 'expected a whole number, written without a fraction, or "unknown"'),
        ("bleeding_days", 3.5, "wrong_type", 'expected a whole number, written without a fraction, or "unknown"'),
        ("bleeding_days", False, "wrong_type", 'expected a number or "unknown", found true or false'),
        ("bleeding_days", "3", "wrong_type", 'expected a number or "unknown", found a text'),
        ("bleeding_days", float("nan"), "not_finite", "the number is not finite"),
        ("bleeding_days", -1, "out_of_range", "expected 0 or more, and no number beyond 1e15"),
        ("bleeding_days", 10**15 + 1, "out_of_range", "expected 0 or more, and no number beyond 1e15"),
        ("drop", 10.6, "out_of_range", "expected 10.5 g/L or less, and no number beyond 1e15"),
        ("anything", 1e16, "out_of_range", "expected a number from -1e15 to 1e15"),
        ("fever_reported", "yes", "wrong_type", 'expected true, false or "unknown", found a text'),
        ("fever_reported", "true", "wrong_type", 'expected true, false or "unknown", found a text'),
        ("fever_reported", 1, "wrong_type", 'expected true, false or "unknown", found a number'),
        ("fever_reported", 0, "wrong_type", 'expected true, false or "unknown", found a number'),
        (
            "blanches_on_pressure",
            "fades",
            "not_a_choice",
            "expected one of `blanches`, `does_not_blanch`, `not_tested`, `unknown`",
        ),
        (
            "blanches_on_pressure",
            "Blanches",
            "not_a_choice",
            "expected one of `blanches`, `does_not_blanch`, `not_tested`, `unknown`",
        ),
        (
            "blanches_on_pressure",
            True,
            "wrong_type",
            "expected one of `blanches`, `does_not_blanch`, `not_tested`, `unknown`, found true or false",
        ),
        (
            "blanches_on_pressure",
            ["blanches"],
            "wrong_type",
            "expected one of `blanches`, `does_not_blanch`, `not_tested`, `unknown`, found a list",
        ),
        ("free_text", 1, "wrong_type", "expected a text, found a number"),
        ("free_text", "x" * 2001, "too_long", "the text is longer than 2000 characters"),
        ("free_text", "a\0b", "invalid", "the character U+0000 can't stand in a text"),
        ("free_text", "a\ud800", "invalid", "half of a surrogate pair is not a character"),
        ("explanation_inconsistent", None, "null", 'null is not an answer; leave the field out, or write "unknown"'),
        ("age_years", None, "null", 'null is not an answer; leave the field out, or write "unknown"'),
        ("free_text", None, "null", 'null is not an answer; leave the field out, or write "unknown"'),
        ("age_year", 3, "unknown_field", "no such input; did you mean `age_years`?"),
        ("AGE_YEARS", 3, "unknown_field", "no such input; did you mean `age_years`?"),
        ("zzz", 3, "unknown_field", "no such input"),
        ("zzz", None, "unknown_field", "no such input"),
        ("_schema", 3, "unknown_field", "no such input"),
        ("febrile", True, "unknown_field", "no such input"),
        ("red_flag_words", True, "unknown_field", "no such input"),
        ("reports_last_48h", 3, "unknown_field", "this is counted by the service; leave it out"),
        ("age_years.x", 3, "unknown_field", "no such input; did you mean `age_years`?"),
    ],
)
def test_a_wrong_answer_is_refused_by_code_and_pointer(name, value, code, told):
    """Nothing is converted, trimmed or clamped: a guess about a symptom is worse than a question."""
    assert faults_of({name: value}) == [ReportFault(f"/findings/{name}", code, told)]


@pytest.mark.parametrize("raw", [None, [], "x", 3, True, [{"age_years": 3}], [("age_years", 3)]])
def test_findings_must_be_an_object(raw):
    fault = faults_of(raw)[0]
    assert (fault.pointer, fault.code) == ("/findings", "wrong_type")
    assert fault.detail.startswith("expected an object with the findings, found ")


def test_all_faults_are_told_at_once_in_the_order_of_the_report():
    """A form can mark every wrong field in one go."""
    raw = {"zzz": 1, "itchy": "no", "age_years": 3, "temperature_c": 101, "free_text": None}
    assert [(fault.pointer, fault.code) for fault in faults_of(raw)] == [
        ("/findings/zzz", "unknown_field"),
        ("/findings/itchy", "wrong_type"),
        ("/findings/temperature_c", "out_of_range"),
        ("/findings/free_text", "null"),
    ]


def test_pointers_are_escaped():
    """RFC 6901: a slash in a key is no step."""
    assert faults_of({"a/b~": 1})[0].pointer == "/findings/a~1b~0"


@pytest.mark.parametrize(
    ("unit", "told"),
    [
        ("a", "expected 0 to 9 years"),
        ("mo", "expected 0 to 9 months"),
        ("wk", "expected 0 to 9 weeks"),
        ("d", "expected 0 to 9 days"),
        ("h", "expected 0 to 9 hours"),
        ("s", "expected 0 to 9 seconds"),
        ("Cel", "expected 0 to 9 °C"),
        ("mm[Hg]", "expected 0 to 9 mmHg"),
        ("/min", "expected 0 to 9/min"),
        ("%", "expected 0 to 9%"),
        ("1", "expected 0 to 9"),
        ("10*9/L", "expected 0 to 9 10*9/L"),
    ],
)
def test_units_are_told_in_words_that_everybody_knows(unit, told):
    """UCUM is for programs: nobody reads `a` as years. What has no such word stays as it is."""
    read = dataclasses.replace(RULESET.inputs["age_years"], unit=unit, minimum=0, maximum=9)
    ruleset = dataclasses.replace(RULESET, inputs={"age_years": read})
    with pytest.raises(ReportError) as caught:
        read_answers(ruleset, {"age_years": 10})
    assert caught.value.faults[0].detail == told


def test_a_hostile_report_is_refused_quickly_and_briefly():
    """Looking for near names is slow, so it is done for the first faults only."""
    started = time.perf_counter()
    with pytest.raises(ReportError) as caught:
        read_answers(RULESET, {f"age_yeers_{n}": n for n in range(50_000)} | {"x" * 100_000: 1})
    assert time.perf_counter() - started < 3
    assert (len(caught.value.faults), caught.value.left_out) == (100, 49_901)
    assert str(caught.value).endswith("\nand 49901 more faults")


ANSWERS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=30),
    st.sampled_from(["unknown", "blanches", "not_tested", 38, 38.5, 0, 2, 101]),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)
NAMES = st.sampled_from([*RULESET.inputs, "zzz"])


@settings(deadline=None)
@given(st.dictionaries(NAMES, ANSWERS, max_size=12))
def test_each_finding_is_taken_unchanged_left_open_or_refused(raw):
    """There is no fourth way, and one finding's fate doesn't depend on the others."""
    alone = {}
    for name, value in raw.items():
        try:
            alone[name] = read_answers(RULESET, {name: value})
        except ReportError as error:
            alone[name] = list(error.faults)
    wrong = [fault for result in alone.values() if isinstance(result, list) for fault in result]
    if wrong:
        assert faults_of(raw) == wrong
    else:
        taken = read_answers(RULESET, raw)
        assert taken == {key: value for result in alone.values() for key, value in result.items()}
        assert all(raw[name] == value and type(raw[name]) is type(value) for name, value in taken.items())


@settings(deadline=None)
@given(NAMES, st.text(alphabet="0123456789abcdef", min_size=12, max_size=20))
def test_no_fault_repeats_an_answer(name, answer):
    """Faults end in logs and in problem documents; answers must not."""
    for value in (answer, [answer], {answer: 1}, int(answer, 16) + 10**20, f"{answer}\0" * 200):
        told = ""
        try:
            read_answers(RULESET, {name: value})
        except ReportError as error:
            told = str(error)
        assert answer not in told
        assert str(int(answer, 16) + 10**20) not in told


# --- the schemas ---


@settings(deadline=None)
@given(st.dictionaries(NAMES, ANSWERS.filter(lambda value: value == value), max_size=6))  # noqa: PLR0124  # not NaN
def test_the_json_schema_agrees_with_the_reader(raw):
    """Forms that check by the schema are not surprised by the service, but for whole numbers written 3.0."""
    fits = Draft202012Validator(answers_json_schema(RULESET)).is_valid(raw)
    try:
        read_answers(RULESET, raw)
    except ReportError as error:
        told = {fault.pointer for fault in error.faults}
        written_as_fraction = "bleeding_days" in raw and isinstance(raw["bleeding_days"], float)
        assert not fits or (told == {"/findings/bleeding_days"} and written_as_fraction)
    else:
        assert fits


def test_the_json_schema_tells_forms_what_to_ask():
    """The form's question, unit, group and choices come from the ruleset alone."""
    schema = answers_json_schema(RULESET)
    Draft202012Validator.check_schema(schema)
    temperature = schema["properties"]["temperature_c"]
    assert temperature["title"] == "Temperature?"
    assert (temperature["x-unit"], temperature["x-group"], temperature["x-asked-of"]) == ("Cel", "illness", "anyone")
    assert temperature["x-codes"] == [{"system": "LOINC", "code": "8310-5"}]
    assert temperature["anyOf"] == [{"type": "number", "minimum": 30, "maximum": 43}, {"const": "unknown"}]
    assert schema["properties"]["fever_reported"]["description"] == "Also if they only felt hot."
    blanches = schema["properties"]["blanches_on_pressure"]
    assert blanches["enum"] == ["blanches", "does_not_blanch", "not_tested", "unknown"]
    assert blanches["x-choices"][2] == {"value": "not_tested", "label": "Not tried yet", "means_open": True}
    assert schema["properties"]["explanation_inconsistent"]["x-asked-of"] == "clinician"


def test_what_the_service_counts_is_not_in_the_schemas():
    """Nobody can post it."""
    assert "reports_last_48h" not in answers_json_schema(RULESET)["properties"]
    assert "reports_last_48h" not in answers_schema(RULESET)().fields
    assert all(read.asked_of is not AskedOf.SERVICE for read in asked(RULESET))


def test_the_marshmallow_schema_has_a_field_for_each_input():
    """The web service describes its API by it."""
    schema = answers_schema(RULESET)
    assert issubclass(schema, Schema)
    assert schema.__name__ == "GlassTestFindings"
    assert list(schema().fields) == [read.name for read in asked(RULESET)]
    assert schema().load({"itchy": "unknown", "age_years": 3}) == {"itchy": UNKNOWN, "age_years": 3}
    assert schema().fields["age_years"].metadata["title"] == "How old is the person?"


def test_an_input_may_be_called_like_a_part_of_marshmallow():
    """Names come from clinicians, who know nothing of Python."""
    names = [name for name in dir(Schema) if name.isidentifier() and name.islower() and not name.startswith("_")]
    assert {"load", "fields", "opts"} & set(names)
    lines = "".join(
        f"  {name}: {{type: yes_no, group: g, question: Q?}}\n" for name in {*names, "fields", "opts", "data"}
    )
    odd = parse_ruleset(example().replace("\ninputs:\n", f"\ninputs:\n{lines}", 1).encode(), "x")
    raw = dict.fromkeys([*names, "fields", "opts", "data"], True)
    assert read_answers(odd, raw) == raw
    assert faults_of({**raw, "load": 1}, odd) == [
        ReportFault("/findings/load", "wrong_type", 'expected true, false or "unknown", found a number')
    ]


def test_two_rulesets_of_one_name_keep_their_own_inputs():
    """While a new version goes live, reports of both are read."""
    other = parse_ruleset(example().replace("maximum: 43", "maximum: 44").encode(), "x")
    for _ in range(2):
        assert read_answers(other, {"temperature_c": 44}) == {"temperature_c": 44}
        assert faults_of({"temperature_c": 44})[0].code == "out_of_range"


def test_many_rulesets_in_one_process_keep_their_own_inputs():
    """Old schemas are dropped, never mixed up."""
    many = [
        parse_ruleset(
            example()
            .replace("minimum: 86, maximum: 110", "minimum: 1, maximum: 2")
            .replace("maximum: 43", f"maximum: {n}")
            .encode(),
            "x",
        )
        for n in range(30031, 30100)
    ]
    for _ in range(2):
        for n, ruleset in enumerate(many, start=30031):
            assert read_answers(ruleset, {"temperature_c": n}) == {"temperature_c": n}
            assert faults_of({"temperature_c": n + 1}, ruleset)[0].code == "out_of_range"


def test_sixty_findings_are_read_in_less_than_a_millisecond():
    """Intake reads them for each report, before anything else can happen."""
    ruleset = repository.ruleset(RED_DOTS)
    answers = {
        InputKind.YES_NO: lambda _: True,
        InputKind.TEXT: lambda _: "text",
        InputKind.CHOICE: lambda read: read.choices[0].value,
    }
    raw = {
        read.name: answers.get(read.kind, lambda read: int(read.minimum or 0) + 1)(read) for read in asked(ruleset)[:60]
    }
    read_answers(ruleset, raw)

    def once() -> float:
        started = time.perf_counter()
        read_answers(ruleset, raw)
        return time.perf_counter() - started

    assert min(once() for _ in range(50)) < 0.001
