"""Contacts in texts: by country, replaced by settings, on every surface, and the same in a replay."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.support.rulesets.contacted import TEXT, contacted
from tests.support.rulesets.generated import DIGEST
from triage_rules.assurance.diff.text_changes import list_changes
from triage_rules.deployment.live import LiveRulesets
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.foundation.contacts import ContactChoice, contact_settings, read_contact_choice
from triage_rules.foundation.errors import RulesetError, SettingsError
from triage_rules.foundation.schemas import read_schema
from triage_rules.foundation.settings import Settings
from triage_rules.language.bundle import bundle_of
from triage_rules.language.contacts import TEXTS, fill, ignored_choices
from triage_rules.language.model import Contacts
from triage_rules.language.reading import build_ruleset, parse_document, parse_ruleset
from triage_rules.language.reading.contacts import TEXT_KEYS
from triage_rules.language.reading.schema import ruleset_json_schema
from triage_rules.records.reports import History

GB = ContactChoice("GB")
REPORT = {"fit": True, "about_spots": False}


def texts_in(part: Any) -> Iterator[str]:
    """Every text in a ruleset, whatever holds it, except the contacts as declared."""
    match part:
        case str():
            yield part
        case Mapping():
            for value in part.values():
                yield from texts_in(value)
        case tuple():
            for value in part:
                yield from texts_in(value)
        case _ if dataclasses.is_dataclass(part):
            for field in dataclasses.fields(part):
                if field.name not in ("declared_contacts", "place"):
                    yield from texts_in(getattr(part, field.name))


def result_of(choice: ContactChoice) -> dict[str, Any]:
    evaluator = Evaluator(contacted(choice), DIGEST)
    return evaluator.evaluate(REPORT, History(), report_id="r", received_ms=0, evaluated_ms=0)


# --- filling ---


@pytest.mark.parametrize(
    ("choice", "number", "line"),
    [
        (ContactChoice(), "999, 911 or 112", "a crisis line"),
        (ContactChoice("GB"), "999", "116 123"),
        (ContactChoice("FR"), "999, 911 or 112", "a crisis line"),
        (ContactChoice("GB", (("emergency_number", "112"),)), "112", "116 123"),
        (ContactChoice(None, (("unheard_of", "1"),)), "999, 911 or 112", "a crisis line"),
    ],
)
def test_the_country_chooses_and_a_value_of_ones_own_replaces(choice: ContactChoice, number: str, line: str) -> None:
    ruleset = contacted(choice)
    assert ruleset.dispositions["U1_now"].patient == f"Call now. [{number}]"
    assert ruleset.contacts == Contacts(choice.country, (("emergency_number", number), ("crisis_line", line)))


def test_every_text_that_people_read_is_filled() -> None:
    """The texts have the contact wherever the file has a text; none is left unfilled."""
    ruleset = contacted(GB)
    texts = list(texts_in(ruleset))
    assert [text for text in texts if "{" in text or "}" in text] == []
    assert sum("[999]" in text for text in texts) >= TEXT.count("{emergency_number}")
    assert {key for key in TEXT_KEYS if f'"{key}"' not in TEXT} == set()
    assert TEXTS.keys() <= {type(part) for part in parts_of(ruleset)}


def parts_of(part: Any) -> Iterator[Any]:
    yield part
    if isinstance(part, Mapping | tuple):
        for value in part.values() if isinstance(part, Mapping) else part:
            yield from parts_of(value)
    elif dataclasses.is_dataclass(part):
        for field in dataclasses.fields(part):
            yield from parts_of(getattr(part, field.name))


def test_doubled_braces_are_braces() -> None:
    assert fill("{{a}} {b}", {"b": "{"}) == "{a} {"


def test_a_ruleset_without_braces_stays_the_same_object_by_object() -> None:
    """Mutants are compared by identity, and the digest names the file, not the country."""
    data = parse_document(TEXT.encode(), "x")
    assert bundle_of(data).digest == bundle_of(parse_document(TEXT.encode(), "y")).digest
    assert contacted(GB).rules["R1"].when == contacted(ContactChoice("US")).rules["R1"].when


def test_without_contacts_a_brace_is_a_brace() -> None:
    """Also in bundles that were live before contacts were known: there, even a name in braces."""
    data = json.loads(TEXT.replace("{emergency_number}", "").replace("{crisis_line}", ""))
    del data["contacts"]
    data["description"] = "a set {a, b} and {{c}}"
    assert parse_ruleset(json.dumps(data).encode(), "x").description == "a set {a, b} and {{c}}"
    data["description"] = "call {number}"
    assert build_ruleset(data, contacts=GB).description == "call {number}"
    with pytest.raises(RulesetError, match=r"unknown contact `\{number\}`"):
        parse_ruleset(json.dumps(data).encode(), "x")


# --- faults ---


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("Call now. [{emergency_number}]", "Call now. [{emergency_numbr}]",
         "unknown contact `{emergency_numbr}`; did you mean `emergency_number`?"),
        ("Call now. [{emergency_number}]", "Call now. {x_y_z}", "known are `emergency_number`, `crisis_line`"),
        ("Call now. [{emergency_number}]", "Call now. {", "a brace by itself; write `{{` and `}}` for braces"),
        ("Call now. [{emergency_number}]", "Call {Now}", "a brace by itself"),
        ('"GB": "999"', '"gb": "999"', "contact `emergency_number`: unknown key `gb`"),
        ('"GB": "999"', '"GB": "{crisis_line}"', "expected one line of text without"),
        ('"GB": "999"', '"GB": "9\\n9"', "expected one line of text"),
        ('"GB": "999"', '"GB": 999', "contact `emergency_number`: `GB`: expected a text, found `999`"),
        ('"default": "999, 911 or 112",', "", "contact `emergency_number`: the key `default` is missing"),
        ('"crisis_line": {', '"Crisis": {', "contact `Crisis`: the name is not valid"),
    ],
)  # fmt: skip
def test_a_fault_says_where_and_what_is_known(old: str, new: str, message: str) -> None:
    assert TEXT.count(old) == 1
    with pytest.raises(RulesetError) as error:
        parse_ruleset(TEXT.replace(old, new).encode(), "ruleset.yaml")
    assert message in str(error.value)
    line = TEXT.replace(old, new)[: TEXT.index(old)].count("\n") + 1
    if "contact `" not in message:
        assert f"ruleset.yaml:{line}:" in str(error.value)


@pytest.mark.parametrize("key", sorted(TEXT_KEYS))
def test_a_name_without_a_contact_is_a_fault_in_every_text(key: str) -> None:
    data = json.loads(TEXT)
    del data["contacts"]
    with pytest.raises(RulesetError, match="`contacts` declares none"):
        parse_ruleset(json.dumps(_only(data, key)).encode(), "ruleset.yaml")


def _only(part: Any, key: str, at: str = "") -> Any:
    """The file with contacts only in the texts under this key."""
    match part:
        case dict():
            inner = {name: "choices" if at == "choices" and isinstance(part[name], str) else name for name in part}
            return {name: _only(value, key, inner[name]) for name, value in part.items()}
        case list():
            return [_only(value, key, at) for value in part]
        case str() if at != key:
            return part.replace("{emergency_number}", "1")
        case _:
            return part


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("TRIAGE_COUNTRY", "Britain", "TRIAGE_COUNTRY: 'Britain'; expected two capitals"),
        ("TRIAGE_COUNTRY", "gb", "expected two capitals"),
        ("TRIAGE_CONTACT_EMERGENCY_NUMBER", " ", "is empty"),
        ("TRIAGE_CONTACT_EMERGENCY_NUMBER", "9{9", "one line of text without"),
        ("TRIAGE_CONTACT_emergency", "9", "a name in capitals"),
        ("TRIAGE_CONTACT_X", "9" * 201, "at most 200"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_by_name(name: str, value: str, message: str) -> None:
    with pytest.raises(SettingsError) as error:
        Settings.from_environment({name: value})
    assert name in str(error.value) and message in str(error.value)


def test_settings_and_commands_read_the_same_choice() -> None:
    environ = {"TRIAGE_COUNTRY": "GB", "TRIAGE_CONTACT_CRISIS_LINE": "111", "TRIAGE_DATA_DIR": "nowhere", "HOME": "/"}
    choice = ContactChoice("GB", (("crisis_line", "111"),))
    assert Settings.from_environment(environ).contact_choice == read_contact_choice(environ) == choice
    assert read_contact_choice(contact_settings(environ)) == choice  # what the workbench's process is given
    assert read_contact_choice({}) == Settings.from_environment({}).contact_choice == ContactChoice()


# --- results ---


def test_a_result_names_its_contacts_and_a_replay_uses_them_whatever_the_settings_are_now() -> None:
    bundle = bundle_of(parse_document(TEXT.encode(), "ruleset.yaml"))
    original = result_of(ContactChoice("GB", (("crisis_line", "111"),)))
    assert original["contacts"] == {"country": "GB", "values": {"emergency_number": "999", "crisis_line": "111"}}
    validator = Draft202012Validator(json.loads(read_schema("result.schema.json")))
    assert list(validator.iter_errors(original)) == []

    class Shelf:
        def get_live(self) -> dict[str, Any]:
            return {}

        def get_bundle(self, digest: str) -> bytes:
            assert digest == bundle.digest
            return bundle.data

    live = LiveRulesets(Shelf(), contacts=ContactChoice("US"))
    assert live.by_digest(bundle.digest).ruleset.dispositions["U1_now"].patient == "Call now. [911]"
    loaded = live.of_result(bundle.digest, original)
    again = loaded.evaluator.evaluate(REPORT, History(), report_id="r", received_ms=0, evaluated_ms=0)
    assert {key: again[key] for key in again if key != "ruleset"} == {
        key: original[key] for key in original if key != "ruleset"
    }
    of_now = loaded.evaluator.evaluate(REPORT, History(), report_id="r", received_ms=0, evaluated_ms=0)
    assert live.of_result(bundle.digest, of_now) is loaded
    assert live.of_result(bundle.digest, {}) is live.by_digest(bundle.digest)  # of an earlier version


def test_settings_that_change_no_contact_are_listed() -> None:
    choice = ContactChoice("UK", (("crisis_line", "1"), ("emergency_numbr", "9")))
    assert list(ignored_choices(contacted(GB).declared_contacts, choice)) == [
        "TRIAGE_COUNTRY=UK: no contact lists this country, so the defaults stand in the texts",
        "TRIAGE_CONTACT_EMERGENCY_NUMBR: the ruleset has no contact `emergency_numbr`; it has `emergency_number`, `crisis_line`",
    ]
    assert list(ignored_choices(contacted(GB).declared_contacts, GB)) == []
    assert list(ignored_choices({}, choice)) == []


def test_a_result_without_contacts_has_no_such_field() -> None:
    data = _only(json.loads(TEXT), "")
    del data["contacts"]
    ruleset = parse_ruleset(json.dumps(data).encode(), "ruleset.yaml", GB)
    result = Evaluator(ruleset, DIGEST).evaluate({}, History(), report_id="r", received_ms=0, evaluated_ms=0)
    assert "contacts" not in result


def test_the_schema_accepts_contacts_and_a_changed_one_is_in_the_diff() -> None:
    schema = Draft202012Validator(ruleset_json_schema())
    data = json.loads(TEXT)
    assert [error.message for error in schema.iter_errors(data)] == []
    data["contacts"]["emergency_number"]["gb"] = "1"
    assert not schema.is_valid(data)
    changed = TEXT.replace('"GB": "999"', '"GB": "112"')
    changes = list_changes(contacted(ContactChoice()), parse_ruleset(changed.encode(), "ruleset.yaml"))
    assert [(line.what, line.after) for change in changes for line in change.lines] == [
        ("contacts: emergency_number", "default: 999, 911 or 112; GB: 112; US: 911")
    ]


def test_an_input_that_is_named_like_a_section_is_checked_too() -> None:
    data = json.loads(TEXT)
    data["inputs"]["contacts"] = {"type": "yes_no", "group": "person", "question": "Call {nobody}?"}
    with pytest.raises(RulesetError, match=r"unknown contact `\{nobody\}`"):
        parse_ruleset(json.dumps(data).encode(), "ruleset.yaml")
