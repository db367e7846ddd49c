"""The home page: the live rulesets, and links to the other pages."""

from __future__ import annotations

from flask import Blueprint, Response

from service.api.rulesets import describe_approval
from service.http.api_keys import OPEN, known_caller
from service.http.parts import get_parts
from service.pages.page import page, render
from triage_rules.foundation.errors import TriageError

blueprint = Blueprint("home", __name__)


@page(blueprint, "/", needs=OPEN)
def home() -> Response:
    """Show the home page; strangers don't see the live rulesets."""
    return render("home.html", rulesets=_live() if known_caller() is not None else None)


def _live() -> list[dict[str, object]]:
    """Return the live rulesets that can be opened."""
    parts = get_parts()
    try:
        rulesets = [parts.live.get(name).ruleset for name in parts.live.names()]
    except TriageError:
        return []
    return [
        {
            "name": ruleset.name,
            "title": ruleset.title,
            "version": ruleset.version,
            "description": ruleset.description,
            "approval": describe_approval(ruleset),
            "questions": len(ruleset.inputs),
            "rules": len(ruleset.rules_and_floors),
        }
        for ruleset in rulesets
    ]
