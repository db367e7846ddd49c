"""Texts and chart of the board: durations, due times, reasons of dead letters, and bars."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from triage_rules.foundation.timestamps import timestamp
from triage_rules.language.model import Level
from triage_rules.records.board import RANKS, Bar, Noted

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

WORDS: dict[Level | None, str] = {None: "undecided"} | {level: level.word for level in Level}
"""Names of the levels in an address."""

REASONS = {
    "worker_lost": "The worker process died at every attempt.",
    "time_limit": "The evaluation took too long.",
    "evaluation_failed": "The evaluation failed.",
}
"""Descriptions of the reasons of dead letters, by their first word."""


@dataclass(frozen=True, slots=True)
class Span:
    """A period of the chart: number and length of its bars, dates or times as labels, and one label every `written`."""

    label: str
    bars: int
    bar_ms: int
    dated: bool
    written: int

    def starts(self, now_ms: int) -> tuple[list[int], int]:
        """Return the starts of the bars, and the end of the last, which is after now."""
        end = (now_ms // self.bar_ms + 1) * self.bar_ms
        return [end - number * self.bar_ms for number in range(self.bars, 0, -1)], end


SPANS = {
    "day": Span("24 hours", 24, HOUR_MS, dated=False, written=6),
    "week": Span("7 days", 28, 6 * HOUR_MS, dated=True, written=8),
    "month": Span("30 days", 30, DAY_MS, dated=True, written=6),
}


def format_duration(ms: int) -> str:
    """Format a duration for people, in steps of a minute or more."""
    days, hours, minutes = ms // DAY_MS, ms // HOUR_MS, ms // MINUTE_MS
    if days > 1:
        return f"{days} days"
    if hours >= 1:
        return f"{hours} h {minutes % 60:02d} min"
    return f"{minutes} min" if minutes >= 1 else "under 1 min"


@dataclass(frozen=True, slots=True)
class Due:
    """The time left to act. `is_over`: the time has passed."""

    words: str
    is_over: bool


def describe_due(noted: Noted, now_ms: int) -> Due:
    """Format the time left, as shown on the board."""
    if noted.due_ms is None:
        return Due("no limit", is_over=False)
    left = noted.due_ms - now_ms
    if noted.group.within_ms == 0:
        return Due("at once", is_over=left < 0)
    if left < 0:
        return Due(f"overdue by {format_duration(-left)}", is_over=True)
    return Due(f"in {format_duration(left)}", is_over=False)


def describe_reason(reason: str) -> str:
    """Return the reason of a dead letter as a sentence, with the name of what failed."""
    word, _, detail = reason.partition(":")
    sentence = REASONS.get(word, reason)
    return f"{sentence} ({detail.strip()})" if detail and word in REASONS else sentence


# --- the chart ------------------------------------------------------------------------------------

WIDTH, HEIGHT = 480, 210
LEFT, BOTTOM, TOP = 38, 28, 12
STACKED: tuple[Level | None, ...] = (Level.ROUTINE, Level.MONITOR, None, Level.URGENT)
"""Order of the levels in a bar, from the bottom up."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a bar, in the units of the chart."""

    level: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class BarLabel:
    """A bar's start (RFC 3339), its label, whether the label is shown, and its counts by level in RANKS' order."""

    at: str
    label: str
    is_labelled: bool
    x: float
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """The data of the chart and its table. `lines`: (y, count) of the lines behind the bars."""

    pieces: tuple[Piece, ...]
    bars: tuple[BarLabel, ...]
    lines: tuple[tuple[float, int], ...]
    total: dict[str, int]


def build_chart(bars: Sequence[Bar], span: Span) -> Chart:
    """Lay out a chart of the bars."""
    top = _round_up(max((sum(bar.counts.values()) for bar in bars), default=0))
    high, wide = HEIGHT - BOTTOM - TOP, (WIDTH - LEFT) / max(1, len(bars))
    pieces: list[Piece] = []
    labels: list[BarLabel] = []
    for number, bar in enumerate(bars):
        x, y = LEFT + number * wide, float(HEIGHT - BOTTOM)
        for level in STACKED:
            height = bar.counts[level] / top * high
            y -= height
            if height:
                pieces.append(Piece(WORDS[level], round(x + 1, 2), round(y, 2), round(wide - 2, 2), round(height, 2)))
        counts = tuple(bar.counts[level] for level in RANKS)
        label = _label(bar.from_ms, span)
        labels.append(
            BarLabel(timestamp(bar.from_ms), label, number % span.written == 0, round(x + wide / 2, 2), counts)
        )
    lines = tuple((round(TOP + high * (1 - part / 2), 2), top * part // 2) for part in range(3))
    total = {WORDS[level]: sum(bar.counts[level] for bar in bars) for level in RANKS}
    return Chart(tuple(pieces), tuple(labels), lines, total)


def _round_up(count: int) -> int:
    """Return the next round even number."""
    if count <= 2:  # noqa: PLR2004 - the smallest even number
        return 2
    step = int(10 ** math.floor(math.log10(count)))
    return next(number for factor in (1, 2, 4, 6, 8, 10) if (number := factor * step) >= count)


def _label(ms: int, span: Span) -> str:
    text = timestamp(ms)
    return f"{text[8:10]}.{text[5:7]}." if span.dated else text[11:16]
