"""Headers and lines are read strictly, and the envelope takes any JSON without a stumble."""

from __future__ import annotations

import json
import re
import string
import time
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from service.api.openapi import EXAMPLE
from service.http.decoder import BatchLine, read_key, read_lines, read_wait
from service.http.problems import Refused
from tests.support.paths import GLASS_TEST, RED_DOTS, ROOT
from tests.support.rulesets import repository
from triage_rules.deployment.live import Loaded
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.foundation.errors import NoRulesetLive, ReportError, RulesetNotFound
from triage_rules.foundation.timestamps import timestamp
from triage_rules.intake.report import FUTURE_MS, PAST_MS, UNKNOWN_MAX, ReportIn, read_report
from triage_rules.language.bundle import open_bundle

NOW_MS = 1_795_000_000_000
FOLDER = GLASS_TEST
APP = Flask(__name__)


class Fixed:
    """Rulesets that are live and stay so, for reading without a store."""

    def __init__(self, *names: str) -> None:
        bundle = repository.bundle(FOLDER)
        ruleset = open_bundle(bundle.data, bundle.digest)
        self.loaded = {name: Loaded(ruleset, bundle.digest, Evaluator(ruleset, bundle.digest)) for name in names}

    def names(self) -> list[str]:
        return list(self.loaded)

    def get(self, name: str) -> Loaded:
        if name not in self.loaded:
            raise RulesetNotFound
        return self.loaded[name]


ONE = Fixed("glass-test")

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)
names = st.sampled_from(["findings", "ruleset", "subject", "reported_at", "age_years", "itchy"]) | st.text(max_size=5)
nearly = st.dictionaries(names, values | st.dictionaries(names, values, max_size=4), max_size=5)


def pointed(document: Any, pointer: str) -> bool:
    """The pointer leads to a value of the document, or to a field that its object could have."""
    parts = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
    for index, part in enumerate(parts):
        if not isinstance(document, dict):
            return False
        if part not in document:
            return index == len(parts) - 1
        document = document[part]
    return True


@given(values | nearly)
def test_any_json_is_read_or_refused_with_pointers_that_lead_somewhere(raw: Any) -> None:
    """No value makes the reader stumble, and every fault can be found by its pointer."""
    try:
        posted = read_report(raw, ONE, NOW_MS)
    except ReportError as error:
        faults = error.faults
    else:
        assert set(raw) <= set(ReportIn().fields)
        assert set(posted.answers) <= set(raw["findings"])
        return
    assert faults
    assert all(pointed(raw, fault.pointer) for fault in faults)


def codes(raw: object, rulesets: Fixed = ONE) -> list[tuple[str, str]]:
    with pytest.raises(ReportError) as caught:
        read_report(raw, rulesets, NOW_MS)
    return [(fault.pointer, fault.code) for fault in caught.value.faults]


@pytest.mark.parametrize(
    ("offset", "fault"),
    [
        (FUTURE_MS, None),
        (FUTURE_MS + 1, "in_future"),
        (-PAST_MS, None),
        (-PAST_MS - 1, "too_old"),
    ],
)
def test_the_limits_of_reported_at_are_within(offset: int, fault: str | None) -> None:
    """On the limit it is taken, a millisecond beyond it isn't."""
    raw = {"findings": {}, "reported_at": timestamp(NOW_MS + offset)}
    if fault is None:
        assert read_report(raw, ONE, NOW_MS).reported_at == raw["reported_at"]
    else:
        assert codes(raw) == [("/reported_at", fault)]


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-18T10:26:40Z",
        "2026-11-18t10:26:40z",
        "2026-11-18T10:26:40.123456789Z",
        "2026-11-18T15:56:40+05:30",
        "2026-11-17T23:26:40-11:00",
        "2026-11-18T10:26:40-00:00",
    ],
)
def test_every_form_of_rfc_3339_is_taken(text: str) -> None:
    """As long as it names an offset."""
    assert read_report({"findings": {}, "reported_at": text}, ONE, NOW_MS).reported_at == text


@pytest.mark.parametrize("day", ["2026-02-30", "2026-11-31", "2026-13-01", "2026-00-10", "2026-01-32", "2025-02-29"])
def test_a_day_that_does_not_exist_is_told_as_that(day: str) -> None:
    """Whoever wrote it knows what an offset is, and would look for the mistake there."""
    with pytest.raises(ReportError) as caught:
        read_report({"findings": {}, "reported_at": f"{day}T10:00:00Z"}, ONE, NOW_MS)
    (fault,) = caught.value.faults
    assert (fault.pointer, fault.code) == ("/reported_at", "invalid")
    assert fault.detail.startswith("there is no such day")


@pytest.mark.parametrize(
    "text", ["2026-02-30", "2026-11-18T10:26:40", "2026-11-18T24:00:00Z", "0001-01-01T00:00:00+01:00"]
)
def test_another_form_of_a_time_is_told_which_is_expected(text: str) -> None:
    """And so is a time that no calendar has any more."""
    with pytest.raises(ReportError) as caught:
        read_report({"findings": {}, "reported_at": text}, ONE, NOW_MS)
    (fault,) = caught.value.faults
    assert fault.code == "invalid"
    assert fault.detail.startswith("expected a time with its offset")


def test_without_a_live_ruleset_a_report_is_neither_good_nor_bad() -> None:
    """Even one with faults: whoever sends it must try again later."""
    with pytest.raises(NoRulesetLive):
        read_report({"findings": 1}, Fixed(), NOW_MS)


def test_faults_of_the_envelope_don_t_hide_those_of_the_findings() -> None:
    """And the other way round, as long as it is known which ruleset is meant."""
    raw = {"findings": {"itchy": 1}, "subject": ""}
    assert sorted(codes(raw)) == [("/findings/itchy", "wrong_type"), ("/subject", "too_short")]
    assert codes({**raw, "ruleset": "none"}) == [("/subject", "too_short"), ("/ruleset", "unknown_ruleset")]
    assert codes({**raw, "ruleset": 1}) == [("/ruleset", "wrong_type"), ("/subject", "too_short")]
    assert codes(raw, Fixed("a", "b")) == [("/subject", "too_short"), ("/ruleset", "required")]


def test_thousands_of_unknown_fields_are_refused_quickly_and_briefly() -> None:
    """Looking for near names is slow, so it is done for a few short ones; and a batch may hold many such reports."""
    many = {f"rulested{number}": 1 for number in range(20_000)}
    started = time.process_time()
    found = codes({"findings": {}, "x" * 100_000: 1, **many})
    assert codes({"findings": {}, "ruleset": "x" * 100_000}) == [("/ruleset", "unknown_ruleset")]
    assert time.process_time() - started < 5  # a quiet machine takes 0.3
    assert len(found) == UNKNOWN_MAX
    assert {code for _, code in found} == {"unknown_field"}


def test_the_examples_in_the_documents_are_good_reports() -> None:
    """What a newcomer copies first is accepted by the ruleset that it names."""
    bundle = repository.bundle(RED_DOTS)
    ruleset = open_bundle(bundle.data, bundle.digest)
    live = Fixed()
    live.loaded["red-dots"] = Loaded(ruleset, bundle.digest, Evaluator(ruleset, bundle.digest))
    text = (ROOT / "docs" / "reference" / "http-api.md").read_text(encoding="utf-8")
    copied = [json.loads(body) for body in re.findall(r"-d '(.*?)'\n", text, re.DOTALL)]
    lines = [json.loads(line) for line in text.splitlines() if line.startswith('{"findings"')]

    assert (len(copied), len(lines)) == (3, 2)
    for raw in (EXAMPLE, *copied, lines[0]):
        assert read_report(raw, live, NOW_MS).answers
    assert codes(lines[1], live) == [("/findings/age_years", "wrong_type")]


visible = st.text(st.sampled_from([c for c in string.printable.strip() if c not in '",;\\ ']), min_size=1, max_size=128)


def header(name: str, value: str) -> Any:
    return APP.test_request_context(headers={name: value}).request


@given(visible)
def test_keys_of_visible_letters_are_taken_as_they_are(key: str) -> None:
    """With and without quotation marks."""
    assert read_key(header("Idempotency-Key", key)) == key
    assert read_key(header("Idempotency-Key", f'"{key}"')) == key


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF), max_size=140))
def test_a_key_is_taken_or_refused(key: str) -> None:
    """Never altered: two keys that differ stay two."""
    try:
        taken = read_key(header("Idempotency-Key", key))
    except Refused as refused:
        code = refused.problem.code
    else:
        assert taken is not None
        assert taken in key
        assert " " not in taken
        return
    assert code == "idempotency-key-invalid"


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF)))
def test_any_preference_is_understood_or_ignored(text: str) -> None:
    """A preference is a wish: it is no reason to refuse."""
    seconds = read_wait(header("Prefer", text), 10)
    assert seconds is None or 0 <= seconds <= 10


def test_without_the_headers_nothing_is_read() -> None:
    """They are optional."""
    request = APP.test_request_context().request
    assert read_key(request) is None
    assert read_wait(request, 10) is None


@given(st.lists(st.sampled_from([b"", b" \t", b"\r", b"{}", b"{}\r", b"[", b"\xff"])))
def test_lines_keep_their_numbers(lines: list[bytes]) -> None:
    """So that a client finds the line that a fault is in."""
    headers = {"Content-Type": "application/x-ndjson"}
    request = APP.test_request_context(method="POST", data=b"\n".join(lines), headers=headers).request
    wanted = [number for number, line in enumerate(lines, start=1) if line.strip()]
    if not wanted:
        with pytest.raises(Refused):
            read_lines(request, 10_000, 100)
        return
    read = read_lines(request, 10_000, 100)
    assert [line.number for line in read] == wanted
    for line in read:
        good = lines[line.number - 1].strip() == b"{}"
        assert line == BatchLine(line.number, {}) if good else line.faults


def test_a_line_may_be_as_large_as_a_report() -> None:
    """Not as large as the batch."""
    headers = {"Content-Type": "application/x-ndjson"}
    body = json.dumps({"findings": {"free_text": "x" * 200}}).encode() + b"\n{}"
    request = APP.test_request_context(method="POST", data=body, headers=headers).request
    first, second = read_lines(request, 10_000, 100)
    assert [fault.code for fault in first.faults] == ["too_large"]
    assert second == BatchLine(2, {})
