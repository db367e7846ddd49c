"""Back, reload, an old page and two clicks, in a real browser, with and without scripts: no answer is lost or sent twice."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.pages.steps import ABOUT_SPOTS, fill_in, go_on, none_of_these
from tests.support.services.browser import PHONE, Watched

pytestmark = pytest.mark.page

Open = Callable[..., Watched]
BOTH = pytest.mark.parametrize("script", [True, False])


def danger_signs(page: Page) -> None:
    """The first screen is shown, as it was answered."""
    expect(page.get_by_role("heading", name="Is any of this happening now?")).to_be_visible()
    expect(page.get_by_label("None of these")).to_be_checked()


def glass_test(page: Page) -> None:
    """The second screen is shown, as it was answered."""
    expect(page.get_by_role("radiogroup", name=ABOUT_SPOTS).get_by_label("Yes", exact=True)).to_be_checked()
    expect(page.get_by_label("How old is the person?")).to_have_value("34")
    expect(page.get_by_label("Yes, they fade")).to_be_checked()


@BOTH
def test_back_leads_to_each_earlier_screen_as_it_was_answered(open_page: Open, script: bool) -> None:
    """By the browser and by the page's button; a reload changes nothing; the answers go on from there."""
    seen = open_page(width=PHONE, script=script)
    page = seen.page
    seen.goto("/forms/red-dots?mode=one")
    none_of_these(page)
    fill_in(page, "34", "Yes, they fade")
    go_on(page)
    third = page.locator('[name="at"]').input_value()
    page.get_by_label("None of these").check()
    page.reload()
    expect(page.locator('[name="at"]')).to_have_value(third)
    expect(page.locator('[name="a.age_years"]')).to_have_value("34")
    if script:
        expect(page.get_by_label("None of these")).to_be_checked()
    page.get_by_label("None of these").check()
    go_on(page)
    page.go_back()
    expect(page.locator('[name="at"]')).to_have_value(third)
    expect(page.get_by_label("None of these")).to_be_checked()
    page.go_back()
    glass_test(page)
    page.go_back()
    danger_signs(page)
    page.go_forward()
    glass_test(page)
    if script:  # without it a reload shows the page as it came: its fields are empty until Next
        page.reload()
        glass_test(page)
    go_on(page, "Back")
    danger_signs(page)
    go_on(page)
    expect(page.locator('[name="a.age_years"]')).to_have_value("34")
    page.get_by_role("button", name="Stop here").click()
    expect(page.locator(".given")).to_contain_text("34 years")


@BOTH
def test_back_from_the_result_shows_the_summary_and_a_change_amends(open_page: Open, script: bool) -> None:
    seen = open_page(width=PHONE, script=script)
    page = seen.page
    seen.goto("/forms/red-dots?mode=one")
    none_of_these(page)
    fill_in(page, "34", "Yes, they fade")
    go_on(page)
    page.get_by_role("button", name="Stop here").click()
    page.get_by_role("button", name="Send and see the result").click()
    expect(page).to_have_url(re.compile("/results/"))
    first = page.url
    page.go_back()
    expect(page.get_by_role("heading", name="Check your answers")).to_be_visible()
    expect(page.locator(".given")).to_contain_text("34 years")
    page.get_by_role("button", name="Send and see the result").click()
    expect(page).to_have_url(first)


@BOTH
def test_an_old_page_can_be_sent_again(open_page: Open, script: bool) -> None:
    """What was sent for being urgent is not sent twice, and a changed answer goes on from the old page."""
    seen = open_page(width=PHONE, script=script)
    page = seen.page
    seen.goto("/forms/red-dots?mode=one")
    none_of_these(page)
    fill_in(page)
    go_on(page)
    sent = page.locator('[name="sent"]').input_value()
    assert sent
    page.go_back()
    expect(page.get_by_label("How old is the person?")).to_have_value("4")
    go_on(page)
    expect(page.locator('[name="sent"]')).to_have_value(sent)
    page.go_back()
    page.get_by_label("Yes, they fade").check()
    go_on(page)
    expect(page.locator('[name="a.blanches_on_pressure"]')).to_have_value("blanches")
    if script:  # the script remembers what was sent; without it the old page knows of no report yet
        expect(page.locator(".lowered")).to_contain_text("The answers that were sent mean: Emergency department now")


def test_two_clicks_send_once(open_page: Open) -> None:
    seen = open_page(width=PHONE)
    page = seen.page
    seen.goto("/forms/red-dots?mode=one")
    posts: list[str] = []
    page.on("request", lambda request: posts.append(request.url) if request.method == "POST" else None)
    page.get_by_label("None of these").check()
    page.get_by_role("button", name="Next", exact=True).dblclick()
    expect(page.get_by_role("heading", name="Spots and person")).to_be_visible()
    assert len(posts) == 1
    expect(page.get_by_role("alert")).to_have_count(0)


def test_the_page_with_all_questions_keeps_its_answers_on_reload(open_page: Open) -> None:
    seen = open_page()
    page = seen.page
    seen.goto("/forms/red-dots?mode=all")
    page.get_by_label("How old is the person?").fill("34")
    page.get_by_label("Chest pain", exact=True).check()
    page.reload()
    expect(page.get_by_label("How old is the person?")).to_have_value("34")
    expect(page.get_by_label("Chest pain", exact=True)).to_be_checked()
    page.get_by_role("button", name="A few questions at a time").click()
    expect(page.locator('[name="a.age_years"]').first).to_have_value("34")


@BOTH
def test_back_from_a_ticked_choice_that_must_be_answered_leads_to_its_tick(open_page: Open, script: bool) -> None:
    """Although the screen opens with an error: by the browser and by the page's button."""
    seen = open_page(width=PHONE, script=script)
    page = seen.page
    seen.goto("/forms/red-dots?mode=one")
    ticked = page.get_by_label("Confused, drowsy or hard to wake", exact=True)
    ticked.check()
    go_on(page, "Stop here and check my answers")
    expect(page.get_by_role("alert")).to_contain_text("Choose what fits: you ticked")
    page.go_back()
    expect(ticked).to_be_checked()
    go_on(page, "Stop here and check my answers")
    go_on(page, "Back")
    expect(ticked).to_be_checked()
