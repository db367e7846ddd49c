"""The first page and signing in, in a real browser, with and without JavaScript."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest
from playwright.sync_api import expect

from tests.support.services.browser import DESK, PHONE, Watched
from tests.support.services.triage_up import Everything
from tests.support.shares import params

pytestmark = pytest.mark.page

Open = Callable[..., Watched]


@pytest.mark.parametrize(
    ("width", "dark"), params(product((PHONE, DESK), (True, False)), [(PHONE, True), (DESK, False)])
)
def test_the_first_page_shows_what_is_live(open_page: Open, width: int, dark: bool) -> None:
    """And that nobody approved it; in both themes, on a phone and at a desk."""
    seen = open_page(width=width, dark=dark)
    seen.goto("/")
    expect(seen.page.get_by_role("heading", name="Red dots on the skin")).to_be_visible()
    expect(seen.page.get_by_text("no clinician has approved it", exact=False).first).to_be_visible()
    seen.check_axe()


def test_the_theme_can_be_chosen_and_is_remembered(open_page: Open) -> None:
    seen = open_page()
    seen.goto("/")
    switch = seen.page.get_by_role("button", name="Theme")
    switch.click()
    switch.click()
    expect(seen.page.get_by_role("button", name="Theme: dark")).to_be_visible()
    seen.page.reload()
    assert seen.page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"
    seen.check_axe()


def test_a_browser_that_asks_for_nothing_here_is_told_so_in_words(open_page: Open) -> None:
    seen = open_page()
    seen.goto("/nothing-here")
    expect(seen.page.get_by_role("heading", name="Nothing was found at this path")).to_be_visible()
    seen.check_axe()


def test_what_signs_sessions_and_links_outlives_the_service_and_is_for_its_owner_alone(
    page_service: Everything,
) -> None:
    """`triage up` leaves it where its commands find it."""
    file = page_service.data_dir / "pages-secret"
    assert len(file.read_text(encoding="utf-8")) == 64
    assert file.stat().st_mode & 0o777 == 0o600
