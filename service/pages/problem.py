"""Refusals for people: on a page's address, a problem is shown as a page, and who isn't signed in is sent to do so."""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, render_template, request, url_for

from service.http.api_keys import PAGES
from service.http.problem_types import PATH, PROBLEMS
from service.http.problems import CONTENT_TYPE
from service.pages.page import HTML, go

API = ("/v1/", "/openapi.json", "/schemas/", "/metrics", "/livez", "/readyz")


def register(app: Flask) -> None:
    """To be called after headers.register: what runs after a request runs in the opposite order."""
    app.after_request(_as_page)


def _as_page(response: Response) -> Response:
    if response.mimetype != CONTENT_TYPE or not _for_person():
        return response
    told: dict[str, Any] = response.get_json()
    code = str(told["type"]).removeprefix(PATH)
    if code == "key-required" and request.method == "GET":
        return go(url_for("signing_in.sign_in", next=request.full_path.rstrip("?")))
    known = PROBLEMS.get(code)
    response.content_type = HTML
    response.set_data(render_template("problem.html", problem=told, do=known.do if known is not None else None))
    return response


def _for_person() -> bool:
    """A page of ours, or nothing that is here, asked for by a browser."""
    if request.endpoint not in PAGES and (request.endpoint is not None or request.path.startswith(API)):
        return False
    offered = [CONTENT_TYPE, "application/json", "text/html"]
    return request.accept_mimetypes.best_match(offered) == "text/html"
