"""Headers and a log line for every response: method, route, status, time; never a path or a query."""

from __future__ import annotations

import logging
import time

from flask import Flask, Response, g, request

from service.http.parts import get_parts

CSP = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
"""Policy for data: a browser that displays it runs no scripts."""

_PAGE_CSP = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; frame-ancestors {framed_by}; base-uri 'none'; "
    "form-action 'self'"
)
PAGE_CSP = _PAGE_CSP.format(framed_by="'none'")
"""Policy for our pages. CodeMirror's styles contain `data:` images, which are not fetched from anywhere."""

ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}

log = logging.getLogger("service.access")


def register(app: Flask) -> None:
    """Set the headers on every response of `app`, and log it."""
    app.before_request(_start)
    app.after_request(_finish)


def _start() -> None:
    g.started = time.perf_counter()


def allow_framing(origin: str) -> None:
    """Allow pages of an origin to show the response in a frame."""
    g.framed_by = origin


def _finish(response: Response) -> Response:
    for name, value in ALWAYS.items():
        response.headers.setdefault(name, value)
    page = response.mimetype == "text/html"
    if page and "framed_by" in g:
        response.headers["Content-Security-Policy"] = _PAGE_CSP.format(framed_by=g.framed_by)
        del response.headers["X-Frame-Options"]  # it can't name origins; browsers follow the policy instead
    response.headers.setdefault("Content-Security-Policy", PAGE_CSP if page else CSP)
    if request.endpoint != "static":
        response.headers.setdefault("Cache-Control", "no-store")
    _count(response)
    return response


def _count(response: Response) -> None:
    route = request.url_rule.rule if request.url_rule is not None else "(none)"
    method = request.method if request.url_rule is not None else "(any)"  # invented methods would each become a label
    seconds = time.perf_counter() - g.started
    get_parts().metrics.answered(method, route, response.status_code, seconds)
    if request.endpoint in INTAKE and "problem" in g:
        get_parts().metrics.refused(g.problem)
    log.info("%s %s %d %.1f ms", method, route, response.status_code, seconds * 1000)


INTAKE = ("reports.post_report", "reports.post_batch")
"""Endpoints whose problems count as rejected reports."""
