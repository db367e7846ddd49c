"""Steps that people take on our pages, and reports that they find there."""

from __future__ import annotations

import json
import secrets
from typing import Any

from playwright.sync_api import FrameLocator, Locator, Page, expect

from tests.support.paths import GLASS_TEST, RED_DOTS
from tests.support.services.browser import Watched
from tests.support.services.triage_up import Everything
from triage_rules.evaluation.result import Identity, failed_result
from triage_rules.foundation.settings import Settings
from triage_rules.records.reports import Lane, NewReport
from triage_rules.store.redis import RedisStore

URGENT = {"age_years": 4, "blanches_on_pressure": "does_not_blanch", "temperature_c": 39.5}
LATER: dict[str, Any] = json.loads((RED_DOTS / "samples/dots-after-aspirin.json").read_text())["findings"]
"""Somebody must look within two days."""

ABOUT_SPOTS = "Is it about spots, bruises or a rash?"
WORKBENCH = "/workbench/glass-test"
RULES = (GLASS_TEST / "ruleset.yaml").read_text(encoding="utf-8")
FEWER_FEVERS = RULES.replace("temperature_c: {at_least: 38}", "temperature_c: {at_least: 39.5}")
"""An edit that lowers the level of some reports."""
WORKING = 60_000
"""Milliseconds that the solver may take on a busy machine."""


def sign_in(seen: Watched, key: str) -> None:
    """As a person does it."""
    seen.goto("/sign-in")
    seen.page.get_by_label("API key").fill(key)
    seen.page.get_by_role("button", name="Sign in").click()


def go_on(page: Page, button: str = "Next") -> None:
    """Press a button of the form, and wait until another screen is there."""
    at = page.locator('[name="at"]')
    before = at.input_value()
    page.get_by_role("button", name=button, exact=True).click()
    expect(at).not_to_have_value(before)


def none_of_these(page: Page) -> None:
    """Answer a checklist, and go on."""
    page.get_by_label("None of these").check()
    go_on(page)


def fill_in(page: Page | FrameLocator, age: str = "4", glass: str = "No, they stay") -> None:
    """Answer the second screen of red-dots, for a person who has spots."""
    page.get_by_role("radiogroup", name=ABOUT_SPOTS).get_by_label("Yes", exact=True).check()
    page.get_by_label("How old is the person?").fill(age)
    page.get_by_label(glass, exact=True).check()


def post(running: Everything, answers: dict[str, Any], **headers: str) -> tuple[str, str]:
    """A report of a new person, decided by a worker: its id and subject."""
    subject = f"person-{secrets.token_hex(4)}"
    report = {"ruleset": "red-dots", "subject": subject, "findings": answers}
    status, told = running.post(report, Prefer="wait=10", **headers)
    assert status == 200, told
    return told["id"], subject


def bury(running: Everything) -> str:
    """A report that could not be decided, although there is nothing wrong with it."""
    with RedisStore(Settings(redis_url=running.redis_url)) as store:
        now, live = store.now_ms(), store.rulesets.get_live()["red-dots"]
        report = NewReport(secrets.token_hex(16), "red-dots", live.digest, LATER, Lane.NORMAL, now)
        store.reports.accept(report)
        identity = Identity(report.id, "red-dots", live.version, live.digest, now, now)
        assert store.work.bury(report.id, failed_result(identity, "worker_lost"), "worker_lost", now)
    return report.id


def row(page: Page, report_id: str) -> Locator:
    return page.locator(f"#row-{report_id}")


def write(page: Page, text: str, *, script: bool) -> None:
    """Put a text in place of the rules."""
    if not script:
        page.get_by_label("ruleset.yaml").fill(text)
        return
    editor = page.get_by_role("textbox", name="ruleset.yaml")
    editor.click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(text)
