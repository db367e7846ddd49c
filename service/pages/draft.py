"""A draft as a form carries it: its texts and a patient's answers; its first version, and requests about it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from flask import request

from service.http.parts import Parts, get_parts
from triage_rules.foundation.errors import RulesetNotFound
from triage_rules.language.bundle import document_of
from triage_rules.language.reading import FILE_NAME
from triage_rules.workbench.draft import FILES
from triage_rules.workbench.sandbox import Bench
from triage_rules.workbench.yaml_export import yaml_of

Json = dict[str, Any]

MAX_BYTES = (2 * len(FILES) + 1) * 1024**2
"""Maximum size of a posted form: each file of at most a megabyte, as text and as upload, and a patient."""

ANSWER = "a."
"""Prefix of the fields with a patient's answers."""

SLOW = frozenset({"check", "cases", "interview", "compare"})


@dataclass(frozen=True, slots=True)
class Live:
    """A live version: the text of its bundle, and the stored files that it was made from."""

    name: str
    version: str
    digest: str
    data: str
    files: Mapping[str, str]
    kept: bool


@dataclass(frozen=True, slots=True)
class Draft:
    """The files and answers of a form. `persona`: the name of the one to interview."""

    files: Mapping[str, str]
    words: Mapping[str, str] = field(default_factory=dict)
    persona: str = ""


def open_live(name: str) -> Live:
    """Open the live version of a ruleset.

    Raises:
        RulesetNotFound: If it is not live.
        StoreUnavailable: If the store is away.

    """
    parts = get_parts()
    live = parts.store.rulesets.get_live().get(name)
    if live is None:
        raise RulesetNotFound(f"no ruleset `{name}` is live")
    data = parts.store.rulesets.get_bundle(live.digest)
    beside = parts.store.rulesets.get_files(live.digest)
    files = {file: beside[file] for file in FILES if file in beside}
    kept = FILE_NAME in files
    if not kept:
        files = {FILE_NAME: _written(live.digest, data)}
    return Live(name, live.version, live.digest, data.decode(), files, kept)


@lru_cache(maxsize=4)
def _written(digest: str, data: bytes) -> str:
    return yaml_of(document_of(data, digest)["ruleset"])


def read_draft() -> Draft:
    """Read the draft of this request's form. Uploaded files replace texts; a patient replaces single answers."""
    form = request.form
    files = {name: _plain(form[name]) for name in FILES if name in form}
    for upload in request.files.getlist("upload"):
        name = (upload.filename or "").replace("\\", "/").rpartition("/")[2]
        if name in FILES:
            files[name] = _plain(upload.stream.read().decode("utf-8", "replace"))
    words = {name.removeprefix(ANSWER): word for name, word in form.items() if name.startswith(ANSWER)}
    return Draft(files, _patient() or words, form.get("persona", ""))


def _patient() -> dict[str, str]:
    """Return the answers of a button `Try this patient`."""
    try:
        answers = json.loads(request.form.get("patient", "{}"))
    except ValueError:
        return {}
    return {str(name): str(word) for name, word in answers.items()} if isinstance(answers, dict) else {}


def _plain(text: str) -> str:
    """Normalise line ends: browsers send each line feed of a text field as two characters."""
    return text.replace("\r\n", "\n")


def ask_bench(what: str, draft: Draft, live: Live | None) -> Json:
    """Return the answer of `Desk.answer` about the draft.

    Raises:
        WorkbenchBusy: If another request holds the bench.
        WorkbenchFailed: If the request took too long or crashed.

    """
    question: Json = {"ask": what, "files": dict(draft.files), "words": dict(draft.words)}
    question["persona"] = draft.persona
    if live is not None:
        question["live"] = {"digest": live.digest, "data": live.data}
    return _bench(get_parts(), what).ask(question)


def _bench(parts: Parts, what: str) -> Bench:
    return parts.slow_bench if what in SLOW else parts.quick_bench
