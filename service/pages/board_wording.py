"""What the board says, in words and in lengths: how long somebody waits, until when, and the bars of its chart."""

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
"""What a level is called in an address."""

REASONS = {
    "worker_lost": "The worker process died at every attempt.",
    "time_limit": "The evaluation took too long.",
    "evaluation_failed": "The evaluation failed.",
}
"""Why a report is a dead letter, by the first word of its reason."""


@dataclass(frozen=True, slots=True)
class Span:
    """What the chart shows: so many bars of such a length; how a bar's begin is written, and for each how manyth."""

    label: str
    bars: int
    bar_ms: int
    dated: bool
    written: int

    def starts(self, now_ms: int) -> tuple[list[int], int]:
        """When its bars begin, and when the last one ends, which is after now."""
        end = (now_ms // self.bar_ms + 1) * self.bar_ms
        return [end - number * self.bar_ms for number in range(self.bars, 0, -1)], end


SPANS = {
    "day": Span("24 hours", 24, HOUR_MS, dated=False, written=6),
    "week": Span("7 days", 28, 6 * HOUR_MS, dated=True, written=8),
    "month": Span("30 days", 30, DAY_MS, dated=True, written=6),
}


def format_duration(ms: int) -> str:
    """How long that is, as people say it; no more often another than each minute."""
    days, hours, minutes = ms // DAY_MS, ms // HOUR_MS, ms // MINUTE_MS
    if days > 1:
        return f"{days} days"
    if hours >= 1:
        return f"{hours} h {minutes % 60:02d} min"
    return f"{minutes} min" if minutes >= 1 else "under 1 min"


@dataclass(frozen=True, slots=True)
class Due:
    """Until when somebody must act. `is_over`: somebody should have by now."""

    words: str
    is_over: bool


def describe_due(noted: Noted, now_ms: int) -> Due:
    """As the board says it."""
    if noted.due_ms is None:
        return Due("no limit", is_over=False)
    left = noted.due_ms - now_ms
    if noted.group.within_ms == 0:
        return Due("at once", is_over=left < 0)
    if left < 0:
        return Due(f"overdue by {format_duration(-left)}", is_over=True)
    return Due(f"in {format_duration(left)}", is_over=False)


def describe_reason(reason: str) -> str:
    """Why a report is a dead letter, in a sentence, and what failed."""
    word, _, detail = reason.partition(":")
    told = REASONS.get(word, reason)
    return f"{told} ({detail.strip()})" if detail and word in REASONS else told


# --- the chart ------------------------------------------------------------------------------------

WIDTH, HEIGHT = 480, 210
LEFT, BOTTOM, TOP = 38, 28, 12
STACKED: tuple[Level | None, ...] = (Level.ROUTINE, Level.MONITOR, None, Level.URGENT)
"""From the bottom up: what is urgent is on top."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a bar, in the picture's own units."""

    level: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class BarLabel:
    """A bar in words: when it begins (RFC 3339), how it is written below, and its counts by level, RANKS' order."""

    at: str
    label: str
    told: bool
    x: float
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """All that the picture and its table are made of. `lines`: (y, count) of the lines behind the bars."""

    pieces: tuple[Piece, ...]
    bars: tuple[BarLabel, ...]
    lines: tuple[tuple[float, int], ...]
    total: dict[str, int]


def build_chart(bars: Sequence[Bar], span: Span) -> Chart:
    """The picture of those bars."""
    top = _round_up(max((sum(bar.counts.values()) for bar in bars), default=0))
    high, wide = HEIGHT - BOTTOM - TOP, (WIDTH - LEFT) / max(1, len(bars))
    pieces: list[Piece] = []
    told: list[BarLabel] = []
    for number, bar in enumerate(bars):
        x, y = LEFT + number * wide, float(HEIGHT - BOTTOM)
        for level in STACKED:
            height = bar.counts[level] / top * high
            y -= height
            if height:
                pieces.append(Piece(WORDS[level], round(x + 1, 2), round(y, 2), round(wide - 2, 2), round(height, 2)))
        counts = tuple(bar.counts[level] for level in RANKS)
        label = _label(bar.from_ms, span)
        told.append(BarLabel(timestamp(bar.from_ms), label, number % span.written == 0, round(x + wide / 2, 2), counts))
    lines = tuple((round(TOP + high * (1 - part / 2), 2), top * part // 2) for part in range(3))
    total = {WORDS[level]: sum(bar.counts[level] for bar in bars) for level in RANKS}
    return Chart(tuple(pieces), tuple(told), lines, total)


def _round_up(count: int) -> int:
    """A round even number that is not less."""
    if count <= 2:  # noqa: PLR2004 - the smallest even one
        return 2
    step = int(10 ** math.floor(math.log10(count)))
    return next(round_one for factor in (1, 2, 4, 6, 8, 10) if (round_one := factor * step) >= count)


def _label(ms: int, span: Span) -> str:
    text = timestamp(ms)
    return f"{text[8:10]}.{text[5:7]}." if span.dated else text[11:16]
