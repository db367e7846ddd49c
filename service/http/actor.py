"""The actor of a request, for the audit log."""

from __future__ import annotations

from service.http.api_keys import get_caller
from triage_rules.records.audit import Actor, Via

ANYBODY = "anybody on this machine"
"""Name of the actor of a service without API keys."""


def get_actor() -> Actor:
    """Return the client that sent this request."""
    return Actor(get_caller().client or ANYBODY, Via.HTTP)
