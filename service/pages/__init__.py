"""All that is shown to people: pages made here, without any request to elsewhere; they work without JavaScript."""

from __future__ import annotations

from flask import Flask

from service.api.openapi import TriageApi
from service.pages import board, form, home, page, problem, proposals, reference, result, sign_in, viewer, workbench

PAGES = (home, sign_in, form, result, board, viewer, workbench, proposals)
"""Each has its blueprint."""


def register(app: Flask, api: TriageApi) -> None:
    """The pages, and the reference, whose calls are described like those of the API."""
    api.register_blueprint(reference.blueprint)
    for one in PAGES:
        app.register_blueprint(one.blueprint)
    page.register(app)
    problem.register(app)
