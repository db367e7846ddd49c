"""The bootstrap of the web process: makes all parts and joins them. `gunicorn 'service.boot.app:create_app()'`."""

from __future__ import annotations

from flask import Flask

from service import api, pages
from service.api.openapi import make_api
from service.http import api_keys, headers, problems
from service.http.api_keys import Keyring
from service.http.parts import Parts, store_parts
from service.http.rate_limits import Limits
from service.pages import sessions
from service.use.dispatch import CeleryDispatch, Dispatch
from service.use.intake import Intake
from service.use.metrics import Metrics
from triage_rules.deployment.live import LiveRulesets
from triage_rules.foundation.settings import Settings
from triage_rules.foundation.version import version
from triage_rules.store.redis import RedisStore


def create_app(
    settings: Settings | None = None, store: RedisStore | None = None, dispatch: Dispatch | None = None
) -> Flask:
    """Make the app, with production parts for those not passed in. Opens no connection yet. Raises SettingsError."""
    settings = Settings.from_environment() if settings is None else settings
    store = RedisStore(settings) if store is None else store
    dispatch = CeleryDispatch(settings) if dispatch is None else dispatch
    metrics = Metrics(store, store.now_ms, settings.worker_within_ms)
    live = LiveRulesets(
        store.rulesets,
        second_opinion=settings.second_opinion,
        alarm=metrics.disagreed,
        contacts=settings.contact_choice,
    )
    intake = Intake(store.reports, live, dispatch, metrics, now_ms=store.now_ms)

    app = Flask("service", static_folder="static", template_folder="templates")
    app.url_map.merge_slashes = False
    problems.register(app)
    headers.register(app)
    api_keys.register(app, auth=settings.auth_on)
    limits = Limits(app, settings)
    keyring = Keyring(store.api_keys.get_all)
    store_parts(app.extensions, Parts(settings, store, live, intake, metrics, limits, keyring, store.now_ms))
    sessions.configure(app, settings)
    description = make_api(app, version())
    api.register(description)
    pages.register(app, description)
    return app
