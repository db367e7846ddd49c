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


@pytest.mark.parametrize("script", [True, False])
def test_a_person_signs_in_with_a_key_and_out_again(
    open_page_with_keys: Open, served_with_keys: tuple[Everything, str], script: bool
) -> None:
    """What is live is not for strangers. A wrong key is told at its field, by a summary that has the focus."""
    seen, key = open_page_with_keys(script=script), served_with_keys[1]
    page = seen.page
    seen.goto("/")
    expect(page.get_by_text("Red dots on the skin")).to_have_count(0)
    page.get_by_role("main").get_by_role("link", name="Sign in").click()
    seen.check_axe() if script else None
    page.get_by_label("API key").fill("trk_nothing")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("This API key is not valid")
    if script:
        expect(page.get_by_role("alert")).to_be_focused()
        seen.check_axe()
    page.get_by_label("API key").fill(key)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Red dots on the skin")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("Red dots on the skin")).to_have_count(0)


def test_a_session_ends_when_its_key_is_revoked(
    open_page_with_keys: Open, served_with_keys: tuple[Everything, str]
) -> None:
    """Whoever takes a key away takes the pages away, too."""
    running, _ = served_with_keys
    key = running.triage("key", "make", "locum", "--scope", "read").stdout.strip()
    seen = open_page_with_keys()
    from tests.pages.conftest import sign_in

    sign_in(seen, key)
    expect(seen.page.get_by_role("heading", name="Red dots on the skin")).to_be_visible()
    running.triage("key", "revoke", key)
    seen.page.wait_for_timeout(600)  # what web keeps of the keys for half a second
    seen.goto("/")
    expect(seen.page.get_by_text("Red dots on the skin")).to_have_count(0)


def test_a_browser_that_asks_for_nothing_here_is_told_so_in_words(open_page: Open) -> None:
    seen = open_page()
    seen.goto("/nothing-here")
    expect(seen.page.get_by_role("heading", name="Nothing was found at this path")).to_be_visible()
    seen.check_axe()


def test_what_signs_sessions_and_links_outlives_the_service_and_is_for_its_owner_alone(served: Everything) -> None:
    """`triage up` leaves it where its commands find it."""
    file = served.data_dir / "pages-secret"
    assert len(file.read_text(encoding="utf-8")) == 64
    assert file.stat().st_mode & 0o777 == 0o600
