"""HTTP in, stream out, the whole way: own processes, a real Celery worker, an embedded Redis, the red-dots ruleset."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.support.actors import TESTER
from tests.support.paths import ROOT, SAMPLES
from tests.support.rulesets import repository
from tests.support.services.load import assert_one_event_each, events_of, post_many
from tests.support.services.triage_up import Everything
from tests.support.shares import examples, params
from triage_rules.foundation.settings import Settings
from triage_rules.store.redis import RedisStore

REPORTS = examples(500, 1000)
FEWER = examples(250, 1000)
DISPOSITIONS = 9
TIMES = ("id", "received_at", "evaluated_at", "valid_until")


def timeless(result: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in result.items() if name not in TIMES}


@pytest.mark.parametrize("sample", params(SAMPLES, 3), ids=lambda path: path.stem)
def test_a_sample_gives_over_http_what_decide_gives(served: Everything, sample: Path) -> None:
    """What C tries at the desk is what A's patients get."""
    status, answer = served.post(sample.read_bytes(), Prefer="wait=10")
    decided = served.triage("decide", "rulesets/red-dots", str(sample), "--format", "json")
    assert status == 200
    assert timeless(answer["result"]) == timeless(json.loads(decided.stdout))


def test_many_reports_of_eight_clients_end_in_one_event_each(served: Everything) -> None:
    """Nothing is lost or doubled under load."""
    ids = post_many(served, REPORTS)
    assert_one_event_each(events_of(served, ids), ids)


def test_a_ruleset_deployed_midway_mixes_nothing_and_drops_nothing(served: Everything, tmp_path: Path) -> None:
    """Each result is wholly of one version: of the one it names."""
    folder = tmp_path / "red-dots"
    shutil.copytree(ROOT / "rulesets/red-dots", folder)
    ruleset = folder / "ruleset.yaml"
    text = ruleset.read_text(encoding="utf-8")
    assert text.count("\nversion: 1.2.0\n") == 1
    # each result's advice says which version it is of: in the disposition's words and in those that stand on all
    text = text.replace("\nversion: 1.2.0\n", "\nversion: 1.2.1\n").replace(
        "    Do the glass test", "    V2 Do the glass test"
    )
    assert text.count("\n    clinician: ") == DISPOSITIONS
    text = text.replace("\n    clinician: >-\n      ", "\n    clinician: >-\n      V2 ")
    text = re.sub(r"\n    clinician: (?!>-)", "\n    clinician: V2 ", text)
    ruleset.write_text(text, encoding="utf-8")

    bundle = repository.bundle(folder)
    with RedisStore(Settings(redis_url=served.redis_url)) as store, ThreadPoolExecutor(1) as pool:
        posted = pool.submit(post_many, served, FEWER)
        time.sleep(0.2)
        store.rulesets.deploy(bundle.name, bundle.version, bundle.digest, bundle.data, store.now_ms(), by=TESTER)
        ids = posted.result()
    ids += [served.post(SAMPLES[0].read_bytes())[1]["id"]]
    events = events_of(served, ids)
    assert Counter(event.subject for event in events) == Counter(ids)
    versions = Counter(event.result["ruleset"]["version"] for event in events)
    assert versions["1.2.0"] and versions["1.2.1"], versions
    for event in events:
        advice, new = event.result["advice"], event.result["ruleset"]["version"] == "1.2.1"
        assert (advice["patient"].count("V2 Do the glass test"), advice["clinician"].startswith("V2 ")) == (new, new)
    assert served.triage("rollback", "red-dots").stdout.startswith("red-dots 1.2.0")
    _, answer = served.post(SAMPLES[0].read_bytes(), Prefer="wait=10")
    assert answer["result"]["ruleset"]["version"] == "1.2.0"


def test_a_refused_bundle_leaves_what_is_live(served: Everything, tmp_path: Path) -> None:
    """With file, line and reason; and a failing case refuses as well."""
    live = served.triage("status", "--format", "json").stdout
    folder = tmp_path / "red-dots"
    shutil.copytree(ROOT / "rulesets/red-dots", folder)
    ruleset = folder / "ruleset.yaml"
    ruleset.write_text(ruleset.read_text(encoding="utf-8").replace("not_palpable", "not_palpabel", 1), encoding="utf-8")
    ruleset.write_text(ruleset.read_text(encoding="utf-8").replace("\nversion: 1.2.0\n", "\nversion: one\n"))
    refused = served.triage("deploy", str(folder), check=False)
    assert refused.exit_code == 1
    assert "ruleset.yaml:" in refused.stderr and "`one`" in refused.stderr
    assert json.loads(served.triage("status", "--format", "json").stdout)["rulesets"] == json.loads(live)["rulesets"]
