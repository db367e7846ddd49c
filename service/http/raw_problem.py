"""gunicorn's response to malformed requests as problem+json; gunicorn's own page would repeat the request."""

from __future__ import annotations

import socket
from http import HTTPStatus

from service.http.headers import ALWAYS, CSP
from service.http.problem_types import PROBLEMS
from service.http.problems import CONTENT_TYPE, body
from triage_rules.foundation.strict_json import dumps

_BAD = PROBLEMS["bad-request"]


def write_problem(sock: socket.socket, status_int: int, _reason: str, _message: str) -> None:
    """Replace gunicorn's `util.write_error`, without its message, which quotes the request.

    An unknown transfer coding is the caller's mistake, so 501 becomes 400.
    """
    status = HTTPStatus.BAD_REQUEST if status_int == HTTPStatus.NOT_IMPLEMENTED else HTTPStatus(status_int)
    if status == HTTPStatus.BAD_REQUEST:
        members = body(_BAD)
    else:
        members = {"type": "about:blank", "title": status.phrase, "status": status.value}
    content = dumps(members).encode()
    headers = {
        "Connection": "close",
        "Content-Type": CONTENT_TYPE,
        "Content-Length": str(len(content)),
        "Cache-Control": "no-store",
        "Content-Security-Policy": CSP,
        **ALWAYS,
    }
    lines = [f"HTTP/1.1 {status.value} {status.phrase}", *(f"{name}: {value}" for name, value in headers.items())]
    sock.sendall("\r\n".join([*lines, "", ""]).encode() + content)
