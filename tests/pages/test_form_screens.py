"""The screens of the form without a browser: checklists, private questions, progress, the summary, and amendments."""

from __future__ import annotations

import re
from typing import Any

import pytest

from service.http.parts import get_parts
from tests.support.actors import TESTER
from tests.support.paths import GLASS_TEST
from tests.support.rulesets import repository
from tests.support.services.clinic import Clinic
from tests.support.services.http_calls import ROUTINE
from tests.unit.test_asking import RULESET
from triage_rules.foundation.errors import StoreUnavailable
from triage_rules.intake.form import write_answer
from triage_rules.language.model import Audience

ONE = "/forms/red-dots?mode=one"
DANGER = RULESET.panels["danger_now"]
AT_DANGER = " ".join(["panel:danger_now", *DANGER.inputs])
CHILD = {"a.age_years": "4", "a.blanches_on_pressure": "does_not_blanch", "a.temperature_c": "39.2"}


def press(clinic: Clinic, button: str, **fields: Any) -> tuple[str, dict[str, str]]:
    """Press a button of a page with these fields; the next page and its hidden fields."""
    page = clinic.post(ONE, do=button, **fields).get_data(as_text=True)
    return page, clinic.fields_of(page)


def visible(page: str) -> set[str]:
    """The questions that can be answered on a page."""
    shown = re.sub(r'<input type="hidden"[^>]*>', "", page)
    return set(re.findall(r'name="(?:a|tick)\.(\w+)"', shown))


def test_none_of_these_answers_the_lines_that_were_shown_and_no_other(clinic: Clinic) -> None:
    shown = [name for name in DANGER.inputs if name != "chest_pain_crushing"]
    at = " ".join(["panel:danger_now", *shown])
    page, fields = press(clinic, "next", at=at, none="danger_now")
    assert fields["at"] == AT_DANGER and visible(page) == set(DANGER.inputs)  # one line is still to be answered
    _, fields = press(clinic, "review", at=at, none="danger_now", again="yes")
    answers = {name: value for name, value in fields.items() if name.startswith("a.")}
    assert answers == {f"a.{line.input}": "no" if line.none_means is False else line.none_means
                       for line in DANGER.lines if line.input in shown}  # fmt: skip


def test_a_checklist_that_is_left_without_next_answers_only_its_ticks(clinic: Clinic) -> None:
    """Else Back, with one line ticked, would say no to the others."""
    fields = {"at": AT_DANGER, "path": "age_years", "a.age_years": "30", "a.seizure": "yes"}
    _, left = press(clinic, "back", **fields)
    assert {name for name in left if name.startswith("a.")} == {"a.seizure"}
    _, completed = press(clinic, "back", **fields, again="yes")
    assert completed["a.chest_pain_crushing"] == "no"


@pytest.mark.parametrize(
    ("ticked", "fault"),
    [({}, "Tick each line that applies"), ({"none": "danger_now", "a.seizure": "yes"}, "Untick one of them")],
)
def test_a_checklist_without_a_clear_answer_is_shown_again(clinic: Clinic, ticked: dict[str, str], fault: str) -> None:
    response = clinic.post(ONE, do="next", at=AT_DANGER, **ticked)
    page = response.get_data(as_text=True)
    assert response.status_code == 422
    assert fault in page and 'id="list-danger_now-error"' in page
    assert ("data-line checked" in page, "data-none checked" in page) == ("a.seizure" in ticked, "none" in ticked)


def test_a_line_not_known_is_unknown_and_is_not_asked_again(clinic: Clinic) -> None:
    _, fields = press(
        clinic,
        "next",
        at=AT_DANGER,
        **{"a.seizure": "unknown", "a.chest_pain_crushing": "yes", "tick.chest_pain_crushing": ""},
    )
    assert (fields["a.seizure"], fields["a.chest_pain_crushing"], fields["a.lip_tongue_swelling"]) == (
        "unknown",
        "yes",
        "no",
    )
    _, fields = press(clinic, "next", at=AT_DANGER, none="danger_now", **{"a.seizure": "unknown"})
    while fields["at"] not in ("review", "private"):
        assert "seizure" not in fields["at"]
        names = [name for name in fields["at"].split() if not name.startswith("panel:")]
        answers = {f"a.{name}": "unknown" for name in names if RULESET.inputs[name].kind != "text"}
        _, fields = press(clinic, "next", **fields | answers | dict.fromkeys(["a.free_text"], ""))


@pytest.mark.parametrize(("button", "at"), [("next", AT_DANGER), ("send", "all")])
def test_a_line_not_known_does_not_answer_the_others_with_no(clinic: Clinic, button: str, at: str) -> None:
    response = clinic.post(ONE, do=button, at=at, **{"a.seizure": "unknown"})
    page = response.get_data(as_text=True)
    assert response.status_code == 422
    assert "Tick each other line that applies, or \u201cNone of the others\u201d." in page
    assert 'value="danger_now" data-none> <span>None of the others</span>' in page
    assert "a.chest_pain_crushing" not in clinic.fields_of(page)
    _, fields = press(clinic, "next", at=AT_DANGER, none="danger_now", **{"a.seizure": "unknown"})
    assert (fields["a.seizure"], fields["a.chest_pain_crushing"]) == ("unknown", "no")


def test_a_checklist_of_which_no_line_is_known_is_an_answer(clinic: Clinic) -> None:
    unknown = {f"a.{name}": "unknown" for name in DANGER.inputs}
    _, fields = press(clinic, "next", at=AT_DANGER, **unknown)
    assert fields["at"] != AT_DANGER and unknown.items() <= fields.items()


def test_a_ticked_choice_is_asked_on_the_next_screen(clinic: Clinic) -> None:
    """It is no answer yet. Ticked again, it is asked again, with the answer that it had."""
    page, fields = press(clinic, "next", at=AT_DANGER, left="20", **{"tick.breathing_difficulty": "yes"})
    assert fields["at"] == "breathing_difficulty" and fields["tick.breathing_difficulty"] == "yes"
    assert "a.breathing_difficulty" not in fields and fields["a.consciousness"] == "alert"
    assert "Your answer opens more questions" in page
    page, fields = press(clinic, "next", **fields, **{"a.breathing_difficulty": "mild"})
    assert fields["a.breathing_difficulty"] == "mild" and "tick.breathing_difficulty" not in fields
    fields |= {"at": AT_DANGER, "again": "yes", "tick.breathing_difficulty": "yes"}
    page, fields = press(clinic, "next", **fields)
    assert fields["at"] == "breathing_difficulty"
    assert re.search(r'value="mild" checked', page)


@pytest.mark.parametrize("button", ["review", "send"])
@pytest.mark.parametrize("at", ["panel:danger_now", "consciousness", "review"])
def test_a_ticked_choice_is_asked_before_the_answers_are_checked_or_sent(clinic: Clinic, button: str, at: str) -> None:
    """It would be lost. Back leads to its tick, which can be taken away."""
    fields = {"at": AT_DANGER, "tick.consciousness": "yes"}
    if at != "panel:danger_now":
        fields = press(clinic, "next", **fields)[1] | {"at": at}
    response = clinic.post(ONE, do=button, **fields)
    page = response.get_data(as_text=True)
    fields = clinic.fields_of(page)
    assert response.status_code == 422
    assert fields["at"] == "consciousness" and visible(page) == {"consciousness"}
    assert "Choose what fits: you ticked \u201cConfused, drowsy or hard to wake\u201d." in page
    assert 'value="unknown"' not in page
    back, earlier = press(clinic, "back", **fields)
    assert earlier["at"] == AT_DANGER and re.search(r'name="tick.consciousness" value="yes" data-line checked', back)
    _, untouched = press(clinic, "next", **earlier, none="danger_now")
    assert untouched["a.consciousness"] == "alert"
    sent = clinic.post(ONE, do="send", **fields | {"a.consciousness": "drowsy"}).headers["Location"]
    delivery = clinic.store.reports.get_delivery(sent.rpartition("/")[2])
    assert delivery is not None and delivery.report.answers["consciousness"] == "drowsy"


def test_a_tick_withdraws_the_earlier_answer_that_it_does_not_apply(clinic: Clinic) -> None:
    """Such as one given on the page with all questions."""
    page, fields = press(clinic, "review", at=AT_DANGER, **{"tick.consciousness": "yes", "a.consciousness": "alert"})
    assert fields["at"] == "consciousness" and "a.consciousness" not in fields
    assert "Choose what fits" in page


def test_a_ticked_choice_does_not_accept_unknown(clinic: Clinic) -> None:
    response = clinic.post(
        ONE, do="next", at="consciousness", **{"tick.consciousness": "yes", "a.consciousness": "unknown"}
    )
    assert response.status_code == 422
    assert "Choose what fits" in response.get_data(as_text=True)


def test_the_page_with_all_questions_asks_a_ticked_choice_before_it_sends(clinic: Clinic) -> None:
    _, fields = press(clinic, "next", at=AT_DANGER, **{"tick.consciousness": "yes"})
    page, fields = press(clinic, "all", **fields)
    assert 'id="q-consciousness-unknown"' not in page and 'id="q-age_years-unknown"' in page
    response = clinic.post(ONE, do="send", **fields)
    assert response.status_code == 422
    page = response.get_data(as_text=True)
    assert clinic.fields_of(page)["at"] == "all" and 'id="q-consciousness-error"' in page
    assert "Choose what fits: you ticked \u201cConfused, drowsy or hard to wake\u201d." in page
    assert clinic.post(ONE, do="send", **fields | {"a.consciousness": "drowsy"}).status_code == 303


def test_the_number_of_screens_left_rises_only_with_a_word(clinic: Clinic) -> None:
    page = clinic.get(ONE)
    fields = clinic.fields_of(page)
    assert f"at most {fields['left']} more screens" in page
    page, after = press(clinic, "next", **fields, none="danger_now")
    assert int(after["left"]) < int(fields["left"])
    assert "opens more questions" not in page


def test_private_questions_that_are_skipped_are_unknown(clinic: Clinic) -> None:
    _, fields = press(clinic, "skip-private", at="private", **{"a.age_years": "30"})
    assert fields["private"] == "skipped"
    assert fields["a.neck_pressure_or_assault"] == "unknown"


def test_private_questions_are_shown_only_after_the_person_said_that_they_are_alone(clinic: Clinic) -> None:
    """Also on an old page, and on a reload."""
    at = "neck_pressure_or_assault"
    page, fields = press(clinic, "show", at=at)
    assert at not in visible(page) and fields["at"] != at
    page, _ = press(clinic, "show", at=at, private="shown")
    assert visible(page) == {at} and "This question is private" in page


def test_a_ruleset_without_panels_asks_one_question_at_a_time(clinic: Clinic) -> None:
    bundle = repository.bundle(GLASS_TEST)
    now = clinic.store.now_ms()
    clinic.store.rulesets.deploy(bundle.name, bundle.version, bundle.digest, bundle.data, now, by=TESTER)
    clinic.app.extensions["triage"].live.refresh()
    answers = {name: write_answer(answer) for name, answer in ROUTINE.items()} | {"free_text": ""}
    page, screens = clinic.get("/forms/glass-test?mode=one"), 0
    while "No further answer of yours" not in page:
        (name,) = visible(page)
        fields = clinic.fields_of(page) | {f"a.{name}": answers[name]}
        page = clinic.post("/forms/glass-test?mode=one", do="next", **fields).get_data(as_text=True)
        screens += 1
    assert 1 < screens <= len(answers)


def test_each_screen_says_what_its_answers_could_mean(clinic: Clinic) -> None:
    page = clinic.get(ONE)
    assert "A tick could mean: \u201cAmbulance now\u201d." in page
    assert "could help to show that this is enough: \u201cInformation\u201d" in page
    shown_again, _ = press(clinic, "show", at=AT_DANGER, none="danger_now", again="yes")
    assert "A tick could mean: \u201cAmbulance now\u201d." in shown_again


def test_the_summary_has_one_line_for_each_checklist(clinic: Clinic) -> None:
    """It changes all of it."""
    _, fields = press(clinic, "next", at=AT_DANGER, **{"a.seizure": "unknown", "tick.consciousness": "yes"})
    page, fields = press(clinic, "review", **fields | {"a.consciousness": "drowsy"})
    assert page.count("<dt>") == 1
    assert "Confused, drowsy or hard to wake: " in page and "I don\u2019t know: a fit or seizure" in page
    assert "None of the others" in page
    page, fields = press(clinic, "edit:panel:danger_now", **fields)
    assert fields["at"] == AT_DANGER
    assert visible(page) == set(DANGER.inputs)
    assert re.search(r'name="tick.consciousness" value="yes" data-line checked', page)
    assert re.search(r'name="a.seizure" value="unknown" data-unsure checked', page)


def test_the_page_with_all_questions_leaves_an_untouched_checklist_open(clinic: Clinic) -> None:
    _, fields = press(clinic, "review", at="all", **{"a.age_years": "30", "none": "illness"})
    assert fields["a.neck_stiffness"] == "no"
    assert "a.seizure" not in fields
    response = clinic.post(ONE, do="send", at="all", none="illness", **{"a.neck_stiffness": "yes"})
    assert response.status_code == 422
    assert 'id="list-illness-error"' in response.get_data(as_text=True)


def test_the_page_with_all_questions_marks_what_does_not_apply(clinic: Clinic) -> None:
    page, _ = press(clinic, "all", **{"a.age_years": "4"})
    assert re.search(r'data-not-needed="pregnancy_status">', page)
    page, _ = press(clinic, "all", **{"a.age_years": "30"})
    assert re.search(r'data-not-needed="pregnancy_status" hidden>', page)


def test_measured_questions_can_be_left_unmeasured(clinic: Clinic) -> None:
    page, _ = press(clinic, "show", at="temperature_c")
    assert "Not measured" in page and "I don\u2019t know" not in page


def test_a_clinician_is_asked_what_clinicians_can_answer(clinic: Clinic) -> None:
    """The report says who answered."""
    page, fields = press(clinic, "show", clinician="yes", at="systolic_bp platelet_count")
    assert fields["clinician"] == "yes" and visible(page) == {"systolic_bp", "platelet_count"}
    assert "systolic_bp" not in press(clinic, "show", at="systolic_bp age_years")[1]["at"]
    address = clinic.post(ONE, do="send", clinician="yes", **{"a.systolic_bp": "120"}).headers["Location"]
    delivery = clinic.store.reports.get_delivery(address.rpartition("/")[2])
    assert delivery is not None and delivery.report.audience is Audience.CLINICIAN


def test_a_later_sending_amends_the_one_before(clinic: Clinic) -> None:
    """The same page sent twice makes one report. A lower result is shown, and sent only with the button."""
    _, first = press(clinic, "next", at="temperature_c", id="cd" * 16, **CHILD)
    _, again = press(clinic, "next", at="temperature_c", id="cd" * 16, **CHILD)
    assert first["sent"] == again["sent"]
    _, second = press(clinic, "next", **first | {"at": "seizure", "a.seizure": "yes"})
    assert clinic.store.reports.get(second["sent"]).amends == first["sent"]
    page, third = press(clinic, "next", **second | {"at": "seizure", "a.seizure": "no"})
    assert third["sent"] == second["sent"]
    assert re.search("The answers that were sent mean: <strong>Ambulance now</strong>. Your answers now mean: "
                     "<strong>Emergency department now</strong>", page)  # fmt: skip
    result = clinic.post(ONE, do="send", **third).headers["Location"]
    assert clinic.store.reports.get(result.rpartition("/")[2]).amends == second["sent"]


def test_a_report_that_can_not_be_amended_is_no_obstacle(clinic: Clinic) -> None:
    """It was erased, or is another client's: the answers are sent as a report of their own."""
    _, fields = press(
        clinic,
        "next",
        at="temperature_c",
        sent="0" * 32,
        sent_as="U2_emergency_dept_now",
        **CHILD,
    )
    assert fields["sent"] not in ("", "0" * 32)
    assert clinic.store.reports.get(fields["sent"]).amends is None


def test_answers_that_become_urgent_after_a_result_that_was_not_are_sent_at_once(clinic: Clinic) -> None:
    """The report that was reopened counts as sent, but not as urgent."""
    answers = {f"a.{name}": write_answer(answer) for name, answer in ROUTINE.items() if name in RULESET.inputs}
    earlier = clinic.post(ONE, do="send", **answers).headers["Location"].rpartition("/")[2]
    page, fields = press(clinic, "next", at="seizure", sent=earlier, sent_as="", **answers | {"a.seizure": "yes"})
    assert "Call an ambulance now" in page
    assert fields["sent"] not in ("", earlier)
    assert clinic.store.reports.get(fields["sent"]).amends == earlier


def test_a_result_is_reopened_as_an_amendment_unless_answers_are_hidden(clinic: Clinic) -> None:
    """Without the private answers, an amendment would withdraw them."""
    for findings, amends in (({"age_years": 61}, True), ({"age_years": 61, "neck_pressure_or_assault": True}, False)):
        address = clinic.send(findings)
        report = address.rpartition("/")[2]
        clinic.worker.decide(report)
        fields = clinic.fields_of(clinic.get(address))
        assert (fields.get("sent") == report) is amends


def test_without_the_store_a_form_is_evaluated_and_kept(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the rules in memory; what can't be sent is sent when the store is back."""
    clinic.get(ONE)
    with clinic.app.app_context():
        parts = get_parts()

    def away(*_: object) -> None:
        raise StoreUnavailable

    with monkeypatch.context() as patch:
        patch.setattr(parts.live, "_asked", float("-inf"))
        patch.setattr(parts.store.rulesets, "get_live", away)
        response = clinic.client.post(
            "/forms/red-dots", data=_own(clinic) | {"do": "next", "at": "temperature_c"} | CHILD
        )
        page, fields = response.get_data(as_text=True), clinic.fields_of(response.get_data(as_text=True))
        assert "Go to an emergency department now" in page and "could not be sent yet" in page
        assert (fields["sent"], fields["a.age_years"]) == ("", "4")
        response = clinic.client.post("/forms/red-dots", data=fields | {"do": "send"})
        assert response.status_code == 503
        assert 'data-retry="send"' in response.get_data(as_text=True)
    page, fields = press(clinic, "retry", **fields)
    assert fields["sent"] and "could not be sent yet" not in page


def _own(clinic: Clinic) -> dict[str, str]:
    return {"csrf": clinic.fields_of(clinic.client.get("/forms/red-dots?mode=one").get_data(as_text=True))["csrf"]}
