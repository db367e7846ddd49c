"""Authentication and authorisation, checked before anything else of a request is read."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from flask import Flask, g, request, session

from service.http.parts import get_parts
from service.http.problems import Refused
from triage_rules.foundation.errors import LinkError, StoreUnavailable
from triage_rules.foundation.settings import is_loopback
from triage_rules.records.api_keys import ANYBODY, Caller, Key, Scope, find_caller, find_holder

KEPT_SECONDS = 0.5
"""Time after which a revoked key stops working."""

OPEN: frozenset[Scope] | None = None
"""A call that needs no key: probes and browsers that open a page have none."""

ANY_KEY: frozenset[Scope] | None = frozenset()

NEEDED: dict[str, frozenset[Scope] | None] = {"static": OPEN}
"""The scopes of each endpoint, of which a key needs one; filled by `openapi.call`. An unknown path needs any key."""

PAGES: set[str] = set()
"""The endpoints of pages, the only ones where a session replaces a key; filled by `page.page`."""

LINK = "link"
"""Query parameter of a page that holds a signed link."""

OPENERS: dict[str, Callable[[str], Caller]] = {}
"""Functions from a signed link to its caller, for the pages that links open; filled by `page.page`. Raise LinkError."""

KEY_OF_SESSION = "key"
"""Session entry with the id of the key that the person signed in with."""

NOT_FOR_FORMS = frozenset({Scope.READ, Scope.DEPLOY, Scope.ADMIN})


class Keyring:
    """A cache of the stored keys, read at most every KEPT_SECONDS. Thread-safe. Raises StoreUnavailable."""

    def __init__(self, fetch: Callable[[], Mapping[str, Key]], clock: Callable[[], float] = time.monotonic) -> None:
        self._fetch = fetch
        self._clock = clock
        self._kept: tuple[float, Mapping[str, Key]] = (float("-inf"), {})

    def __call__(self) -> Mapping[str, Key]:
        asked, keys = self._kept
        now = self._clock()
        if now - asked < KEPT_SECONDS:
            return keys
        keys = self._fetch()
        self._kept = (now, keys)  # the time of asking, because the reply may be late
        return keys


def register(app: Flask, *, auth: bool) -> None:
    """Check the key of each request; without keys, check only its host and origin."""
    app.before_request(_check_key if auth else _check_origin)


def get_caller() -> Caller:
    """Return the caller of this request; ANYBODY for calls that need no key."""
    known: Caller = g.get("caller", ANYBODY)
    return known


def may_see_details() -> bool:
    """Return True if the caller of an open call is known, and may see more than strangers."""
    return known_caller() is not None


def known_caller() -> Caller | None:
    """Return the caller of an open call, or None if unknown; ANYBODY in a service without keys."""
    if not get_parts().settings.auth_on:
        return ANYBODY
    try:
        return _authenticate()
    except (StoreUnavailable, LinkError):
        return None


def _check_key() -> None:
    needed = NEEDED.get(request.endpoint or "", ANY_KEY)
    if needed is None:
        return
    known = _authenticate()
    if known is None:
        raise _key_required()
    if needed and not needed & known.scopes:
        raise _scope_missing(needed)
    g.caller = known


def _authenticate() -> Caller | None:
    """Return the caller by link, key or session. Werkzeug's parser is not used: it breaks on malformed schemes."""
    parts = get_parts()
    opener = OPENERS.get(request.endpoint or "")
    if opener is not None and LINK in request.args:
        return opener(request.args[LINK])
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return find_caller(given.strip(" "), parts.keyring(), parts.now_ms(), parts.settings.rate_limit)
    if request.endpoint in PAGES and KEY_OF_SESSION in session:
        return find_holder(session[KEY_OF_SESSION], parts.keyring(), parts.now_ms(), parts.settings.rate_limit)
    return None


def _key_required() -> Refused:
    """Return the refusal for a missing or invalid key; by RFC 6750 only an invalid key gets an error code."""
    challenge = 'Bearer error="invalid_token"' if "Authorization" in request.headers else "Bearer"
    return Refused("key-required", headers={"WWW-Authenticate": challenge})


def _scope_missing(needed: frozenset[Scope]) -> Refused:
    scopes = sorted(needed)
    names = " or ".join(f"`{scope}`" for scope in scopes)
    return Refused(
        "scope-missing",
        detail=f"This call needs a key with the scope {names}.",
        headers={"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{" ".join(scopes)}"'},
    )


def _check_origin() -> None:
    """Reject requests under a foreign host name, and operators' and clinicians' calls from other sites' pages.

    Any page in a browser on this machine can send requests here, and can point its own host name at this machine. So
    under another name only open calls are answered, and no pages. The forms of our own pages carry a token instead.
    """
    needed = NEEDED.get(request.endpoint or "", ANY_KEY)
    if needed is None and request.endpoint not in PAGES:
        return
    guarded = needed and needed <= NOT_FOR_FORMS and request.endpoint not in PAGES
    origin = request.headers.get("Origin") if guarded else None
    if not is_loopback(_host(f"//{request.host}")) or (origin is not None and _place(origin) != request.host):
        raise Refused("foreign-origin")


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _place(origin: str) -> str:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""
