"""API keys: where any are set, every call needs one that could tell or change anything of a report."""

from __future__ import annotations

import hashlib
import hmac

from flask import Flask, request

from service.parts import parts
from triage_rules.errors import KeyRequired

OPEN_TO_ALL = {"operations.livez", "operations.readyz", "static"}
"""Health checks and vendored files say nothing of anybody; probes have no key, nor has a browser that opens a page."""

OPEN_BLUEPRINT = "pages"
"""The description of the interface, and what problems mean."""


def register(app: Flask) -> None:
    """Have each request's key checked."""
    app.before_request(_check)


def _check() -> None:
    keys = parts().settings.keys
    if not keys or request.endpoint in OPEN_TO_ALL or request.blueprint == OPEN_BLUEPRINT:
        return
    authorization = request.authorization
    given = authorization.token if authorization is not None and authorization.type == "bearer" else None
    # hashed first, so that neither the time nor the length of a comparison says anything of a key
    hashed = hashlib.sha256((given or "").encode()).digest()
    known = [hmac.compare_digest(hashed, hashlib.sha256(key.encode()).digest()) for key in keys]
    if given is None or not any(known):
        raise KeyRequired
