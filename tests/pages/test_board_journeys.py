"""The nurse's way over the board in a real browser: with and without scripts, by keys alone, on a phone and at a desk."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import product

import pytest
from playwright.sync_api import expect

from tests.pages.steps import LATER, URGENT, bury, post, row
from tests.support.actors import TESTER
from tests.support.services.browser import DESK, PHONE, Watched
from tests.support.services.triage_up import Everything
from tests.support.shares import params
from triage_rules.foundation.settings import Settings
from triage_rules.records.board import Wanted
from triage_rules.store.redis import RedisStore

pytestmark = pytest.mark.page

Open = Callable[..., Watched]


@pytest.fixture(autouse=True)
def _tidy(request: pytest.FixtureRequest) -> None:
    """Acknowledge all reports before a test: the samples and other tests' reports would stand between its own."""
    if "page_service" in request.fixturenames:
        running: Everything = request.getfixturevalue("page_service")
        with RedisStore(Settings(redis_url=running.redis_url)) as store:
            for row in store.board.page(Wanted(), store.now_ms(), 500).rows:
                store.board.acknowledge(row.noted.id, store.now_ms(), by=TESTER)


@pytest.mark.parametrize(("width", "script"), params(product((PHONE, DESK), (True, False)), [(PHONE, True)]))
def test_a_nurse_takes_care_of_the_urgent_one_first_and_can_take_it_back(
    open_page: Open, page_service: Everything, width: int, script: bool
) -> None:
    later, urgent = post(page_service, LATER), post(page_service, URGENT)
    seen = open_page(width=width, script=script)
    page = seen.page
    seen.goto("/board")
    expect(page.locator(".results > li")).to_have_count(2)
    assert page.locator(".results > li").first.get_attribute("id") == f"row-{urgent[0]}"
    expect(row(page, urgent[0])).to_contain_text("Urgent")
    expect(row(page, later[0])).to_contain_text("Monitor")
    page.get_by_role("button", name=f"Acknowledge {urgent[1]}").click()
    expect(page.get_by_text("You acknowledged report")).to_be_visible()
    expect(row(page, urgent[0])).to_have_count(0)
    if script:
        expect(page.locator(f"#do-{later[0]}")).to_be_focused()
    page.locator("#done").get_by_role("button", name="Undo").click()
    expect(page.get_by_text("is waiting again")).to_be_visible()
    expect(row(page, urgent[0])).to_be_visible()
    page.get_by_role("button", name=f"Acknowledge {urgent[1]}").click()
    page.get_by_role("link", name="Acknowledged", exact=True).click()
    expect(row(page, urgent[0])).to_contain_text("anybody on this machine")
    seen.check_axe() if script else None


@pytest.mark.parametrize(("width", "dark"), params(product((PHONE, DESK), (True, False)), [(PHONE, True)]))
def test_axe_finds_nothing_on_a_board_with_everything_on_it(
    open_page: Open, page_service: Everything, width: int, dark: bool
) -> None:
    """Rows of all kinds, a dead letter, the chart with its table open."""
    post(page_service, URGENT)
    post(page_service, LATER)
    buried = bury(page_service)
    seen = open_page(width=width, dark=dark)
    seen.goto("/board")
    expect(row(seen.page, buried)).to_contain_text("Not decided")
    seen.page.get_by_text("Show as a table").click()
    seen.check_axe()
    for path in ("/board?show=acknowledged", "/board?show=all&span=month", "/board?level=routine&overdue=1"):
        seen.goto(path)
        seen.check_axe()


def test_what_arrives_is_told_and_neither_focus_nor_scrolling_is_lost(
    open_page: Open, page_service: Everything
) -> None:
    """Urgent ones at once, by an assertive region; others when it suits."""
    first, _ = post(page_service, LATER)
    for _ in range(9):
        post(page_service, LATER)
    seen = open_page(width=PHONE)
    page = seen.page
    seen.goto("/board")
    page.locator(f"#do-{first}").focus()
    page.evaluate("window.scrollTo(0, 600)")
    urgent, _ = post(page_service, URGENT)
    expect(page.locator("#announce-now")).to_have_text("A new urgent result.", timeout=10_000)
    assert page.locator("#announce-now").get_attribute("aria-live") == "assertive"
    expect(row(page, urgent)).to_be_visible()
    expect(page.locator(f"#do-{first}")).to_be_focused()
    assert page.evaluate("window.scrollY") >= 600
    post(page_service, LATER)
    expect(page.locator("#announce")).to_have_text("A new result that is not urgent.", timeout=10_000)
    assert page.locator("#announce").get_attribute("aria-live") == "polite"
    assert re.match(r"\(\d+\) Board", page.title())


def test_the_board_works_by_keys_alone(open_page: Open, page_service: Everything) -> None:
    """From the top of the page to the result and back, to the button, and on to the next one."""
    first, second = post(page_service, URGENT), post(page_service, URGENT)
    seen = open_page()
    page = seen.page
    seen.goto("/board")

    def tab_to(focused: str) -> None:
        for _ in range(60):
            if page.evaluate("document.activeElement.id") == focused:
                return
            page.keyboard.press("Tab")
        raise AssertionError(f"{focused} can't be reached")

    tab_to(f"open-{first[0]}")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="What to do")).to_be_visible()
    page.go_back()
    tab_to(f"do-{first[0]}")
    page.keyboard.press("Enter")
    expect(page.locator(f"#do-{second[0]}")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#results-title")).to_be_focused()
    expect(page.get_by_text("No results are waiting.")).to_be_visible()


@pytest.mark.parametrize("script", params([True, False], [False]))
def test_a_dead_letter_is_tried_anew_and_decided(open_page: Open, page_service: Everything, script: bool) -> None:
    """The sweep brings it to a worker; what was not decided is decided then."""
    report_id = bury(page_service)
    seen = open_page(script=script)
    page = seen.page
    seen.goto("/board")
    expect(row(page, report_id)).to_contain_text("Not decided")
    page.get_by_role("button", name=f"Requeue report {report_id[:8]}").click()
    expect(page.get_by_text("Requeued:")).to_be_visible()
    expect(page.get_by_role("button", name=f"Requeue report {report_id[:8]}")).to_have_count(0)
    if not script:
        for _ in range(40):
            if row(page, report_id).count():
                break
            page.wait_for_timeout(500)
            page.reload()
    expect(row(page, report_id)).to_contain_text("Monitor", timeout=20_000)
    expect(row(page, report_id)).to_contain_text("requeued")


def test_a_board_that_gets_no_answer_says_that_it_is_old(open_page: Open) -> None:
    """A nurse must not take what stands there for what is."""
    seen = open_page()
    page = seen.page
    seen.goto("/board")
    page.route("**/board*", lambda route: route.fulfill(status=503, body="away"))
    expect(page.locator("#stale")).to_be_visible(timeout=10_000)
    page.unroute("**/board*")
    expect(page.locator("#stale")).to_be_hidden(timeout=10_000)
    page.route("**/board*", lambda route: route.abort())
    expect(page.locator("#stale")).to_be_visible(timeout=10_000)
    page.unroute("**/board*")
    expect(page.locator("#stale")).to_be_hidden(timeout=10_000)
    assert all("Failed to fetch" in told for told in seen.complaints)  # htmx says so, too
    seen.complaints.clear()


def test_updates_can_be_paused(open_page: Open, page_service: Everything) -> None:
    """Whoever reads slowly isn't hurried."""
    seen = open_page()
    page = seen.page
    seen.goto("/board")
    page.get_by_role("button", name="Pause updates").click()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    urgent, _ = post(page_service, URGENT)
    page.wait_for_timeout(4_000)  # nothing is to happen, which can't be waited for
    assert asked == []
    page.get_by_role("button", name="Resume updates").click()
    expect(row(page, urgent)).to_be_visible(timeout=10_000)
