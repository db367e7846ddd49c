"""The HTTP API: each module registers the calls of a subject."""

from __future__ import annotations

from service.api import administration, deployments, follow_up, form_links, operations, reports, rulesets
from service.api.openapi import TriageApi

CALLS = (reports, follow_up, rulesets, form_links, deployments, administration, operations)
"""The modules of calls, each with a blueprint, in the order of the description: a new module is listed here."""


def register(api: TriageApi) -> None:
    """Register all calls."""
    for module in CALLS:
        api.register_blueprint(module.blueprint)
