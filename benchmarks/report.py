"""Report the figures: as text, as stored JSON, and in docs/reference/performance.md."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.sizes import Size
from benchmarks.tables import Table, markdown

RESULTS = Path(__file__).resolve().parent / "results"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
TARGET_COLUMNS = ("target", "wanted", "measured", "")


def text(table: Table, plots: str = "") -> str:
    """Return a section of Markdown. `plots`: the folder of its plots, as seen from the document."""
    parts = [f"### {table.title}", table.says, table.markdown()]
    parts += ["\n".join(f"- {note}" for note in table.notes)] if table.notes else []
    parts += [f"![{plot.title}]({plots}/{plot.name}.svg)" for plot in table.plots] if plots else []
    return "\n\n".join(parts)


def targets(tables: Sequence[Table]) -> str:
    """Return the table of all targets."""
    return markdown(TARGET_COLUMNS, [target.cells() for table in tables for target in table.targets])


def keep(tables: Sequence[Table], size: Size, machine: dict[str, Any], folder: Path = RESULTS) -> Path:
    """Write a run's results, and return the file."""
    folder.mkdir(parents=True, exist_ok=True)
    now = datetime.now(UTC)
    path = folder / f"{now:%Y-%m-%dT%H%M%SZ}-{size.name}.json"
    run = {"at": f"{now:%Y-%m-%dT%H:%M:%SZ}", "size": size.name, "runs": size.runs, "machine": machine}
    run["tables"] = [table.as_json() for table in tables]
    path.write_text(json.dumps(run, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def put_into(document: Path, tables: Sequence[Table], size: Size, machine: dict[str, Any], plots: str) -> None:
    """Replace the text between the marks of a document."""
    before, mark, rest = document.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not mark or not end:
        raise ValueError(f"{document.name} has no marks `{BEGIN}` and `{END}`")
    day = f"{datetime.now(UTC):%Y-%m-%d}"
    told = [
        f"Measured on {day}, {size.runs} runs of everything (size `{size.name}`), on {_machine(machine)}.",
        "### Targets",
        targets(tables),
        *(text(table, plots) for table in tables),
    ]
    document.write_text(before + BEGIN + "\n\n" + "\n\n".join(told) + "\n\n" + END + after, encoding="utf-8")


def _machine(machine: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    return (
        f"{machine['cores']} cores of {machine['processor']}, {machine['memory_gb']} GB, {machine['kernel']}, Python "
        f"{machine['python']}, node {machine['node']}, json-rules-engine {machine['json-rules-engine']}, {versions}"
    )
