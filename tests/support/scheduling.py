"""Which tests share a process when several run side by side, and which begin first."""

from __future__ import annotations

from pathlib import PurePath

import pytest
from xdist.scheduler import LoadFileScheduling

GROUPS = {
    "page_service": (
        "pages/test_viewer", "pages/test_workbench", "pages/test_board_journeys", "pages/test_form_journeys",
        "pages/test_form_history", "pages/test_form_away", "pages/test_home", "pages/test_reference",
    ),
    "served": ("acceptance/test_up", "acceptance/test_whole_path"),
    "served_with_keys": ("pages/test_with_keys",),
    "machine": ("acceptance/test_restarts",),
    "red_dots_outcomes": ("unit/test_red_dots_cases", "unit/test_red_dots_texts"),
    "web_server": ("acceptance/test_http_server", "hostile/test_hostile_http"),
}  # fmt: skip
"""Modules of a fixture that takes seconds to make: in one process, it is made once."""

LONG = (
    "rulesets/test_rulesets", "integration/test_workers", "integration/test_real_redis", "integration/test_rolling_restart",
    "acceptance/test_worked_example", "acceptance/test_leaks",
)  # fmt: skip
"""Modules that take long, or wait most: they begin early, so that short ones level the ends."""

_GROUP = {module: fixture for fixture, modules in GROUPS.items() for module in modules}
_ORDER = [*(module for modules in GROUPS.values() for module in modules), *LONG]


class GroupScheduling(LoadFileScheduling):
    """A group, or else a file, is one process's work."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return _GROUP.get(_module(PurePath(file)), file)


def rank(item: pytest.Item) -> int:
    """Return the place of a test's module among those that begin first."""
    module = _module(item.path)
    return _ORDER.index(module) if module in _ORDER else len(_ORDER)


def check_group(item: pytest.Item) -> None:
    """Raise UsageError if a test asks for a shared fixture outside of its group: each process would make its own."""
    for fixture in GROUPS.keys() & set(getattr(item, "fixturenames", ())):
        if _GROUP.get(_module(item.path)) != fixture:
            raise pytest.UsageError(f"{item.nodeid} uses `{fixture}`: list its module in {__name__}.GROUPS")


def _module(path: PurePath) -> str:
    return f"{path.parent.name}/{path.stem}"
