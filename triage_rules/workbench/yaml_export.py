"""YAML of a ruleset whose file was not stored: the same rules without comments."""

from __future__ import annotations

import io
from typing import Any

from ruamel.yaml import YAML

WIDTH = 120


def yaml_of(document: dict[str, Any]) -> str:
    """Write a ruleset file from plain data, with the keys in the order of the data."""
    buffer = io.StringIO()
    writer = YAML(typ="rt", pure=True)
    writer.width = WIDTH
    writer.allow_unicode = True
    writer.indent(mapping=2, sequence=4, offset=2)
    writer.dump(document, buffer)
    return buffer.getvalue()
