"""What `appendfsync` promises, with power cuts that are none: see tests/campaigns/power_cut."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.campaigns.power_cut.cutting import cut, unsynced


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library that makes a kill lose what was not synced."""
    return unsynced(tmp_path_factory.mktemp("library"))


def test_a_power_cut_loses_nothing_that_was_answered_if_each_write_is_synced(tmp_path: Path, library: Path) -> None:
    """The default, `appendfsync always`: a 202 is on the disk."""
    found = cut(tmp_path, library, "always", 0.5)
    assert found.told > 20
    assert found.lost == 0


def test_a_power_cut_loses_about_a_second_if_the_file_is_synced_each_second(tmp_path: Path, library: Path) -> None:
    """`everysec` is quicker and may lose that much; also shows that the cut is one."""
    found = cut(tmp_path, library, "everysec", 1.6)
    assert found.lost > 0
    assert found.window_s < 2.5
