"""The calls about live rulesets: list them, get one, get the schema of its answers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import Response, request
from flask_smorest import Blueprint

from service.api.openapi import CALL_PROBLEMS, NOT_CHANGED, DocumentedResponse, call
from service.api.schemas import RulesetDetailOut, RulesetsOut
from service.http.api_keys import ANY_KEY
from service.http.decoder import refuse_query
from service.http.parts import Parts, get_parts
from service.http.responses import add_etag, json_response
from triage_rules.deployment.live import Loaded
from triage_rules.evaluation.answers import answers_json_schema
from triage_rules.evaluation.result import contacts_as_json
from triage_rules.foundation.timestamps import timestamp
from triage_rules.language.bundle import document_of
from triage_rules.language.model import Floor, Input, Panel, Rule, Ruleset, RulesetScope
from triage_rules.language.wording import describe_condition
from triage_rules.store.rulesets import LiveRuleset

blueprint = Blueprint("rulesets", __name__, url_prefix="/v1/rulesets", description="Read the live rulesets.")

_PROBLEMS = (*CALL_PROBLEMS, "ruleset-broken", "ledger-unavailable")

SCHEMA_TYPE = "application/schema+json"
NOT_APPROVED = "no clinician has approved it"


@call(
    blueprint, "GET", "", DocumentedResponse(200, RulesetsOut, "All live rulesets."), problems=_PROBLEMS, needs=ANY_KEY
)
def list_rulesets() -> Response:
    """List the live rulesets."""
    refuse_query(request)
    return json_response({"rulesets": summarize_live(get_parts())})


@call(
    blueprint,
    "GET",
    "/<name>",
    DocumentedResponse(200, RulesetDetailOut, "The ruleset in full."),
    NOT_CHANGED,
    problems=(*_PROBLEMS, "ruleset-not-found"),
    needs=ANY_KEY,
)
def get_ruleset(name: str) -> Response:
    """Get a live ruleset.

    Returns its questions, its rules with their reasons and sources, and the deployed document.
    """
    refuse_query(request)
    parts = get_parts()
    loaded = parts.live.get(name)
    live = parts.store.rulesets.get_live()
    body = _summary(loaded, live[name]) | _detail(loaded.ruleset)
    body["document"] = document_of(parts.store.rulesets.get_bundle(loaded.digest), loaded.digest)["ruleset"]
    return add_etag(json_response(body))


@call(
    blueprint,
    "GET",
    "/<name>/schema",
    DocumentedResponse(200, {"type": "object"}, "JSON Schema 2020-12 of `findings`.", SCHEMA_TYPE),
    NOT_CHANGED,
    problems=(*_PROBLEMS, "ruleset-not-found"),
    needs=ANY_KEY,
)
def get_findings_schema(name: str) -> Response:
    """Get the JSON Schema of a ruleset's `findings`."""
    refuse_query(request)
    schema = answers_json_schema(get_parts().live.get(name).ruleset)
    return add_etag(json_response(schema, content_type=SCHEMA_TYPE))


def summarize_live(parts: Parts) -> list[dict[str, Any]]:
    """Return a summary of each live ruleset, by name."""
    live = parts.store.rulesets.get_live()
    return [_summary(parts.live.get(name), live[name]) for name in parts.live.names() if name in live]


def describe_approval(ruleset: Ruleset) -> str:
    """Describe the approval of a ruleset, with its date."""
    return describe_approver(ruleset.approved_by) + (f" on {ruleset.approved_on}" if ruleset.approved_on else "")


def describe_approver(approved_by: str | None) -> str:
    """Describe the approval of a ruleset, without its date."""
    return NOT_APPROVED if approved_by is None else f"approved by {approved_by}"


def _summary(loaded: Loaded, live: LiveRuleset) -> dict[str, Any]:
    ruleset = loaded.ruleset
    path = f"/v1/rulesets/{ruleset.name}"
    return {
        "name": ruleset.name,
        "version": ruleset.version,
        "digest": loaded.digest,
        "title": ruleset.title,
        "approved_by": ruleset.approved_by,
        "approval": describe_approval(ruleset),
        "contacts": contacts_as_json(ruleset.contacts),
        "activated_at": timestamp(live.activated_ms),
        "links": {"self": path, "schema": f"{path}/schema"},
    }


def _detail(ruleset: Ruleset) -> dict[str, Any]:
    return {
        "description": ruleset.description,
        "owner": ruleset.owner,
        "dispositions": [
            {
                "code": disposition.code,
                "level": disposition.level.word,
                "act_within_minutes": disposition.act_within_minutes,
                "title": disposition.title,
            }
            for disposition in ruleset.dispositions.values()
        ],
        "inputs": [_input(asked) for asked in ruleset.inputs.values()],
        "panels": [_panel(ruleset, panel) for panel in ruleset.panels.values()],
        "screens": {"first": _screens(ruleset.screens.first), "then": _screens(ruleset.screens.then)},
        "scope": _scope(ruleset.scope),
        "rules": [_rule(ruleset, rule) for rule in ruleset.rules.values()],
        "safety_net": [_rule(ruleset, floor) for floor in ruleset.floors.values()],
    }


def _input(asked: Input) -> dict[str, Any]:
    return {
        "name": asked.name,
        "kind": asked.kind.value,
        "question": asked.question,
        "help": asked.help,
        "group": asked.group,
        "asked_of": asked.asked_of.value,
        "relevant": None
        if asked.relevant is None
        else {"when": describe_condition(asked.relevant.when), "otherwise": asked.relevant.otherwise},
        "available_if": None if asked.available_if is None else describe_condition(asked.available_if),
        "expected": asked.expected,
        "unit": asked.unit,
        "minimum": asked.minimum,
        "maximum": asked.maximum,
        "max_length": asked.max_length,
        "choices": [
            {"value": choice.value, "label": choice.label, "means_open": choice.means_open} for choice in asked.choices
        ],
    }


def _panel(ruleset: Ruleset, panel: Panel) -> dict[str, Any]:
    return {
        "name": panel.name,
        "section": panel.section,
        "question": panel.question,
        "immediate_danger": panel.immediate_danger,
        "lines": [
            {
                "finding": line.input,
                "question": line.text or ruleset.inputs[line.input].question,
                "none_means": line.none_means,
            }
            for line in panel.lines
        ],
    }


def _screens(screens: Iterable[str | tuple[str, ...]]) -> list[dict[str, Any]]:
    return [{"panel": item} if isinstance(item, str) else {"findings": list(item)} for item in screens]


def _scope(scope: RulesetScope | None) -> dict[str, Any] | None:
    if scope is None:
        return None
    return {
        "question": scope.question,
        "disposition": scope.disposition,
        "reason": scope.reason,
        "then_ask": list(scope.then_ask),
    }


def _rule(ruleset: Ruleset, rule: Rule | Floor) -> dict[str, Any]:
    reached = ruleset.dispositions[rule.outcomes[0].disposition] if rule.outcomes else None
    return {
        "id": rule.id,
        "title": rule.title,
        "level": reached.level.word if reached else None,
        "disposition": reached.code if reached else None,
        "reason": rule.reason,
        "source": rule.source.text,
        "marks": list(rule.source.marks),
        "owner": rule.owner,
        "review_by": rule.review_by,
        "clinician_only": isinstance(rule, Rule) and rule.clinician_only,
    }
