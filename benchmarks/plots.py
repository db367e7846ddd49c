"""Plots of the tables, as SVG."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks.tables import Plot

FEW = 8


def draw(plot: Plot, folder: Path) -> Path:
    """Write a plot, and return the file. Equal figures give equal bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{plot.name}.svg"
    with mpl.rc_context({"svg.hashsalt": plot.name, "font.size": 9}):
        figure = Figure(figsize=(7, 4), layout="constrained")
        axes = figure.subplots()
        for number, line in enumerate(plot.lines):
            if line.points:
                axes.plot(*zip(*line.points, strict=True), marker="o", lw=2.5 if number == 0 else 1, label=line.label)
        for number, value in enumerate(value for _, value in reversed(plot.bars)):
            axes.barh(number, value, color="tab:blue")
            axes.annotate(f" {value:,.0f}", (value, number), va="center")
            axes.set_yticks(range(len(plot.bars)), [name for name, _ in reversed(plot.bars)])
        if plot.log and not plot.bars:
            axes.set_xscale("log")
            axes.set_yscale("log")
        axes.set(title=plot.title, xlabel=plot.x, ylabel=plot.y)
        if plot.lines:
            axes.legend()
            axes.grid(alpha=0.3)
        figure.savefig(path, metadata={"Date": None})
    return path
