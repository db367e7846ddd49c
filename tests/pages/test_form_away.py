"""The store, the service or the network is away while a person fills in the form: the advice comes, and nothing is lost."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import expect

from tests.pages.steps import fill_in, none_of_these
from tests.support.services.browser import PHONE, Watched
from tests.support.services.triage_up import Everything

pytestmark = pytest.mark.page

Open = Callable[..., Watched]
PATIENCE = 30_000
"""Milliseconds until a stopped store is noticed, on a busy machine."""


@contextmanager
def stopped(running: Everything, name: str) -> Iterator[None]:
    """Some processes hang for a while."""
    pids = running.children(name)
    try:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize("script", [True, False])
def test_without_the_store_the_advice_is_shown_and_the_answers_are_sent_later(
    open_page: Open, page_service: Everything, script: bool
) -> None:
    """The rules are in memory. With scripts the form tries again by itself, without them by a button."""
    seen = open_page(width=PHONE, script=script)
    page = seen.page
    page.set_default_timeout(PATIENCE)
    seen.goto("/forms/red-dots?mode=one")
    none_of_these(page)
    fill_in(page)
    with stopped(page_service, "redis"):
        page.get_by_role("button", name="Next", exact=True).click()
        unsent = page.locator(".unsent")
        expect(unsent).to_contain_text("could not be sent yet", timeout=PATIENCE)
        expect(page.locator(".urgent-now")).to_contain_text("Go to an emergency department now")
        expect(page.locator('[name="a.age_years"]')).to_have_value("4")
        if script:
            seen.check_axe()
        page.get_by_label("None of these").check()
        before = page.locator('[name="at"]').input_value()
        page.get_by_role("button", name="Next", exact=True).click()  # the form goes on without the store
        expect(page.locator('[name="at"]')).not_to_have_value(before, timeout=PATIENCE)
        expect(unsent).to_be_visible()
        started = page.locator(
            "#form input:is([type=checkbox], [type=radio])"
        ).last  # not yet sent with Next: it stays as it is
        started.check()
        at = page.locator('[name="at"]').input_value()
    if script:
        expect(unsent).to_have_count(0, timeout=PATIENCE)
    else:
        unsent.get_by_role("button", name="Try to send again").click()
        expect(page.locator(".unsent")).to_have_count(0, timeout=PATIENCE)
    expect(page.locator('[name="at"]')).to_have_value(at)
    expect(started).to_be_checked()
    expect(page.locator(".urgent-now")).to_contain_text("Your answers so far have been sent")


def test_the_whole_form_is_sent_when_the_store_is_back(open_page: Open, page_service: Everything) -> None:
    seen = open_page(width=PHONE)
    page = seen.page
    page.set_default_timeout(PATIENCE)
    seen.goto("/forms/red-dots?mode=one")
    none_of_these(page)
    page.get_by_role("button", name="Stop here").click()
    with stopped(page_service, "redis"):
        page.get_by_role("button", name="Send and see the result").click()
        expect(page.locator(".trouble")).to_contain_text("Please wait", timeout=PATIENCE)
        expect(page.locator(".unsent")).to_contain_text("could not be sent yet", timeout=PATIENCE)
        expect(page.locator(".given")).to_contain_text("Is any of this happening now?")
    expect(page).to_have_url(re.compile("/results/"), timeout=PATIENCE)


def test_offline_the_page_stays_and_goes_on_when_the_network_is_back(open_page: Open) -> None:
    seen = open_page(width=PHONE)
    page = seen.page
    seen.goto("/forms/red-dots?mode=one")
    page.get_by_label("None of these").check()
    page.context.set_offline(True)
    page.get_by_role("button", name="Next", exact=True).click()
    trouble = page.locator(".trouble")
    expect(trouble).to_contain_text("You are offline. Your answers are still on this page.")
    expect(page.get_by_label("None of these")).to_be_checked()
    seen.check_axe()
    page.context.set_offline(False)
    expect(page.get_by_role("heading", name="Spots and person")).to_be_visible(timeout=PATIENCE)
    expect(trouble).to_be_hidden()


def test_an_error_of_the_service_leaves_the_page_as_it_is(open_page: Open) -> None:
    """A 503 of a proxy has no form in it."""
    seen = open_page(width=PHONE)
    page = seen.page
    seen.goto("/forms/red-dots?mode=one")
    page.get_by_label("None of these").check()
    page.route(
        "**/forms/red-dots", lambda route: route.fulfill(status=503, body="<h1>Down</h1>", content_type="text/html")
    )
    page.get_by_role("button", name="Next", exact=True).click()
    trouble = page.locator(".trouble")
    expect(trouble).to_contain_text("can\u2019t be reached")
    expect(page.get_by_label("None of these")).to_be_checked()
    page.unroute("**/forms/red-dots")
    trouble.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("heading", name="Spots and person")).to_be_visible()
