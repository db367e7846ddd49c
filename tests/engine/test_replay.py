"""The same findings, history, times and ruleset give the same result, byte for byte, wherever and whenever."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests import golden
from tests.engine.raw import ROOT, child
from tests.support.rulesets.generated import DIGEST, make_report, make_ruleset
from tests.support.shares import examples
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.foundation import strict_json
from triage_rules.language.bundle import make_bundle, open_bundle
from triage_rules.language.model import Answers
from triage_rules.language.reading import read_ruleset
from triage_rules.records.reports import History

RED_DOTS = ROOT / "rulesets" / "red-dots"
FOLDERS = [golden.GOLDEN / "small", golden.GOLDEN / "spots", RED_DOTS]


def as_bytes(evaluator: Evaluator, report: tuple[Answers, History]) -> bytes:
    answers, history = report
    result = evaluator.evaluate(answers, history, report_id="r", received_ms=1_000, evaluated_ms=2_000)
    return strict_json.dumps(result).encode()


def reports(evaluator: Evaluator, count: int) -> Iterator[tuple[Answers, History]]:
    """Made reports, with answers within the bounds of this ruleset's inputs."""
    random = Random(1)
    for _ in range(count):
        answers, history = make_report(random, evaluator.ruleset)
        yield {name: within(evaluator, name, value) for name, value in answers.items()}, history


def within(evaluator: Evaluator, name: str, value: Any) -> Any:
    asked = evaluator.ruleset.inputs[name]
    if isinstance(value, bool | str):
        return value
    value = value if asked.minimum is None else max(value, asked.minimum)
    return value if asked.maximum is None else min(value, asked.maximum)


def test_evaluating_twice_gives_the_same_bytes() -> None:
    """In the same evaluator, in a new one, and in one that has seen other reports in between."""
    for seed in range(examples(6, 40)):
        random = Random(seed)
        ruleset = make_ruleset(random)
        evaluator = Evaluator(ruleset, DIGEST)
        made = [make_report(random, ruleset) for _ in range(5)]
        first = [as_bytes(evaluator, report) for report in made]
        assert [as_bytes(evaluator, report) for report in made] == first
        assert [as_bytes(Evaluator(ruleset, DIGEST), report) for report in made] == first
        assert [as_bytes(evaluator, report) for report in reversed(made)] == first[::-1]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_ruleset_out_of_its_bundle_gives_the_same_bytes(folder: Path) -> None:
    """What is deployed is the bundle; what is written and tested is the folder."""
    bundle = make_bundle(folder)
    written = Evaluator(read_ruleset(folder), bundle.digest)
    deployed = Evaluator(open_bundle(bundle.data, bundle.digest), bundle.digest)
    results = set()
    for report in reports(written, 40):
        found = as_bytes(written, report)
        assert as_bytes(deployed, report) == found
        results.add(found)
    assert len(results) > 5


@pytest.mark.usefixtures("fresh_readings")
def test_a_bundle_is_the_same_bytes_each_time() -> None:
    for folder in FOLDERS:
        assert make_bundle(folder) == make_bundle(folder)


def test_other_processes_give_the_same_bytes() -> None:
    """Sets of texts come in another order in each process, unless Python is told otherwise; results don't."""
    program = """
    import hashlib
    from tests.engine.test_replay import as_bytes, golden, reports
    from triage_rules.evaluation.evaluator import Evaluator
    from triage_rules.language.reading import read_ruleset
    evaluator = Evaluator(read_ruleset(golden.GOLDEN / "spots"), "sha256:0")
    print(hashlib.sha256(b"".join(as_bytes(evaluator, report) for report in reports(evaluator, 100))).hexdigest())
    """
    hashes = set()
    for seed in ("0", "1", "2"):
        ended = child(program, env={"PYTHONHASHSEED": seed})
        assert ended.returncode == 0, ended.stderr
        hashes.add(ended.stdout.strip())
    evaluator = Evaluator(read_ruleset(golden.GOLDEN / "spots"), "sha256:0")
    here = b"".join(as_bytes(evaluator, report) for report in reports(evaluator, 100))
    assert hashes == {hashlib.sha256(here).hexdigest()}


def test_the_order_of_the_answers_changes_nothing() -> None:
    for seed in range(examples(10, 60)):
        random = Random(seed)
        ruleset = make_ruleset(random)
        answers, history = make_report(random, ruleset)
        names = list(answers)
        random.shuffle(names)
        evaluator = Evaluator(ruleset, DIGEST)
        shuffled = {name: answers[name] for name in names}
        assert as_bytes(evaluator, (answers, history)) == as_bytes(evaluator, (shuffled, history))


def test_other_times_change_only_the_times() -> None:
    evaluator = Evaluator(read_ruleset(golden.GOLDEN / "spots"), DIGEST)
    answers: Answers = {"age_years": 4}
    early, late = (
        evaluator.evaluate(answers, History(), report_id="r", received_ms=ms, evaluated_ms=ms) for ms in (0, 86_400_000)
    )
    times = {"received_at", "evaluated_at", "valid_until"}
    assert {name for name in early if early[name] != late[name]} == times
