"""The client that posts reports to the service."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any, NoReturn

from triage_rules.cli.exit_codes import ExitCode
from triage_rules.cli.output import exit_with, write_message


def post_report(url: str, body: bytes, wait: int, key: str) -> dict[str, Any]:
    """Post a report and return the service's answer. Exits if the report is refused. `key`: sent unless empty."""
    headers = {"Content-Type": "application/json", **({"Prefer": f"wait={wait}"} if wait else {})}
    headers |= {"Authorization": f"Bearer {key}"} if key else {}
    request = urllib.request.Request(url, body, headers)  # noqa: S310 (the user names the service)
    try:
        with urllib.request.urlopen(request, timeout=wait + 10) as answer:  # noqa: S310 (as above)
            accepted: dict[str, Any] = json.load(answer)
            return accepted
    except urllib.error.HTTPError as error:
        _exit_with_problem(error.code, error.read())
    except (urllib.error.URLError, TimeoutError) as error:
        exit_with(f"{url} can't be reached: {getattr(error, 'reason', error)}", ExitCode.CANNOT_RUN)


def _exit_with_problem(status_code: int, body: bytes) -> NoReturn:
    problem = json.loads(body)
    write_message(f"{status_code}: {problem.get('title')} {problem.get('detail') or ''}")
    for error in problem.get("errors", []):
        write_message(f"  {error['pointer'] or '(whole report)'}: {error['detail']}")
    exit_with("The report was not accepted.", ExitCode.FINDINGS)
