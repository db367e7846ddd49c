"""The pages of a service with API keys, in a real browser: who sees what, and what is done in whose name."""

from __future__ import annotations

import http.server
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.pages.steps import FEWER_FEVERS, URGENT, WORKBENCH, WORKING, bury, fill_in, post, row, sign_in, write
from tests.support.paths import GLASS_TEST, SAMPLES
from tests.support.services.browser import Watched
from tests.support.services.ports import free_port
from tests.support.services.triage_up import Everything
from tests.support.shares import params

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.page

Open = Callable[..., Watched]


def test_with_keys_required_it_makes_one_and_posts_the_samples_with_another(
    served_with_keys: tuple[Everything, str],
) -> None:
    """The one is shown once; the other is gone once the samples are in."""
    running, key = served_with_keys
    assert "with API keys" in running.output
    assert running.output.count("urgent") > 1
    listed = json.loads(running.triage("key", "list", "--format", "json").stdout)["keys"]
    assert {("nurse", True), ("triage-up", False)} <= {(one["client"], one["usable"]) for one in listed}
    assert key not in running.triage("key", "list").stdout
    refused = running.triage("post", SAMPLES[0], check=False)
    assert (refused.exit_code, "API key" in refused.stderr) == (1, True)
    assert running.triage("post", SAMPLES[0], "--format", "json", TRIAGE_API_KEY=key).exit_code == 0


@pytest.mark.parametrize("script", params([True, False], [False]))
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
    sign_in(seen, key)
    expect(seen.page.get_by_role("heading", name="Red dots on the skin")).to_be_visible()
    running.triage("key", "revoke", key)
    seen.page.wait_for_timeout(600)  # what web keeps of the keys for half a second
    seen.goto("/")
    expect(seen.page.get_by_text("Red dots on the skin")).to_have_count(0)


def test_with_keys_the_board_is_for_those_who_may_read(
    open_page_with_keys: Open, served_with_keys: tuple[Everything, str]
) -> None:
    """A nurse takes care in her own name, and tries nothing anew; a form sees no board."""
    running, _ = served_with_keys
    keys = {
        name: running.triage("key", "make", name, "--scope", scope).stdout.strip()
        for name, scope in (("ward-nurse", "read"), ("a-form", "report"))
    }
    time.sleep(0.6)  # web reads the keys again after half a second
    report_id, subject = post(running, URGENT, Authorization=f"Bearer {keys['a-form']}")
    bury(running)
    seen = open_page_with_keys()
    seen.goto("/board")
    expect(seen.page.get_by_label("API key")).to_be_visible()
    sign_in(seen, keys["a-form"])
    seen.goto("/board")
    expect(seen.page.get_by_role("heading", name="The API key lacks a scope")).to_be_visible()
    nurse = open_page_with_keys()
    sign_in(nurse, keys["ward-nurse"])
    nurse.goto("/board")
    expect(nurse.page.get_by_role("heading", name="Dead letters")).to_be_visible()
    expect(nurse.page.get_by_role("button", name="Requeue")).to_have_count(0)
    nurse.page.get_by_role("button", name=f"Acknowledge {subject}").click()
    expect(nurse.page.get_by_text("You acknowledged report")).to_be_visible()
    nurse.page.get_by_role("link", name="Acknowledged", exact=True).click()
    expect(row(nurse.page, report_id)).to_contain_text("ward-nurse")


@pytest.fixture(scope="module")
def second_person(served_with_keys: tuple[Everything, str]) -> Iterator[str]:
    """The small ruleset is live where there are keys; and the key of somebody else, who may deploy."""
    running, _ = served_with_keys
    running.triage("deploy", GLASS_TEST)
    yield running.triage("key", "make", "consultant", "--scope", "deploy").stdout.strip()
    running.triage("withdraw", "glass-test")


@pytest.mark.parametrize("script", params([True, False], [True]))
def test_one_person_proposes_a_second_approves_and_it_is_live(
    open_page_with_keys: Open, second_person: str, served_with_keys: tuple[Everything, str], script: bool
) -> None:
    """And who proposed it can't. Then it is rolled back, so that the next test finds what this one found."""
    running, _ = served_with_keys
    version = f"1.{1 + script}.0"
    one, two = (open_page_with_keys(script=script, signed_in=True), open_page_with_keys(script=script))
    one.goto(WORKBENCH)
    write(
        one.page, FEWER_FEVERS.replace("1.0.0", version).replace("{at_least: 39.5}", "{at_least: 38.5}"), script=script
    )
    one.page.get_by_label("What changes, and why").fill("38.2 after a bath is no fever.")
    one.page.get_by_role("button", name="Propose").click()
    expect(one.page.get_by_text("Open: not decided yet")).to_be_visible(timeout=WORKING)
    expect(one.page.get_by_role("button", name="Approve and make live")).to_have_count(0)
    expect(one.page.get_by_role("button", name="Withdraw")).to_be_visible()

    sign_in(two, second_person)
    two.goto(WORKBENCH)
    two.page.get_by_role("link", name=f"Version {version}, proposed by nurse").click()
    if script:
        two.check_axe()
    expect(two.page.locator(".patch .plus").filter(has_text="at_least: 38.5")).to_be_visible()
    two.page.get_by_role("button", name="Compare with live").click()
    expect(two.page.get_by_text("Results differ; some levels are lower.")).to_be_visible(timeout=WORKING)
    if script:
        two.check_axe()
    two.page.get_by_role("button", name="Approve and make live").click()
    expect(two.page.get_by_text("Approved and made live")).to_be_visible(timeout=WORKING)
    assert f"glass-test {version}" in running.triage("status").stdout
    running.triage("rollback", "glass-test")


# --- in another site ---


class Site(http.server.ThreadingHTTPServer):
    """A site of somebody else on this machine; every page of it has the same body."""

    body = "<p>Clinic</p>"

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", free_port()), _Pages)
        self.origin = f"http://localhost:{self.server_port}"


class _Pages(http.server.BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(self.server.body.encode())

    def log_message(self, *_: object) -> None:
        """Nothing is logged."""


@contextmanager
def other_site() -> Iterator[Site]:
    with Site() as site:
        thread = threading.Thread(target=site.serve_forever)
        thread.start()
        try:
            yield site
        finally:
            site.shutdown()
            thread.join()


@pytest.mark.parametrize("script", params([True, False], [True]))
def test_a_clinic_embeds_the_form_in_its_own_site(
    chromium: Browser, served_with_keys: tuple[Everything, str], script: bool
) -> None:
    """In a frame without cookies: the patient answers, sees the result, and goes back to the clinic, which learns the id."""
    running, _ = served_with_keys
    with other_site() as clinic, other_site() as stranger:
        made = running.triage(
            "form-link", "red-dots", "--client", "clinic-1",
            "--framed-by", clinic.origin, "--return-to", f"{clinic.origin}/done",
        )  # fmt: skip
        clinic.body = stranger.body = (
            f'<iframe title="Form" width="360" height="700" src="{made.stdout.strip()}"></iframe>'
        )
        context = chromium.new_context(java_script_enabled=script)
        page = context.new_page()
        frame = page.frame_locator("iframe")
        page.goto(stranger.origin)
        expect(frame.get_by_role("link", name="Start: a few questions")).to_have_count(0)
        page.goto(f"{clinic.origin}/embed")
        frame.get_by_role("link", name="Start: a few questions at a time").click()
        frame.get_by_label("None of these").check()
        frame.get_by_role("button", name="Next", exact=True).click()
        expect(frame.locator("#q-age_years")).to_be_visible()
        if script:
            page.evaluate("history.back()")
            expect(frame.get_by_label("None of these")).to_be_checked()
            expect(frame.locator("#q-age_years")).to_have_count(0)
            frame.get_by_role("button", name="Next", exact=True).click()
        fill_in(frame)
        frame.get_by_role("button", name="Next", exact=True).click()
        expect(frame.get_by_role("alert")).to_contain_text("have been sent")
        frame.get_by_role("link", name="See why").click()
        expect(frame.get_by_role("heading", level=1)).to_have_text("Emergency department now")
        frame.get_by_role("link", name="Back to the site you came from").click()
        page.wait_for_url(re.compile(r"/done\?report=[0-9a-f]{32}$"))
        context.close()
