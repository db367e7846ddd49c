"""Draw the screens of each persona's interview beside its certificate: JSON of `triage interview` in, SVG out.

`make interview-plot` redraws docs/explanation/plots/interview.svg.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any
from xml.sax.saxutils import escape

ROW, TOP, LEFT, UNIT, RIGHT = 17, 56, 230, 22, 60
"""Heights, widths and the width of a screen, in pixels."""

COLOURS = {"routine": "#2e7d4f", "monitor": "#b26a00", "urgent": "#b3261e"}
STEP = 5
LEGEND = "Bar: the interview, in the colour of its level. Line: a small certificate. X: fails."


def draw(data: dict[str, Any]) -> str:
    """Return the plot: a bar for each interview in the colour of its level, a mark for its certificate."""
    groups = list(dict.fromkeys(run["group"] for run in data["interviews"]))
    runs = sorted(data["interviews"], key=lambda run: (groups.index(run["group"]), run["screens"], run["name"]))
    most = max(max(run["screens"], run["certificate"]["screens"]) for run in runs)
    width = LEFT + UNIT * most + RIGHT
    height = TOP + ROW * (len(runs) + len(groups)) + 30
    title = f"Screens by persona, {data['ruleset']} {data['version']}"
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    font = 'font-family="sans-serif" font-size="12"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {font} role="img" aria-label="{escape(title)}">',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        f'<text x="12" y="22" font-size="15">{escape(title)}</text>',
        f'<text x="12" y="40" fill="#555555">{LEGEND}</text>',
        *_axis(most, height - 22),
        *_rows(runs),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _axis(most: int, bottom: int) -> Iterator[str]:
    for screens in range(0, most + 1, STEP):
        x = LEFT + UNIT * screens
        yield f'<line x1="{x}" y1="{TOP - 6}" x2="{x}" y2="{bottom}" stroke="#dddddd"/>'
        yield f'<text x="{x}" y="{bottom + 15}" text-anchor="middle" fill="#555555">{screens}</text>'


def _rows(runs: list[dict[str, Any]]) -> Iterator[str]:
    y, group = TOP, None
    for run in runs:
        if run["group"] != group:
            group = run["group"]
            label = escape(group.replace("_", " "))
            yield f'<text x="12" y="{y + 12}" font-weight="bold">{label}</text>'
            y += ROW
        end, certificate = LEFT + UNIT * run["screens"], LEFT + UNIT * run["certificate"]["screens"]
        yield f'<text x="{LEFT - 8}" y="{y + 11}" text-anchor="end">{escape(run["name"])}</text>'
        yield (
            f'<rect x="{LEFT}" y="{y + 2}" width="{end - LEFT}" height="{ROW - 6}" '
            f'fill="{COLOURS[run["outcome"]["level"]]}" fill-opacity="0.75"/>'
        )
        ends = f'x1="{certificate}" y1="{y}" x2="{certificate}" y2="{y + ROW - 2}"'
        yield f'<line {ends} stroke="#000000" stroke-width="2"/>'
        mark = "" if run["passed"] else " X"
        yield f'<text x="{max(end, certificate) + 5}" y="{y + 11}" fill="#555555">{run["screens"]}{mark}</text>'
        y += ROW


if __name__ == "__main__":
    sys.stdout.write(draw(json.load(sys.stdin)))
