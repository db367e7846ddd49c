"""Patterns of values that settings and records both read."""

from __future__ import annotations

import re

KEY = re.compile(r"trk_([0-9a-f]{12})_([0-9a-f]{64})")
"""An API key: its id and its secret."""

RATE = re.compile(r"([1-9][0-9]{0,8})/(second|minute|hour|day)")
"""A rate of requests, such as `100/minute`."""
