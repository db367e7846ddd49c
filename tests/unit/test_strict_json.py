"""What two JSON parsers could read differently is refused, with a pointer where there is one."""

from __future__ import annotations

import enum
import json
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage_rules.foundation.errors import ReportError
from triage_rules.foundation.strict_json import dumps, dumps_fast, loads, pointer_part

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def read(data: bytes, max_depth: int = 20) -> object:
    return loads(data, max_bytes=1_000_000, max_depth=max_depth)


def faults_of(data: bytes, max_depth: int = 20) -> list[tuple[str, str]]:
    with pytest.raises(ReportError) as refused:
        read(data, max_depth)
    return [(fault.pointer, fault.code) for fault in refused.value.faults]


@given(JSON)
def test_what_is_written_is_read_back(value):
    """One serializer and one parser, and nothing changes on the way, not even the type of a number."""
    again = loads(dumps(value).encode(), max_bytes=1_000_000, max_depth=100)
    assert again == value
    assert repr(again) == repr(value)


SMALLER = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(SMALLER)
def test_the_fast_way_writes_what_the_strict_one_does(value):
    """Results are written by it and read by anybody: the same values, types and order of keys."""
    again = json.loads(dumps_fast(value))
    assert repr(again) == repr(json.loads(dumps(value))) == repr(value)


class Word(enum.StrEnum):
    ONE = "one"


def test_the_fast_way_writes_a_word_of_ours_as_text():
    """As the strict one does: levels and lanes are such words."""
    assert dumps_fast({"a": Word.ONE}) == dumps({"a": Word.ONE}) == '{"a":"one"}'


@pytest.mark.parametrize("value", ["\ud800", 2**64, object(), {1: "a"}, datetime.now(UTC)])
def test_the_fast_way_refuses_what_is_no_json(value):
    """A result that can't be written is a failure to be seen, and no text that nobody can read."""
    with pytest.raises(TypeError):
        dumps_fast({"a": value})


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_no_way_writes_a_number_that_json_does_not_have(number):
    """Others would read null, or nothing more."""
    for write in (dumps, dumps_fast):
        with pytest.raises(ValueError, match="JSON compliant"):
            write({"a": [1, {"b": number}]})


@given(JSON)
def test_escaped_text_is_read_like_plain_text(value):
    """Clients that escape everything beyond ASCII, pairs of surrogates included, mean the same."""
    assert loads(json.dumps(value).encode(), max_bytes=1_000_000, max_depth=100) == value


def test_the_order_of_keys_is_kept():
    """Results are read by people, too."""
    assert dumps({"b": 1, "a": [1.5, "ä"]}) == '{"b":1,"a":[1.5,"ä"]}'
    assert list(read(b'{"b":1,"a":2}')) == ["b", "a"]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), [float("nan")]])
def test_no_number_is_written_that_is_not_json(value):
    with pytest.raises(ValueError, match="not JSON compliant"):
        dumps(value)


@pytest.mark.parametrize(
    ("data", "faults"),
    [
        (b'{"a":1,"a":1}', [("/a", "duplicate_key")]),
        (b'{"a":1,"\\u0061":2}', [("/a", "duplicate_key")]),
        (b'{"a":{"x":[0,{"b":1,"c":2,"b":3,"b":4}]}}', [("/a/x/1/b", "duplicate_key")]),
        (b'{"a/b~":1,"a/b~":1}', [("/a~1b~0", "duplicate_key")]),
        (b'{"":1,"":2}', [("/", "duplicate_key")]),
        (b"NaN", [("", "not_finite")]),
        (b'{"a":[Infinity,-Infinity,NaN]}', [("/a/0", "not_finite"), ("/a/1", "not_finite"), ("/a/2", "not_finite")]),
        (b'{"a":1e400}', [("/a", "not_finite")]),
        (b'{"a":-1e400}', [("/a", "not_finite")]),
        (b'{"a":' + b"9" * 401 + b"}", [("/a", "too_many_digits")]),
        (b'{"a":' + b"9" * 5000 + b"}", [("/a", "too_many_digits")]),
        (b'{"a":0.' + b"1" * 5000 + b"}", [("/a", "too_many_digits")]),
        (b'{"a":"\\ud800"}', [("/a", "lone_surrogate")]),
        (b'{"a":"\\udc00\\ud800"}', [("/a", "lone_surrogate")]),
        (b'["\\uD83D","\\uD83D\\uDE00"]', [("/0", "lone_surrogate")]),
        (b'{"\\ud800":1}', [("/?", "lone_surrogate")]),
        (b'{"a":1,"a":NaN,"b":"\\ud800"}', [("/a", "duplicate_key"), ("/a", "not_finite"), ("/b", "lone_surrogate")]),
    ],
)
def test_a_fault_inside_the_value_is_told_by_its_pointer(data, faults):
    """All of them, in the order of the body."""
    assert faults_of(data) == faults


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "not_json"),
        (b" ", "not_json"),
        (b"{", "not_json"),
        (b'{"a":1,}', "not_json"),
        (b"{'a':1}", "not_json"),
        (b"{a:1}", "not_json"),
        (b'{"a":1}{"b":2}', "not_json"),
        (b'{"a":01}', "not_json"),
        (b'{"a":.5}', "not_json"),
        (b'{"a":+1}', "not_json"),
        (b'{"a":0x1}', "not_json"),
        (b'{"a":True}', "not_json"),
        (b'{"a":"\n"}', "not_json"),
        (b'{"a":"\\x"}', "not_json"),
        (b'{"a":1 /* c */}', "not_json"),
        (b'"\\', "not_json"),
        (b"]", "not_json"),
        (b"\xef\xbb\xbf{}", "not_utf8"),
        (b'{"a":"\xff"}', "not_utf8"),
        (b'{"a":"\xed\xa0\x80"}', "not_utf8"),
        (b'{"a":"\xc0\xaf"}', "not_utf8"),
        ('{"a":1}'.encode("utf-16"), "not_utf8"),
        (b'{"a":1}' + b" " * 1_000_000, "too_large"),
    ],
)
def test_what_is_no_strict_json_is_refused_as_a_whole(data, code):
    assert faults_of(data) == [("", code)]


@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"a":', '["[[[[",'])
def test_nesting_is_limited_exactly(opening):
    """Brackets within texts don't count; deep nesting must not reach the parser's stack."""
    levels = sum(opening.count(bracket) for bracket in "[{") if '"[' not in opening else 1
    closing = "".join({"[": "]", "{": "}"}[c] for c in reversed(opening) if c in "[{")[-levels:]

    def nested(times: int) -> bytes:
        return (opening * times + "1" + closing * times).encode()

    assert read(nested(20 // levels)) is not None
    assert faults_of(nested(20 // levels + 1)) == [("", "too_deep")]
    assert faults_of(nested(10_000)) == [("", "too_deep")]


@pytest.mark.parametrize(
    "data",
    [
        b"[" * 900_000,
        b'{"a":' * 180_000,
        b'"' + b'\\"' * 450_000,
        b'"' * 900_000,
        b"[]" * 450_000,
        b'["' + b"\\\\" * 450_000,
        b"[" * 21 + b'"' + b'\\"[' * 290_000,
        b"{" + b'"a":1,' * 150_000 + b'"b":1}',
        b"{" + b",".join(b'"%d":1,"%d":2' % (n, n) for n in range(40_000)) + b"}",
    ],
)
def test_no_body_takes_long_to_refuse(data):
    """A body within the limit of size must not hold a web worker: refusing takes linear time."""
    started = time.perf_counter()
    with pytest.raises(ReportError):
        read(data)
    assert time.perf_counter() - started < 3


def test_what_is_told_never_repeats_a_value():
    """Faults go into logs; the body holds a person's answers."""
    for body in (
        b'{"a":"secret1\\ud800"}',
        b'{"a": secret1}',
        b'{"a":"secret1","a":"secret1"}',
        b'{"a":"secret1\xff"}',
    ):
        with pytest.raises(ReportError) as refused:
            read(body)
        assert "secret1" not in str(refused.value)


def test_pointers_are_escaped_and_cut():
    """RFC 6901, and a bound on what a hostile key puts into a log."""
    assert pointer_part("a/b~c") == "/a~1b~0c"
    assert pointer_part("x" * 5000) == "/" + "x" * 100 + "..."
