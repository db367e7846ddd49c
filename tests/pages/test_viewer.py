"""A clinician reads a live ruleset: tables, the graph, a rule, and the way a report went; with and without JavaScript."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.support.services.browser import DESK, PHONE, Watched
from tests.support.shares import params

pytestmark = pytest.mark.page

Open = Callable[..., Watched]
CHILD = {"age_years": 4, "blanches_on_pressure": "does_not_blanch", "fever_reported": True}


READ = [(path, *how) for path in ("", "/graph", "/rules/R08") for how in ((PHONE, False), (DESK, True))]


@pytest.mark.parametrize(
    ("path", "width", "dark"), params(READ, [("", DESK, True), ("/graph", PHONE, False), ("/rules/R08", PHONE, False)])
)
def test_each_page_of_a_ruleset_can_be_read(open_page: Open, path: str, width: int, dark: bool) -> None:
    seen = open_page(width=width, dark=dark)
    seen.goto(f"/rulesets/red-dots{path}")
    expect(seen.page.get_by_role("heading", level=1)).to_be_visible()
    seen.check_axe()
    seen.check()


@pytest.mark.parametrize("script", params([True, False], [True]))
def test_from_the_table_to_a_rule_and_to_the_case_that_shows_it(open_page: Open, script: bool) -> None:
    """Its source, owner and review date stand there; a case of it opens with its path."""
    seen = open_page(script=script)
    page = seen.page
    seen.goto("/rulesets/red-dots")
    page.get_by_role("link", name="R08", exact=True).first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Spots that don't fade, with fever, in a child")
    for text in ("NICE NG143", "ruleset maintainers", "2027-05-22", "Cases that fire this rule"):
        expect(page.get_by_text(text, exact=False).first).to_be_visible()
    page.get_by_role("link", name="R08-child").click()
    page.get_by_role("link", name="Graph", exact=True).click()
    expect(page.get_by_role("heading", name="Rules by state")).to_be_visible()
    expect(page.get_by_label("Rules by state").locator("details").first).to_contain_text("R08")
    seen.check()


@pytest.mark.parametrize("script", params([True, False], [False]))
def test_answers_can_be_opened_and_the_way_to_the_level_is_shown(open_page: Open, script: bool) -> None:
    seen = open_page(script=script)
    page = seen.page
    seen.goto("/rulesets/red-dots/graph")
    page.get_by_label("Answers as JSON").fill(json.dumps(CHILD))
    page.get_by_role("button", name="Show the path").click()
    expect(page.get_by_role("heading", name="Rules by state")).to_be_visible()
    expect(page.get_by_label("Rules by state").locator("details").first).to_contain_text("R08")
    seen.check()


def test_answers_that_can_not_be_taken_are_told_with_their_place(open_page: Open) -> None:
    seen = open_page(script=False)
    seen.goto("/rulesets/red-dots/graph")
    seen.page.get_by_label("Answers as JSON").fill('{"age_years": "four"}')
    seen.page.get_by_role("button", name="Show the path").click()
    expect(seen.page.get_by_role("alert")).to_contain_text("/findings/age_years")
    seen.check()


def test_the_tables_are_filtered_by_keyboard_alone(open_page: Open) -> None:
    seen = open_page()
    page = seen.page
    seen.goto("/rulesets/red-dots")
    page.get_by_label("Filter").focus()
    page.keyboard.type("R08")
    page.keyboard.press("Enter")
    expect(page.locator("#rule-R08")).to_be_visible()
    expect(page.locator("#rule-R71")).to_be_hidden()
    seen.check()
