"""Headers on every answer, and one line of log for each: method, route, status, time; never a path or a query."""

from __future__ import annotations

import logging
import time

from flask import Flask, Response, g, request

from service.http.parts import parts

CSP = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
"""For data: a browser that is made to show it runs nothing."""

_PAGE_CSP = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; frame-ancestors {framed_by}; base-uri 'none'; "
    "form-action 'self'"
)
PAGE_CSP = _PAGE_CSP.format(framed_by="'none'")
"""For our pages. `data:` images are in CodeMirror's styles; they are fetched from nowhere."""

ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}

log = logging.getLogger("service.access")


def register(app: Flask) -> None:
    """Have them set for every answer of `app`."""
    app.before_request(_start)
    app.after_request(_finish)


def _start() -> None:
    g.started = time.perf_counter()


def let_frame(origin: str) -> None:
    """Have pages of that origin show the answer to this request in a frame."""
    g.framed_by = origin


def _finish(response: Response) -> Response:
    for name, value in ALWAYS.items():
        response.headers.setdefault(name, value)
    page = response.mimetype == "text/html"
    if page and "framed_by" in g:
        response.headers["Content-Security-Policy"] = _PAGE_CSP.format(framed_by=g.framed_by)
        del response.headers["X-Frame-Options"]  # it knows no origins; browsers that know the policy go by that
    response.headers.setdefault("Content-Security-Policy", PAGE_CSP if page else CSP)
    if request.endpoint != "static":
        response.headers.setdefault("Cache-Control", "no-store")
    _count(response)
    return response


def _count(response: Response) -> None:
    route = request.url_rule.rule if request.url_rule is not None else "(none)"
    method = request.method if request.url_rule is not None else "(any)"  # a caller may invent methods; labels are kept
    seconds = time.perf_counter() - g.started
    parts().metrics.answered(method, route, response.status_code, seconds)
    if request.endpoint in INTAKE and "problem" in g:
        parts().metrics.refused(g.problem)
    log.info("%s %s %d %.1f ms", method, route, response.status_code, seconds * 1000)


INTAKE = ("reports.post_report", "reports.post_batch")
"""The endpoints whose problems are refused reports."""
