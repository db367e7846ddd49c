"""Signed links: to a form, and to the result of a report sent from there.

Anyone with a link can read its parameters, but not change them. A link opens nothing once it has expired, or once the
secret it was signed with has changed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from itsdangerous import BadData, URLSafeSerializer

from triage_rules.foundation.errors import LinkError
from triage_rules.records.api_keys import CLIENT
from triage_rules.records.reports import subject_fault

REPORT_PARAMETER = "report"
"""Query parameter that gives the return address the report's id."""

ADDRESS_MAX = 2_000
_RULESET = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?")
_FORM, _RESULT = "triage form link", "triage result link"

EXPECTED = {
    "ruleset": "expected the name of a ruleset",
    "client": "expected a client's name, as `triage key list` shows it",
    "return_to": "expected an address with https://, or http:// on this machine",
    "framed_by": "expected only an origin, as in https://clinic.example",
    "subject": "expected printable characters, without blanks at either end",
}
"""What is expected of each parameter of a form link."""

Link = TypeVar("Link", "FormLink", "ResultLink")


@dataclass(frozen=True, slots=True)
class FormLink:
    """Link to a form for patients. `client`: owner of its reports; '' where there are no keys. `subject`: the patient.

    `return_to`: address that the result page links back to. `framed_by`: origin whose pages may frame it.
    `expires_ms`: UTC, milliseconds since the epoch.
    """

    ruleset: str
    client: str
    expires_ms: int
    return_to: str | None = None
    framed_by: str | None = None
    subject: str | None = None

    def __post_init__(self) -> None:
        """Check the parameters. Raises LinkError, which names the first wrong one and what is expected."""
        for name in wrong_parameters(asdict(self)):
            raise LinkError(name, EXPECTED[name])


@dataclass(frozen=True, slots=True)
class ResultLink:
    """Link to the result of one report, for the person who sent it from a form. Other fields as in the form's link."""

    report: str
    expires_ms: int
    return_to: str | None = None
    framed_by: str | None = None

    @property
    def back(self) -> str | None:
        """Return the return address with the report's id, and none of the answers."""
        if self.return_to is None:
            return None
        parts = urlsplit(self.return_to)
        query = [*parse_qsl(parts.query, keep_blank_values=True), (REPORT_PARAMETER, self.report)]
        return urlunsplit(parts._replace(query=urlencode(query)))


def wrong_parameters(parameters: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names of a form link's parameters that are wrong; EXPECTED has what is expected instead."""
    for name, is_possible in _POSSIBLE.items():
        value = parameters.get(name)
        if value is not None and not is_possible(value):
            yield name


def sign_form(link: FormLink, secret: str) -> str:
    """Return the signed link as text for an address."""
    return _sign(_FORM, asdict(link), secret)


def sign_result(link: ResultLink, secret: str) -> str:
    """Return the signed link as text for an address."""
    return _sign(_RESULT, asdict(link), secret)


def open_form(token: str, secret: str, now_ms: int) -> FormLink:
    """Open a link to a form. Raises LinkError if it is no such link, was not signed by us, or has expired."""
    return _check_expiry(FormLink(**_open(_FORM, token, secret)), now_ms)


def open_result(token: str, secret: str, now_ms: int) -> ResultLink:
    """Open a link to a result. Raises LinkError if it is no such link, was not signed by us, or has expired."""
    return _check_expiry(ResultLink(**_open(_RESULT, token, secret)), now_ms)


def _sign(salt: str, parameters: dict[str, Any], secret: str) -> str:
    short = {name: value for name, value in parameters.items() if value is not None}
    token: str | bytes = URLSafeSerializer(secret, salt).dumps(short)
    return token if isinstance(token, str) else token.decode()


def _open(salt: str, token: str, secret: str) -> dict[str, Any]:
    try:
        parameters: dict[str, Any] = URLSafeSerializer(secret, salt).loads(token)
    except (BadData, ValueError):
        raise LinkError("link", "not made by this service, or changed since") from None
    return parameters


def _check_expiry(link: Link, now_ms: int) -> Link:
    if now_ms >= link.expires_ms:
        raise LinkError("link", "has expired")
    return link


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
    except ValueError:
        return False
    if len(text) > ADDRESS_MAX or not text.isprintable() or " " in text or parts.username or not host:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and host in ("127.0.0.1", "localhost", "::1"))


_POSSIBLE: dict[str, Callable[[str], bool]] = {
    "ruleset": lambda name: _RULESET.fullmatch(name) is not None,
    "client": lambda name: not name or CLIENT.fullmatch(name) is not None,
    "return_to": _is_address,
    "framed_by": lambda origin: _ORIGIN.fullmatch(origin) is not None,
    "subject": lambda subject: subject_fault(subject) is None,
}
