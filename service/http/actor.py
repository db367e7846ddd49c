"""Who does what is written down in the audit log."""

from __future__ import annotations

from service.http.api_keys import caller
from triage_rules.records.audit import Actor, Via

ANYBODY = "anybody on this machine"
"""Without API keys nobody says who they are."""


def actor() -> Actor:
    """The client that sent this request."""
    return Actor(caller().client or ANYBODY, Via.HTTP)
