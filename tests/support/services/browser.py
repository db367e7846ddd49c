"""A real browser for the tests of pages: everything that it complains about, or asks of another site, is noticed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WATCH = """
document.addEventListener("securitypolicyviolation", e => console.error(`policy: ${e.violatedDirective} ${e.blockedURI}`));
"""

PHONE, DESK = 360, 1440
"""Widths, in CSS pixels."""

GRAVE = ("serious", "critical")
"""What axe may not find anywhere."""


def browser() -> str:
    """The lightest Chromium here. At a desk without one the page test is skipped; in CI it fails."""
    for name in ("chromium-headless-shell", "chromium", "google-chrome"):
        path = shutil.which(name)
        if path is not None:
            return path
    if os.environ.get("CI"):
        pytest.fail("no Chromium on this machine; .ci/run should have installed it")
    pytest.skip("no Chromium on this machine")


@dataclass
class Watched:
    """A page of the browser, and what went wrong on it. `foreign`: addresses outside the origin that were asked for."""

    page: Page
    origin: str
    complaints: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        page = self.page
        page.on("request", lambda request: self._requested(request.url))
        page.add_init_script(WATCH)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda said: self._said(said.type, said.text))

    def goto(self, path: str) -> None:
        """Open a path of ours."""
        self.page.goto(self.origin + path)

    def check(self) -> None:
        """Nothing was complained of, no policy violated, nothing asked of another site."""
        assert self.complaints == [], self.complaints
        assert self.foreign == [], self.foreign

    def check_axe(self) -> None:
        """axe finds nothing serious on the page as it is now, nor does it scroll sideways."""
        from axe_playwright_python.sync_playwright import Axe

        run = Axe().run(self.page, options={"resultTypes": ["violations"]})  # what passes is not described
        found = [one for one in run.response["violations"] if one["impact"] in GRAVE]
        assert found == [], [_told(one) for one in found]
        widths = self.page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        assert widths[0] <= widths[1], "the page scrolls sideways"

    def _requested(self, url: str) -> None:
        if not url.startswith((self.origin + "/", "data:", "blob:")):
            self.foreign.append(url)

    def _said(self, kind: str, text: str) -> None:
        """A refusal is also an error of the console; which answers a page gets is the test's own business."""
        if kind == "error" and "Failed to load resource" not in text:
            self.complaints.append(text)


@contextmanager
def watched(
    chromium: Browser, origin: str, *, width: int = DESK, script: bool = True, dark: bool = False, **context: Any
) -> Iterator[Watched]:
    """A new page, as of a person who was never here. At the end, what the browser complained of fails the test."""
    own = chromium.new_context(
        viewport={"width": width, "height": 740 if width < 600 else 900},
        java_script_enabled=script,
        color_scheme="dark" if dark else "light",
        has_touch=width < 600,
        **context,
    )
    try:
        seen = Watched(own.new_page(), origin.rstrip("/"))
        yield seen
        seen.check()
    finally:
        own.close()


def _told(violation: dict[str, Any]) -> str:
    where = "; ".join(node["html"][:200] for node in violation["nodes"][:4])
    return f"{violation['id']} ({violation['impact']}): {where}"
