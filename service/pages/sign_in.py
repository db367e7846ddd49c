"""Signing in with an API key, pasted once, and signing out."""

from __future__ import annotations

import re

from flask import Blueprint, Response, request, url_for

from service.http.api_keys import OPEN
from service.http.parts import parts
from service.pages import sessions
from service.pages.page import go, page, render
from triage_rules.foundation.patterns import KEY
from triage_rules.records.api_keys import find_caller

_PATH = re.compile(r"/(?!/)[!#-\[\]-~]*")
"""A place here: no other host, no backslash, which some browsers take for a slash."""

blueprint = Blueprint("signing_in", __name__)


@page(blueprint, "/sign-in", methods=("GET", "POST"), needs=OPEN)
def sign_in() -> Response:
    """Asks for an API key. The key itself is kept nowhere."""
    to = _place(request.values.get("next", ""))
    if not parts().settings.auth_on:
        return go(to)
    if request.method == "GET":
        return render("sign-in.html", next=to)
    own, given = parts(), request.form.get("key", "").strip()
    form = KEY.fullmatch(given)
    if form is None or find_caller(given, own.keyring(), own.now_ms(), own.settings.rate_limit) is None:
        return render("sign-in.html", 401, next=to, refused=True)
    sessions.begin(form[1])
    return go(to)


@page(blueprint, "/sign-out", methods=("POST",), needs=OPEN)
def sign_out() -> Response:
    """Ends the session."""
    sessions.end()
    return go(url_for("home.home"))


def _place(asked: str) -> str:
    """Where to go then: a path here, or home."""
    return asked if _PATH.fullmatch(asked) else url_for("home.home")
