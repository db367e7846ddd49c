"""The call that makes links to forms, for sites that embed them."""

from __future__ import annotations

from collections.abc import Collection
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
from triage_rules.foundation.errors import ReportFault
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
    parameters = _read(raw, parts.live.names())
    parts.live.get(parameters["ruleset"])
    expires_ms = parts.now_ms() + parameters.pop("expires_in_days", DAYS) * DAY_MS
    link = links.FormLink(client=get_caller().client, expires_ms=expires_ms, **parameters)
    token = links.sign_form(link, parts.settings.pages_secret)
    path = url_for("form.show", ruleset=link.ruleset, link=token)
    return json_response({"path": path, "link": token, "expires_at": timestamp(expires_ms)}, 201)


def _read(raw: object, live: Collection[str]) -> dict[str, Any]:
    """Return the parameters of the link. Raises Refused with every fault.

    That a ruleset isn't live is a fault beside others; alone it is another problem, which is for the caller to find.
    """
    try:
        parameters: dict[str, Any] = _LINK.load(raw)  # type: ignore[arg-type]  # marshmallow rejects other types
        wrong: list[str] = []
    except ma.ValidationError as error:
        parameters = error.valid_data if isinstance(error.valid_data, dict) else {}
        wrong = [str(name) for name in error.messages_dict]
    wrong += (name for name in links.wrong_parameters(parameters) if name != "ruleset")
    if wrong and "ruleset" in parameters and parameters["ruleset"] not in live:
        wrong.append("ruleset")
    if wrong:
        known = (name if name in _LINK.fields else "" for name in wrong)
        faults = [
            ReportFault(f"/{name}" if name else "", "invalid", _EXPECTED.get(name, _KNOWN))
            for name in dict.fromkeys(known)
        ]
        raise Refused("form-link-invalid", *faults)
    return parameters


_KNOWN = f"expected an object with {', '.join(_LINK.fields)}, and nothing else"
_EXPECTED = links.EXPECTED | {
    "ruleset": "expected the name of a live ruleset",
    "expires_in_days": f"expected a whole number of days, 1 to {DAYS_MAX}",
}
