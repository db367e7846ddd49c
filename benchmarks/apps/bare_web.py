"""A bare Flask app: a view that does nothing, views that only enqueue, and the views of the quick builds."""

from __future__ import annotations

import functools
import os
import secrets

import redis
from celery import Celery
from flask import Flask, Response, jsonify, request
from rq import Queue

from benchmarks.apps import rq_jobs
from benchmarks.apps.names import DISCARDED, RQ_QUEUE, TELL
from triage_rules.records.reports import Lane
from triage_rules.records.tasks import BROKER_KEY_PREFIX


def create_app() -> Flask:
    """Make the app; the same gunicorn serves it with the same settings as the service."""
    url = os.environ["TRIAGE_REDIS_URL"]
    app = Flask("bare")
    celery = Celery("bare", broker=url, set_as_current=False)
    celery.conf.update(broker_transport_options={"global_keyprefix": BROKER_KEY_PREFIX}, task_ignore_result=True)
    jobs = functools.cache(lambda: Queue(RQ_QUEUE, connection=redis.Redis.from_url(url)))

    @celery.task(name="bench.discarded")  # type: ignore[untyped-decorator]
    def discarded(_: object) -> None:
        """Do nothing; no worker runs this task."""

    @app.post("/nothing")
    def nothing() -> tuple[Response, int]:
        request.get_json()
        return _told()

    @app.post("/apply_async")
    def apply_async() -> tuple[Response, int]:
        discarded.apply_async((request.get_json(),), queue=DISCARDED, ignore_result=True, retry=False)
        return _told()

    @app.post("/tell")
    def tell() -> tuple[Response, int]:
        request.get_json()
        report_id = secrets.token_hex(16)
        celery.send_task(TELL, args=(report_id,), queue=Lane.NORMAL.value, ignore_result=True, retry=False)
        return _told(report_id)

    @app.post("/naive")
    def naive() -> tuple[Response, int]:
        from benchmarks.apps.naive import decide  # its Celery is another

        report_id = secrets.token_hex(16)
        decide.delay(report_id, request.get_json())
        return _told(report_id)

    @app.post("/rq")
    def by_rq() -> tuple[Response, int]:
        report_id = secrets.token_hex(16)
        jobs().enqueue(rq_jobs.decide, report_id, request.get_json(), result_ttl=0)
        return _told(report_id)

    return app


def _told(report_id: str = "") -> tuple[Response, int]:
    return jsonify(id=report_id or secrets.token_hex(16), status="queued"), 202
