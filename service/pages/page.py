"""Making of pages: address, scopes, template, navigation."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import wraps
from typing import ParamSpec

from flask import Blueprint, Flask, Response, current_app, render_template, request

from service.http import api_keys
from service.http.parts import get_parts
from service.pages import sessions
from triage_rules.records.api_keys import Caller, Scope

P = ParamSpec("P")
View = Callable[P, Response]

POSTED_MAX_BYTES = 256 * 1024
"""Default maximum size of a posted form."""

HTML = "text/html; charset=utf-8"


@dataclass(frozen=True, slots=True)
class NavigationItem:
    """A link in the navigation, shown if its page exists and the person may see it."""

    label: str
    endpoint: str


PLACES = (
    NavigationItem("Home", "home.home"),
    NavigationItem("Board", "board.show"),
    NavigationItem("API", "reference.docs"),
)


def page(  # noqa: PLR0913 - all except two are keywords
    blueprint: Blueprint,
    rule: str,
    *,
    methods: Iterable[str] = ("GET",),
    needs: frozenset[Scope] | None = api_keys.ANY_KEY,
    max_bytes: int = POSTED_MAX_BYTES,
    opener: Callable[[str], Caller] | None = None,
) -> Callable[[View[P]], View[P]]:
    """Make a function the view of a page. `needs`: as in `openapi.call`.

    A person who isn't signed in is redirected to sign in. A posted form must come from our own page, so every form has
    `{{ csrf_field() }}`. `max_bytes`: the limit of a posted form. `opener`: returns the caller of a signed link.
    """

    def decorate(view: View[P]) -> View[P]:
        endpoint = f"{blueprint.name}.{view.__name__}"
        api_keys.NEEDED[endpoint] = needs
        api_keys.PAGES.add(endpoint)
        if opener is not None:
            api_keys.OPENERS[endpoint] = opener

        @wraps(view)
        def shown(*args: P.args, **kwargs: P.kwargs) -> Response:
            if request.method == "POST":
                sessions.check_csrf(max_bytes)
            return view(*args, **kwargs)

        blueprint.add_url_rule(rule, view_func=shown, methods=list(methods))
        return shown

    return decorate


def render(template: str, status: int = 200, **values: object) -> Response:
    """Render `template` with `values` as a page."""
    return Response(render_template(template, **values), status, content_type=HTML)


def redirect_to(to: str) -> Response:
    """Redirect the browser to another address, also after a POST."""
    return Response(status=303, headers={"Location": to}, content_type=HTML)


def is_htmx() -> bool:
    """Return True if our script asks for a part of a page."""
    return request.headers.get("HX-Request") == "true"


def may(scope: Scope) -> bool:
    """Return True if the person has the scope."""
    person = api_keys.known_caller()
    return person is not None and scope in person.scopes


def exists(endpoint: str) -> bool:
    """Return True if the app has the page."""
    return endpoint in current_app.view_functions


def register(app: Flask) -> None:
    """Set the names that every template knows."""
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals.update(csrf_field=sessions.csrf_field, may=may, exists=exists, Scope=Scope)
    app.context_processor(_common)


def _common() -> dict[str, object]:
    auth_on = get_parts().settings.auth_on
    person = api_keys.known_caller() if auth_on else None
    return {
        "auth_on": auth_on,
        "signed_in": person.client if person is not None else None,
        "places": [place for place in PLACES if exists(place.endpoint) and _is_open(place.endpoint)],
    }


def _is_open(endpoint: str) -> bool:
    needed = api_keys.NEEDED.get(endpoint, api_keys.ANY_KEY)
    if needed is None:
        return True
    person = api_keys.known_caller()
    return person is not None and (not needed or bool(needed & person.scopes))
