"""Fixtures of the page tests: pages of the running service, without and with API keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.pages.steps import sign_in
from tests.support.services.browser import Watched, watched
from tests.support.services.triage_up import Everything

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture
def open_page(chromium: Browser, page_service: Everything) -> Iterator[Callable[..., Watched]]:
    """Opens pages of the service without keys: `open_page(width=360, script=False, dark=True)`."""
    with ExitStack() as pages:
        yield lambda **how: pages.enter_context(watched(chromium, page_service.base, **how))


@pytest.fixture
def open_page_with_keys(
    chromium: Browser, served_with_keys: tuple[Everything, str]
) -> Iterator[Callable[..., Watched]]:
    """The same of the service with keys. `signed_in=True`: as somebody who pasted the key."""
    running, key = served_with_keys
    opening = partial(watched, chromium, running.base)
    with ExitStack() as pages:

        def opened(*, signed_in: bool = False, **how: object) -> Watched:
            seen = pages.enter_context(opening(**how))
            if signed_in:
                sign_in(seen, key)
            return seen

        yield opened
