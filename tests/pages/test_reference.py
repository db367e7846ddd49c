"""The API reference in a real browser, with and without JavaScript."""

from __future__ import annotations

import json
import shlex
import urllib.request
from collections.abc import Callable
from itertools import product

import pytest
from playwright.sync_api import expect

from tests.support.services.browser import DESK, PHONE, Watched
from tests.support.shares import params

pytestmark = pytest.mark.page

Open = Callable[..., Watched]


@pytest.mark.parametrize(("width", "dark"), params(product((PHONE, DESK), (True, False)), [(PHONE, True)]))
def test_the_reference_shows_every_call_and_asks_no_other_site(open_page: Open, width: int, dark: bool) -> None:
    """Under the strict policy: no violation, no error, no request that leaves the origin, nothing for axe."""
    seen = open_page(width=width, dark=dark)
    with urllib.request.urlopen(seen.origin + "/openapi.json") as response:
        paths = json.load(response)["paths"]
    seen.goto("/docs")
    for path, item in paths.items():
        for method in item.keys() - {"parameters"}:
            expect(seen.page.get_by_role("heading", name=f"{method.upper()} {path}", exact=True)).to_be_visible()
    for problems in seen.page.locator("details").all():
        problems.evaluate("details => { details.open = true }")
    seen.check_axe()
    assert seen.page.title() == "Triage: HTTP API"
    seen.goto("/problems/")


def test_the_index_leads_to_a_call_without_javascript(open_page: Open) -> None:
    seen = open_page(script=False)
    seen.goto("/docs")
    seen.page.get_by_role("navigation", name="Calls").get_by_role("link", name="POST /v1/evaluate").click()
    expect(seen.page.get_by_role("heading", name="POST /v1/evaluate")).to_be_in_viewport()
    expect(seen.page.get_by_role("button", name="Copy")).to_have_count(0)


def test_a_command_is_copied_and_gives_a_result(open_page: Open) -> None:
    """Red-dots is live here, which the example is of."""
    seen = open_page(permissions=["clipboard-read", "clipboard-write"])
    seen.goto("/docs#/reports/evaluate")
    seen.page.get_by_role("button", name="Copy the command for POST /v1/evaluate").click()
    expect(seen.page.get_by_role("button", name="Copied")).to_be_visible()
    words = shlex.split(seen.page.evaluate("navigator.clipboard.readText()"))
    address = next(word for word in words if word.startswith("http"))
    body, content_type = words[words.index("-d") + 1].encode(), {"Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(address, body, content_type)) as response:
        assert json.load(response)["level"] == "urgent"
