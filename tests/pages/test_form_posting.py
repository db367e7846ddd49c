"""The form and the result page without a browser: what is sent there is what a program would send, and comes to the same."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given
from hypothesis import settings as profile

from tests.support.actors import TESTER
from tests.support.paths import ROOT
from tests.support.services.clinic import HTML, Clinic, report_of
from tests.unit.test_asking import FINDINGS, RULESET
from triage_rules.foundation.settings import Settings
from triage_rules.language.bundle import Bundle
from triage_rules.language.model import Audience
from triage_rules.records.api_keys import Scope, make_key
from triage_rules.records.reports import Lane
from triage_rules.store.redis import RedisStore

SAMPLES = sorted((ROOT / "rulesets" / "red-dots" / "samples").glob("*.json"))
NOT_COMPARED = {"id", "received_at", "evaluated_at", "valid_until"}


def told(result: dict[str, Any]) -> dict[str, Any]:
    """The result without its times, and without the next screen, which no stored result has."""
    compared = {name: value for name, value in result.items() if name not in NOT_COMPARED}
    return compared | {"interview": {name: result["interview"][name] for name in ("audience", "complete")}}


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_gives_the_same_through_the_form_as_through_the_api(clinic: Clinic, sample: Path) -> None:
    findings = {
        name: value
        for name, value in json.loads(sample.read_text(encoding="utf-8"))["findings"].items()
        if RULESET.inputs[name].asked_of == "anyone"
    }
    report = report_of(clinic.send(findings))
    assert told(clinic.worker.decide(report)) == told(clinic.evaluate(findings))
    page = clinic.get(f"/results/{report}")
    assert clinic.store.reports.get(report).result["level"].capitalize() in page  # type: ignore[index]


@profile(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(FINDINGS)
def test_any_answers_give_the_same_through_the_form_as_through_the_api(
    clinic: Clinic, findings: dict[str, Any]
) -> None:
    """Also "I don't know", texts with markup in them, and answers to what only clinicians are asked, which are not taken."""
    anyone = {
        name: value for name, value in findings.items() if RULESET.inputs[name].asked_of in Audience.PATIENT.answers
    }
    report = report_of(clinic.send(anyone))
    assert told(clinic.worker.decide(report)) == told(clinic.evaluate(anyone))
    for view in ("patient", "clinician"):
        page = clinic.get(f"/results/{report}?view={view}")
        assert "<<" not in page


def test_sending_the_same_form_twice_makes_one_report(clinic: Clinic) -> None:
    fields = {"id": "ab" * 16, "do": "send", "a.age_years": "41"}
    first, second = (clinic.post("/forms/red-dots?mode=all", **fields).headers["Location"] for _ in range(2))
    assert first == second
    assert clinic.post("/forms/red-dots?mode=all", **fields | {"a.age_years": "42"}).headers["Location"] != first


def test_an_urgent_answer_is_sent_at_once_and_goes_by_the_urgent_lane(clinic: Clinic) -> None:
    """The advice stands on the next page, whatever else is still to be asked."""
    response = clinic.post(
        "/forms/red-dots?mode=one",
        do="next",
        at="consciousness",
        **{"a.age_years": "4", "a.consciousness": "unresponsive"},
    )
    page = response.get_data(as_text=True)
    assert 'role="alert"' in page and "Call an ambulance now" in page and "have been sent" in page
    sent = re.search(r'name="sent" value="([0-9a-f]{32})"', page)
    assert sent is not None
    delivery = clinic.store.reports.get_delivery(sent[1])
    assert delivery is not None and delivery.report.lane is Lane.URGENT
    assert delivery.report.answers == {"age_years": 4, "consciousness": "unresponsive"}


def test_each_rise_of_the_disposition_is_sent_at_once(clinic: Clinic) -> None:
    """Else the nurse reads "emergency department" while the page says ambulance."""
    state = {"do": "next", "a.age_years": "4", "a.blanches_on_pressure": "does_not_blanch", "a.temperature_c": "39.2"}

    def answered(**more: str) -> tuple[str, dict[str, str]]:
        page = clinic.post("/forms/red-dots?mode=one", **state | more).get_data(as_text=True)
        kept = {name: re.search(rf'name="{name}" value="([^"]*)"', page) for name in ("sent", "sent_print", "sent_as")}
        return page, {name: found[1] for name, found in kept.items() if found}

    page, first = answered(at="temperature_c")
    assert "Go to an emergency department now" in page
    page, same = answered(at="looks_unwell", **first, **{"a.looks_unwell": "no"})
    assert same["sent"] == first["sent"]
    page, second = answered(at="seizure", **first, **{"a.seizure": "yes"})
    assert "Call an ambulance now" in page
    assert second["sent"] != first["sent"] and second["sent_as"] == "U1_ambulance_now"
    delivery = clinic.store.reports.get_delivery(second["sent"])
    assert delivery is not None and delivery.report.answers["seizure"] is True
    _, third = answered(at="seizure", **second, **{"a.seizure": "no"})  # a lower one only with the button
    assert third["sent"] == second["sent"]


def test_half_a_form_is_not_urgent_because_it_is_half_a_form(clinic: Clinic) -> None:
    """The safety net holds for what is sent, not for what is only begun: else every parent would read "urgent" first."""
    answers = {"a.age_years": "4"}
    assert clinic.evaluate({"age_years": 4})["level"] == "urgent"
    response = clinic.post("/forms/red-dots?mode=one", do="next", at="age_years", **answers)
    page = response.get_data(as_text=True)
    assert 'role="alert"' not in page and clinic.fields_of(page)["sent"] == ""


def test_a_floor_that_rests_on_given_answers_is_sent_at_once(clinic: Clinic) -> None:
    """No rule decides yet, but no answer to an open question can make it less urgent."""
    result = clinic.evaluate({"chest_pain": True})
    assert result["by_rules"] is None or result["by_rules"]["level"] != "urgent"
    assert not result["interview"]["complete"]
    response = clinic.post("/forms/red-dots?mode=one", do="next", at="chest_pain", **{"a.chest_pain": "yes"})
    page = response.get_data(as_text=True)
    assert 'role="alert"' in page and "have been sent" in page
    sent = clinic.fields_of(page)["sent"]
    assert clinic.store.reports.get_delivery(sent).report.answers == {"chest_pain": True}  # type: ignore[union-attr]


def test_private_questions_wait_until_the_person_is_alone(clinic: Clinic) -> None:
    question = RULESET.inputs["neck_pressure_or_assault"].question
    for mode in ("one", "all"):
        assert question not in clinic.get(f"/forms/red-dots?mode={mode}")
    assert question in clinic.post("/forms/red-dots?mode=all", do="all-private").get_data(as_text=True)


def test_what_was_answered_in_private_is_shown_to_no_patient(clinic: Clinic) -> None:
    """Nor which answer led to the result: somebody may look over the person's shoulder."""
    report = report_of(clinic.send({"neck_pressure_or_assault": True, "age_years": 30}))
    clinic.worker.decide(report)
    question = html.escape(RULESET.inputs["neck_pressure_or_assault"].question)
    patient = clinic.get(f"/results/{report}")
    assert question not in patient and "a.neck_pressure" not in patient
    assert re.findall(".{0,30}strang.{0,30}", patient.lower()) == []
    assert question in clinic.get(f"/results/{report}?view=clinician")
    review = clinic.post("/forms/red-dots?mode=one", do="review", **{"a.neck_pressure_or_assault": "yes"})
    assert question not in review.get_data(as_text=True)


def test_reasons_for_clinicians_alone_are_in_their_view_alone(clinic: Clinic) -> None:
    posted = {"age_years": 0, "explanation_inconsistent": True, "bruising_extent": "unexplained_few"}
    accepted = clinic.client.post("/v1/reports", json={"ruleset": "red-dots", "findings": posted}).get_json()["id"]
    result = clinic.worker.decide(accepted)
    hidden = [rule for rule in result["rules"] if rule.get("audience") == "clinician"]
    assert hidden
    patient, clinician = clinic.get(f"/results/{accepted}"), clinic.get(f"/results/{accepted}?view=clinician")
    for rule in hidden:
        assert html.escape(rule["text"]) not in patient
        assert html.escape(rule["text"], quote=False).replace("'", "&#39;") in clinician


def test_free_text_is_said_to_be_unread_and_clinicians_see_a_negation(clinic: Clinic) -> None:
    posted = {"age_years": 30, "free_text": "He has no stiff neck."}
    accepted = clinic.client.post("/v1/reports", json={"ruleset": "red-dots", "findings": posted}).get_json()["id"]
    published = clinic.worker.decide(accepted)["own_words"]
    patient, clinician = clinic.get(f"/results/{accepted}"), clinic.get(f"/results/{accepted}?view=clinician")
    assert published["patient"] == "Nobody has read your own words yet."
    assert published["patient"] in patient
    assert published["clinician"] in html.unescape(clinician)
    assert "yes (next to a negation)" in clinician
    assert "next to a negation" not in patient


def test_a_stored_report_gives_the_same_when_it_is_evaluated_again(clinic: Clinic) -> None:
    report = report_of(clinic.send({"age_years": 4, "blanches_on_pressure": "does_not_blanch"}))
    clinic.worker.decide(report)
    assert "Evaluated again: same result" in clinic.get(f"/results/{report}?view=clinician&again=1")


def test_a_dead_report_says_that_a_person_must_look_now(clinic: Clinic) -> None:
    report = report_of(clinic.send({"age_years": 33}))
    clinic.worker.bury(report)
    page = clinic.get(f"/results/{report}")
    assert "A person must look at this now" in page and "See a clinician now" in page


def test_a_result_that_is_not_there_yet_asks_the_browser_to_look_again(clinic: Clinic) -> None:
    page = clinic.get(f"/results/{report_of(clinic.send({'age_years': 35}))}")
    assert 'http-equiv="refresh"' in page and "call for help" in page


def test_faults_stand_at_their_fields_and_nothing_is_sent(clinic: Clinic) -> None:
    fields = {"do": "send", "at": "all", "a.temperature_c": "101", "a.age_years": "4"}
    response = clinic.post("/forms/red-dots?mode=all", **fields)
    page = response.get_data(as_text=True)
    assert response.status_code == 422
    assert 'id="q-temperature_c-error"' in page and "looks like degrees Fahrenheit" in page
    assert 'value="101"' in page and 'value="4"' in page


def test_a_misspelt_number_is_corrected_before_it_is_judged(clinic: Clinic) -> None:
    """Else the age of a grown-up, typed wrongly, would be taken for the age of a baby, and sent."""
    names = {"a.age_years": "1985", "a.blanches_on_pressure": "mixed", "a.temperature_c": "38,5"}
    at = "age_years blanches_on_pressure temperature_c"
    response = clinic.post("/forms/red-dots?mode=one", do="next", at=at, **names)
    page = response.get_data(as_text=True)
    assert response.status_code == 422
    assert clinic.fields_of(page)["sent"] == "" and "urgent-now" not in page


# --- links ---


@pytest.fixture
def locked(own: Settings, live: RedisStore, bundle: Bundle) -> Clinic:
    """The same where keys are required."""
    return Clinic(own, live, bundle, auth=True)


def link(clinic: Clinic, **said: Any) -> str:
    text, key = make_key("clinic-1", [Scope.REPORT], clinic.store.now_ms())
    clinic.store.api_keys.add(key, by=TESTER)
    clinic.app.extensions["triage"].keyring._kept = (float("-inf"), {})
    body = {"ruleset": "red-dots", **said}
    response = clinic.client.post("/v1/form-links", json=body, headers={"Authorization": f"Bearer {text}"})
    assert response.status_code == 201, response.get_json()
    return str(response.get_json()["path"])


def test_with_keys_a_form_opens_by_its_link_alone(locked: Clinic) -> None:
    """And whoever sent it sees that result, and no other."""
    assert locked.client.get("/forms/red-dots", headers=HTML).status_code == 303
    path = link(locked, subject="case-7", return_to="https://clinic.example/done", framed_by="https://clinic.example")
    result = locked.send({"age_years": 4, "blanches_on_pressure": "does_not_blanch"}, f"{path}&mode=all")
    report = report_of(result)
    delivery = locked.store.reports.get_delivery(report)
    assert delivery is not None and delivery.report.subject == "case-7"
    assert locked.store.reports.get(report).client == "clinic-1"
    locked.worker.decide(report)
    page = locked.get(result)
    assert f"https://clinic.example/done?report={report}" in page
    assert "For the clinician" not in page
    assert "R10" not in locked.get(f"{result}&view=clinician")
    assert locked.client.get(f"/results/{report}", headers=HTML).status_code == 303
    other = report_of(locked.send({"age_years": 5}, f"{path}&mode=all"))
    token = result.partition("link=")[2]
    assert locked.client.get(f"/results/{other}?link={token}", headers=HTML).status_code == 404


def test_a_form_of_one_subject_counts_once_however_often_it_is_sent(locked: Clinic) -> None:
    """Each sending amends the one before."""
    path = link(locked, subject="case-8") + "&mode=one"
    fields = {"do": "next", "at": "temperature_c", "a.age_years": "4", "a.blanches_on_pressure": "does_not_blanch"}
    sent = []
    for more in ({"a.temperature_c": "39.2"}, {"at": "seizure", "a.seizure": "yes"}):
        fields |= locked.fields_of(locked.post(path, **fields | more).get_data(as_text=True)) | {"do": "next"}
        sent.append(fields["sent"])
    sent.append(report_of(locked.post(path, **fields | {"do": "send", "a.chest_pain": "yes"}).headers["Location"]))
    assert [locked.store.reports.get(report).amends for report in sent] == [None, *sent[:-1]]
    history = locked.store.reports.get_history("red-dots", "case-8", locked.store.now_ms(), "clinic-1")
    assert history.reports_last_48h == 1


def test_only_the_origin_in_the_link_may_frame_it(locked: Clinic) -> None:
    path = link(locked, framed_by="https://clinic.example")
    framed = locked.client.get(path, headers=HTML)
    assert "frame-ancestors https://clinic.example;" in framed.headers["Content-Security-Policy"]
    assert "X-Frame-Options" not in framed.headers
    alone = locked.client.get(link(locked), headers=HTML)
    assert "frame-ancestors 'none'" in alone.headers["Content-Security-Policy"]
    assert alone.headers["X-Frame-Options"] == "DENY"


def test_a_link_opens_nothing_but_its_form(locked: Clinic) -> None:
    token = link(locked).partition("link=")[2]
    for path in ("/forms/none", "/results/" + "0" * 32, "/v1/reports/" + "0" * 32, "/v1/status", "/forms/red-dots?x=y"):
        response = locked.client.get(f"{path}{'&' if '?' in path else '?'}link={token}x", headers=HTML)
        assert response.status_code in (303, 401, 403, 404), path
    assert locked.client.get(f"/v1/rulesets?link={token}").status_code == 401


def key_of(clinic: Clinic, client: str, *scopes: Scope) -> str:
    text, key = make_key(client, scopes, clinic.store.now_ms())
    clinic.store.api_keys.add(key, by=TESTER)
    clinic.app.extensions["triage"].keyring._kept = (float("-inf"), {})
    return text


def signed_in(clinic: Clinic, client: str, *scopes: Scope) -> FlaskClient:
    """A browser of somebody who pasted such a key."""
    key, browser = key_of(clinic, client, *scopes), clinic.app.test_client()
    token = re.search(r'name="csrf" value="(\w+)"', browser.get("/sign-in").get_data(as_text=True))
    assert token is not None
    assert browser.post("/sign-in", data={"csrf": token[1], "key": key}).status_code == 303
    return browser


def test_people_see_the_results_that_their_key_opens(locked: Clinic) -> None:
    """`read` all, `report` the client's own; another's is not there. Without a key one is asked for it."""
    path = link(locked)
    report = report_of(locked.send({"age_years": 37}, f"{path}&mode=all"))
    locked.worker.decide(report)
    result = f"/results/{report}"
    seen = {
        "nurse": signed_in(locked, "nurse", Scope.READ),
        "own": signed_in(locked, "clinic-1", Scope.REPORT),
        "other": signed_in(locked, "clinic-2", Scope.REPORT),
        "deployer": signed_in(locked, "clinic-1", Scope.DEPLOY),
    }
    statuses = {who: browser.get(result, headers=HTML).status_code for who, browser in seen.items()}
    assert statuses == {"nurse": 200, "own": 200, "other": 404, "deployer": 403}
    assert locked.app.test_client().get(result, headers=HTML).headers["Location"].startswith("/sign-in?next=")


def test_people_fill_in_forms_with_a_key_for_that(locked: Clinic) -> None:
    reporter, nurse = signed_in(locked, "clinic-1", Scope.REPORT), signed_in(locked, "nurse", Scope.READ)
    assert reporter.get("/forms/red-dots", headers=HTML).status_code == 200
    assert nurse.get("/forms/red-dots", headers=HTML).status_code == 403


def test_answers_stand_in_no_address_and_no_log(clinic: Clinic, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    address = clinic.send({"free_text": "zq7marker", "age_years": 34})
    assert "zq7" not in address and "34" not in address.partition("/results/")[0]
    assert "zq7" not in caplog.text


def test_the_browser_may_keep_a_form_and_must_not_keep_a_result(clinic: Clinic) -> None:
    """So that going back loses no answer."""
    assert clinic.client.get("/forms/red-dots?mode=all").headers["Cache-Control"] == "private, no-cache"
    report = report_of(clinic.send({"age_years": 36}))
    assert clinic.client.get(f"/results/{report}").headers["Cache-Control"] == "no-store"
