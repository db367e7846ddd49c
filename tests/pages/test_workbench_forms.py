"""The workbench's forms, asked without a browser: the draft is never lost, and nobody approves their own proposal."""

from __future__ import annotations

import html
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from service.boot.app import create_app
from tests.support.actors import TESTER
from tests.support.rulesets import glass_personas, repository
from triage_rules.deployment import deploy
from triage_rules.foundation.errors import WorkbenchBusy
from triage_rules.foundation.settings import Settings
from triage_rules.records.api_keys import Scope, make_key
from triage_rules.store.redis import RedisStore

FOLDER = Path(__file__).resolve().parents[1] / "acceptance" / "rulesets" / "glass-test"
FILES = {name: (FOLDER / name).read_text(encoding="utf-8") for name in ("ruleset.yaml", "cases.yaml")}
AT = "/workbench/glass-test"
HTML = {"Accept": "text/html"}
SLOWER = {"ruleset.yaml": FILES["ruleset.yaml"].replace("1.0.0", "1.1.0").replace("at_least: 38}", "at_least: 38.5}")}

SignIn = Callable[[str, list[Scope]], FlaskClient]


@pytest.fixture
def live(store: RedisStore) -> RedisStore:
    deploy.deploy(store.rulesets, deploy.check_folder(FOLDER), store.now_ms(), TESTER)
    return store


def ended(app: Flask) -> None:
    own = app.extensions["triage"]
    own.quick_bench.close()
    own.slow_bench.close()


@pytest.fixture
def client(settings: Settings, live: RedisStore) -> Iterator[FlaskClient]:
    """Without keys."""
    app = create_app(settings, live)
    yield app.test_client()
    ended(app)


@pytest.fixture
def sign_in(redis_url: str, live: RedisStore) -> Iterator[SignIn]:
    """A client of the service with keys, signed in as that person."""
    app = create_app(Settings(redis_url=redis_url, auth=True, pages_secret="s" * 32), live)

    def signed_in(name: str, scopes: list[Scope]) -> FlaskClient:
        key, made = make_key(name, scopes, live.now_ms())
        live.api_keys.add(made, by=TESTER)
        client = app.test_client()
        app.extensions["triage"].keyring._kept = (float("-inf"), {})
        page = client.get("/sign-in").get_data(as_text=True)
        client.post("/sign-in", data={"csrf": csrf(page), "key": key})
        return client

    yield signed_in
    ended(app)


def csrf(page: str) -> str:
    found = re.search(r'name="csrf" value="(\w+)"', page)
    assert found is not None
    return found[1]


def post(client: FlaskClient, path: str = AT, headers: dict[str, str] | None = None, **data: Any) -> TestResponse:
    """As a browser posts the form of the page at AT."""
    token = csrf(client.get(AT).get_data(as_text=True))
    sent = {"csrf": token, **{name.replace("__", "."): value for name, value in data.items()}}
    return client.post(path, data=sent, headers=HTML | (headers or {}), content_type="multipart/form-data")


def draft(**changed: str) -> dict[str, str]:
    return {"ruleset__yaml": FILES["ruleset.yaml"], "cases__yaml": FILES["cases.yaml"]} | changed


def text_of(page: str, file: str) -> str:
    """What the page's text field holds, as a browser reads it."""
    found = re.search(rf'<textarea[^>]* name="{re.escape(file)}"[^>]*>\n(.*?)</textarea>', page, re.DOTALL)
    assert found is not None
    return html.unescape(found[1])


# --- the draft ---


def test_the_draft_begins_with_the_files_that_went_live_comments_and_all(client: FlaskClient) -> None:
    page = client.get(AT).get_data(as_text=True)
    assert {name: text_of(page, name) for name in FILES} == FILES
    assert "The draft is the same." in page


def test_where_the_files_were_not_kept_it_begins_with_the_same_rules(
    client: FlaskClient, live: RedisStore, redis_client: Any
) -> None:
    """As of a bundle that was deployed by an earlier version; people are told, and can open their files."""
    redis_client.delete(f"triage:source:{repository.bundle(FOLDER).digest}")
    page = client.get(AT).get_data(as_text=True)
    assert "The files of this version were not stored" in page
    assert "blanches_on_pressure" in text_of(page, "ruleset.yaml")
    told = post(client, action="open", **draft(), upload=(io.BytesIO(b"cases: []\n"), "my/cases.yaml")).get_data(
        as_text=True
    )
    assert text_of(told, "cases.yaml") == "cases: []\n"


@pytest.mark.parametrize("action", ["check", "cases", "try", "compare", "open", "nonsense"])
def test_whatever_is_asked_the_draft_comes_back_as_it_was(client: FlaskClient, action: str) -> None:
    """Also a broken one, with what browsers make of its line ends, and with a patient's answers."""
    broken = FILES["ruleset.yaml"].replace("rules:", "rules: <b>&amp;</textarea>")
    sent = draft(ruleset__yaml=broken.replace("\n", "\r\n"))
    page = post(client, action=action, **sent, a__temperature_c="38.5").get_data(as_text=True)
    assert text_of(page, "ruleset.yaml") == broken
    assert 'value="38.5"' in page


def test_what_is_written_in_a_draft_is_shown_as_text_alone(client: FlaskClient) -> None:
    """In titles, questions, messages and examples: a draft may come from anybody."""
    evil = "<script>alert(1)</script>"
    text = (
        FILES["ruleset.yaml"]
        .replace("question: Do they itch?", f"question: '{evil}'")
        .replace("title: Itchy and fading", f"title: '{evil}'")
    )
    for action in ("check", "try", "compare", "cases"):
        answers = {"a__itchy": "yes", "a__blanches_on_pressure": "blanches", "a__fever_reported": "no"}
        page = post(client, action=action, **draft(ruleset__yaml=text), **answers).get_data(as_text=True)
        assert evil not in page
        assert "&lt;script&gt;" in page


def test_a_bench_that_is_taken_costs_nobody_their_draft(client: FlaskClient) -> None:
    own = client.application.extensions["triage"]
    with own.slow_bench._turn:
        page = post(client, action="check", **draft(ruleset__yaml="mine: 1")).get_data(as_text=True)
    assert str(WorkbenchBusy()) in html.unescape(page)
    assert text_of(page, "ruleset.yaml") == "mine: 1"


def test_a_ruleset_that_is_not_live_has_no_workbench(client: FlaskClient) -> None:
    assert client.get("/workbench/never", headers=HTML).status_code == 404


def test_a_form_that_was_not_opened_here_is_refused(client: FlaskClient) -> None:
    for path in (AT, f"{AT}/diagnostics", f"{AT}/completions"):
        assert client.post(path, data={"action": "check"}, headers=HTML).status_code == 403


# --- interviews ---

PEOPLED = {
    "ruleset.yaml": glass_personas.rules().replace("1.0.0", "1.1.0"),
    "personas.yaml": glass_personas.PERSONAS,
}


def peopled(**changed: str) -> dict[str, str]:
    return draft(ruleset__yaml=PEOPLED["ruleset.yaml"], personas__yaml=PEOPLED["personas.yaml"], **changed)


def test_the_interview_of_a_persona_is_shown_screen_by_screen(client: FlaskClient) -> None:
    """Each with its answers and the outcome so far; the persona is chosen among those of the draft."""
    page = post(client, action="interview", persona="feverish", **peopled()).get_data(as_text=True)
    frames = re.findall(r'<li class="frame">.*?</li>\n(?=<li class="frame">|</ol>)', page, re.DOTALL)
    assert [re.findall(r"<h4>(.*?)</h4>", frame) for frame in frames] == [["Feeling ill"], ["Spots"]]
    assert 'class="applies">Fever in the last 2 days? <strong>applies</strong>' in frames[0]
    assert "At least" in frames[0] and "No, they stay" in frames[1]
    assert re.search(r'<option value="feverish" selected>Urgent: A man of 40', page)
    assert text_of(page, "personas.yaml") == PEOPLED["personas.yaml"]


def test_without_personas_the_interview_says_where_to_describe_them(client: FlaskClient) -> None:
    assert "The draft has no personas." in post(client, action="interview", **draft()).get_data(as_text=True)
    broken = post(client, action="interview", **peopled() | {"personas__yaml": "personas: 1"}).get_data(as_text=True)
    assert "be read yet" in broken


def test_failing_personas_are_shown_with_the_cases(client: FlaskClient) -> None:
    sent = peopled() | {"personas__yaml": glass_personas.WRONG}
    page = post(client, action="cases", **sent).get_data(as_text=True)
    assert "2 of 3 personas get the expected outcome." in page
    assert 'href="#file-4" data-file="personas.yaml" data-line="9"' in page


# --- what the editor asks ---


def test_the_editor_gets_faults_and_completions_as_data(client: FlaskClient) -> None:
    told = post(
        client, f"{AT}/diagnostics", **draft(ruleset__yaml=FILES["ruleset.yaml"].replace("febrile]}", "feverish]}"))
    ).get_json()
    (fault,) = told["diagnostics"]
    assert "unknown name `feverish`" in fault["message"]
    lines = FILES["ruleset.yaml"].split("\n")
    line = next(number for number, text in enumerate(lines, start=1) if "disposition: U2" in text)
    found = post(client, f"{AT}/completions", **draft(), file="ruleset.yaml", line=str(line), column="19").get_json()
    assert [one["label"] for one in found["options"]] == ["U2_emergency_dept_now"]


# --- to take along ---


def test_the_folder_and_the_patch_can_be_downloaded(client: FlaskClient) -> None:
    sent = draft(ruleset__yaml=SLOWER["ruleset.yaml"].replace("\n", "\r\n"))
    answer = post(client, action="zip", **sent)
    assert answer.headers["Content-Disposition"] == 'attachment; filename="glass-test.zip"'
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        assert archive.read("glass-test/ruleset.yaml").decode() == SLOWER["ruleset.yaml"]
    patch = post(client, action="patch", **sent).get_data(as_text=True)
    changed = [line for line in patch.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    assert [line.strip() for line in changed[:2]] == ["-version: 1.0.0", "+version: 1.1.0"]
    assert len(changed) == 4
    assert post(client, action="patch", **draft()).data == b""


# --- proposals ---


def proposed(client: FlaskClient, note: str = "Fewer false alarms.") -> str:
    answer = post(client, action="propose", **draft(ruleset__yaml=SLOWER["ruleset.yaml"]), note=note)
    assert answer.status_code == 303, answer.get_data(as_text=True)
    return str(answer.headers["Location"])


def decide(client: FlaskClient, path: str, action: str, live: str | None = None) -> TestResponse:
    return post(client, path, action=action, live=live or repository.bundle(FOLDER).digest)


def test_without_keys_nothing_can_be_proposed(client: FlaskClient, live: RedisStore) -> None:
    page = post(client, action="propose", **draft(ruleset__yaml=SLOWER["ruleset.yaml"])).get_data(as_text=True)
    assert "This key may not propose." in page
    assert live.proposals.get_all(live.now_ms()) == []


def test_what_one_person_proposes_and_another_approves_is_live(sign_in: SignIn, live: RedisStore) -> None:
    path = proposed(sign_in("ann", [Scope.READ]))
    ben = sign_in("ben", [Scope.DEPLOY])
    page = ben.get(path).get_data(as_text=True)
    assert "Fewer false alarms." in page and "Approve and make live" in page
    assert "A proposal is waiting for a decision" in ben.get(AT).get_data(as_text=True)
    assert decide(ben, path, "approve").status_code == 303
    assert live.rulesets.get_live()["glass-test"].version == "1.1.0"
    assert "Approved and made live" in ben.get(path).get_data(as_text=True)
    last = list(live.audit.read_entries())[-1]
    assert (last["actor"], last["action"], json.loads(last["details"])["proposed_by"]) == ("ben", "deploy", "ann")


def test_personas_go_live_with_a_proposal_and_the_viewer_links_to_their_interviews(
    sign_in: SignIn, live: RedisStore
) -> None:
    answer = post(sign_in("ann", [Scope.READ]), action="propose", **peopled(), note="With people.")
    assert answer.status_code == 303, answer.get_data(as_text=True)
    path = str(answer.headers["Location"])
    ben = sign_in("ben", [Scope.DEPLOY])
    assert "rulesets/glass-test/personas.yaml" in ben.get(path).get_data(as_text=True)
    assert decide(ben, path, "approve").status_code == 303
    now = live.rulesets.get_live()["glass-test"]
    assert live.rulesets.get_files(now.digest)["personas.yaml"] == PEOPLED["personas.yaml"]
    viewed = ben.get("/rulesets/glass-test").get_data(as_text=True)
    assert "The median interview took 2 screens" in viewed
    (link,) = re.findall(r'href="([^"]*persona=feverish)#outcome"', viewed)
    page = ben.get(html.unescape(link)).get_data(as_text=True)
    assert page.count('class="frame"') == 2 and "The draft is the same." in page


def test_a_draft_whose_personas_fail_is_not_proposed(sign_in: SignIn) -> None:
    sent = peopled() | {"personas__yaml": glass_personas.WRONG}
    page = post(sign_in("ann", [Scope.READ]), action="propose", **sent).get_data(as_text=True)
    assert "The draft does not pass the deployment checks" in page
    assert "personas.yaml, line 9" in page


def test_nobody_approves_or_declines_their_own(sign_in: SignIn, live: RedisStore) -> None:
    """Not with another key of the same client either."""
    path = proposed(sign_in("ann", [Scope.READ, Scope.DEPLOY]))
    again = sign_in("ann", [Scope.DEPLOY])
    assert "Approve" not in again.get(path).get_data(as_text=True)
    for action in ("approve", "decline"):
        assert "second person must" in decide(again, path, action).get_data(as_text=True)
    assert live.rulesets.get_live()["glass-test"].version == "1.0.0"
    assert decide(again, path, "withdraw").status_code == 303
    assert "Withdrawn" in again.get(path).get_data(as_text=True)


@pytest.mark.parametrize("scopes", [[Scope.READ], [Scope.ADMIN], [Scope.REPORT]])
def test_who_may_not_deploy_approves_nothing(sign_in: SignIn, live: RedisStore, scopes: list[Scope]) -> None:
    path = proposed(sign_in("ann", [Scope.READ]))
    other = sign_in("cid", scopes)
    for action in ("approve", "decline"):
        assert "needs a key with the scope" in decide(other, path, action).get_data(as_text=True)
    assert "only its proposer can withdraw a proposal" in decide(other, path, "withdraw").get_data(as_text=True)
    assert live.rulesets.get_live()["glass-test"].version == "1.0.0"


def test_a_key_that_only_files_reports_proposes_nothing(sign_in: SignIn, live: RedisStore) -> None:
    """It lies in some form's settings."""
    page = post(
        sign_in("form", [Scope.REPORT]), action="propose", **draft(ruleset__yaml=SLOWER["ruleset.yaml"])
    ).get_data(as_text=True)
    assert "may not propose" in page
    assert live.proposals.get_all(live.now_ms()) == []


def test_a_draft_that_would_not_go_live_is_not_proposed(sign_in: SignIn, live: RedisStore) -> None:
    """Every reason is told, and the draft and the note are still there."""
    ann = sign_in("ann", [Scope.READ])
    failing = (
        SLOWER["ruleset.yaml"]
        .replace("at_least: 38.5}", "at_least: 40}")
        .replace("fever_reported]}", "{not: fever_reported}]}")
    )
    page = post(ann, action="propose", **draft(ruleset__yaml=failing), note="my reasons").get_data(as_text=True)
    assert "The draft does not pass the deployment checks" in page
    assert "my reasons" in page and text_of(page, "ruleset.yaml") == failing
    for text, why in (
        (FILES["ruleset.yaml"], "the draft is the same as the live version"),
        (SLOWER["ruleset.yaml"].replace("ruleset: glass-test", "ruleset: other"), "this is the workbench of"),
    ):
        page = post(ann, action="propose", **draft(ruleset__yaml=text)).get_data(as_text=True)
        assert why in html.unescape(page).replace("The draft", "the draft")
    assert live.proposals.get_all(live.now_ms()) == []


def test_a_proposal_is_not_approved_if_something_else_went_live_meanwhile(sign_in: SignIn, live: RedisStore) -> None:
    path = proposed(sign_in("ann", [Scope.READ]))
    page = decide(sign_in("ben", [Scope.DEPLOY]), path, "approve", live="sha256:other").get_data(as_text=True)
    assert "compare again" in page
    assert live.rulesets.get_live()["glass-test"].version == "1.0.0"


def test_a_proposal_can_be_compared_and_opened_in_the_workbench(sign_in: SignIn) -> None:
    path = proposed(sign_in("ann", [Scope.READ]))
    ben = sign_in("ben", [Scope.DEPLOY])
    page = post(ben, path, action="compare").get_data(as_text=True)
    assert "Results differ; some levels are lower." in page
    opened = ben.get(f"{AT}?proposal={path.rpartition('/')[2]}").get_data(as_text=True)
    assert text_of(opened, "ruleset.yaml") == SLOWER["ruleset.yaml"]


def test_who_is_not_signed_in_is_sent_to_do_so(sign_in: SignIn) -> None:
    path = proposed(sign_in("ann", [Scope.READ]))
    stranger = sign_in("eve", [Scope.READ]).application.test_client()
    for page in (AT, path):
        answer = stranger.get(page, headers=HTML)
        assert (answer.status_code, answer.headers["Location"].partition("?")[0]) == (303, "/sign-in")
    assert stranger.get("/workbench/glass-test/proposals/never", headers=HTML).status_code == 303
    assert sign_in("fay", [Scope.READ]).get("/workbench/glass-test/proposals/never", headers=HTML).status_code == 404
