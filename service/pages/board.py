"""The board: results as they arrive, acknowledgements, the queue, workers and dead letters."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any

from flask import Blueprint, Response, request, url_for

from service.api.reports import ID
from service.http.actor import get_actor
from service.http.parts import Parts, get_parts
from service.http.responses import add_etag
from service.pages import board_wording as words
from service.pages.page import is_htmx, page, redirect_to, render
from triage_rules.foundation.errors import DecryptionError, ReportNotFound, ReportNotSettled, RequeueRefused
from triage_rules.foundation.timestamps import timestamp
from triage_rules.language.model import Level
from triage_rules.language.wording import BASIS_MARKS, describe_lowered
from triage_rules.records.api_keys import Scope
from triage_rules.records.board import RANKS, BoardStatus, Row, Wanted

blueprint = Blueprint("board", __name__)

LOOKING = frozenset({Scope.READ})
ROWS = 25
LETTERS = 10
ARRIVALS = 20
"""Number of newest urgent results that the page knows, so it can announce those that are new."""

_LEVELS = {word: level for level, word in words.WORDS.items()}


@dataclass(frozen=True, slots=True)
class Filters:
    """The filters of the board, read from the address; invalid values are dropped."""

    show: str = BoardStatus.OPEN.value
    level: str = ""
    ruleset: str = ""
    overdue: str = ""
    order: str = ""
    span: str = ""
    every: str = ""
    after: str = ""
    letters: str = ""

    @property
    def wanted(self) -> Wanted:
        """Return the filters for the store."""
        levels = (_LEVELS[self.level],) if self.level else RANKS
        newest = self.order == "newest"
        return Wanted(BoardStatus(self.show), levels, self.ruleset or None, overdue=bool(self.overdue), newest=newest)

    def query(self, **changes: str | None) -> dict[str, str]:
        """Return the filters as query parameters, with some changed."""
        values = {name: value for name, value in (asdict(self) | changes).items() if value}
        return {name: value for name, value in values.items() if (name, value) != ("show", BoardStatus.OPEN)}

    def address(self, **changes: str | None) -> str:
        """Return the address of the board with these filters, some changed; from the first row on by default."""
        query: dict[str, Any] = {**self.query(**{"after": None, **changes})}
        return url_for("board.show", **query)


_VALUES: dict[str, Any] = {
    "show": [status.value for status in BoardStatus],
    "level": list(_LEVELS),
    "overdue": ["1"],
    "order": ["newest"],
    "span": list(words.SPANS),
    "every": ["30"],
}
_PATTERNS = {
    "after": re.compile(r"[0-3][0-2][0-9]{28}[0-9a-f]{1,40}", re.ASCII),
    "letters": re.compile(r"[0-9]{1,16}-[0-9]{1,10}", re.ASCII),
    "ruleset": re.compile(r"[a-z0-9-]{1,60}", re.ASCII),
}


@page(blueprint, "/board", needs=LOOKING)
def show() -> Response:
    """Show the board; the script that keeps it up to date gets only the parts that change, or 304."""
    filters = _read_filters()
    values = _board_values(filters)
    if is_htmx():
        return add_etag(render("board/parts.html", done=_last_action(), **values), cacheable=False)
    return render("board/show.html", mix=_chart(filters), spans=words.SPANS, done=_last_action(), wide=True, **values)


@page(blueprint, "/board/mix", needs=LOOKING)
def mix() -> Response:
    """Show only the chart."""
    filters = _read_filters()
    return render("board/mix.html", mix=_chart(filters), spans=words.SPANS, filters=filters)


@page(blueprint, "/board/acknowledge", methods=("POST",), needs=LOOKING)
def acknowledge() -> Response:
    """Acknowledge a report, or undo its acknowledgement."""
    parts, report_id = get_parts(), _posted_id()
    if request.form.get("undo"):
        parts.store.board.unacknowledge(report_id, parts.now_ms(), by=get_actor())
        return _back("undone", report_id)
    try:
        parts.store.board.acknowledge(report_id, parts.now_ms(), by=get_actor())
    except ReportNotSettled:
        return _back("waits", report_id)
    return _back("acknowledged", report_id)


@page(blueprint, "/board/redrive", methods=("POST",), needs=frozenset({Scope.ADMIN}))
def redrive() -> Response:
    """Requeue a dead letter."""
    parts, report_id = get_parts(), _posted_id()
    try:
        parts.store.dead_letters.requeue(report_id, parts.now_ms(), by=get_actor())
    except RequeueRefused:
        return _back("kept", report_id)
    return _back("redriven", report_id)


def _read_filters() -> Filters:
    query = {name: request.args.get(name, "") for name in (*_VALUES, *_PATTERNS)}
    valid = {name: query[name] for name, values in _VALUES.items() if query[name] in values}
    valid |= {name: query[name] for name, pattern in _PATTERNS.items() if pattern.fullmatch(query[name])}
    return Filters(**valid)


def _posted_id() -> str:
    """Return the id of the posted report. Raises ReportNotFound."""
    report_id = request.form.get("report", "")
    if not ID.fullmatch(report_id):
        raise ReportNotFound
    return report_id


def _back(did: str, report_id: str) -> Response:
    """Redirect to the board as it was, with a message about the action."""
    filters = _read_filters()
    return redirect_to(filters.address(after=filters.after, did=did, report=report_id))


def _board_values(filters: Filters) -> dict[str, Any]:
    parts = get_parts()
    now = parts.now_ms()
    results = parts.store.board.page(filters.wanted, now, ROWS, filters.after or None)
    tally = parts.store.board.tally(now)
    urgent = parts.store.board.page(Wanted(levels=(Level.URGENT, None), newest=True), now, ARRIVALS)
    return {
        "filters": filters,
        "rows": [_row(row, now) for row in results.rows],
        "next": results.next and filters.address(after=results.next),
        "levels": [
            {"level": _word(level), "word": words.WORDS[level], "open": tally.open[level],
             "overdue": tally.overdue[level]}
            for level in RANKS
        ],
        "tally": tally,
        "open": sum(tally.open.values()),
        "arrivals": [row.noted.id for row in urgent.rows],
        "on_first": filters.address(),
        "here": filters.query(),
        **_service_values(parts, filters, now),
    }  # fmt: skip


def _row(row: Row, now_ms: int) -> dict[str, Any]:
    noted, taken = row.noted, row.acknowledged
    return {
        "id": noted.id,
        "level": _word(noted.group.level),
        "ruleset": noted.group.ruleset,
        "basis": BASIS_MARKS[noted.group.basis] if noted.group.level else "",
        "subject": row.subject,
        "received": timestamp(noted.received_ms),
        "waiting": words.format_duration(now_ms - noted.received_ms),
        "due": words.describe_due(noted, now_ms),
        "due_at": None if noted.due_ms is None else timestamp(noted.due_ms),
        "taken": taken
        and {"by": taken.by, "ago": words.format_duration(now_ms - taken.at_ms), "at": timestamp(taken.at_ms)},
        "redrives": row.redrives,
        "amends": row.amends,
        "amended_by": row.amended_by,
        "lowers": row.lowers and describe_lowered(*row.lowers),
    }


def _word(level: Level | None) -> str | None:
    return None if level is None else level.word


def _service_values(parts: Parts, filters: Filters, now_ms: int) -> dict[str, Any]:
    """Return the queue, the workers and the dead letters."""
    within = parts.settings.worker_within_ms
    queues, stalled = parts.store.health.get_queues(now_ms), parts.store.health.get_stalled_workers(now_ms, within)
    there = set(parts.store.health.get_workers(now_ms, within))
    letters = parts.store.dead_letters.page(LETTERS + 1, filters.letters or None)
    return {
        "queues": [
            {
                "name": name,
                "waiting": queue.waiting,
                "oldest": queue.oldest_ms and words.format_duration(queue.oldest_ms),
            }
            for name, queue in (("Urgent", queues.urgent), ("All", queues.all))
        ],
        "workers": [(name, "working") for name in sorted(there)]
        + [(name, "stalled") for name in stalled]
        + [
            (name, f"no heartbeat for {words.format_duration(now_ms - at)}")
            for name, at in sorted(parts.store.health.get_last_heard().items())
            if name not in there
        ],
        "dead": parts.store.health.get_backlog(now_ms).dead,
        "letters": [asdict(letter) | {"why": words.describe_reason(letter.reason)} for letter in letters[:LETTERS]],
        "older_letters": letters[LETTERS - 1].entry if len(letters) > LETTERS else None,
    }


def _chart(filters: Filters) -> words.Chart:
    parts = get_parts()
    span = words.SPANS[filters.span or "day"]
    starts, end = span.starts(parts.now_ms())
    return words.build_chart(parts.store.board.count_received(starts, end), span)


def _last_action() -> dict[str, Any] | None:
    """Return the action that the address names, if any, with the present acknowledgement of its report."""
    did, report_id = request.args.get("did", ""), request.args.get("report", "")
    if did not in ("acknowledged", "undone", "waits", "redriven", "kept") or not ID.fullmatch(report_id):
        return None
    try:
        taken = get_parts().store.reports.get(report_id).acknowledged
    except (ReportNotFound, DecryptionError):
        taken = None
    return {"did": did, "id": report_id, "by": taken and taken.by, "mine": taken and taken.by == get_actor().name}
