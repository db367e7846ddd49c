"""`triage post`: post reports to the service."""

from __future__ import annotations

from pathlib import Path

import click

from triage_rules.cli.output import FORMATS, as_json, handle_errors, result_text, write_data
from triage_rules.cli.service_client import post_report
from triage_rules.foundation.settings import Settings


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--url", default=None, help="URL of the service.  [default: from TRIAGE_HOST and PORT]")
@click.option("--wait", default=10, show_default=True, help="Seconds to wait for each result; 0 does not wait.")
@click.option("--format", "form", type=FORMATS, default="text", show_default=True)
@handle_errors
def post(files: tuple[Path, ...], url: str | None, wait: int, form: str) -> None:
    """Post reports to the service and show their results. Sends TRIAGE_API_KEY, if set."""
    settings = Settings.from_environment()
    base = url or settings.own_url
    answers = []
    for file in files:
        answer = post_report(f"{base.rstrip('/')}/v1/reports", file.read_bytes(), wait, settings.api_key)
        answers.append({"file": str(file), **answer})
        if form == "text":
            write_data(f"{file.stem}")
            result = answer.get("result")
            write_data("\n".join(f"  {line}" for line in result_text(result)) if result else f"  {answer['status']}")
    if form == "json":
        write_data(as_json(answers))
