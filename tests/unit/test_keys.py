"""API keys: made, stored as a hash, found again."""

from __future__ import annotations

import hashlib
import json

import pytest

from triage_rules.records import api_keys
from triage_rules.records.api_keys import Caller, Key, Scope, decode, encode, find_caller, make_key, revoked

NOW = 1_800_000_000_000
RATE = "100/minute"


def found(given: str | None, *stored: Key, now: int = NOW) -> Caller | None:
    return find_caller(given, {key.id: key for key in stored}, now, RATE)


def test_a_key_holds_256_random_bits_and_only_their_hash_is_stored() -> None:
    """Who reads the store can call nothing."""
    text, key = make_key("form", [Scope.REPORT], NOW)
    secret = text.rpartition("_")[2]
    assert api_keys.KEY.fullmatch(text)
    assert len(bytes.fromhex(secret)) == 32
    assert key.hashed == hashlib.sha256(secret.encode()).hexdigest()
    assert secret not in encode(key) + repr(key)
    assert len({make_key("form", [Scope.REPORT], NOW)[0] for _ in range(100)}) == 100


def test_what_is_stored_is_read_back_as_it_was() -> None:
    for key in (
        make_key("form", [Scope.REPORT], NOW)[1],
        make_key("a.b-c_d", Scope, NOW, expires_ms=NOW + 1, rate="5/second")[1],
        revoked(make_key("form", [Scope.ADMIN], NOW)[1], NOW + 123),
    ):
        assert decode(key.id, encode(key)) == key


def test_the_stored_form_is_as_documented() -> None:
    """Who restores or inspects the store relies on it."""
    _, key = make_key("form", [Scope.READ, Scope.REPORT], NOW, expires_ms=NOW + 1000)
    assert json.loads(encode(key)) == {
        "client": "form",
        "scopes": ["read", "report"],
        "sha256": key.hashed,
        "made_at": "2027-01-15T08:00:00.000Z",
        "expires_at": "2027-01-15T08:00:01.000Z",
        "rate": None,
        "revoked_at": None,
    }


def test_a_key_finds_its_client_and_scopes() -> None:
    text, key = make_key("form", [Scope.REPORT], NOW)
    assert found(text, key) == Caller("form", frozenset({Scope.REPORT}), RATE)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _: None,
        lambda _: "",
        lambda text: text[:-1],
        lambda text: text + "0",
        lambda text: text.upper(),
        lambda text: text + "\n",
        lambda text: text[:-1] + ("0" if text[-1] != "0" else "1"),
        lambda text: text.replace("trk_", "trk_0", 1),
        lambda text: f"trk_{'0' * 12}_{text[-64:]}",
        lambda text: f"trk_{text[4:16]}_{hashlib.sha256(text[-64:].encode()).hexdigest()}",
    ],
)
def test_what_is_not_exactly_the_key_opens_nothing(spoil: object) -> None:
    """Nor does the hash itself, should it become known."""
    text, key = make_key("form", [Scope.REPORT], NOW)
    assert callable(spoil)
    assert found(spoil(text), key) is None


def test_an_unknown_id_is_compared_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the time of a refusal tells which ids exist."""
    compared: list[tuple[str, str]] = []
    real = api_keys.hmac.compare_digest

    def compare(one: str, other: str) -> bool:
        compared.append((one, other))
        return real(one, other)

    monkeypatch.setattr(api_keys.hmac, "compare_digest", compare)
    text, key = make_key("form", [Scope.REPORT], NOW)
    assert found(text) is None
    assert found(text, key) is not None
    assert [len(other) for _, other in compared] == [64, 64]


def test_a_key_opens_nothing_once_it_is_revoked_or_expired() -> None:
    text, key = make_key("form", [Scope.REPORT], NOW, expires_ms=NOW + 10)
    assert found(text, key, now=NOW + 9) is not None
    assert found(text, key, now=NOW + 10) is None
    assert found(text, revoked(key, NOW)) is None


def test_revoking_twice_keeps_the_first_time() -> None:
    """The log and the list must not disagree."""
    once = revoked(make_key("form", [Scope.REPORT], NOW)[1], NOW + 1)
    assert revoked(once, NOW + 2) == once


def test_the_rate_of_a_client_is_that_of_its_newest_key_that_opens_anything() -> None:
    """Two keys don't allow twice as much, and others' rates don't count."""
    text, old = make_key("form", [Scope.REPORT], NOW, rate="5/minute")
    newer = make_key("form", [Scope.READ], NOW + 1, rate="7/minute")[1]
    other = make_key("board", [Scope.READ], NOW + 2, rate="9/minute")[1]
    gone = revoked(make_key("form", [Scope.READ], NOW + 3, rate="1/day")[1], NOW)
    caller = found(text, old, newer, other, gone)
    assert caller is not None
    assert caller.rate == "7/minute"


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", "7", "null", "{", '{"client": "x"}', "[" * 100_000],
)
def test_what_cannot_be_read_is_no_key(text: str) -> None:
    assert decode("0" * 12, text) is None


@pytest.mark.parametrize(
    ("field", "value"),
    [("client", "a b"), ("client", 7), ("scopes", ["all"]), ("scopes", 1), ("rate", "many"), ("made_at", None),
     ("made_at", "yesterday"), ("expires_at", 5), ("sha256", "\u00e9"), ("sha256", "00")],
)  # fmt: skip
def test_a_stored_key_with_a_wrong_field_opens_nothing(field: str, value: object) -> None:
    """A scope of a later version, say, must not be taken for none, nor for all."""
    key = make_key("form", [Scope.REPORT], NOW)[1]
    assert decode(key.id, json.dumps(json.loads(encode(key)) | {field: value})) is None
