"""Sessions of people who signed in, and CSRF tokens of forms."""

from __future__ import annotations

import hmac
import secrets
from datetime import timedelta
from hashlib import sha256

from flask import Flask, current_app, request, session
from gunicorn.http.errors import ParseException  # type: ignore[import-untyped]
from markupsafe import Markup

from service.http.api_keys import KEY_OF_SESSION
from service.http.problems import Refused
from triage_rules.foundation.settings import Settings, is_loopback

SIGNED_IN_FOR = timedelta(hours=12)
"""Time until a person must sign in again."""

FIELD = "csrf"
_BINDING = "own"
"""Session entry that binds forms to the session."""


def configure(app: Flask, settings: Settings) -> None:
    """Configure sessions as signed cookies, which hold the id of a key, never the key."""
    app.secret_key = settings.pages_secret or secrets.token_hex(32)
    app.config.update(
        SESSION_COOKIE_NAME="triage_session",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=not is_loopback(settings.host),
        SESSION_REFRESH_EACH_REQUEST=False,
        PERMANENT_SESSION_LIFETIME=SIGNED_IN_FOR,
    )


def begin(key_id: str) -> None:
    """Begin a session of the holder of a key, and drop the data of any earlier session."""
    session.clear()
    session.permanent = True
    session[KEY_OF_SESSION] = key_id
    session[_BINDING] = secrets.token_hex(8)


def end() -> None:
    """End the session."""
    session.clear()


def csrf_token() -> str:
    """Return the token that the forms of this session carry, and that other sites can't make or read."""
    binding = str(session.get(_BINDING, ""))
    secret = current_app.secret_key
    assert isinstance(secret, str)
    return hmac.new(secret.encode(), f"csrf {binding}".encode(), sha256).hexdigest()


def csrf_field() -> Markup:
    """Return the hidden field that `check_csrf` reads."""
    return Markup('<input type="hidden" name="{}" value="{}">').format(FIELD, csrf_token())


def check_csrf(max_bytes: int) -> None:
    """Raise Refused if the posted form is too large or does not come from our own page in this session."""
    request.max_content_length = request.max_form_memory_size = max_bytes
    try:
        sent = request.form.get(FIELD, "")
    except ParseException:  # gunicorn parses the chunks only now
        raise Refused("bad-request", detail="The chunks of the body can't be read.") from None
    if not hmac.compare_digest(sent.encode(), csrf_token().encode()):
        raise Refused("form-not-ours")
