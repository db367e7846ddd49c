"""A result consumer in its own process: `consumer.py URL GROUP FILE` notes each event that it handles in FILE."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from triage_rules.consumer import Consumer, Event

CLAIM_SECONDS = 2.0


def main(url: str, group: str, file: Path) -> None:
    """Consume until killed."""
    notes = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def note(event: Event) -> None:
        os.write(notes, f"{event.subject}\n".encode())

    Consumer(url, group, claim_after=CLAIM_SECONDS, prefetch=10).run(note)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
