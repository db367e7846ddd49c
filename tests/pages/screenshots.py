"""`make screenshots`: pictures of the pages, of a real service with the samples in it, for the README and the docs.

A new page adds a Shot to SHOTS. `--all --into FOLDER` takes each in both sizes and both themes, to be looked at.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.pages.steps import fill_in, go_on, none_of_these
from tests.support.paths import ROOT
from tests.support.services.browser import ARGUMENTS, DESK, PHONE, browser, watched
from tests.support.services.triage_up import Everything

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

INTO = ROOT / "docs" / "screenshots"
LIGHT, DARK = False, True
USUAL = ((PHONE, LIGHT), (DESK, DARK))
EVERY = tuple((width, dark) for width in (PHONE, DESK) for dark in (LIGHT, DARK))


def nothing(_: Page) -> None:
    """The page is shown as it opens."""


@dataclass(frozen=True)
class Shot:
    """One picture: its file's name, the path to open, what to do there first, and in which (width, dark) it is kept."""

    name: str
    path: str
    prepare: Callable[[Page], None] = nothing
    kept: tuple[tuple[int, bool], ...] = USUAL


def to_the_glass_test(page: Page) -> None:
    """To the second screen."""
    none_of_these(page)
    page.get_by_role("img", name="How to do the glass test").wait_for()


def answered(page: Page) -> None:
    """To the screen after the glass test, with the advice above it."""
    none_of_these(page)
    fill_in(page)
    go_on(page)


def all_filled_in(page: Page) -> None:
    """Some answers, and how things stand."""
    page.locator("#q-age_years").fill("34")
    page.get_by_label("Yes, they fade").check()
    page.locator("#q-temperature_c").fill("36.6")
    page.locator("#q-temperature_c").blur()
    page.get_by_text("2 answered").or_(page.get_by_text("3 answered")).wait_for()
    page.evaluate("window.scrollTo(0, 0)")


def sent(page: Page) -> None:
    """A result."""
    all_filled_in(page)
    page.locator("#q-age_years").fill("4")
    page.get_by_label("No, they stay").check()
    page.get_by_role("button", name="Send and see the result").last.click()
    page.get_by_role("heading", name="What to do").wait_for()


def for_the_clinician(page: Page) -> None:
    sent(page)
    page.get_by_role("link", name="For the clinician").click()
    page.get_by_role("heading", name="Why: from answers to level").wait_for()


def taken_care_of(page: Page) -> None:
    """On the board: what the person just did can be taken back."""
    if page.locator(".results > li").count() > 8:
        page.locator(".results button").last.click()
        page.get_by_text("You acknowledged report").wait_for()
        page.mouse.move(0, 0)
        page.evaluate("window.scrollTo(0, 0)")


WELL = {
    "age_years": "40", "fever_reported": "no", "looks_unwell": "no", "consciousness": "alert", "mucosal_bleeding": "none",
    "breathing_difficulty": "none", "rash_spreading": "not_spreading", "rash_duration_days": "3", "neck_stiffness": "no",
    "gi_bleeding": "no", "anticoagulant": "no", "known_bleeding_disorder": "none", "immunosuppressed": "no",
    "blanches_on_pressure": "does_not_blanch", "lesion_size": "pinpoint_lt_2mm",
}  # fmt: skip
"""A patient whose level hangs on the temperature."""

FILL = "well => { for (const [name, word] of Object.entries(well)) workbench.elements[`a.${name}`].value = word; }"


def limit_raised(page: Page) -> None:
    """On the workbench: a fever begins later, and a patient for whom that makes a difference."""
    page.get_by_text("No faults: 96 rules").wait_for()
    page.get_by_role("textbox", name="ruleset.yaml").click()
    page.keyboard.press("Control+f")
    page.keyboard.type("when: {temperature_c: {at_least: 38}}")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    page.keyboard.type("when: {temperature_c: {at_least: 39}}")
    page.evaluate(FILL, WELL)
    page.get_by_label("Find a question").fill("temperature")
    page.locator("#a-temperature_c-in").fill("38.4")
    page.get_by_text("Different level").wait_for()
    page.get_by_text("No faults: 96 rules").wait_for()


def compared(page: Page) -> None:
    limit_raised(page)
    page.get_by_role("button", name="Compare with live").click()
    page.get_by_role("heading", name="Draft and live").wait_for(timeout=90_000)


SHOTS = [
    Shot("home", "/", kept=((DESK, LIGHT),)),
    Shot("form-start", "/forms/red-dots", kept=((PHONE, LIGHT),)),
    Shot("form-panel", "/forms/red-dots?mode=one", kept=((PHONE, LIGHT),)),
    Shot("form-question", "/forms/red-dots?mode=one", to_the_glass_test),
    Shot("form-urgent", "/forms/red-dots?mode=one", answered, kept=((PHONE, LIGHT),)),
    Shot("form-all", "/forms/red-dots?mode=all", all_filled_in, kept=((DESK, LIGHT),)),
    Shot("result-patient", "/forms/red-dots?mode=all", sent, kept=((PHONE, LIGHT), (PHONE, DARK))),
    Shot("board", "/board", taken_care_of, kept=((DESK, LIGHT), (PHONE, DARK))),
    Shot("rule", "/rulesets/red-dots/rules/R08", kept=((DESK, DARK),)),
    Shot("workbench", "/workbench/red-dots", limit_raised, kept=((DESK, LIGHT), (PHONE, DARK))),
    Shot("workbench-compare", "/workbench/red-dots", compared, kept=((DESK, DARK),)),
    Shot("result-clinician", "/forms/red-dots?mode=all", for_the_clinician, kept=((DESK, DARK),)),
]


def take(chromium: Browser, base: str, into: Path, *, every: bool, names: list[str]) -> Iterator[Path]:
    """Every picture, as a file in `into`."""
    for shot in SHOTS:
        if names and shot.name not in names:
            continue
        for width, dark in EVERY if every else shot.kept:
            file = into / f"{shot.name}-{width}-{'dark' if dark else 'light'}.png"
            with watched(chromium, base, width=width, dark=dark) as seen:
                seen.goto(shot.path)
                shot.prepare(seen.page)
                seen.page.screenshot(path=file, animations="disabled", full_page=every)
            yield file


def main() -> None:
    """Start the service, take the pictures, end it."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="only these")
    parser.add_argument("--into", type=Path, default=INTO)
    parser.add_argument("--all", action="store_true", help="both sizes and themes of each, the whole page")
    asked = parser.parse_args()
    asked.into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        running = Everything(Path(folder))
        try:
            running.wait_until_serving()
            chromium = playwright.chromium.launch(executable_path=browser(), args=ARGUMENTS)
            for file in take(chromium, running.base, asked.into, every=asked.all, names=asked.names):
                print(file)
        finally:
            running.stop()


if __name__ == "__main__":
    main()
