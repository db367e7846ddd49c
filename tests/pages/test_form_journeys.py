"""A patient fills in a form in a real browser: on a phone and at a desk, with and without scripts, by keys alone, in a frame."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.pages.steps import fill_in, go_on, none_of_these
from tests.support.services.browser import DESK, PHONE, Watched, watched
from tests.support.services.triage_up import Everything
from tests.support.shares import params

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.page

Open = Callable[..., Watched]


CHEST = "Crushing or tight chest pain, or one that spreads to arm or jaw"
ON_ALL = [(PHONE, True), (PHONE, False), (DESK, True), (DESK, False)]


def read_report(running: Everything, report: str) -> dict[str, Any]:
    """A report, as the API returns it."""
    with urllib.request.urlopen(f"{running.base}/v1/reports/{report}") as answer:
        return dict(json.load(answer))


@pytest.mark.parametrize(("width", "script"), params(ON_ALL, [(PHONE, False), (DESK, True)]))
def test_a_worried_parent_reads_at_the_second_screen_what_to_do(
    open_page: Open, page_service: Everything, width: int, script: bool
) -> None:
    """The danger signs, then the glass test: the advice is shown, the answers are sent, and the form goes on."""
    seen = open_page(width=width, script=script)
    page = seen.page
    seen.goto("/forms/red-dots")
    page.get_by_role("link", name="Start: a few questions at a time").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Is any of this happening now?")
    expect(page.get_by_label("None of these")).not_to_be_checked()
    if script:
        seen.check_axe()
    none_of_these(page)
    expect(page.get_by_role("img", name="How to do the glass test")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)
    if script:
        seen.check_axe()
    fill_in(page)
    go_on(page)
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("Go to an emergency department now")
    expect(alert).to_contain_text("have been sent")
    expect(page.get_by_role("button", name="Next", exact=True)).to_be_visible()
    if script:
        expect(alert.get_by_role("heading")).to_be_focused()
        seen.check_axe()
    sent = page.locator('[name="sent"]').input_value()
    assert read_report(page_service, sent)["status"] in ("queued", "done")
    page.get_by_role("link", name="See why").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Emergency department now")
    expect(page.get_by_text("How old is the person? 4 years").first).to_be_visible()
    if script:
        seen.check_axe()


@pytest.mark.parametrize("script", params([True, False], [True]))
def test_a_drowsy_child_gets_an_ambulance_and_the_nurse_reads_one_chain(
    open_page: Open, page_service: Everything, script: bool
) -> None:
    """A ticked choice is asked next. The rise is sent at once, as an amendment of the report sent before."""
    seen = open_page(width=PHONE, script=script)
    page = seen.page
    seen.goto("/forms/red-dots?mode=one")
    none_of_these(page)
    fill_in(page)
    go_on(page)
    first = page.locator('[name="sent"]').input_value()
    go_on(page, "Back")
    go_on(page, "Back")
    page.get_by_label("None of these").uncheck()
    page.get_by_label("Confused, drowsy or hard to wake", exact=True).check()
    go_on(page)
    expect(page.get_by_role("heading", name=re.compile("Awake"))).to_be_visible()
    page.get_by_label("Drowsy", exact=True).check()
    go_on(page)
    expect(page.locator(".urgent-now")).to_contain_text("Call an ambulance now")
    second = page.locator('[name="sent"]').input_value()
    assert second != first
    assert read_report(page_service, second)["amends"] == first


@pytest.mark.parametrize("script", params([True, False], [True, False]))
def test_a_checklist_demands_a_tick_and_takes_no_contradiction(open_page: Open, script: bool) -> None:
    """With scripts, "None of these" and the lines exclude each other; without, the form says so."""
    seen = open_page(width=PHONE, script=script)
    page = seen.page
    seen.goto("/forms/red-dots?mode=one")
    page.get_by_role("button", name="Next", exact=True).click()
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("Tick each line that applies, or \u201cNone of these\u201d")
    none, line, unsure = (
        page.get_by_label("None of these"), page.get_by_label(CHEST, exact=True),
        page.get_by_label(f"Don\u2019t know: {CHEST}"),
    )  # fmt: skip
    if script:
        expect(alert).to_be_focused()
        seen.check_axe()
        none.check()
        line.check()
        expect(none).not_to_be_checked()
        unsure.check()
        expect(line).not_to_be_checked()
        others = page.get_by_label("None of the others")
        others.check()
        go_on(page)
        go_on(page, "Back")
        expect(unsure).to_be_checked()
        expect(others).to_be_checked()
        expect(line).not_to_be_checked()
        return
    none.check()
    line.check()
    page.get_by_role("button", name="Next", exact=True).click()
    expect(page.locator(".error-summary")).to_contain_text("Untick one of them")
    expect(line).to_be_checked()
    expect(none).to_be_checked()


@pytest.mark.parametrize("script", params([True, False], [True]))
def test_an_answer_that_can_not_be_is_told_at_its_field(open_page: Open, script: bool) -> None:
    """And the summary, which leads there, has the focus. A measured value may stay unmeasured."""
    seen = open_page(width=PHONE, script=script)
    page = seen.page
    seen.goto("/forms/red-dots?mode=one")
    none_of_these(page)
    page.get_by_role("button", name="Next", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Write a number (0 to 120 years)")
    fill_in(page, age="1980", glass="Yes, they fade")
    page.get_by_role("button", name="Next", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("looks like a year of birth")
    expect(page.locator("#q-age_years")).to_have_value("1980")
    expect(page.locator("#q-age_years")).to_have_attribute("aria-invalid", "true")
    if script:
        expect(page.get_by_role("alert")).to_be_focused()
        seen.check_axe()
    page.get_by_role("alert").get_by_role("link").click()
    expect(page.locator("#q-age_years")).to_be_focused() if script else None
    page.locator("#q-age_years").fill("34")
    go_on(page)
    none_of_these(page)
    none_of_these(page)
    page.get_by_role("button", name="Next", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Not measured")


@pytest.mark.parametrize("width", params([PHONE, DESK], [PHONE]))
def test_all_on_one_page_shows_how_things_stand_while_it_is_filled_in(open_page: Open, width: int) -> None:
    """With scripts the advice comes without sending; the faults of all fields come at once, with all that was written."""
    seen = open_page(width=width)
    page = seen.page
    seen.goto("/forms/red-dots?mode=all")
    expect(page.locator("#standing")).to_contain_text("0 answered")
    page.locator("#q-age_years").fill("4")
    page.get_by_label("No, they stay").check()
    expect(page.locator("#standing")).to_contain_text("Emergency department now")
    unneeded = page.locator('[data-not-needed="pregnancy_status"]')
    expect(unneeded).to_be_visible()
    page.locator("#q-age_years").fill("30")
    expect(unneeded).to_be_hidden()
    page.locator("#q-age_years").fill("4")
    page.locator("#q-temperature_c").fill("101")
    page.locator("#q-temperature_c").blur()
    page.get_by_role("button", name="Send and see the result").last.click()
    expect(page.get_by_role("alert").first).to_contain_text("looks like degrees Fahrenheit")
    expect(page.locator("#q-temperature_c")).to_have_value("101")
    seen.check_axe()
    page.locator("#q-temperature_c").fill("38.9")
    page.get_by_role("button", name="Send and see the result").last.click()
    expect(page).to_have_url(re.compile("/results/"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Emergency department now")


def test_all_on_one_page_works_without_scripts(open_page: Open) -> None:
    seen = open_page(script=False)
    page = seen.page
    seen.goto("/forms/red-dots?mode=all")
    page.locator("#q-age_years").fill("34")
    page.get_by_label("Yes, they fade").check()
    page.get_by_role("button", name="Send and see the result").last.click()
    expect(page).to_have_url(re.compile("/results/"))
    page.go_back()
    expect(page.locator("#q-age_years")).to_have_value("34")


def test_a_harmless_person_is_through_after_a_few_screens(open_page: Open) -> None:
    """The stated number of screens left holds; private questions wait; the summary has a line for each checklist."""
    seen = open_page(width=PHONE)
    page = seen.page
    seen.goto("/forms/red-dots?mode=one")
    most, screens = 100, 0
    while not page.get_by_role("heading", name="Check your answers").count():
        screens += 1
        assert screens < 20
        if page.get_by_role("heading", name="Are you alone?").count():
            go_on(page, "Skip them")
            continue
        left = int(page.locator('[name="left"]').input_value())
        assert left + 1 <= most or page.get_by_text("Your answer opens more questions").count()
        most = left
        page.locator("summary").filter(has_text="Why do you ask this?").click()
        expect(page.locator(".why p").first).to_be_visible()
        if page.get_by_label("None of these").count():
            none_of_these(page)
            continue
        for question in page.locator("fieldset[role=radiogroup]").all():
            question.locator("input").first.check()
        for number in page.locator('#form input[type="text"]').all():
            number.fill("36")
        go_on(page)
    expect(page.get_by_text("No further answer of yours can change the result")).to_be_visible()
    expect(page.get_by_text("A clinician could still change it")).to_be_visible()
    rows = page.locator(".given > div")
    danger = rows.filter(has_text="Is any of this happening now?")
    expect(danger).to_contain_text(
        "None of: confused, drowsy or hard to wake; short of breath, or not breathing properly; crushing"
    )
    seen.check_axe()
    danger.get_by_role("button", name="Change").click()
    expect(page.get_by_label("None of these")).to_be_checked()
    page.get_by_label("None of these").uncheck()
    page.get_by_role("checkbox", name="A fit or seizure, also if it is over", exact=True).check()
    go_on(page)
    expect(page.locator(".urgent-now")).to_contain_text("Call an ambulance now")
    expect(danger).to_contain_text("A fit or seizure, also if it is over None of the others")


def test_a_form_is_filled_in_by_keys_alone(open_page: Open) -> None:
    """Enter goes on; space ticks; arrows choose; the focus is always at what comes next."""
    seen = open_page()
    page = seen.page
    seen.goto("/forms/red-dots?mode=one")
    expect(page.get_by_role("heading", name="Is any of this happening now?")).to_be_focused()
    while not page.evaluate("document.activeElement.name === 'none'"):
        page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Spots and person")).to_be_focused()
    while not page.evaluate("document.activeElement.name === 'a.about_spots'"):
        page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.type("34")
    while not page.evaluate("document.activeElement.name === 'a.blanches_on_pressure'"):
        page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    expect(page.get_by_label("Yes, they fade")).to_be_checked()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Spots and person")).to_have_count(0)
    while not page.evaluate("document.activeElement.innerText.includes('Stop here')"):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Check your answers")).to_be_visible()
    while not page.evaluate("document.activeElement.value === 'send'"):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/results/"))


def test_a_wrong_click_can_be_taken_back_after_sending(open_page: Open) -> None:
    """From the result, with all answers still there."""
    seen = open_page(script=False)
    page = seen.page
    seen.goto("/forms/red-dots?mode=all")
    page.locator("#q-age_years").fill("34")
    page.get_by_label("No, they stay").check()
    page.get_by_role("button", name="Send and see the result").last.click()
    page.get_by_role("button", name="Change or add answers").click()
    page.get_by_role("button", name=re.compile("Press a clear glass")).click()
    expect(page.get_by_label("No, they stay")).to_be_checked()
    page.get_by_label("Yes, they fade").check()
    go_on(page)
    page.get_by_role("button", name="Stop here").click()
    expect(page.locator(".given")).to_contain_text("Yes, they fade")
    expect(page.locator(".given")).to_contain_text("34 years")


def test_the_results_of_a_form_can_be_printed_and_read_by_clinicians(open_page: Open) -> None:
    """The clinician's view has ids and sources; on paper there are no buttons, and all that is folded is unfolded."""
    seen = open_page(width=PHONE, dark=True)
    page = seen.page
    seen.goto("/forms/red-dots?mode=all")
    page.locator("#q-age_years").fill("4")
    page.get_by_label("No, they stay").check()
    page.get_by_role("button", name="Send and see the result").last.click()
    expect(page).to_have_url(re.compile("/results/"))
    page.get_by_role("link", name="For the clinician").click()
    expect(page.locator(".reason code").first).to_be_visible()
    seen.check_axe()
    page.get_by_role("link", name="Evaluate the stored answers again").click()
    expect(page.get_by_text("Evaluated again: same result")).to_be_visible()
    page.emulate_media(media="print")
    expect(page.locator("header.site")).to_be_hidden()
    expect(page.get_by_role("button", name="Print")).to_be_hidden()


def test_the_form_reads_well_at_four_hundred_percent(chromium: Browser, page_service: Everything) -> None:
    """1,280 pixels at 400 % are 320: nothing is cut off, nothing scrolls sideways."""
    with watched(chromium, page_service.base, width=320) as seen:
        for path in ("/", "/forms/red-dots", "/forms/red-dots?mode=one", "/forms/red-dots?mode=all"):
            seen.goto(path)
            seen.check_axe()
