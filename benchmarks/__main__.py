"""Run the benchmarks, print the figures and store them: `python -m benchmarks [--size short] [--only engines ...]`.

Exits with 1 if engines decide differently. Missed targets are only reported.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import (
    engine_speed,
    growth,
    intake,
    latency,
    parts,
    red_dots,
    report,
    safety,
    shares,
    whole_path,
    working,
)
from benchmarks.machine import machine
from benchmarks.plots import draw
from benchmarks.sizes import SIZES, Size
from benchmarks.tables import Table

MEASUREMENTS: dict[str, Callable[[Size], Table]] = {
    "engines": engine_speed.measure,
    "red-dots": red_dots.measure,
    "parts": parts.measure,
    "intake": intake.measure,
    "working": working.measure,
    "whole-path": whole_path.measure,
    "latency": latency.measure,
    "growth": growth.measure,
    "shares": shares.measure,
    "safety": safety.measure,
}


def main() -> int:
    """Run the measurements; return 1 if the engines' results differ."""
    asked = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    asked.add_argument(
        "--size", choices=SIZES, default="full", help="full: under 15 minutes; short: a minute; least: for tests"
    )
    asked.add_argument("--only", nargs="+", choices=MEASUREMENTS, help="run only these")
    asked.add_argument("--into", type=Path, help="the document whose figures to replace")
    said = asked.parse_args()
    size, measured_on = SIZES[said.size], machine()
    if size.name != "full":
        left_out = f"; left out: {', '.join(size.without)}" if size.without and not said.only else ""
        print(f"size {size.name}: {size.runs} short runs, too few to rely on{left_out}\n", flush=True)
    tables = []
    for name in said.only or [name for name in MEASUREMENTS if name not in size.without]:
        begun = time.monotonic()
        try:
            tables.append(MEASUREMENTS[name](size))
        except (engine_speed.Mismatch, whole_path.Differ) as error:
            print(f"the results differ, so nothing is compared: {error}", file=sys.stderr)
            return 1
        print(report.text(tables[-1]), f"({time.monotonic() - begun:.0f} s)", sep="\n\n", end="\n\n", flush=True)
    print(report.targets(tables))
    plots = report.RESULTS / "plots" if said.into is None else said.into.parent / "plots"
    for plot in [plot for table in tables for plot in table.plots]:
        draw(plot, plots)
    print(f"\nstored in {report.keep(tables, size, measured_on)}; plots in {plots}", file=sys.stderr)
    if said.into is not None:
        report.put_into(said.into, tables, size, measured_on, "plots")
    return 0


if __name__ == "__main__":
    sys.exit(main())
