"""API keys: how they are made, stored and checked. Values in, values out.

A key is `trk_{id}_{secret}`. The id is public and finds the key. The secret is 256 random bits, and only its SHA-256 is
stored. A slow hash, as for passwords, would not help, since no one can try 2**256 secrets; it would slow down every
request.
"""

from __future__ import annotations

import enum
import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from triage_rules.foundation.patterns import KEY, RATE
from triage_rules.foundation.timestamps import timestamp

CLIENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""The name of a client, which is used in logs and in keys of Redis."""

_HASH = re.compile(r"[0-9a-f]{64}")
_NO_HASH = hashlib.sha256(b"").hexdigest()
"""The hash that a key with an unknown id is compared with, so that rejecting it takes as long."""


class Scope(enum.StrEnum):
    """The permission of a key. No scope includes another."""

    REPORT = "report"
    READ = "read"
    DEPLOY = "deploy"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Key:
    """A stored key. Times: UTC, milliseconds since the epoch. `rate`: such as `600/minute`; None: the setting."""

    id: str
    client: str
    scopes: frozenset[Scope]
    hashed: str
    made_ms: int
    expires_ms: int | None = None
    rate: str | None = None
    revoked_ms: int | None = None

    def is_usable(self, now_ms: int) -> bool:
        """Return whether the key is neither revoked nor expired."""
        return self.revoked_ms is None and (self.expires_ms is None or now_ms < self.expires_ms)


@dataclass(frozen=True, slots=True)
class Caller:
    """The client that calls, its scopes and its rate limit (None: no limit)."""

    client: str
    scopes: frozenset[Scope]
    rate: str | None = None


ANYBODY = Caller("", frozenset(Scope))
"""The caller where no API keys are required."""


def make_key(  # noqa: PLR0913 - the fields of a key
    client: str,
    scopes: Iterable[Scope],
    now_ms: int,
    *,
    expires_ms: int | None = None,
    rate: str | None = None,
    key_id: str | None = None,
) -> tuple[str, Key]:
    """Make a key: the text, to be shown once and never stored, and the record to store. `key_id`: for tests."""
    id_, secret = key_id or secrets.token_hex(6), secrets.token_hex(32)
    key = Key(id_, client, frozenset(scopes), _hash(secret), now_ms, expires_ms, rate)
    return f"trk_{id_}_{secret}", key


def find_caller(given: str | None, keys: Mapping[str, Key], now_ms: int, rate: str) -> Caller | None:
    """Return the caller with the key `given`; None if the key is not valid. `rate`: for clients whose keys set none.

    The hashes are compared in constant time, also if there is no key with this id.
    """
    form = KEY.fullmatch(given or "")
    if form is None:
        return None
    key = keys.get(form[1])
    same = hmac.compare_digest(_hash(form[2]), _NO_HASH if key is None else key.hashed)
    if key is None or not same or not key.is_usable(now_ms):
        return None
    return _caller(key, keys, now_ms, rate)


def find_holder(key_id: str, keys: Mapping[str, Key], now_ms: int, rate: str) -> Caller | None:
    """Return the caller who signed in with the key of that id; None if it is not valid any more."""
    key = keys.get(key_id)
    return _caller(key, keys, now_ms, rate) if key is not None and key.is_usable(now_ms) else None


def _caller(key: Key, keys: Mapping[str, Key], now_ms: int, rate: str) -> Caller:
    return Caller(key.client, key.scopes, _rate_of(key.client, keys, now_ms) or rate)


def _rate_of(client: str, keys: Mapping[str, Key], now_ms: int) -> str | None:
    """Return the rate of the client's newest key: two keys don't allow twice as much."""
    own = [key for key in keys.values() if key.client == client and key.is_usable(now_ms)]
    return max(own, key=lambda key: (key.made_ms, key.id)).rate


def revoked(key: Key, now_ms: int) -> Key:
    """Return the key, revoked from now on; a key that was revoked before stays unchanged."""
    return key if key.revoked_ms is not None else replace(key, revoked_ms=now_ms)


def encode(key: Key) -> str:
    """Return the text that is stored under the key's id."""
    return json.dumps(
        {
            "client": key.client,
            "scopes": sorted(key.scopes),
            "sha256": key.hashed,
            "made_at": timestamp(key.made_ms),
            "expires_at": _timestamp_or_none(key.expires_ms),
            "rate": key.rate,
            "revoked_at": _timestamp_or_none(key.revoked_ms),
        }
    )


def decode(key_id: str, text: str) -> Key | None:
    """Return the stored key; None if the text can't be read: such a key is not valid."""
    try:
        stored = json.loads(text)
        made_ms, rate = _read(stored["made_at"]), stored["rate"]
        if made_ms is None or not (rate is None or RATE.fullmatch(rate)):
            return None
        if not CLIENT.fullmatch(stored["client"]) or not _HASH.fullmatch(stored["sha256"]):
            return None
        return Key(
            id=key_id,
            client=stored["client"],
            scopes=frozenset(Scope(word) for word in stored["scopes"]),
            hashed=stored["sha256"],
            made_ms=made_ms,
            expires_ms=_read(stored["expires_at"]),
            rate=rate,
            revoked_ms=_read(stored["revoked_at"]),
        )
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("ascii")).hexdigest()


def _timestamp_or_none(ms: int | None) -> str | None:
    return None if ms is None else timestamp(ms)


def _read(at: str | None) -> int | None:
    return None if at is None else round(datetime.fromisoformat(at).timestamp() * 1000)
