"""The previous version of a folder's ruleset: `live`, a git revision, or any argument of `open_version`."""

from __future__ import annotations

import os
from pathlib import Path

from triage_rules.cli.ruleset_argument import is_digest, open_version
from triage_rules.language.model import Ruleset

LIVE = "live"


def open_previous_version(asked: str, folder: Path, name: str) -> Ruleset:
    """Open a previous version of a folder's ruleset, which has that name. Raises as `open_version`."""
    if asked == LIVE:
        return open_version(name).ruleset
    if Path(asked).exists() or ":" in asked or is_digest(asked):
        return open_version(asked).ruleset
    return open_version(f"{asked}:./{os.path.relpath(folder)}").ruleset
