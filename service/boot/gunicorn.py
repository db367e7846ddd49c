"""Settings of gunicorn: `gunicorn -c service/boot/gunicorn.py 'service.boot.app:create_app()'`."""

from __future__ import annotations

import logging
import os
import socket
import struct
import sys
import threading
import time
from typing import Any, NoReturn

from gunicorn import util  # type: ignore[import-untyped]
from gunicorn.glogging import Logger  # type: ignore[import-untyped]

# At a HUP the parent process reads this file again, and its children inherit its modules. Without this loop, old
# modules would run together with new modules that are imported later.
for _name in [name for name in sys.modules if name.partition(".")[0] in ("service", "triage_rules")]:
    del sys.modules[_name]

from service.http.raw_problem import write_problem  # noqa: E402 - see above; so the others
from triage_rules.foundation.errors import SettingsError, StoreUnavailable  # noqa: E402
from triage_rules.foundation.settings import Settings  # noqa: E402
from triage_rules.store.redis import RedisStore  # noqa: E402

STALLED_SECONDS = 10
"""Time after which a stalled client is dropped: as many stalled clients as threads would block everyone else."""

ORPHAN_SECONDS = 0.5
"""Time to finish open requests when the parent dies. An orphan would otherwise hold the port for graceful_timeout."""

_QUOTING = ("Invalid request from ip=", "Error handling request ")
"""Beginnings of gunicorn's log lines that quote a request, whose path, query or headers may hold personal data."""

CANNOT_RUN = 3
"""Exit code of a service that can't start, the same as for the `triage` commands."""


def _refuse(why: str) -> NoReturn:
    """Exit with a plain sentence; a traceback would hide the reason from the operator."""
    print(f"web does not start: {why}", file=sys.stderr)  # noqa: T201 - there is no log yet
    sys.exit(CANNOT_RUN)


def _read_settings() -> Settings:
    try:
        return Settings.from_environment()
    except SettingsError as error:
        _refuse(str(error))


_settings = _read_settings()


def on_starting(_: Any) -> None:
    """Refuse to start without a usable API key where keys are required.

    Redis may start later: until then every call returns 503.
    """
    if not _settings.auth_on:
        return
    try:
        with RedisStore(_settings) as store:
            now = store.now_ms()
            if any(key.is_usable(now) for key in store.api_keys.get_all().values()):
                return
    except StoreUnavailable as error:
        print(f"can't check yet for a usable API key: {error}", file=sys.stderr)  # noqa: T201 - as above
        return
    _refuse("API keys are required, but no usable key is stored; make one with `triage key make CLIENT --scope report`")


def post_worker_init(worker: Any) -> None:
    """Reject malformed requests as problem+json, and set timeouts on the listeners, which connections inherit."""
    util.write_error = write_problem
    threading.Thread(target=_end_with, args=(worker.ppid,), daemon=True).start()
    for listener in worker.sockets:
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            listener.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", STALLED_SECONDS, 0))


def _end_with(parent: int) -> None:
    """End this process soon after its parent: an orphan keeps the port, so no successor could listen."""
    while os.getppid() == parent:
        time.sleep(ORPHAN_SECONDS)
    time.sleep(ORPHAN_SECONDS)
    os._exit(1)


def _without_quotes(record: logging.LogRecord) -> bool:
    for begins in _QUOTING:
        if str(record.msg).startswith(begins):
            record.msg, record.args = f"{begins.split(' from')[0].strip()}; what was sent is not logged", ()
    return True


class _WithoutAccess(Logger):  # type: ignore[misc] # gunicorn carries no types
    """A logger without an access log: service.access logs the route, and never a path or a query.

    With `accesslog = None` gunicorn still formats every line and drops it, which takes a twentieth of a request's time.
    """

    def access(self, *_: Any) -> None:
        return


bind = _settings.address
worker_class = "gthread"
workers = 1  # one process: /metrics counts per process
threads = 24  # twice parts.WAITERS, so requests that wait for a result leave threads for others
timeout = 30
graceful_timeout = _settings.wait_max_seconds + 20  # longer than the longest Prefer: wait
keepalive = 5
logger_class = _WithoutAccess
errorlog = "-"
loglevel = "info"
forwarded_allow_ips = ""  # trust no forwarded header: a proxy may pass on a stranger's
limit_request_line = 4_094
limit_request_fields = 64
limit_request_field_size = 8_190
control_socket_disable = True
logconfig_dict = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "stream": "ext://sys.stderr",
            "filters": [_without_quotes],
        }
    },
    "root": {"level": "INFO", "handlers": ["stderr"]},
    "loggers": {"gunicorn.error": {"level": "INFO", "handlers": ["stderr"], "propagate": False}},
}
