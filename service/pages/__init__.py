"""Pages for people, rendered here without any request to another site; they work without JavaScript."""

from __future__ import annotations

from flask import Flask

from service.api.openapi import TriageApi
from service.pages import board, form, home, page, problem, proposals, reference, result, sign_in, viewer, workbench

PAGES = (home, sign_in, form, result, board, viewer, workbench, proposals)
"""The modules of pages, each with a blueprint: a new page is listed here."""


def register(app: Flask, api: TriageApi) -> None:
    """Register the pages, and the reference, whose calls are described like those of the API."""
    api.register_blueprint(reference.blueprint)
    for module in PAGES:
        app.register_blueprint(module.blueprint)
    page.register(app)
    problem.register(app)
