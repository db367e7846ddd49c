"""YAML of a ruleset whose file was not kept: the same rules, without the comments."""

from __future__ import annotations

import io
from typing import Any

from ruamel.yaml import YAML

WIDTH = 120


def yaml_of(document: dict[str, Any]) -> str:
    """The text of a ruleset file that gives this plain data again, keys in its order."""
    into = io.StringIO()
    writer = YAML(typ="rt", pure=True)
    writer.width = WIDTH
    writer.allow_unicode = True
    writer.indent(mapping=2, sequence=4, offset=2)
    writer.dump(document, into)
    return into.getvalue()
