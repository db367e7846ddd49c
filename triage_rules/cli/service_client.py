"""The client that posts reports to the service."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any, NoReturn

from triage_rules.cli.exit_codes import ExitCode
from triage_rules.cli.output import exit_with
from triage_rules.foundation.errors import describe_left_out


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
    faults, left_out = problem.get("errors", []), problem.get("errors_left_out")
    lines = [f"{status_code}: {problem.get('title')}."]
    lines += [f"  {_name_place(fault['pointer'])}: {fault['detail']}" for fault in faults]
    if left_out:
        lines.append(f"  {describe_left_out(left_out)}")
    if not faults and problem.get("detail"):  # beside faults, `detail` only explains the JSON
        lines.append(f"  {problem['detail']}")
    exit_with("\n".join([*lines, "The report was not accepted."]), ExitCode.FINDINGS)


def _name_place(pointer: str) -> str:
    """Return the question or field that a JSON pointer leads to."""
    name = pointer.removeprefix("/findings/").removeprefix("/").replace("~1", "/").replace("~0", "~")
    return f"`{name}`" if name else "the whole report"
