"""The `triage` program: loads the commands; Ctrl-C during the loading ends it silently."""

from __future__ import annotations

import signal


def main() -> None:
    """Load the commands and run one. Nothing has begun during the loading, so Ctrl-C may end the process at once."""
    handler = signal.getsignal(signal.SIGINT)
    if handler is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from triage_rules.cli import main as commands

    signal.signal(signal.SIGINT, handler)
    commands()


if __name__ == "__main__":
    main()
