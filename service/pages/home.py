"""The first page: which rulesets are live, and where to go."""

from __future__ import annotations

from flask import Blueprint, Response

from service.api.rulesets import approval
from service.http.api_keys import OPEN, known_caller
from service.http.parts import parts
from service.pages.page import page, render
from triage_rules.foundation.errors import TriageError

blueprint = Blueprint("home", __name__)


@page(blueprint, "/", needs=OPEN)
def home() -> Response:
    """What is live is not for strangers."""
    return render("home.html", rulesets=_live() if known_caller() is not None else None)


def _live() -> list[dict[str, object]]:
    """The rulesets that can be opened now."""
    own = parts()
    try:
        found = [own.live.get(name).ruleset for name in own.live.names()]
    except TriageError:
        return []
    return [
        {
            "name": one.name,
            "title": one.title,
            "version": one.version,
            "description": one.description,
            "approval": approval(one),
            "questions": len(one.inputs),
            "rules": len(one.rules_and_floors),
        }
        for one in found
    ]
