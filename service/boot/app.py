"""The web's bootstrap: the one place where its parts meet. `gunicorn 'service.app:create_app()'`."""

from __future__ import annotations

from flask import Flask

from service import (
    administration,
    deployments,
    following_up,
    form_links,
    headers,
    keys,
    operations,
    pages,
    problems,
    reports,
    rulesets,
)
from service.dispatch import CeleryDispatch, Dispatch
from service.documenting import make_api
from service.intake import Intake
from service.keys import Keyring
from service.limits import Limits
from service.metrics import Metrics
from service.pages import sessions
from service.parts import Parts, keep, version
from triage_rules.ledger import Ledger
from triage_rules.ledger.redis import RedisLedger
from triage_rules.rulesets_live import LiveRulesets
from triage_rules.settings import Settings


def create_app(
    settings: Settings | None = None, ledger: Ledger | None = None, dispatch: Dispatch | None = None
) -> Flask:
    """The app. What isn't handed in is made as in production. Connects to nothing yet. Raises SettingsError."""
    settings = Settings.from_environment() if settings is None else settings
    ledger = RedisLedger(settings) if ledger is None else ledger
    dispatch = CeleryDispatch(settings) if dispatch is None else dispatch
    metrics = Metrics(ledger, ledger.now_ms, settings.worker_within_ms)
    live = LiveRulesets(ledger, second_opinion=settings.second_opinion, alarm=metrics.disagreed)
    intake = Intake(ledger, live, dispatch, metrics, now_ms=ledger.now_ms)

    app = Flask("service", static_folder="static", template_folder="templates")
    app.url_map.merge_slashes = False
    problems.register(app)
    headers.register(app)
    keys.register(app, auth=settings.auth_on)
    limits = Limits(app, settings)
    keep(app.extensions, Parts(settings, ledger, live, intake, metrics, limits, Keyring(ledger.keys), ledger.now_ms))
    sessions.configure(app, settings)
    api = make_api(app, version())
    for part in (reports, following_up, rulesets, form_links, deployments, administration, operations):
        api.register_blueprint(part.blueprint)
    pages.register(app, api)
    return app
