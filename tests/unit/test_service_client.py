"""`triage post` tells a rejection in words for people: each question with its fault, and nothing of the JSON."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from triage_rules.cli.service_client import post_report

REJECTED = {
    "title": "The report was rejected",
    "detail": "Not accepted. `errors` lists every fault, each with a JSON pointer.",
    "errors": [
        {"pointer": "/findings/temperature_c", "code": "out_of_range", "detail": "expected 30 to 43 °C"},
        {"pointer": "/subject", "code": "too_long", "detail": "expected 1 to 128 characters"},
        {"pointer": "", "code": "wrong_type", "detail": "expected an object"},
    ],
    "errors_left_out": 2,
}


@pytest.fixture
def refuse() -> Iterator[Any]:
    """Serve one answer to every post, and return the URL."""
    servers = []

    def serve(status: int, problem: dict[str, Any]) -> str:
        class Refusing(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                body = json.dumps(problem).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        server = HTTPServer(("127.0.0.1", 0), Refusing)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_rejected_report_is_told_fault_by_fault(refuse: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        post_report(refuse(422, REJECTED), b"{}", 0, "")
    assert end.value.code == 1
    assert capsys.readouterr().err.splitlines() == [
        "422: The report was rejected.",
        "  `temperature_c`: expected 30 to 43 °C",
        "  `subject`: expected 1 to 128 characters",
        "  the whole report: expected an object",
        "  and 2 more faults",
        "The report was not accepted.",
    ]


def test_a_refusal_without_faults_is_told_with_its_reason(refuse: Any, capsys: pytest.CaptureFixture[str]) -> None:
    problem = {"title": "Too many requests", "detail": "Not accepted: this client exceeded its rate limit."}
    with pytest.raises(SystemExit):
        post_report(refuse(429, problem), b"{}", 0, "")
    assert capsys.readouterr().err.startswith("429: Too many requests.\n  Not accepted: this client exceeded")
