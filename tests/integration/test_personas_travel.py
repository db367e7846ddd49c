"""Personas go where a ruleset goes: into the store and back, by deployment, rollback and under a live name."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.actors import TESTER
from tests.support.command import run_triage
from tests.support.rulesets import glass_personas, glass_vignettes
from triage_rules.deployment import deploy
from triage_rules.deployment.deploy import Deployed
from triage_rules.store.redis import RedisStore

BUDGET = "budget: {median_screens: 1}\nbases:"


def put(store: RedisStore, folder: Path, text: str = glass_personas.PERSONAS, title: str = "Spots") -> Deployed:
    """Deploy the small ruleset with these personas."""
    glass_personas.write_folder(folder, text)
    rules = glass_personas.rules().replace("title: Spots", f"title: {title}")
    (folder / "ruleset.yaml").write_text(rules, encoding="utf-8")
    return deploy.deploy(store.rulesets, deploy.check_folder(folder), store.now_ms(), TESTER)


def over_budget(deployed: Deployed) -> list[str]:
    return [warning for warning in deployed.warnings if "over the budget" in warning]


def test_a_live_ruleset_is_interviewed_with_the_personas_that_came_with_it(
    store: RedisStore, redis_url: str, tmp_path: Path
) -> None:
    put(store, tmp_path / "glass-test")
    ran = run_triage("interview", "glass-test", "--persona", "bites", TRIAGE_REDIS_URL=redis_url)
    assert ran.exit_code == 0
    assert "R2_self_care_info: Self care" in ran.stdout


def test_a_live_ruleset_without_personas_has_none_to_interview(
    store: RedisStore, redis_url: str, tmp_path: Path
) -> None:
    folder = glass_personas.write_folder(tmp_path / "glass-test")
    (folder / "personas.yaml").unlink()
    deploy.deploy(store.rulesets, deploy.check_folder(folder), store.now_ms(), TESTER)
    ran = run_triage("interview", "glass-test", TRIAGE_REDIS_URL=redis_url)
    assert (ran.exit_code, "`glass-test` has none" in ran.stderr) == (2, True)


def test_a_rollback_brings_the_earlier_personas_back(store: RedisStore, tmp_path: Path) -> None:
    first = put(store, tmp_path / "glass-test").live
    fewer = glass_personas.PERSONAS[: glass_personas.PERSONAS.index("  unsure:")]
    second = put(store, tmp_path / "glass-test", fewer, "Other spots").live
    assert store.rulesets.get_files(second.digest)["personas.yaml"] == fewer
    live, _ = deploy.roll_back(store.rulesets, "glass-test", store.now_ms(), TESTER)
    assert live.digest == first.digest
    assert store.rulesets.get_files(live.digest)["personas.yaml"] == glass_personas.PERSONAS


def test_a_median_over_the_budget_is_a_warning_with_that_of_the_live_version(store: RedisStore, tmp_path: Path) -> None:
    folder, text = tmp_path / "glass-test", glass_personas.PERSONAS
    assert over_budget(put(store, folder, text.replace("bases:", "budget: {median_screens: 2}\nbases:"))) == []
    longer = text[: text.index("  feverish:")].replace("bases:", BUDGET)
    (warning,) = over_budget(put(store, folder, longer, "Other spots"))
    assert warning == (
        "the median interview of the personas takes 4 screens, over the budget of 1; by the previous version it took 2"
    )


def test_a_first_deployment_over_the_budget_is_compared_with_nothing(store: RedisStore, tmp_path: Path) -> None:
    (warning,) = over_budget(put(store, tmp_path / "glass-test", glass_personas.PERSONAS.replace("bases:", BUDGET)))
    assert warning == "the median interview of the personas takes 2 screens, over the budget of 1"


@pytest.mark.parametrize(("text", "code"), [(glass_personas.PERSONAS, 0), (glass_personas.WRONG, 1)])
def test_the_command_deploys_with_passing_personas_only(
    store: RedisStore, redis_url: str, tmp_path: Path, text: str, code: int
) -> None:
    folder = glass_vignettes.write_folder(tmp_path / "glass-test")
    (folder / "personas.yaml").write_text(text, encoding="utf-8")
    ran = run_triage("deploy", folder, TRIAGE_REDIS_URL=redis_url)
    assert ran.exit_code == code
    assert ("2 cases passed, 3 personas interviewed (median: 2 screens), 3 vignettes run." in ran.stderr) is (code == 0)
    assert ("Refused: 1 of 3 personas failed" in ran.stderr) is (code == 1)
    assert ("glass-test" in store.rulesets.get_live()) is (code == 0)
