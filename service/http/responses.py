"""Answers as JSON, and ETags for those that a caller may ask for again."""

from __future__ import annotations

import hashlib

from flask import Response, request

from triage_rules.foundation import strict_json


def json_answer(value: object, status: int = 200, content_type: str = "application/json") -> Response:
    """`value` as the body."""
    return Response(strict_json.dumps(value), status, content_type=content_type)


def with_etag(response: Response, *, cacheable: bool = True) -> Response:
    """The answer with an ETag of its body, or 304 if the caller has it. `cacheable`: caches may keep it, but ask.

    If-Match is ignored: it is for those who would change something, and its 412 would carry the body.
    """
    response.set_etag(hashlib.sha256(response.get_data()).hexdigest()[:32])
    if cacheable:
        response.headers["Cache-Control"] = "no-cache"
    asked = {name: value for name, value in request.environ.items() if name != "HTTP_IF_MATCH"}
    response.make_conditional(asked)
    return response
