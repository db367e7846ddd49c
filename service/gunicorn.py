"""How gunicorn serves the app: `gunicorn -c service/gunicorn.py 'service.app:create_app()'`."""

from triage_rules.settings import Settings

_settings = Settings.from_environment()

bind = f"{_settings.host}:{_settings.port}"
worker_class = "gthread"
workers = 1  # one process: /metrics counts per process
threads = 24  # twice parts.WAITERS: those who wait for a result leave room for the others
timeout = 30
graceful_timeout = 30  # longer than the longest Prefer: wait
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
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "stream": "ext://sys.stderr"}},
    "root": {"level": "INFO", "handlers": ["stderr"]},
    "loggers": {"gunicorn.error": {"level": "INFO", "handlers": ["stderr"], "propagate": False}},
}
