"""API keys: how they are made, what is stored of them, and which of them open what. Values in, values out.

A key is `trk_{id}_{secret}`. The id finds it, and is no secret. The secret is 256 random bits, and only its SHA-256 is
stored. A slow hash, as passwords need, would buy nothing: nobody tries 2**256 secrets, however quick a try is; but it
would cost every request its time.
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
"""The name of a client: it stands in logs and in keys of Redis."""

_HASH = re.compile(r"[0-9a-f]{64}")
_NOBODY = hashlib.sha256(b"").hexdigest()
"""What a key of an unknown id is compared with, so that it takes as long to refuse."""


class Scope(enum.StrEnum):
    """What a key opens. None includes another."""

    REPORT = "report"
    READ = "read"
    DEPLOY = "deploy"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Key:
    """What is stored of a key. Times: UTC, milliseconds since the epoch. `rate`: as `600/minute`; None: the setting."""

    id: str
    client: str
    scopes: frozenset[Scope]
    hashed: str
    made_ms: int
    expires_ms: int | None = None
    rate: str | None = None
    revoked_ms: int | None = None

    def is_usable(self, now_ms: int) -> bool:
        """Whether it opens anything now."""
        return self.revoked_ms is None and (self.expires_ms is None or now_ms < self.expires_ms)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: the client whose reports are its own, what it may do, and how often (None: as often as it likes)."""

    client: str
    scopes: frozenset[Scope]
    rate: str | None = None


ANYBODY = Caller("", frozenset(Scope))
"""The caller where nobody has to say who they are."""


def make_key(  # noqa: PLR0913 - what is stored of it
    client: str,
    scopes: Iterable[Scope],
    now_ms: int,
    *,
    expires_ms: int | None = None,
    rate: str | None = None,
    key_id: str | None = None,
) -> tuple[str, Key]:
    """A new key: its text, which is to be shown once and kept nowhere here, and what is stored. `key_id`: for tests."""
    found, secret = key_id or secrets.token_hex(6), secrets.token_hex(32)
    key = Key(found, client, frozenset(scopes), _hash(secret), now_ms, expires_ms, rate)
    return f"trk_{found}_{secret}", key


def find_caller(given: str | None, keys: Mapping[str, Key], now_ms: int, rate: str) -> Caller | None:
    """Who calls with the key `given`; None if it opens nothing. `rate`: for clients whose keys name none.

    The secret is compared by its hash, in constant time, and with something also if there is no such key.
    """
    form = KEY.fullmatch(given or "")
    if form is None:
        return None
    key = keys.get(form[1])
    same = hmac.compare_digest(_hash(form[2]), _NOBODY if key is None else key.hashed)
    if key is None or not same or not key.is_usable(now_ms):
        return None
    return _caller(key, keys, now_ms, rate)


def find_holder(key_id: str, keys: Mapping[str, Key], now_ms: int, rate: str) -> Caller | None:
    """Who signed in with the key of that id; None if it opens nothing any more. `rate` as for `find_caller`."""
    key = keys.get(key_id)
    return _caller(key, keys, now_ms, rate) if key is not None and key.is_usable(now_ms) else None


def _caller(key: Key, keys: Mapping[str, Key], now_ms: int, rate: str) -> Caller:
    return Caller(key.client, key.scopes, _rate_of(key.client, keys, now_ms) or rate)


def _rate_of(client: str, keys: Mapping[str, Key], now_ms: int) -> str | None:
    """That of the client's newest key: two keys don't allow twice as much."""
    own = [key for key in keys.values() if key.client == client and key.is_usable(now_ms)]
    return max(own, key=lambda key: (key.made_ms, key.id)).rate


def revoked(key: Key, now_ms: int) -> Key:
    """The key as it is from now on, which opens nothing; one that was revoked before stays as it is."""
    return key if key.revoked_ms is not None else replace(key, revoked_ms=now_ms)


def encode(key: Key) -> str:
    """What stands under the key's id."""
    return json.dumps(
        {
            "client": key.client,
            "scopes": sorted(key.scopes),
            "sha256": key.hashed,
            "made_at": timestamp(key.made_ms),
            "expires_at": _told(key.expires_ms),
            "rate": key.rate,
            "revoked_at": _told(key.revoked_ms),
        }
    )


def decode(key_id: str, text: str) -> Key | None:
    """The key that was stored; None if it can't be read: then it opens nothing."""
    try:
        said = json.loads(text)
        made_ms, rate = _read(said["made_at"]), said["rate"]
        if made_ms is None or not (rate is None or RATE.fullmatch(rate)):
            return None
        if not CLIENT.fullmatch(said["client"]) or not _HASH.fullmatch(said["sha256"]):
            return None
        return Key(
            id=key_id,
            client=said["client"],
            scopes=frozenset(Scope(word) for word in said["scopes"]),
            hashed=said["sha256"],
            made_ms=made_ms,
            expires_ms=_read(said["expires_at"]),
            rate=rate,
            revoked_ms=_read(said["revoked_at"]),
        )
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("ascii")).hexdigest()


def _told(ms: int | None) -> str | None:
    return None if ms is None else timestamp(ms)


def _read(at: str | None) -> int | None:
    return None if at is None else round(datetime.fromisoformat(at).timestamp() * 1000)
