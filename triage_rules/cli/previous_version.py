"""Names the previous version of the ruleset in a folder: `live`, a git revision, or what `evaluator_of` knows."""

from __future__ import annotations

import os
from pathlib import Path

from triage_rules.cli.ruleset_argument import evaluator_of, is_digest
from triage_rules.language.model import Ruleset

LIVE = "live"


def open_version(asked: str, folder: Path, name: str) -> Ruleset:
    """The ruleset of that version of this folder. `name`: of its ruleset, for `live`. Raises as `evaluator_of`."""
    if asked == LIVE:
        return evaluator_of(name).ruleset
    if Path(asked).exists() or ":" in asked or is_digest(asked):
        return evaluator_of(asked).ruleset
    return evaluator_of(f"{asked}:./{os.path.relpath(folder)}").ruleset
