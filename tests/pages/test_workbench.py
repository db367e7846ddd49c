"""The workbench in a real browser: the clinician's way from an edit to a proposal, with and without JavaScript."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.pages.steps import FEWER_FEVERS, WORKBENCH, WORKING, write
from tests.support.paths import GLASS_TEST
from tests.support.rulesets import glass_personas
from tests.support.services.browser import DESK, PHONE, Watched
from tests.support.services.triage_up import Everything
from tests.support.shares import params
from tests.unit.test_asking import RULESET

pytestmark = pytest.mark.page

Open = Callable[..., Watched]


@pytest.fixture(scope="module")
def glass_test(page_service: Everything) -> Iterator[None]:
    """A small ruleset is live beside the large one while these tests run."""
    page_service.triage("deploy", GLASS_TEST)
    yield
    page_service.triage("withdraw", "glass-test")


def outcome(page: Page, heading: str) -> Locator:
    """What is told below the draft, once it is there."""
    found = page.locator("#outcome")
    expect(found.get_by_role("heading", name=heading, level=2)).to_be_visible(timeout=WORKING)
    return found


EDITED = [(*how, script) for script in (True, False) for how in ((DESK, False), (PHONE, True))]


@pytest.mark.parametrize(("width", "dark", "script"), params(EDITED, [(DESK, False, True), (PHONE, True, False)]))
def test_a_clinician_edits_a_limit_mends_a_fault_and_sees_what_it_breaks(
    open_page: Open, glass_test: None, width: int, dark: bool, script: bool
) -> None:
    seen = open_page(width=width, dark=dark, script=script)
    page = seen.page
    seen.goto(WORKBENCH)
    if script:
        seen.check_axe()
    write(page, FEWER_FEVERS.replace("all: [nonblanching, febrile]", "all: [nonblanching, feverish]"), script=script)
    if script:
        expect(page.get_by_role("status").filter(has_text="One fault")).to_contain_text(
            "unknown name `feverish`", timeout=WORKING
        )
        expect(page.locator(".cm-lintRange-error")).to_have_text("feverish")
    page.get_by_role("button", name="Check").click()
    told = outcome(page, "Check")
    expect(told).to_contain_text("1 error prevents deployment")
    expect(told.locator(".excerpt .here")).to_contain_text("feverish")
    if script:
        seen.check_axe()
        told.get_by_role("link", name="ruleset.yaml, line").click()
        expect(page.get_by_role("textbox", name="ruleset.yaml")).to_be_focused()

    write(page, FEWER_FEVERS, script=script)
    page.get_by_role("button", name="Run cases").click()
    told = outcome(page, "Cases")
    expect(told).to_contain_text("1 of 2 cases pass.")
    expect(told).to_contain_text("Broken by the draft spots-that-stay")
    if script:
        seen.check_axe()
    told.get_by_role("button", name="Try this patient").click()
    tried = page.locator("#tried")
    expect(tried).to_contain_text("Different level: monitor in the draft, urgent in the live version.", timeout=WORKING)
    expect(tried).to_contain_text("Non-blanching spots with fever")
    expect(page.locator("#a-temperature_c-in")).to_have_value("38.9")
    if script:
        seen.check_axe()

    page.get_by_role("button", name="Compare with live").click()
    told = outcome(page, "Draft and live")
    expect(told).to_contain_text("Results differ; some levels are lower.")
    expect(told.get_by_role("article").first).to_contain_text("Press a clear glass on the spots")
    told.get_by_text("Changes line by line").click()
    expect(told.locator(".patch .plus")).to_contain_text("at_least: 39.5")
    if script:
        seen.check_axe()
    for button, name in (("Download the folder", "glass-test.zip"), ("Download a patch", "glass-test.patch")):
        with page.expect_download() as download:
            page.get_by_role("button", name=button).click()
        assert download.value.suggested_filename == name
    expect(page.get_by_text("a second person who approves")).to_be_visible()


def test_a_patients_level_follows_sliders_and_switches_at_once(open_page: Open, glass_test: None) -> None:
    """Also while one edits; and what is not asked any more counts no more."""
    seen = open_page()
    page = seen.page
    seen.goto(WORKBENCH)
    page.locator("summary", has_text="Spots").click()
    page.locator("#a-blanches_on_pressure").get_by_label("No, they stay").check()
    tried = page.locator("#tried")
    expect(tried.locator(".result").first).to_contain_text("Monitor", timeout=WORKING)
    page.locator("summary", has_text="Illness").click()
    slider = page.get_by_role("slider", name="Temperature?")
    slider.fill("39")
    expect(tried.locator(".result").first).to_contain_text("Urgent")
    expect(page.locator("#a-temperature_c-in")).to_have_value("39")
    write(page, FEWER_FEVERS, script=True)
    expect(tried).to_contain_text("Different level: monitor in the draft, urgent in the live version.", timeout=WORKING)
    tried.locator(".result").nth(1).locator("summary").first.click()
    expect(tried).to_contain_text("Has or had a fever yes")
    page.locator("#a-temperature_c").get_by_role("button", name="not asked").click()
    expect(tried).to_contain_text("Draft and live version agree.")
    page.get_by_role("button", name="Clear all answers").click()
    expect(page.locator("#a-blanches_on_pressure").get_by_label("Not asked")).to_be_checked()
    expect(tried).to_contain_text("No rule fired; the default decides.")


@pytest.mark.parametrize(
    ("width", "dark", "script"), params([(DESK, True, True), (PHONE, False, False)], [(DESK, True, True)])
)
def test_a_personas_interview_is_seen_as_a_strip_of_screens(
    open_page: Open, glass_test: None, width: int, dark: bool, script: bool
) -> None:
    """In order, each with its answers and the outcome so far; another persona is one choice away."""
    seen = open_page(width=width, dark=dark, script=script)
    page = seen.page
    seen.goto(WORKBENCH)
    write(page, glass_personas.rules(), script=script)
    page.locator("summary", has_text="personas.yaml").click()
    if script:
        page.get_by_role("textbox", name="personas.yaml").click()
        page.keyboard.insert_text(glass_personas.PERSONAS)
    else:
        page.get_by_label("personas.yaml").fill(glass_personas.PERSONAS)
    page.get_by_role("button", name="Interview").click()
    strip = outcome(page, "Interview")
    expect(strip.locator(".frame")).to_have_count(4)
    strip.get_by_label("Persona").select_option("feverish")
    strip.get_by_role("button", name="Show").click()
    expect(strip.locator(".frame")).to_have_count(2, timeout=WORKING)
    expect(strip.locator(".frame").first).to_contain_text("Feeling ill")
    expect(strip.locator(".frame").nth(1)).to_contain_text("No, they stay")
    expect(strip).to_contain_text("Emergency department now, as expected.")
    if script:
        seen.check_axe()
    seen.check()


def test_the_editor_completes_with_the_drafts_own_names_and_by_keyboard_alone(
    open_page: Open, glass_test: None
) -> None:
    seen = open_page()
    page = seen.page
    seen.goto(WORKBENCH)
    editor = page.get_by_role("textbox", name="ruleset.yaml")
    editor.focus()
    page.keyboard.press("Control+End")
    page.keyboard.insert_text("\n  S13:\n    title: New\n    disposition: U")
    page.keyboard.press("Control+Space")
    expect(page.locator(".cm-tooltip-autocomplete")).to_contain_text("U2_emergency_dept_now")
    seen.check_axe()
    page.wait_for_timeout(150)  # the editor takes no choice in the first moment, lest one types into the list
    page.keyboard.press("Enter")
    expect(editor).to_contain_text("disposition: U2_emergency_dept_now")


def test_a_keyboard_is_enough(open_page: Open, glass_test: None) -> None:
    """Tab leaves the editor; buttons and answers are reached and pressed; the focus goes to what is told."""
    seen = open_page()
    page = seen.page
    seen.goto(WORKBENCH)
    page.get_by_role("textbox", name="ruleset.yaml").focus()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(FEWER_FEVERS)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('summary, a, button') !== null")
    page.get_by_role("button", name="Check").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    told = outcome(page, "Cases")
    expect(told).to_be_focused()
    told.get_by_role("button", name="Try this patient").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#tried")).to_contain_text("Different level", timeout=WORKING)
    page.locator("#a-age_years-in").focus()
    page.keyboard.press("Control+a")
    page.keyboard.type("200")
    page.keyboard.press("Enter")
    expect(page.locator("#tried").get_by_role("alert")).to_contain_text("One answer is invalid", timeout=WORKING)
    seen.check_axe()


@pytest.mark.parametrize(("width", "dark"), params([(DESK, True), (PHONE, False)], 1))
def test_the_largest_ruleset_is_worked_on_as_well(open_page: Open, width: int, dark: bool) -> None:
    """150 questions are found by a word; its faults show up while you type."""
    seen = open_page(width=width, dark=dark)
    page = seen.page
    seen.goto("/workbench/red-dots")
    expect(page.get_by_role("status").filter(has_text=f"No faults: {len(RULESET.rules)} rules")).to_be_visible(
        timeout=WORKING
    )
    page.get_by_label("Find a question").fill("fever or shivering")
    page.locator("#a-fever_reported").get_by_label("Yes").check()
    expect(page.locator("#tried .result").first).to_be_visible(timeout=WORKING)
    seen.check_axe()
