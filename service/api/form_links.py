"""The call that makes links to forms, for sites that embed them."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import Response, request, url_for
from flask_smorest import Blueprint

from service.api.openapi import BODY_PROBLEMS, RULESET_PROBLEMS, DocumentedResponse, call
from service.api.schemas import FormLinkIn, FormLinkOut
from service.http.api_keys import get_caller
from service.http.decoder import read_json, refuse_query
from service.http.parts import get_parts
from service.http.problems import Refused
from service.http.responses import json_response
from triage_rules.foundation.errors import LinkError, ReportFault
from triage_rules.foundation.timestamps import timestamp
from triage_rules.intake import links
from triage_rules.records.api_keys import Scope

blueprint = Blueprint("form_links", __name__, url_prefix="/v1", description="Links to forms.")

DAY_MS = 24 * 3_600_000
DAYS, DAYS_MAX = 30, 366
"""Default and maximum validity of a link."""

_LINK = FormLinkIn()


@call(
    blueprint,
    "POST",
    "/form-links",
    DocumentedResponse(
        201, FormLinkOut, "The link: a path on this service, and its signed part for an address of your own."
    ),
    problems=(*BODY_PROBLEMS, *RULESET_PROBLEMS, "ruleset-not-found", "form-link-invalid", "form-links-off"),
    needs=frozenset({Scope.REPORT}),
    requestBody={"required": True, "content": {"application/json": {"schema": FormLinkIn}}},
)
def make_form_link() -> Response:
    """Make a link to a form.

    A person who opens the link may fill in the form, as your client, and see the result of their report; nothing else.
    """
    refuse_query(request)
    parts = get_parts()
    raw = read_json(request, parts.settings.max_report_bytes)
    if not parts.settings.pages_secret:
        raise Refused("form-links-off")
    parameters = _read(raw)
    parts.live.get(parameters["ruleset"])
    expires_ms = parts.now_ms() + parameters.pop("expires_in_days", DAYS) * DAY_MS
    try:
        link = links.FormLink(client=get_caller().client, expires_ms=expires_ms, **parameters)
    except LinkError as error:
        raise Refused("form-link-invalid", ReportFault(f"/{error.name}", "invalid", error.detail)) from None
    token = links.sign_form(link, parts.settings.pages_secret)
    path = url_for("form.show", ruleset=link.ruleset, link=token)
    return json_response({"path": path, "link": token, "expires_at": timestamp(expires_ms)}, 201)


def _read(raw: object) -> dict[str, Any]:
    """Return the parameters of the link. Raises Refused with every fault."""
    try:
        parameters: dict[str, Any] = _LINK.load(raw)  # type: ignore[arg-type]  # marshmallow rejects other types
    except ma.ValidationError as error:
        faults = [ReportFault(f"/{name}" if name in _LINK.fields else "", "invalid", _EXPECTED.get(name, _KNOWN))
                  for name in error.messages_dict]  # fmt: skip
        raise Refused("form-link-invalid", *faults) from None
    return parameters


_KNOWN = f"expected an object with {', '.join(_LINK.fields)}, and nothing else"
_EXPECTED = {
    "ruleset": "expected the name of a live ruleset",
    "expires_in_days": f"expected a whole number of days, 1 to {DAYS_MAX}",
}
