"""The result of a measurement: a table of figures, their plots and targets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks.timing import Figure, readable

Cell = str | int | Figure


@dataclass(frozen=True, slots=True)
class Target:
    """A wanted and a measured value. `least` False: the wanted value is a maximum."""

    says: str
    wanted: float
    measured: float
    unit: str = ""
    least: bool = True

    @property
    def met(self) -> bool:
        """True if the target is met."""
        return self.measured >= self.wanted if self.least else self.measured <= self.wanted

    def cells(self) -> tuple[str, str, str, str]:
        """Return a row of the table of targets."""
        bound = "at least" if self.least else "at most"
        wanted = f"{bound} {readable(self.wanted)} {self.unit}".strip()
        return self.says, wanted, f"{readable(self.measured)} {self.unit}".strip(), "met" if self.met else "**not met**"


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a plot: (x, y) by x."""

    label: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot of a table: lines over x, or, if `bars`, a bar for each label."""

    name: str
    title: str
    x: str
    y: str
    lines: tuple[Line, ...] = ()
    bars: tuple[tuple[str, float], ...] = ()
    log: bool = True


def bars(name: str, title: str, x: str, figures: Mapping[str, Figure]) -> Plot:
    """Return a plot with a bar for each figure's median."""
    return Plot(name, title, x, "", bars=tuple((label, figure.median) for label, figure in figures.items()))


@dataclass(slots=True)
class Table:
    """A measurement's table. `says`: a few sentences about what was measured and how."""

    name: str
    title: str
    says: str
    columns: tuple[str, ...]
    rows: list[tuple[Cell, ...]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    plots: list[Plot] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)

    def markdown(self) -> str:
        """Return only the table."""
        return markdown(self.columns, self.rows)

    def as_json(self) -> dict[str, Any]:
        """Return everything except the plots, which are drawn from it."""
        return {
            "name": self.name,
            "title": self.title,
            "columns": list(self.columns),
            "rows": [[cell.as_json() if isinstance(cell, Figure) else cell for cell in row] for row in self.rows],
            "notes": self.notes,
            "targets": [
                {
                    "says": one.says,
                    "wanted": one.wanted,
                    "at": "least" if one.least else "most",
                    "measured": one.measured,
                    "unit": one.unit,
                    "met": one.met,
                }
                for one in self.targets
            ],
        }


def markdown(columns: tuple[str, ...], rows: list[tuple[Cell, ...]]) -> str:
    """Return a Markdown table."""
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    return "\n".join([*lines, *("| " + " | ".join(map(_shown, row)) + " |" for row in rows)])


def _shown(cell: Cell) -> str:
    return f"{cell:,}" if isinstance(cell, int) else str(cell)
