"""The `triage` program: loads the commands, and ends without a traceback if it is interrupted meanwhile."""

from __future__ import annotations

from triage_rules.foundation.interrupt import interrupt_ends_process


def main() -> None:
    """Run the command line."""
    with interrupt_ends_process():
        from triage_rules.cli import main as commands
    commands()


if __name__ == "__main__":
    main()
