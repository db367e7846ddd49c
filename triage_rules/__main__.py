"""The `triage` program: loads the commands, and ends without a word if it is interrupted meanwhile."""

from __future__ import annotations

import signal


def main() -> None:
    """Loading takes a while; until then nothing is begun, so Ctrl-C may end the process as it does any other."""
    as_before = signal.getsignal(signal.SIGINT)
    if as_before is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from triage_rules.cli import main as commands

    signal.signal(signal.SIGINT, as_before)
    commands()


if __name__ == "__main__":
    main()
