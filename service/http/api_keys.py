"""Who calls, and whether they may: asked before anything else of a request is looked at."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from flask import Flask, g, request, session

from service.http.parts import parts
from service.http.problems import Refused
from triage_rules.foundation.errors import LinkError, StoreUnavailable
from triage_rules.foundation.settings import is_loopback
from triage_rules.records.api_keys import ANYBODY, Caller, Key, Scope, find_caller, find_holder

KEPT_SECONDS = 0.5
"""A key that is revoked opens nothing this much later."""

OPEN: frozenset[Scope] | None = None
"""A call that needs no key: probes have none, nor has a browser that opens a page."""

ANY_KEY: frozenset[Scope] | None = frozenset()

NEEDED: dict[str, frozenset[Scope] | None] = {"static": OPEN}
"""Endpoint -> the scopes of which one is needed; `documenting.call` puts them in. A path that no call has: any key."""

PAGES: set[str] = set()
"""The endpoints of pages for people: there alone a session stands for a key. `showing.page` puts them in."""

LINK = "link"
"""The parameter of a page's address that holds a signed link."""

OPENERS: dict[str, Callable[[str], Caller]] = {}
"""Endpoint of a page -> who calls by a signed link to it. Raises LinkError. `showing.page` puts them in."""

KEY_OF_SESSION = "key"
"""What a session holds: the id of the key that a person signed in with."""

NOT_FOR_FORMS = frozenset({Scope.READ, Scope.DEPLOY, Scope.ADMIN})


class Keyring:
    """The stored keys, asked for at most every KEPT_SECONDS. May be shared by threads. Raises StoreUnavailable."""

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
        self._kept = (now, keys)  # by when they were asked for: an answer may be late
        return keys


def register(app: Flask, *, auth: bool) -> None:
    """Have each request's key checked; without keys, only that it was meant for this machine."""
    app.before_request(_check_key if auth else _check_origin)


def caller() -> Caller:
    """Who sent this request. Of a call that is open to all nobody was asked."""
    found: Caller = g.get("caller", ANYBODY)
    return found


def may_see_details() -> bool:
    """Of a call that is open to all: whether this caller may also be told what isn't for strangers."""
    return known_caller() is not None


def known_caller() -> Caller | None:
    """Of a call that is open to all: who calls, if that can be told. Where there are no keys, anybody."""
    if not parts().settings.auth_on:
        return ANYBODY
    try:
        return _found()
    except (StoreUnavailable, LinkError):
        return None


def _check_key() -> None:
    needed = NEEDED.get(request.endpoint or "", ANY_KEY)
    if needed is None:
        return
    found = _found()
    if found is None:
        raise _unknown()
    if needed and not needed & found.scopes:
        raise _not_enough(needed)
    g.caller = found


def _found() -> Caller | None:
    """Werkzeug isn't asked: it also decodes other schemes, and breaks on what is none."""
    own = parts()
    opener = OPENERS.get(request.endpoint or "")
    if opener is not None and LINK in request.args:
        return opener(request.args[LINK])
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return find_caller(given.strip(" "), own.keyring(), own.now_ms(), own.settings.rate_limit)
    if request.endpoint in PAGES and KEY_OF_SESSION in session:
        return find_holder(session[KEY_OF_SESSION], own.keyring(), own.now_ms(), own.settings.rate_limit)
    return None


def _unknown() -> Refused:
    """RFC 6750: who sent a key is told that it is none, who sent none isn't."""
    told = 'Bearer error="invalid_token"' if "Authorization" in request.headers else "Bearer"
    return Refused("key-required", headers={"WWW-Authenticate": told})


def _not_enough(needed: frozenset[Scope]) -> Refused:
    scopes = sorted(needed)
    told = " or ".join(f"`{scope}`" for scope in scopes)
    return Refused(
        "scope-missing",
        detail=f"This call needs a key with the scope {told}.",
        headers={"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{" ".join(scopes)}"'},
    )


def _check_origin() -> None:
    """Any page in a browser on this machine can send requests here, and give its own name this machine's address.

    So nothing but what is open to all is answered under another name, no page for people is shown there, and no page
    of another site may do what operators and clinicians do: not by a call, and what a page of ours posts has a token.
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
