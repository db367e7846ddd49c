"""A patient fills in a form in a real browser: on a phone and at a desk, with and without scripts, by keys alone, in a frame."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.support.services.browser import DESK, PHONE, Watched, watched
from tests.support.services.triage_up import Everything
from tests.support.shares import params

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.page

Open = Callable[..., Watched]


ON_ALL = [(PHONE, True), (PHONE, False), (DESK, True), (DESK, False)]


def go_on(page: Page) -> None:
    """Press Next, and wait until what comes after it is there."""
    before = page.get_by_role("heading", level=1).first.inner_text()
    page.get_by_role("button", name="Next", exact=True).click()
    expect(page.get_by_role("heading", level=1).first).not_to_have_text(before)


def answer(page: Page, label: str) -> None:
    """Choose an answer, or write it where there is nothing to choose."""
    field = page.locator('#form input[type="text"]')
    if field.count():
        field.fill(label)
    else:
        page.get_by_label(label, exact=True).check()


@pytest.mark.parametrize(("width", "script"), params(ON_ALL, [(PHONE, True), (DESK, False)]))
def test_a_worried_parent_is_told_at_once_what_to_do(
    open_page: Open, page_service: Everything, width: int, script: bool
) -> None:
    """One question at a time; the answer that makes it urgent shows the advice, sends what there is, and the form goes on."""
    seen = open_page(width=width, script=script)
    page = seen.page
    seen.goto("/forms/red-dots")
    page.get_by_role("link", name="Start: one question at a time").click()
    expect(page.get_by_role("heading", name="How old is the person?")).to_be_visible()
    answer(page, "4")
    go_on(page)
    expect(page.get_by_role("img", name="How to do the glass test")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)
    if script:
        seen.check_axe()
    answer(page, "No, they stay")
    page.get_by_role("button", name="Next", exact=True).click()
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("Go to an emergency department now")
    expect(alert).to_contain_text("have been sent")
    if script:
        expect(alert.get_by_role("heading")).to_be_focused()
        seen.check_axe()
    page.get_by_role("link", name="See why").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Emergency department now")
    expect(page.get_by_text("Urgent", exact=True).first).to_be_visible()
    expect(page.get_by_text("How old is the person? 4 years").first).to_be_visible()
    if script:
        seen.check_axe()
    report = page.url.rpartition("/")[2]
    stored = page_service.triage("decide", "rulesets/red-dots", "-", "--format", "json",
                           stdin='{"findings": {"age_years": 4, "blanches_on_pressure": "does_not_blanch"}}').stdout  # fmt: skip
    assert '"level": "urgent"' in stored
    assert re.fullmatch(r"[0-9a-f]{32}", report)


@pytest.mark.parametrize("script", params([True, False], [False]))
def test_going_back_loses_no_answer(open_page: Open, script: bool) -> None:
    """By the page's button, and by the browser's own."""
    seen = open_page(width=PHONE, script=script)
    page = seen.page
    seen.goto("/forms/red-dots?mode=one")
    answer(page, "34")
    go_on(page)
    answer(page, "Yes, they fade")
    go_on(page)
    page.get_by_role("button", name="Back", exact=True).click()
    expect(page.get_by_label("Yes, they fade")).to_be_checked()
    page.get_by_role("button", name="Back", exact=True).click()
    expect(page.locator("#q-age_years")).to_have_value("34")
    go_on(page)
    expect(page.get_by_role("heading", level=1).first).not_to_contain_text("glass")
    answer(page, "36.6") if page.locator('#form input[type="text"]').count() else None
    page.go_back()
    page.go_back()
    expect(page.locator("body")).not_to_contain_text("ERR_")
    expect(page.locator('[name="a.age_years"]').first).to_have_value("34")


@pytest.mark.parametrize("script", params([True, False], [True]))
def test_an_answer_that_can_not_be_is_told_at_its_field(open_page: Open, script: bool) -> None:
    """And the summary, which leads there, has the focus."""
    seen = open_page(width=PHONE, script=script)
    page = seen.page
    seen.goto("/forms/red-dots?mode=one")
    page.get_by_role("button", name="Next", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Write a number (0 to 120 years)")
    answer(page, "1980")
    page.get_by_role("button", name="Next", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("looks like a year of birth")
    expect(page.locator("#q-age_years")).to_have_value("1980")
    expect(page.locator("#q-age_years")).to_have_attribute("aria-invalid", "true")
    if script:
        expect(page.get_by_role("alert")).to_be_focused()
        seen.check_axe()
    page.get_by_role("alert").get_by_role("link").click()
    expect(page.locator("#q-age_years")).to_be_focused() if script else None


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


def test_the_form_stops_asking_when_no_answer_can_change_the_level(open_page: Open) -> None:
    """And says so: whoever can't be woken isn't asked for the soap they use."""
    seen = open_page(width=PHONE)
    page = seen.page
    seen.goto("/forms/red-dots?mode=one")
    for _ in range(40):
        if page.get_by_text(re.compile("More answers can.t change the result")).count():
            break
        title = page.get_by_role("heading", level=1).first.inner_text()
        if "Awake" in title:
            answer(page, "Cannot be woken")
        elif page.locator('#form input[type="text"]').count():
            page.locator('#form input[type="checkbox"]').check()
        elif page.get_by_label(re.compile("don.t know")).count():
            page.get_by_label(re.compile("don.t know")).check()
        page.get_by_role("button", name="Next", exact=True).click()
        expect(page.get_by_role("heading", level=1).first).not_to_have_text(title)
    expect(page.get_by_text(re.compile("More answers can.t change the result"))).to_be_visible()
    seen.check_axe()


def test_a_form_is_filled_in_by_keys_alone(open_page: Open) -> None:
    """Enter goes on; arrows choose; the focus is always at what comes next."""
    seen = open_page()
    page = seen.page
    seen.goto("/forms/red-dots?mode=one")
    expect(page.get_by_role("heading", name="How old is the person?")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.type("34")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=re.compile("glass"))).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    expect(page.get_by_label("Yes, they fade")).to_be_checked()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1).first).not_to_contain_text("glass")
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
    answer(page, "Yes, they fade")
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
