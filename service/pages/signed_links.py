"""Signed links in the address of a page: their caller, and the site that may frame the page."""

from __future__ import annotations

from flask import current_app, g, request, url_for

from service.http.api_keys import LINK
from service.http.headers import allow_framing
from service.http.parts import get_parts
from triage_rules.foundation.errors import ReportNotFound
from triage_rules.intake import links
from triage_rules.intake.links import FormLink, ResultLink
from triage_rules.records.api_keys import Caller, Scope

REPORTING = frozenset({Scope.REPORT})
DAY_MS = 24 * 3_600_000


def secret() -> str:
    """Return the secret that signs links; without the setting it lasts as long as the process."""
    key = current_app.secret_key
    assert isinstance(key, str)
    return key


def form_link() -> FormLink | None:
    """Return the link to a form in the address of this request, if any. Raises LinkError."""
    if LINK not in request.args:
        return None
    if "form_link" not in g:
        g.form_link = links.open_form(request.args[LINK], secret(), get_parts().now_ms())
        _frame(g.form_link)
    link: FormLink = g.form_link
    return link


def result_link(report_id: str) -> ResultLink | None:
    """Return the link to a result in the address of this request, if any.

    Raises:
        LinkError: If the link is invalid.
        ReportNotFound: If the link is for another report.

    """
    if LINK not in request.args:
        return None
    link = links.open_result(request.args[LINK], secret(), get_parts().now_ms())
    if link.report != report_id:
        raise ReportNotFound
    _frame(link)
    return link


def open_form(_: str) -> Caller:
    """Return the caller of a link to a form: its client, with the scope to send a report."""
    link = form_link()
    assert link is not None
    return Caller(link.client, REPORTING)


def open_result(_: str) -> Caller:
    """Return the caller of a link to a result; the view checks that the link is for its report."""
    links.open_result(request.args[LINK], secret(), get_parts().now_ms())
    return Caller("", frozenset({Scope.READ}))


def address_of_result(report_id: str) -> str:
    """Return the address where the sender of this form sees the result."""
    link = form_link()
    if link is None:
        return url_for("result.show", report_id=report_id)
    parts = get_parts()
    expires_ms = parts.now_ms() + parts.settings.retention_days * DAY_MS
    token = links.sign_result(ResultLink(report_id, expires_ms, link.return_to, link.framed_by), secret())
    return url_for("result.show", report_id=report_id, link=token)


def _frame(link: FormLink | ResultLink) -> None:
    if link.framed_by is not None:
        allow_framing(link.framed_by)
