"""How gunicorn serves the app: `gunicorn -c service/gunicorn.py 'service.app:create_app()'`."""

from __future__ import annotations

import logging
import socket
import struct
from typing import Any

from triage_rules.settings import Settings

STALLED_SECONDS = 10
"""A client that sends or takes nothing for so long is given up: with as many of them as threads, nobody is answered."""

_QUOTING = ("Invalid request from ip=", "Error handling request ")
"""How gunicorn begins lines that quote a request: a path, a query or a header may say something of a person."""

_settings = Settings.from_environment()


def post_worker_init(worker: Any) -> None:
    """Connections take these over from their listener."""
    for listener in worker.sockets:
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            listener.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", STALLED_SECONDS, 0))


def _without_quotes(record: logging.LogRecord) -> bool:
    for begins in _QUOTING:
        if str(record.msg).startswith(begins):
            record.msg, record.args = f"{begins.split(' from')[0].strip()}; what was sent is not logged", ()
    return True


bind = f"{_settings.host}:{_settings.port}"
worker_class = "gthread"
workers = 1  # one process: /metrics counts per process
threads = 24  # twice parts.WAITERS: those who wait for a result leave room for the others
timeout = 30
graceful_timeout = _settings.wait_max_seconds + 20  # longer than the longest Prefer: wait
keepalive = 5
accesslog = None  # service.access writes the route, never a path or a query
errorlog = "-"
loglevel = "info"
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
