"""Problems as pages for people; a person who isn't signed in is redirected to sign in."""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, render_template, request, url_for

from service.http.api_keys import PAGES
from service.http.problem_types import PATH, PROBLEMS
from service.http.problems import CONTENT_TYPE
from service.pages.page import HTML, redirect_to

API = ("/v1/", "/openapi.json", "/schemas/", "/metrics", "/livez", "/readyz")


def register(app: Flask) -> None:
    """Show problems as pages. Call after headers.register: Flask runs after_request functions in reverse order."""
    app.after_request(_as_page)


def _as_page(response: Response) -> Response:
    if response.mimetype != CONTENT_TYPE or not _for_person():
        return response
    problem: dict[str, Any] = response.get_json()
    code = str(problem["type"]).removeprefix(PATH)
    if code == "key-required" and request.method == "GET":
        return redirect_to(url_for("sign_in.sign_in", next=request.full_path.rstrip("?")))
    known = PROBLEMS.get(code)
    response.content_type = HTML
    response.set_data(render_template("problem.html", problem=problem, do=known.do if known is not None else None))
    return response


def _for_person() -> bool:
    """Return True if a browser asked for a page, or for an unknown path outside the API."""
    if request.endpoint not in PAGES and (request.endpoint is not None or request.path.startswith(API)):
        return False
    offered = [CONTENT_TYPE, "application/json", "text/html"]
    return request.accept_mimetypes.best_match(offered) == "text/html"
