"""The service as gunicorn serves it, with its own configuration."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.support.paths import ROOT
from tests.support.services.ports import free_port


@dataclass
class Server:
    """A running gunicorn, and calls to it."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path
    host: str = "127.0.0.1"

    def call(
        self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=15)
        try:
            chunked = not isinstance(body, bytes | None)
            connection.request(method, path, body, headers or {}, encode_chunked=chunked)  # type: ignore[arg-type]
            response = connection.getresponse()
            return response.status, {k.lower(): v for k, v in response.getheaders()}, response.read()
        finally:
            connection.close()


COMMAND = [sys.executable, "-m", "gunicorn", "-c", "service/boot/gunicorn.py", "service.boot.app:create_app()"]


def environ_of(redis_url: str, port: int, tmp_path: Path) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TRIAGE_")}
    return clean | {"TRIAGE_REDIS_URL": redis_url, "PORT": str(port), "TRIAGE_DATA_DIR": str(tmp_path)}


@contextmanager
def serving(redis_url: str, tmp_path: Path, checkout: Path = ROOT, **environment: str) -> Iterator[Server]:
    """gunicorn with its own configuration, in `checkout`."""
    port, log = free_port(), tmp_path / "log"
    environ = environ_of(redis_url, port, tmp_path) | environment
    with log.open("wb") as out:
        process = subprocess.Popen(COMMAND, cwd=checkout, env=environ, stdout=out, stderr=out)
    running = Server(port, process, log, environment.get("TRIAGE_HOST", "127.0.0.1"))
    try:
        wait_until_alive(running)
        yield running
    finally:
        process.terminate()
        process.wait(timeout=40)


def wait_until_alive(server: Server) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        assert server.process.poll() is None, server.log.read_text()
        with suppress(OSError):
            if server.call("GET", "/livez")[0] == 200:
                return
        time.sleep(0.05)
    raise AssertionError(server.log.read_text())
