"""`triage diff` and `triage explain --why-not` as C types them: files, git revisions, live rulesets, and deploying."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.support.paths import GLASS_TEST
from triage_rules.cli import main

MOVED = ("at_least: 38}}, fever", "at_least: 38.5}}, fever")
FEVERISH = {"age_years": 4, "blanches_on_pressure": "does_not_blanch", "temperature_c": 38.9}


def triage(*arguments: str | Path, stdin: str | None = None, redis_url: str = "redis://127.0.0.1:1/0") -> Result:
    return CliRunner().invoke(
        main, list(map(str, arguments)), input=stdin, env={"TRIAGE_REDIS_URL": redis_url}, catch_exceptions=False
    )


def put(folder: Path, *replacements: tuple[str, str]) -> Path:
    """A copy of the small ruleset, with these texts replaced."""
    shutil.copytree(GLASS_TEST, folder, dirs_exist_ok=True)
    text = (GLASS_TEST / "ruleset.yaml").read_text(encoding="utf-8")
    for before, after in replacements:
        assert before in text
        text = text.replace(before, after, 1)
    (folder / "ruleset.yaml").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def moved(tmp_path: Path) -> Path:
    """The small ruleset with the fever's limit moved up by half a degree, as version 1.0.1."""
    return put(tmp_path / "moved", MOVED, ("version: 1.0.0", "version: 1.0.1"))


def git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=C", "-c", "user.email=c@example.org")
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


# --- diff ---


def test_the_difference_names_the_limit_the_lowered_patient_and_both_results(moved: Path) -> None:
    told = triage("diff", GLASS_TEST, moved)
    assert told.exit_code == 1
    assert "`temperature_c` at least 38.5; before: at least 38" in told.stdout
    assert "urgent before, monitor now" in told.stdout
    assert "    before: urgent, U2_emergency_dept_now (R08)" in told.stdout
    assert "No report is decided at a higher level: proved." in told.stdout
    assert "level, lower: " in told.stderr


def test_json_and_markdown_say_the_same(moved: Path) -> None:
    found = json.loads(triage("diff", GLASS_TEST, moved / "ruleset.yaml", "--format", "json").stdout)
    lower = found["differences"][0]
    assert (lower["aspect"], lower["way"], lower["state"]) == ("level", "lower", "complete")
    pull_request = triage("diff", GLASS_TEST, moved, "--format", "markdown").stdout
    for kind in lower["kinds"]:
        assert kind["old"]["level"] == kind["before"][0]
        assert kind["example"]["findings"]["temperature_c"] == 38
        assert f"**{kind['before'][0]} before, {kind['after'][0]} now**" in pull_request
    assert lower["statement"] in pull_request


def test_a_ruleset_and_itself_differ_for_nobody() -> None:
    told = triage("diff", GLASS_TEST, GLASS_TEST)
    assert (told.exit_code, "No report differs at all: proved." in told.stdout) == (0, True)


def test_a_text_is_a_difference_but_none_that_lowers(tmp_path: Path) -> None:
    other = put(tmp_path / "other", ("Itchy spots that fade", "Itching spots that fade"))
    assert triage("diff", GLASS_TEST, other).exit_code == 1
    assert triage("diff", GLASS_TEST, other, "--fail-on", "lower").exit_code == 0


def test_a_phrase_taken_from_a_mention_shows_the_patient_who_wrote_it(tmp_path: Path) -> None:
    """Whoever shortens a list of danger words must see whose level that lowers."""
    other = put(tmp_path / "other", ("phrases: [stiff neck, blue lips]", "phrases: [blue lips]"))
    found = json.loads(triage("diff", GLASS_TEST, other, "--format", "json").stdout)
    (written,) = found["written"]
    assert (written["part"], written["id"], written["how"]) == ("mention", "red_flag_words", "changed")
    assert [(line["what"], line["before"], line["after"]) for line in written["lines"]] == [
        ("phrases", "stiff neck", None)
    ]
    lower = found["differences"][0]
    assert (lower["aspect"], lower["way"], len(lower["kinds"]) > 0) == ("level", "lower", True)
    for kind in lower["kinds"]:
        assert "mention red_flag_words: its phrases" in kind["causes"]
        assert "stiff neck" in kind["example"]["findings"]["free_text"]


def test_without_time_it_gives_up_and_says_so(moved: Path) -> None:
    told = triage("diff", GLASS_TEST, moved, "--seconds", "0")
    assert (told.exit_code, "Gave up (the time ran out)" in told.stdout) == (3, True)


def test_a_git_revision_is_compared_with_the_work_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = tmp_path / "repository"
    put(repository / "rulesets" / "glass-test")
    git(repository, "init", "--quiet")
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "--message", "first")
    put(repository / "rulesets" / "glass-test", MOVED)
    monkeypatch.chdir(repository)
    assert triage("diff", "HEAD:rulesets/glass-test", "rulesets/glass-test", "--fail-on", "lower").exit_code == 1
    assert triage("diff", "HEAD:rulesets/glass-test/ruleset.yaml", "HEAD:rulesets/glass-test").exit_code == 0
    nowhere = triage("diff", "HEAD:rulesets/nothing", "rulesets/glass-test")
    assert (nowhere.exit_code, "can't be read from git" in nowhere.stderr) == (2, True)


@pytest.mark.parametrize("asked", ["--output=x:rulesets", ":rulesets", "HEAD:"])
def test_what_is_no_revision_and_path_never_reaches_git(asked: str) -> None:
    told = triage("diff", "--", asked, str(GLASS_TEST))
    assert (told.exit_code, "expected a git revision and a path" in told.stderr) == (2, True)


def test_what_is_live_is_compared_by_name_and_by_digest(moved: Path, redis_url: str) -> None:
    deployed = triage("deploy", GLASS_TEST, redis_url=redis_url)
    digest = next(word for word in deployed.stdout.split() if word.startswith("sha256:"))
    for live in ("glass-test", digest):
        assert triage("diff", live, GLASS_TEST, redis_url=redis_url).exit_code == 0
        assert triage("diff", live, moved, "--fail-on", "lower", redis_url=redis_url).exit_code == 1
    assert triage("diff", "nothing", moved, redis_url=redis_url).exit_code == 2
    assert triage("diff", "sha256:" + "0" * 64, moved, redis_url=redis_url).exit_code == 2


def test_without_redis_a_live_name_cannot_be_compared(moved: Path) -> None:
    assert triage("diff", "glass-test", moved).exit_code == 3


# --- deploying ---


def test_deploying_says_who_is_lowered_and_no_lower_refuses_it(moved: Path, redis_url: str) -> None:
    first = triage("deploy", GLASS_TEST, "--no-lower", redis_url=redis_url)
    assert (first.exit_code, "Against" in first.stderr) == (0, False)
    refused = triage("deploy", moved, "--no-lower", redis_url=redis_url)
    assert (refused.exit_code, "Refused by --no-lower" in refused.stderr) == (1, True)
    assert "glass-test 1.0.0" in triage("status", redis_url=redis_url).stdout
    told = triage("deploy", moved, redis_url=redis_url)
    assert (told.exit_code, "of report get a lower level" in told.stderr) == (0, True)
    assert "urgent before, monitor now, for example: " in told.stderr
    back = triage("deploy", GLASS_TEST, "--no-lower", redis_url=redis_url)
    assert (back.exit_code, "No report is decided at a lower level: proved." in back.stderr) == (0, True)


# --- why not ---


def why_not(level: str, *options: str, answers: dict[str, object] = FEVERISH) -> Result:
    return triage("explain", GLASS_TEST, "-", "--why-not", level, *options, stdin=json.dumps({"findings": answers}))


def test_why_not_lower_tells_what_holds_it_up_and_what_else_would_have_come(tmp_path: Path) -> None:
    told = why_not("monitor")
    assert told.exit_code == 0
    assert "Rules that keep the level up" in told.stdout
    assert "Temperature? 37 °C; given: 38.9 °C" in told.stdout
    assert "no advice on how to answer" in told.stdout
    found = json.loads(why_not("monitor", "--format", "json").stdout)["why_not"]
    assert found["kept"] == ["age_years"]
    report = tmp_path / "other.json"
    for one in found["sets"]:
        assert "age_years" not in one["findings"]
        report.write_text(json.dumps({"findings": FEVERISH | one["findings"]}), encoding="utf-8")
        decided = json.loads(triage("decide", GLASS_TEST, report, "--format", "json").stdout)
        assert decided["level"] == one["result"]["level"] != "urgent"


def test_why_not_higher_tells_the_nearest_rule_and_what_it_lacked() -> None:
    told = why_not("urgent", answers={"age_years": 4, "blanches_on_pressure": "does_not_blanch"})
    assert "R08" in told.stdout
    assert "(1 answer away)" in told.stdout
    assert "Temperature? open; wanted: at least 38 °C" in told.stdout


def test_with_everything_kept_it_is_proved_that_nothing_can() -> None:
    told = why_not("routine", *(option for name in FEVERISH for option in ("--keep", name)))
    assert "No set of answers leads to routine or lower: proved." in told.stdout


def test_a_question_answered_with_unknown_is_open_to_why_not() -> None:
    """It need not be answered; if it is, it was open before. Kept, it stays open."""
    answers = {"age_years": 4, "blanches_on_pressure": "does_not_blanch"}
    unknown = {**answers, "temperature_c": "unknown", "free_text": "unknown"}
    given, same = (why_not("urgent", "--format", "json", answers=each) for each in (unknown, answers))
    sets = json.loads(given.stdout)["why_not"]["sets"]
    assert sets == json.loads(same.stdout)["why_not"]["sets"]
    assert [part["given"] for each in sets for part in each["in_words"] if part["question"] == "Temperature?"] == [
        "open"
    ]
    kept = json.loads(why_not("urgent", "--keep", "temperature_c", "--format", "json", answers=unknown).stdout)[
        "why_not"
    ]
    assert [one for one in sets if "temperature_c" not in one["findings"]] == kept["sets"] != []


def test_wrong_use_of_why_not_is_told() -> None:
    same = why_not("urgent")
    assert (same.exit_code, "The level is urgent" in same.stderr) == (2, True)
    unknown = why_not("routine", "--keep", "age_year")
    assert (unknown.exit_code, "did you mean `age_years`" in unknown.stderr) == (2, True)
    assert "whether any set of answers leads to routine" in why_not("routine", "--seconds", "0").stdout
