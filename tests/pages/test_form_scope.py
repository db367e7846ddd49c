"""The form of a ruleset with a scope: what a no leads to, and what nobody else sees."""

from __future__ import annotations

import re

import pytest

from tests.support.actors import TESTER
from tests.support.rulesets.scoped import TEXT
from tests.support.services.clinic import Clinic, report_of
from tests.support.services.http_calls import Worker
from triage_rules.language.bundle import bundle_of
from triage_rules.language.reading import parse_document

ONE = "/forms/spots?mode=one"
QUESTION = "Do you think of hurting yourself?"
AFTER_NO = {"a.fit": "no", "a.chest_pain": "no", "a.about_spots": "no"}


@pytest.fixture
def spots(clinic: Clinic) -> Clinic:
    bundle = bundle_of(parse_document(TEXT.encode(), "ruleset.yaml"))
    now = clinic.store.now_ms()
    clinic.store.rulesets.deploy(bundle.name, bundle.version, bundle.digest, bundle.data, now, by=TESTER)
    clinic.app.extensions["triage"].live.refresh()
    return clinic


def press(clinic: Clinic, button: str, **fields: str) -> tuple[str, dict[str, str]]:
    page = clinic.post(ONE, do=button, **fields).get_data(as_text=True)
    return page, clinic.fields_of(page)


def test_the_no_leads_to_the_private_question_and_then_to_the_summary(spots: Clinic) -> None:
    page, fields = press(spots, "next", at="about_spots", **AFTER_NO)
    assert fields["at"] == "private" and QUESTION not in page
    page, fields = press(spots, "private", **fields)
    assert fields["at"] == "self_harm" and QUESTION in page
    page, fields = press(spots, "next", **fields | {"a.self_harm": "no"})
    assert fields["at"] == "review"
    assert QUESTION not in page and "A private question" in page
    assert "How old?" not in page


def test_a_skipped_private_question_is_unknown_and_looks_like_an_answered_one(spots: Clinic) -> None:
    _, fields = press(spots, "next", at="about_spots", **AFTER_NO)
    page, fields = press(spots, "skip-private", **fields)
    assert (fields["at"], fields["a.self_harm"]) == ("review", "unknown")
    assert QUESTION not in page and "answered, not shown here" in page


def test_skipping_one_private_question_skips_none_that_makes_no_sense_yet(spots: Clinic) -> None:
    """A later no to the scope must still lead to it."""
    _, fields = press(spots, "skip-private", at="private", **{"a.about_spots": "yes"})
    assert "a.self_harm" not in fields


def test_the_page_with_all_questions_marks_those_that_are_not_asked(spots: Clinic) -> None:
    page = spots.post("/forms/spots?mode=all", do="all", **AFTER_NO).get_data(as_text=True)
    hidden = {name for name in ("age", "fading", "fever", "words")
              if re.search(rf'data-not-needed="{name}"(?! hidden)', page)}  # fmt: skip
    assert hidden == {"age", "fading", "fever", "words"}


@pytest.mark.parametrize(("self_harm", "advice"), [("no", "Ask a clinician today."), ("yes", "Call now.")])
def test_the_result_page_has_the_disposition_and_no_private_answer(spots: Clinic, self_harm: str, advice: str) -> None:
    fields = AFTER_NO | {"a.self_harm": self_harm, "path": "about_spots,self_harm"}
    response = spots.post("/forms/spots?mode=all", do="send", **fields)
    report = report_of(str(response.headers["Location"]))
    Worker(spots.store, bundle_of(parse_document(TEXT.encode(), "ruleset.yaml"))).decide(report)
    page = spots.get(f"/results/{report}")
    assert advice in page
    assert "Nobody has assessed this." in page
    assert QUESTION not in page and "Self-harm" not in page
    stored = spots.store.reports.get(report).result
    assert stored is not None
    assert ({"id": "R3", "because": ["self_harm"]} in [{key: rule[key] for key in ("id", "because")}
                                                     for rule in stored["rules"]]) is (self_harm == "yes")  # fmt: skip


def test_the_private_page_is_shown_again_for_a_question_that_was_not_skipped(spots: Clinic) -> None:
    """Whoever skipped another private question is still offered this one."""
    page, fields = press(spots, "next", at="about_spots", private="skipped", **AFTER_NO)
    assert fields["at"] == "private" and QUESTION not in page
