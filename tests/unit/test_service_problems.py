"""What goes wrong is told as a problem: all of it, by one table, and without anything that a patient said."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from flask import Flask, abort, redirect
from werkzeug.exceptions import HTTPException, default_exceptions

from service.http import problems
from service.http.problem_types import PROBLEMS
from service.http.problems import OF_ERROR, Refused
from triage_rules.foundation import errors
from triage_rules.foundation.errors import (
    CasesFailed,
    PersonasFailed,
    PropertiesFailed,
    QueueTooOld,
    ReportError,
    ReportFault,
    RulesetError,
    TriageError,
    VignettesFailed,
)

DOCUMENT = Path(__file__).resolve().parent.parent.parent / "docs" / "reference" / "http-api.md"
MARK = "zq7marker"


def every_error(root: type[TriageError] = TriageError) -> list[type[TriageError]]:
    return [root, *(found for child in root.__subclasses__() for found in every_error(child))]


def an_error(kind: type[TriageError]) -> TriageError:
    if kind is ReportError:
        return ReportError((ReportFault("/findings/x", "null", "told"),))
    if kind is RulesetError:
        return RulesetError(())
    if kind in {CasesFailed, PersonasFailed, VignettesFailed, PropertiesFailed}:
        return kind((), 1)
    if kind is QueueTooOld:
        return QueueTooOld(1)
    return kind(MARK)


@pytest.fixture
def app() -> Flask:
    made = Flask(__name__)
    problems.register(made)

    @made.get("/errors/<name>")
    def error(name: str) -> str:
        raise next(an_error(kind) for kind in every_error() if kind.__name__ == name)

    @made.get("/statuses/<int:status>")
    def status(status: int) -> str:
        abort(status, description=MARK)

    @made.get("/bug")
    def bug() -> str:
        raise ValueError(MARK)

    @made.get("/moved")
    def moved() -> object:
        return redirect("/elsewhere")

    return made


def test_every_error_of_the_core_has_its_place() -> None:
    """By its own class: one that inherits a parent's status in silence was not thought about."""
    core = [kind for kind in every_error() if kind.__module__ == errors.__name__]
    assert set(core) == set(OF_ERROR)
    assert set(OF_ERROR.values()) <= set(PROBLEMS)


@pytest.mark.parametrize("name", [kind.__name__ for kind in OF_ERROR])
def test_every_error_of_the_core_becomes_its_problem(name: str, app: Flask) -> None:
    """Its own text stays here: it may say more than a caller should hear."""
    kind = next(kind for kind in OF_ERROR if kind.__name__ == name)
    response = app.test_client().get(f"/errors/{name}")

    told = response.get_json(force=True)
    assert response.mimetype == "application/problem+json"
    assert told["type"] == PROBLEMS[OF_ERROR[kind]].type
    assert response.status_code == told["status"] == PROBLEMS[OF_ERROR[kind]].status
    assert MARK not in response.get_data(as_text=True)
    assert ("incident" in told) == (response.status_code == 500)
    assert ("Retry-After" in response.headers) == (response.status_code == 503)


@pytest.mark.parametrize("status", sorted(default_exceptions))
def test_every_refusal_of_flask_becomes_a_problem(status: int, app: Flask) -> None:
    """Those without a page of ours are `about:blank`, as RFC 9457 has it."""
    response = app.test_client().get(f"/statuses/{status}")
    told = response.get_json(force=True)
    assert response.mimetype == "application/problem+json"
    assert response.status_code == told["status"] == status
    assert told["type"] == "about:blank" or told["type"].removeprefix("/problems/") in PROBLEMS
    assert MARK not in response.get_data(as_text=True)


def test_a_bug_is_told_without_its_text_and_logged_with_its_place(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    """The text of an exception may hold an answer; its class and place don't."""
    with caplog.at_level(logging.ERROR):
        response = app.test_client().get("/bug")

    told = response.get_json(force=True)
    assert (response.status_code, told["type"]) == (500, "/problems/internal")
    assert MARK not in response.get_data(as_text=True) + caplog.text
    assert told["incident"] in caplog.text
    assert "ValueError" in caplog.text
    assert f"{Path(__file__).name}:" in caplog.text


def test_a_redirect_is_no_problem(app: Flask) -> None:
    """Werkzeug raises some of its answers; they pass."""
    assert app.test_client().get("/moved").status_code == 302
    with app.test_request_context():
        from werkzeug.routing import RequestRedirect

        moved = RequestRedirect("/elsewhere")
        assert problems._handle_http_error(moved) is moved


def test_a_refused_request_names_a_known_problem() -> None:
    """A misspelt code is noticed where it is written."""
    with pytest.raises(KeyError):
        Refused("no-such-problem")


def test_an_http_error_without_status_is_internal(app: Flask) -> None:
    """It has no number to show."""
    with app.test_request_context():
        response = app.make_response(problems._handle_http_error(HTTPException()))
    assert response.status_code == 500


def test_long_pointers_lose_their_ends() -> None:
    """What is that long is somebody's text, not a field's name."""
    told = problems.body(PROBLEMS["report-refused"], (ReportFault("/findings/" + "x" * 300, "invalid", "told"),))
    assert told["errors"][0]["pointer"] == "/findings"


def test_every_problem_is_in_the_document() -> None:
    """docs/reference/http-api.md has a line for each, with its status, and for none else."""
    lines = DOCUMENT.read_text(encoding="utf-8").splitlines()
    documented = {
        tuple(cell.strip(" `") for cell in line.split("|")[1:3])
        for line in lines
        if line.startswith("| `") and line.split("|")[2].strip().isdigit()
    }
    assert documented == {(problem.code, str(problem.status)) for problem in PROBLEMS.values()}


def test_every_problem_says_what_to_do() -> None:
    """And 503 when to try again, which nothing else does: only then may the same request succeed later."""
    for problem in PROBLEMS.values():
        assert problem.says.endswith(".")
        assert problem.do.endswith(".")
        assert (problem.retry_after is not None) == (problem.status == 503)
