"""Events and results against their published schemas, both ways: what we make passes, what is wrong does not."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.support.reports import NOW_MS, ROUTINE, URGENT, glass_test
from tests.support.rulesets.generated import make_report, make_ruleset
from tests.support.shares import examples
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.evaluation.result import Identity, failed_result
from triage_rules.foundation import strict_json
from triage_rules.foundation.errors import EventError
from triage_rules.language.bundle import open_bundle
from triage_rules.language.model import Answers, Level, Ruleset
from triage_rules.records.events import FIELDS, Event, decode, encode, event_of
from triage_rules.records.reports import History

SCHEMAS = Path(__file__).resolve().parents[2] / "triage_rules" / "schemas"
DIGEST = "sha256:" + "ab" * 32


def schema(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SCHEMAS / name).read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(found)
    return found


RESULT = Draft202012Validator(schema("result.schema.json"))
EVENT = Draft202012Validator(schema("result-event.schema.json"))


def evaluated(ruleset: Ruleset, answers: Answers, history: History | None = None) -> dict[str, Any]:
    evaluator = Evaluator(ruleset, DIGEST)
    return evaluator.evaluate(
        answers, history or History(), report_id="r-1", received_ms=NOW_MS, evaluated_ms=NOW_MS + 5
    )


def glass_results() -> list[dict[str, Any]]:
    bundle = glass_test()
    ruleset = open_bundle(bundle.data, bundle.digest)
    asked: list[Answers] = [{}, URGENT, ROUTINE, {**ROUTINE, "free_text": "a stiff neck"}]
    return [evaluated(ruleset, answers, History(n)) for n in (0, 3) for answers in asked]


def failed() -> dict[str, Any]:
    return failed_result(Identity("r-1", "glass-test", "1.0.0", DIGEST, NOW_MS, NOW_MS), "worker_lost")


def test_every_result_is_as_its_schema_says() -> None:
    """Of the small ruleset, of many made at random, and of a failure."""
    random = Random(7)
    results = [*glass_results(), failed()]
    for _ in range(examples(40, 200)):
        ruleset = make_ruleset(random)
        results.append(evaluated(ruleset, *make_report(random, ruleset)))
    for result in results:
        RESULT.validate(result)
    assert {result["level"] for result in results} == {"routine", "monitor", "urgent", None}
    assert any(result["ask"] for result in results)
    assert any(result["conflicts"] for result in results)
    assert any("raises" in floor for result in results for floor in result["safety_net"])


def test_the_schema_knows_every_member_of_a_result() -> None:
    """A member that is added to the result and not to the schema is not documented."""
    known = set(RESULT.schema["properties"])
    for result in [*glass_results(), failed()]:
        assert set(result) <= known
        for part in ("rules", "safety_net", "ask"):
            for one in result[part]:
                assert set(one) <= set(RESULT.schema["properties"][part]["items"]["properties"])


def mutated() -> Iterator[tuple[str, dict[str, Any]]]:
    """Results with one thing wrong each."""
    good, bad = glass_results()[1], failed()
    for base, name in ((good, "good"), (bad, "failed")):
        for member in RESULT.schema["required"]:
            without = copy.deepcopy(base)
            del without[member]
            yield f"{name} without {member}", without
            yield f"{name} with a list for {member}", {**base, member: [[]]}
    yield "a level of its own", {**good, "level": "green"}
    yield "level in capitals", {**good, "level": "URGENT"}
    yield "a failure that looks routine", {**bad, "level": "routine"}
    yield "a failure without its flag", {**bad, "flags": []}
    yield "a failure with a disposition", {**bad, "disposition": "U1"}
    yield "a failure that says it is done", {**bad, "status": "done"}
    yield "a failure that is determined", {**bad, "determined": True}
    yield "a failure without its reason", {key: value for key, value in bad.items() if key != "failure"}
    yield "no level and no failure", {**good, "level": None}
    yield "a decision that is dead", {**good, "status": "dead"}
    yield "a decision without disposition", {**good, "disposition": None}
    yield "a negative time", {**good, "act_within_minutes": -1}
    yield "a time in local form", {**good, "received_at": "2026-11-22T10:00:00+01:00"}
    yield "a digest that is none", {**good, "ruleset": {**good["ruleset"], "digest": "latest"}}
    yield "a rule without reason", {**good, "rules": [{**good["rules"][0], "text": ""}]}
    yield "a rule for an unknown audience", {**good, "rules": [{**good["rules"][0], "audience": "public"}]}
    yield "a flag twice", {**good, "flags": ["a", "a"]}
    yield "no advice for the patient", {**good, "advice": {"clinician": "x"}}
    yield "an answer that is a list", {**good, "inferences": {"n": {"because": {"f": ["x"]}}}}


@pytest.mark.parametrize("wrong", [pytest.param(result, id=name) for name, result in mutated()])
def test_a_result_with_one_thing_wrong_is_refused(wrong: dict[str, Any]) -> None:
    """A schema that lets everything pass says nothing."""
    assert not RESULT.is_valid(wrong)


def test_an_event_is_as_its_schema_says_and_reads_back_as_it_was() -> None:
    """Nothing is lost on the wire, whatever the letters."""
    for result in [*glass_results(), failed(), {**failed(), "note": 'schön "é" \u2028 \U0001f600'}]:
        event = event_of("r-1", result, source="clinic", now_ms=NOW_MS)
        fields = encode(event)
        EVENT.validate(fields)
        RESULT.validate(json.loads(fields["data"]))
        assert tuple(fields) == FIELDS
        assert decode(fields) == event
        assert decode({**fields, "ce_traceparent": "later"}) == event


def test_a_report_s_event_has_one_id_whoever_makes_it() -> None:
    """Consumers recognize a repetition by it."""
    first = event_of("r-1", glass_results()[1], source="clinic", now_ms=NOW_MS)
    again = event_of("r-1", failed(), source="clinic", now_ms=NOW_MS + 99_000)
    other = event_of("r-2", failed(), source="clinic", now_ms=NOW_MS)
    assert first.id == again.id
    assert first.id != other.id


def test_a_failed_result_has_no_level_on_the_wire() -> None:
    """An empty field is no level, and no filter takes it for one."""
    fields = encode(event_of("r-1", failed(), source="clinic", now_ms=NOW_MS))
    assert fields["level"] == ""
    assert decode(fields).level is None
    assert decode(encode(event_of("r-1", glass_results()[1], source="c", now_ms=NOW_MS))).level is Level.URGENT


FIELDS_OF_A_GOOD_ONE = encode(event_of("r-1", glass_results()[1], source="clinic", now_ms=NOW_MS))
WRONG_FIELDS = {
    **{f"without {name}": (name, None) for name in FIELDS},
    "another version": ("ce_specversion", "0.3"),
    "another type": ("ce_type", "triage.result.v2"),
    "an unknown level": ("level", "green"),
    "another level than in the result": ("level", "routine"),
    "no level beside one in the result": ("level", ""),
    "data that is no JSON": ("data", "{"),
    "data that is no object": ("data", "[]"),
    "data without a level": ("data", "{}"),
    "data that nests too deep": ("data", "[" * 100_000),
    "data with bytes that were no UTF-8": ("data", '{"level": "urgent", "x": "\udcff"}'),
    "a subject with such bytes": ("ce_subject", "\udcff"),
}


@pytest.mark.parametrize("name", WRONG_FIELDS)
def test_an_entry_that_is_no_event_is_refused(name: str) -> None:
    """By one error, which repeats nothing of the data."""
    field, value = WRONG_FIELDS[name]
    fields = {key: text for key, text in FIELDS_OF_A_GOOD_ONE.items() if key != field}
    if value is not None:
        fields[field] = value
    with pytest.raises(EventError) as caught:
        decode(fields)
    assert "U2_emergency" not in str(caught.value)


def test_what_an_entry_says_cannot_forge_a_line_of_the_log() -> None:
    """Who may write to the stream may write what they like into it."""
    with pytest.raises(EventError) as caught:
        decode({**FIELDS_OF_A_GOOD_ONE, "ce_type": "x\n2027-01-01 INFO all is well\x1b[8m"})
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *((name, None) for name in FIELDS),
        ("ce_specversion", "0.3"),
        ("ce_type", "triage.result.v2"),
        ("ce_time", "yesterday"),
        ("ce_id", ""),
        ("content-type", "text/plain"),
        ("level", "green"),
        ("digest", "latest"),
        ("data", {"not": "text"}),
        ("more", 1),
    ],
)
def test_fields_with_one_thing_wrong_are_refused_by_the_schema(field: str, value: object) -> None:
    """The schema and the code agree on what an event is."""
    fields: dict[str, object] = {key: text for key, text in FIELDS_OF_A_GOOD_ONE.items() if key != field}
    if value is not None:
        fields[field] = value
    assert not EVENT.is_valid(fields)


def test_a_result_with_a_number_that_json_does_not_have_is_never_published() -> None:
    """NaN in a stream breaks every strict reader after it."""
    event = event_of("r-1", {**failed(), "odd": float("nan")}, source="clinic", now_ms=NOW_MS)
    with pytest.raises(ValueError, match="JSON compliant"):
        encode(event)
    assert strict_json.dumps({"ok": 1}) == '{"ok":1}'


def test_an_event_cannot_be_changed() -> None:
    """What was published is what was decided."""
    event = decode(FIELDS_OF_A_GOOD_ONE)
    with pytest.raises(AttributeError):
        event.level = Level.ROUTINE  # type: ignore[misc]
    assert isinstance(event, Event)
