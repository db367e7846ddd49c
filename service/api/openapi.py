"""The OpenAPI 3.1 description, generated from the code; the inputs of live rulesets are added on request."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from flask import Flask, Response
from flask_smorest import Api, Blueprint

from service.api.schemas import ID, OutcomeOut, ProblemOut
from service.http.api_keys import NEEDED, OPEN
from service.http.decoder import BATCH_LINES_MAX, JSON, NDJSON
from service.http.problem_types import PROBLEMS
from service.http.problems import CONTENT_TYPE
from triage_rules.evaluation.answers import answers_json_schema
from triage_rules.foundation.schemas import read_schema
from triage_rules.intake.report import ReportIn
from triage_rules.language.model import Ruleset
from triage_rules.records.api_keys import Scope

View = TypeVar("View", bound=Callable[..., Response])

EXAMPLE: dict[str, Any] = {
    "ruleset": "red-dots",
    "subject": "case-4711",
    "findings": {
        "age_years": 4,
        "blanches_on_pressure": "does_not_blanch",
        "temperature_c": 38.9,
        "neck_stiffness": "unknown",
        "rash_spreading": "rapid_hours",
    },
}

AMENDMENT = {
    **EXAMPLE,
    "amends": ID,
    "findings": {**EXAMPLE["findings"], "neck_stiffness": True},
}

REPORT_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        JSON[0]: {
            "schema": ReportIn,
            "examples": {"spots with fever": {"value": EXAMPLE}, "the same, amended": {"value": AMENDMENT}},
        }
    },
}
BATCH_BODY: dict[str, Any] = {
    "required": True,
    "description": f"NDJSON: one report a line, up to {BATCH_LINES_MAX:,}. Blank lines are skipped, but counted.",
    "content": {media_type: {"schema": ReportIn} for media_type in NDJSON},
}
WAIT_PARAMETER: dict[str, Any] = {
    "in": "header",
    "name": "Prefer",
    "schema": {"type": "string"},
    "description": "`wait=N` (RFC 7240): wait up to N seconds for the result; sets Preference-Applied.",
    "examples": {"five seconds": {"value": "wait=5"}},
}
_KEY = (
    "A random word of yours, ideally a UUID: 1 to 128 visible ASCII characters except quotation mark, comma, semicolon "
    "and backslash. Quotation marks around the key are not part of it. Keys of batches and keys of single reports are "
    "independent. "
)
INTERVIEW_PARAMETER: dict[str, Any] = {
    "in": "query",
    "name": "interview",
    "schema": {"type": "string", "enum": ["1"]},
    "description": "1: add `interview.next`, the screen to show now, to the result.",
}

KEY_PARAMETER: dict[str, Any] = {
    "in": "header",
    "name": "Idempotency-Key",
    "schema": {"type": "string", "minLength": 1, "maxLength": 130},
    "description": f"{_KEY}The same key with the same body makes no second report for 24 hours. With another body "
    "the request is rejected before that body is checked. A rejected report uses up no key.",
}
BATCH_KEY_PARAMETER: dict[str, Any] = {
    **KEY_PARAMETER,
    "description": f"{_KEY}Each line gets its own key, made of this key and the line's number in the body; blank lines "
    "count. The same lines in the same places make no second report for 24 hours. A line that moves is a new report: "
    "keep rejected lines in their places, or send new lines under a new key.",
}

_KEYS = (
    "An API key with one of the scopes that a call names (none: any scope). Scopes: `report` posts reports, reads "
    "the reports of its client and makes links to forms, `read` reads and acknowledges all reports and reads the "
    "status of the service, `deploy` changes live rulesets, `admin` erases data, reads the audit log and dead letters, "
    "and requeues these. A service that answers only on its own machine may need no key."
)

KEY_CALL_PROBLEMS = ("key-required", "rate-exceeded", "ledger-unavailable")
"""Problems of every call that needs a key."""

CALL_PROBLEMS = ("unknown-parameter",)
TYPE_PROBLEMS = ("too-large", "unsupported-media-type")
BODY_PROBLEMS = (*CALL_PROBLEMS, "unreadable", *TYPE_PROBLEMS)
KEY_PROBLEMS = ("idempotency-key-invalid", "idempotency-key-reused")
RULESET_PROBLEMS = ("no-ruleset-live", "ruleset-broken", "ledger-unavailable")
INTAKE_PROBLEMS = (*RULESET_PROBLEMS, "store-sealed", "ruleset-changing", "queue-too-old")


class TriageApi(Api):  # type: ignore[misc]  # flask-smorest carries no types
    """flask-smorest, used only for the description: problems.py handles errors, and our own page shows it."""

    DEFAULT_ERROR_RESPONSE_NAME = None

    def _register_error_handlers(self) -> None:
        """Register no error handlers: the library's don't return problem+json."""


def make_api(app: Flask, version: str) -> TriageApi:
    """Make the collector of the description."""
    app.config.update(
        API_TITLE="Triage",
        API_VERSION=version,
        OPENAPI_VERSION="3.1.1",
        API_SPEC_OPTIONS={
            "info": {
                "summary": "Post symptom reports. Get routine, monitor or urgent, with reasons.",
                "description": "No clinician has approved the rulesets that come with this service. "
                "See docs/reference/http-api.md for a guide, and /problems/ for all problem types.",
                "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            },
            "servers": [{"url": "/"}],
        },
    )
    api = TriageApi(app)
    api.spec.components.security_scheme("key", {"type": "http", "scheme": "bearer", "description": _KEYS})
    api.spec.components.schema("Problem", schema=ProblemOut)
    api.spec.components.schema("Outcome", schema=OutcomeOut)
    api.spec.components.schema("Report", schema=ReportIn)
    api.spec.components.schema("Result", _embedded("Result", json.loads(read_schema("result.schema.json"))))
    return api


@dataclass(frozen=True, slots=True)
class DocumentedResponse:
    """A successful response of a call. `schema`: a marshmallow schema, or a schema as plain data."""

    status: int
    schema: object = None
    says: str | None = None
    content_type: str = JSON[0]


NOT_CHANGED = DocumentedResponse(304, says="Unchanged since you got this ETag.")


def call(
    blueprint: Blueprint,
    method: str,
    rule: str,
    *responses: DocumentedResponse,
    problems: Sequence[str] = (),
    needs: frozenset[Scope] | None = OPEN,
    **more: object,
) -> Callable[[View], View]:
    """Make a function the view of a call, and describe it. `problems`: codes; `more`: members of the operation.

    `needs`: the scopes of which a key needs one; ANY_KEY, or OPEN for a call without a key.
    """
    if needs is not None:
        problems = (*problems, *KEY_CALL_PROBLEMS, *(["scope-missing"] if needs else []), "foreign-origin")
    more |= {"security": _security(needs)}

    def decorate(view: View) -> View:
        NEEDED[f"{blueprint.name}.{view.__name__}"] = needs
        described: Any = view
        for response in responses:
            described = blueprint.alt_response(
                response.status,
                schema=response.schema,
                content_type=response.content_type,
                description=response.says,
                success=True,
            )(described)
        for status, text in _describe_problems(problems).items():
            described = blueprint.alt_response(
                status, schema=ProblemOut, content_type=CONTENT_TYPE, description=text, success=False
            )(described)
        described = blueprint.doc(operationId=view.__name__, **more)(described)
        return cast(View, blueprint.route(rule, methods=[method])(described))

    return decorate


def _security(needs: frozenset[Scope] | None) -> list[dict[str, list[str]]]:
    """Return the security requirement: a key with one of the scopes, which OpenAPI 3.1 allows for any scheme."""
    if needs is None:
        return []
    return [{"key": [scope.value]} for scope in sorted(needs)] or [{"key": []}]


def _describe_problems(codes: Sequence[str]) -> dict[str, str]:
    """Return a description of the problems for each status."""
    by_status: dict[str, list[str]] = {}
    for code in dict.fromkeys(codes):
        title = PROBLEMS[code].title
        by_status.setdefault(str(PROBLEMS[code].status), []).append(f"`{code}`: {title[0].lower()}{title[1:]}")
    texts = {status: "; ".join(titles) + "." for status, titles in by_status.items()}
    return texts | {"default": "Any other problem, such as `internal`."}


def build_description(api: TriageApi, rulesets: Iterable[Ruleset], *, auth: bool) -> dict[str, Any]:
    """Build the document. `rulesets`: those whose inputs it describes; `auth`: True if calls need keys."""
    document: dict[str, Any] = deepcopy(api.spec.to_dict())
    if not auth:
        _make_keys_optional(document)
    schemas = document["components"]["schemas"]
    schemas["ReportOut"]["properties"]["result"] = {"$ref": "#/components/schemas/Result"}
    references = []
    for ruleset in rulesets:
        name = f"Findings-{ruleset.name}"
        schemas[name] = _embedded(name, answers_json_schema(ruleset))
        references.append({"$ref": f"#/components/schemas/{name}"})
    if references:
        findings = schemas["Report"]["properties"]["findings"]
        findings.pop("type", None)
        findings["anyOf"] = references
    return document


def _make_keys_optional(document: dict[str, Any]) -> None:
    """Allow each call without a key as well."""
    for path in document["paths"].values():
        for name, operation in path.items():
            if name != "parameters" and operation["security"]:
                operation["security"].append({})


def _embedded(name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """Embed a separate schema into the document, with its references adapted to its new place."""
    content = {key: value for key, value in schema.items() if key not in ("$schema", "$id")}
    return cast(dict[str, Any], _moved(content, f"#/components/schemas/{name}/"))


def _moved(part: object, to: str) -> object:
    match part:
        case dict():
            return {key: _moved_reference(key, _moved(value, to), to) for key, value in part.items()}
        case list():
            return [_moved(item, to) for item in part]
        case _:
            return part


def _moved_reference(key: str, value: object, to: str) -> object:
    return to + value.removeprefix("#/") if key == "$ref" and isinstance(value, str) else value
