"""JSON responses, and ETags for responses that a caller may fetch again."""

from __future__ import annotations

import hashlib

from flask import Response, request

from triage_rules.foundation import strict_json


def json_response(value: object, status: int = 200, content_type: str = "application/json") -> Response:
    """Make a response with `value` as its JSON body."""
    return Response(strict_json.dumps(value), status, content_type=content_type)


def add_etag(response: Response, *, cacheable: bool = True) -> Response:
    """Add an ETag of the body, or turn the response into 304 if the caller has it. `cacheable`: caches may store it.

    If-Match is ignored: it is meant for changes, and its 412 would carry the body.
    """
    response.set_etag(hashlib.sha256(response.get_data()).hexdigest()[:32])
    if cacheable:
        response.headers["Cache-Control"] = "no-cache"
    asked = {name: value for name, value in request.environ.items() if name != "HTTP_IF_MATCH"}
    response.make_conditional(asked)
    return response
