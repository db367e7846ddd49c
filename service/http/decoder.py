"""Strict decoding of HTTP requests: body, Prefer, Idempotency-Key. Bad requests are rejected early and cheaply."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from flask import Request
from gunicorn.http.errors import ParseException  # type: ignore[import-untyped]
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.http import parse_list_header

from service.http.problem_types import PROBLEMS
from service.http.problems import Refused
from triage_rules.foundation import strict_json
from triage_rules.foundation.errors import ReportError, ReportFault

JSON = ("application/json",)
NDJSON = ("application/x-ndjson", "application/ndjson")

BATCH_LINES_MAX = 2_000
"""Maximum number of reports in a batch, all accepted while the caller waits."""

_KEY = re.compile(r"[!#-+\--:<-\[\]-~]{1,128}")
"""Visible ASCII except quotation mark, comma, semicolon and backslash, which are syntax in a header."""


@dataclass(frozen=True, slots=True)
class BatchLine:
    """A line of a batch: its number in the body (from 1), and its value or its faults.

    `left_out`: the number of faults beyond those in `faults`.
    """

    number: int
    raw: object = None
    faults: tuple[ReportFault, ...] = ()
    left_out: int = 0


def refuse_query(request: Request) -> None:
    """Raise Refused if there is a query: a caller who sends `?ruleset=x` would believe that it has an effect."""
    if request.query_string:
        raise Refused("unknown-parameter")


def read_interview(request: Request) -> bool:
    """Return whether the caller asks for the next screen (`?interview=1`). Raises Refused for any other query."""
    if not request.query_string:
        return False
    if request.args.to_dict(flat=False) != {"interview": ["1"]}:
        raise Refused("unknown-parameter", detail="This call takes only `interview=1`.")
    return True


def read_json(request: Request, max_bytes: int) -> object:
    """Return the body as plain data. Raises Refused; an oversized body is rejected before it is read."""
    _check_type(request, JSON)
    try:
        return strict_json.loads(_read(request, max_bytes), max_bytes=max_bytes)
    except ReportError as error:
        raise Refused("unreadable", *error.faults, left_out=error.left_out) from None


def read_lines(request: Request, max_bytes: int, max_line_bytes: int) -> list[BatchLine]:
    """Return the lines of a batch without blank lines. Raises Refused only for the batch as a whole."""
    _check_type(request, NDJSON)
    lines = list(_lines(_read(request, max_bytes), max_line_bytes))
    if not lines:
        raise Refused("batch-refused", detail="The batch has no report.")
    return lines


def _lines(body: bytes, max_line_bytes: int) -> Iterator[BatchLine]:
    count = 0
    for number, ended in enumerate(body.split(b"\n"), start=1):
        text = ended.removesuffix(b"\r")
        if not text.strip(b" \t"):
            continue
        count += 1
        if count > BATCH_LINES_MAX:
            raise Refused("batch-refused", detail=f"The batch has more than {BATCH_LINES_MAX} reports.")
        try:
            yield BatchLine(number, strict_json.loads(text, max_bytes=max_line_bytes, what="line"))
        except ReportError as error:
            yield BatchLine(number, faults=error.faults, left_out=error.left_out)


def read_key(request: Request) -> str | None:
    """Return the Idempotency-Key without the quotation marks of a structured field. Raises Refused."""
    written = request.headers.get("Idempotency-Key")
    if written is None:
        return None
    key = written.strip()
    if len(key) > 1 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if not _KEY.fullmatch(key):
        raise Refused("idempotency-key-invalid")
    return key


def read_wait(request: Request, max_seconds: int) -> int | None:
    """Return the capped seconds of `Prefer: wait=N` (RFC 7240), or None. A malformed preference is ignored."""
    preferences: dict[str, str] = {}
    for item in parse_list_header(",".join(request.headers.getlist("Prefer"))):
        name, _, value = item.partition(";")[0].partition("=")
        preferences.setdefault(name.strip().lower(), value.strip().strip('"'))
    wait = preferences.get("wait", "")
    if not re.fullmatch(r"\d{1,9}", wait, re.ASCII):
        return None
    return min(int(wait), max_seconds)


def _check_type(request: Request, expected: tuple[str, ...]) -> None:
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if request.mimetype not in expected or charset not in ("utf-8", "utf8"):
        raise Refused("unsupported-media-type")
    if request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise Refused("unsupported-media-type", detail="Send the body uncompressed: Content-Encoding is not supported.")


def _read(request: Request, max_bytes: int) -> bytes:
    """Return the whole body. Raises Refused.

    Werkzeug silently cuts off a body without Content-Length at its limit, so its limit is one byte higher.
    """
    request.max_content_length = max_bytes + 1
    try:
        body = request.get_data(cache=False)
    except RequestEntityTooLarge:
        raise _too_large(max_bytes) from None
    except ParseException:  # gunicorn parses the chunks only now
        raise Refused("bad-request", detail="The chunks of the body can't be read.") from None
    if len(body) > max_bytes:
        raise _too_large(max_bytes)
    if request.content_length is not None and len(body) != request.content_length:
        raise Refused("bad-request", detail="The body ended before its Content-Length.")
    return body


def _too_large(max_bytes: int) -> Refused:
    problem = PROBLEMS["too-large"]
    return Refused(problem.code, detail=f"{problem.says} The limit is {max_bytes:,} bytes.")
