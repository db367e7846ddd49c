"""Redis itself, as the distribution ships it: for what the embedded server can't show, ACL files and TLS among it."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path
from typing import Self

from tests.support.services.ports import free_port

START_SECONDS = 10


class RealRedis:
    """A `redis-server` of its own, without a file of its data. Fails, and doesn't skip, where none is installed."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.port = free_port()
        self._folder = folder
        self._options = options

    def __enter__(self) -> Self:
        program = shutil.which("redis-server")
        assert program, "redis-server is missing; `make test` installs it for root, else: apt install redis-server"
        told = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self._folder), "--save", ""]
        with (self._folder / "redis.log").open("wb") as log:
            self._process = subprocess.Popen([program, *told, *self._options], stdout=log, stderr=log)
        until = time.monotonic() + START_SECONDS
        while "Ready to accept connections" not in self.log:
            assert self._process.poll() is None and time.monotonic() < until, self.log
            time.sleep(0.02)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait(60)

    @property
    def log(self) -> str:
        """What it has said so far."""
        return (self._folder / "redis.log").read_text(encoding="utf-8")

    @property
    def url(self) -> str:
        """Without a user."""
        return f"redis://127.0.0.1:{self.port}/0"

    def url_of(self, user: str, password: str) -> str:
        """With one."""
        return f"redis://{user}:{password}@127.0.0.1:{self.port}/0"
