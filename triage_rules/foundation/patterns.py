"""Forms of values that settings check and other modules read."""

from __future__ import annotations

import base64
import re

KEY = re.compile(r"trk_([0-9a-f]{12})_([0-9a-f]{64})")
"""An API key: its id and its secret."""

RATE = re.compile(r"([1-9][0-9]{0,8})/(second|minute|hour|day)")
"""A rate of requests, such as `100/minute`."""

ENCRYPTION_KEY_BYTES = 32


def is_encryption_key(text: str) -> bool:
    """Return whether a text is a Fernet key: 32 bytes in base64 with `-` and `_`."""
    try:
        return len(base64.urlsafe_b64decode(text)) == ENCRYPTION_KEY_BYTES
    except ValueError:
        return False
