"""Sign-in with an API key, pasted once, and sign-out."""

from __future__ import annotations

import re

from flask import Blueprint, Response, request, url_for

from service.http.api_keys import OPEN
from service.http.parts import get_parts
from service.pages import sessions
from service.pages.page import page, redirect_to, render
from triage_rules.foundation.patterns import KEY
from triage_rules.records.api_keys import find_caller

_PATH = re.compile(r"/(?!/)[!#-\[\]-~]*")
"""A path on this service: no other host, and no backslash, which some browsers treat as a slash."""

blueprint = Blueprint("sign_in", __name__)


@page(blueprint, "/sign-in", methods=("GET", "POST"), needs=OPEN)
def sign_in() -> Response:
    """Ask for an API key, and begin a session. The key itself is not stored."""
    to = _local_path(request.values.get("next", ""))
    if not get_parts().settings.auth_on:
        return redirect_to(to)
    if request.method == "GET":
        return render("sign-in.html", next=to)
    parts, given = get_parts(), request.form.get("key", "").strip()
    form = KEY.fullmatch(given)
    if form is None or find_caller(given, parts.keyring(), parts.now_ms(), parts.settings.rate_limit) is None:
        return render("sign-in.html", 401, next=to, refused=True)
    sessions.begin(form[1])
    return redirect_to(to)


@page(blueprint, "/sign-out", methods=("POST",), needs=OPEN)
def sign_out() -> Response:
    """End the session."""
    sessions.end()
    return redirect_to(url_for("home.home"))


def _local_path(asked: str) -> str:
    """Return the address after sign-in: a path on this service, or home."""
    return asked if _PATH.fullmatch(asked) else url_for("home.home")
