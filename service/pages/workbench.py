"""The workbench: a ruleset edited in the browser, with the checks of the command line, trials and comparison."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request, url_for

from service.http.api_keys import get_caller
from service.http.parts import get_parts
from service.http.responses import json_response
from service.pages.draft import MAX_BYTES, Draft, Live, ask_bench, open_live, read_draft
from service.pages.page import is_htmx, page, redirect_to, render
from service.pages.proposals import list_open_proposals, may_propose, propose
from triage_rules.foundation.errors import TriageError
from triage_rules.records.proposals import NOTE_MAX
from triage_rules.workbench.archive import pack_files
from triage_rules.workbench.compare_live import changed_files, patch
from triage_rules.workbench.completion import complete
from triage_rules.workbench.draft import FILES
from triage_rules.workbench.try_patient import controls

Json = dict[str, Any]

ACTIONS = ("check", "cases", "interview", "try", "compare")
"""The requests about a draft that buttons can make."""

AROUND = 2
"""Number of lines shown above and below the line of a finding."""

blueprint = Blueprint("workbench", __name__)


@page(blueprint, "/workbench/<name>", methods=("GET", "POST"), max_bytes=MAX_BYTES)
def show(name: str) -> Response:
    """Show the draft and the answer to a request. The form carries the draft, so a wrong click loses nothing."""
    live = open_live(name)
    if request.method == "GET":
        draft = _begun(live)
        return _shown(live, draft, _answer("interview", draft, live) if draft.persona else {})
    draft, action = read_draft(), request.form.get("action", "try" if "patient" in request.form else "check")
    match action:
        case "zip":
            return _download(pack_files(name, draft.files), f"{name}.zip", "application/zip")
        case "patch":
            return _download(patch(name, live.files, draft.files).encode(), f"{name}.patch", "text/x-diff")
        case "propose":
            return _proposed(live, draft)
        case "open":
            return _shown(live, draft, _answer("look", draft, live), opened=True)
        case _:
            return _shown(live, draft, _answer(action if action in ACTIONS else "check", draft, live))


@page(blueprint, "/workbench/<name>/diagnostics", methods=("POST",), max_bytes=MAX_BYTES)
def diagnostics(name: str) -> Response:
    """Return the faults of the draft, for the editor."""
    return json_response(_answer("look", read_draft(), open_live(name)))


@page(blueprint, "/workbench/<name>/completions", methods=("POST",), max_bytes=MAX_BYTES)
def completions(name: str) -> Response:
    """Return completions at `line` and `column` of `file`, for the editor."""
    del name
    draft, form = read_draft(), request.form
    file, place = form.get("file", ""), [form.get(part, type=int) or 1 for part in ("line", "column")]
    completion = complete(draft.files, file if file in FILES else FILES[0], *place)
    if completion is None:
        return json_response({"start": None, "options": []})
    options = [
        {"label": option.label, "detail": option.detail, "info": option.info, "key": option.is_key}
        for option in completion.options
    ]
    return json_response({"start": completion.start, "options": options})


def _begun(live: Live) -> Draft:
    """Return the first draft: the live version, or a proposal; with a persona to interview, if one is asked for."""
    asked = request.args.get("proposal", "")
    files = get_parts().store.proposals.get(asked)[1] if asked else live.files
    return Draft(files, persona=request.args.get("persona", ""))


def _answer(what: str, draft: Draft, live: Live) -> Json:
    """Return the answer to a request, or the reason of a failure as `trouble`, so a failure doesn't lose the draft."""
    try:
        return {"asked": what} | ask_bench(what, draft, live)
    except TriageError as error:
        return {"asked": what, "trouble": str(error)}


def _proposed(live: Live, draft: Draft) -> Response:
    """Propose the draft and redirect to the proposal, or show the draft with its faults."""
    if not may_propose():
        return _shown(live, draft, {"asked": "propose", "trouble": "This key may not propose."})
    try:
        made = propose(live, draft, request.form.get("note", "").strip())
    except TriageError as error:
        faults = [{"file": fault.place.file, "line": fault.place.line, "message": fault.message}
                  for fault in getattr(error, "faults", ())]  # fmt: skip
        return _shown(live, draft, {"asked": "propose", "refused": faults, "trouble": None if faults else str(error)})
    return redirect_to(url_for("proposals.show", name=live.name, proposal_id=made.id))


def _download(data: bytes, name: str, kind: str) -> Response:
    return Response(data, headers={"Content-Disposition": f'attachment; filename="{name}"'}, content_type=kind)


def _shown(live: Live, draft: Draft, answer: Json, *, opened: bool = False) -> Response:
    parts = get_parts()
    values: Json = {
        "name": live.name,
        "live": live,
        "draft": draft,
        "files": FILES,
        "answer": answer,
        "opened": opened,
        "changed": changed_files(live.files, draft.files),
        "groups": _grouped(answer.get("controls") or controls(parts.live.get(live.name).ruleset)),
        "excerpt": lambda finding: _excerpt(draft, finding),
        "patch": patch(live.name, live.files, draft.files) if answer.get("asked") == "compare" else "",
        "note": request.form.get("note", ""),
        "note_max": NOTE_MAX,
        "may_propose": may_propose(),
        "client": get_caller().client,
        "open_proposals": list_open_proposals(live.name) if parts.settings.auth_on else [],
        "wide": True,
    }
    return render("workbench/outcome.html" if is_htmx() else "workbench/show.html", **values)


def _grouped(shown: list[Json]) -> dict[str, list[Json]]:
    """Group the questions by their heading, both in the file's order."""
    groups: dict[str, list[Json]] = {}
    for question in shown:
        groups.setdefault(question["group"], []).append(question)
    return groups


def _excerpt(draft: Draft, finding: Json) -> list[tuple[int, str, bool]]:
    """Return the lines around that of a finding: number, text, and True for the finding's line."""
    lines = draft.files.get(finding["file"], "").split("\n")
    first = max(1, finding["line"] - AROUND)
    last = min(len(lines), finding["line"] + AROUND)
    return [(number, lines[number - 1], number == finding["line"]) for number in range(first, last + 1)]
