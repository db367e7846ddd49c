"""Fixtures of the acceptance tests: the app as in production, on the embedded server, with one small ruleset live."""

from __future__ import annotations

import time

import pytest
from flask import Flask

from service.boot.app import create_app
from tests.support.actors import TESTER
from tests.support.services.http_calls import Caller, glass_test
from triage_rules.foundation.settings import Settings
from triage_rules.language.bundle import Bundle
from triage_rules.store.redis import RedisStore


@pytest.fixture
def deployed(store: RedisStore) -> Bundle:
    """The small ruleset, live."""
    bundle = glass_test()
    store.rulesets.deploy(
        bundle.name, bundle.version, bundle.digest, bundle.data, time.time_ns() // 1_000_000, by=TESTER
    )
    return bundle


@pytest.fixture
def http_app(settings: Settings, store: RedisStore, deployed: Bundle) -> Flask:
    """The app with its own parts: store, Celery client and all."""
    return create_app(settings, store)


@pytest.fixture
def http(http_app: Flask) -> Caller:
    """Calls that app."""
    return Caller(http_app)
