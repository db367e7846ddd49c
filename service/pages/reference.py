"""The reference: the API description as JSON and as a page, problem types and schemas."""

from __future__ import annotations

from typing import Any

from flask import Response, abort, current_app, render_template, request
from flask_smorest import Blueprint

from service.api.openapi import NOT_CHANGED, DocumentedResponse, TriageApi, build_description, call
from service.api.rulesets import SCHEMA_TYPE
from service.http.api_keys import may_see_details
from service.http.parts import get_parts
from service.http.problem_types import PROBLEMS
from service.http.responses import add_etag, json_response
from service.pages.openapi_view import OpenapiView, fields, prose, type_of
from triage_rules.foundation.errors import TriageError
from triage_rules.foundation.schemas import read_schema, schema_names
from triage_rules.language.model import Ruleset

blueprint = Blueprint("reference", __name__, description="Read this description, the schemas and the problem types.")

_PAGE = DocumentedResponse(200, {"type": "string"}, "A page.", "text/html")


@call(
    blueprint,
    "GET",
    "/openapi.json",
    DocumentedResponse(200, {"type": "object"}, "OpenAPI 3.1, with the `findings` of the live rulesets."),
    NOT_CHANGED,
)
def openapi() -> Response:
    """Get the description of this API. Only callers with a key get the `findings` of the live rulesets."""
    response = json_response(_description())
    if get_parts().settings.auth_on:
        response.vary.add("Authorization")
    return add_etag(response)


@call(blueprint, "GET", "/docs", _PAGE)
def docs() -> Response:
    """Show the description as a page, with a curl command for each call."""
    view = OpenapiView(_description(), request.host_url)
    page = render_template("docs.html", view=view, fields=fields, type_of=type_of, prose=prose, wide=True)
    return Response(page, content_type="text/html; charset=utf-8")


@call(blueprint, "GET", "/problems/", _PAGE)
def list_problems() -> Response:
    """List all problem types."""
    page = render_template("problems.html", problems=PROBLEMS.values(), title="Problems")
    return Response(page, content_type="text/html; charset=utf-8")


@call(blueprint, "GET", "/problems/<code>", _PAGE, problems=("not-found",))
def get_problem(code: str) -> Response:
    """Show the meaning of a problem type, and what to do."""
    if code not in PROBLEMS:
        abort(404)
    page = render_template("problems.html", problems=[PROBLEMS[code]], title=PROBLEMS[code].title)
    return Response(page, content_type="text/html; charset=utf-8")


@call(
    blueprint,
    "GET",
    "/schemas/<name>",
    DocumentedResponse(200, {"type": "object"}, "A JSON Schema (2020-12).", SCHEMA_TYPE),
    NOT_CHANGED,
    problems=("not-found",),
)
def get_schema(name: str) -> Response:
    """Get a JSON Schema: of the files of a ruleset (for editors), of results, or of the events on the stream.

    The names are `ruleset.schema.json`, `properties.schema.json`, `personas.schema.json`, `vignettes.schema.json`,
    `result.schema.json` and `result-event.schema.json`.
    """
    if name not in schema_names():
        abort(404)
    return add_etag(Response(read_schema(name), content_type=SCHEMA_TYPE))


def _description() -> dict[str, Any]:
    """Return the OpenAPI document; strangers don't see the inputs of live rulesets."""
    api = current_app.extensions["flask-smorest"]["apis"][""]["ext_obj"]
    assert isinstance(api, TriageApi)
    return build_description(api, _live() if may_see_details() else [], auth=get_parts().settings.auth_on)


def _live() -> list[Ruleset]:
    """Return the live rulesets that can be opened; none while the store is away."""
    parts = get_parts()
    rulesets: list[Ruleset] = []
    try:
        rulesets.extend(parts.live.get(name).ruleset for name in parts.live.names())
    except TriageError:
        return rulesets
    return rulesets
