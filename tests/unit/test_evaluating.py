"""One report, evaluated: what the evaluators get to see of it, and that an evaluator crosses threads and forks."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest

from tests import golden
from tests.engine.raw import child
from tests.support.rulesets.generated import DIGEST, as_facts, make_report, make_ruleset
from tests.support.shares import examples
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.evaluation.phrases import folded
from triage_rules.foundation.errors import EngineError
from triage_rules.language.model import Answers, Level, Ruleset
from triage_rules.language.reading import read_ruleset
from triage_rules.records.reports import History


@pytest.fixture(scope="module")
def spots() -> Evaluator:
    return Evaluator(read_ruleset(golden.GOLDEN / "spots"), DIGEST)


def evaluate(evaluator: Evaluator, findings: Answers, history: History | None = None) -> dict[str, Any]:
    return evaluator.evaluate(findings, history or History(), report_id="r", received_ms=0, evaluated_ms=0)


# --- mentions -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "stiff neck",
        "She has a stiff neck and a cold.",
        "STIFF NECK",
        "Stiff\n\tneck",
        "a stiff\u00a0neck",
        "\uff53\uff54\uff49\uff46\uff46 neck",  # full-width letters
        "blue   lips",
        "his lips are not blue, but blue lips run in the family",
    ],
)
def test_a_phrase_is_found_whatever_its_case_form_or_blanks(spots: Evaluator, text: str) -> None:
    assert spots.facts({"free_text": text}, History())["red_flag_words"] is True


@pytest.mark.parametrize("text", ["", "nothing", "stiff. neck", "a stiff, sore neck", "stif neck", "lips blue"])
def test_a_text_without_a_phrase_is_a_no(spots: Evaluator, text: str) -> None:
    """An empty text is an answer."""
    assert spots.facts({"free_text": text}, History())["red_flag_words"] is False


def test_a_text_that_was_not_given_leaves_its_mentions_open(spots: Evaluator) -> None:
    assert "red_flag_words" not in spots.facts({"itchy": True}, History())


def test_accents_and_quotes_have_one_form() -> None:
    assert folded("caf\u00e9") == folded("cafe\u0301") == folded("CAF\u00c9")
    assert folded("can\u2019t  BREATHE ") == "can't breathe"
    assert folded("Stra\u00dfe") == "strasse"


# --- what the evaluators see ----------------------------------------------------------------


def test_of_a_text_the_evaluators_see_only_that_there_is_one(spots: Evaluator) -> None:
    """So `open` can be asked of it, and no text of a patient gets into a result or an error."""
    facts = spots.facts({"free_text": "private"}, History())
    assert facts["free_text"] is True
    assert "private" not in facts.values()
    assert "free_text" not in spots.facts({}, History())


def test_made_reports_are_seen_as_their_maker_says() -> None:
    for seed in range(100):
        random = Random(seed)
        ruleset = make_ruleset(random)
        answers, history = make_report(random, ruleset)
        assert Evaluator(ruleset, DIGEST).facts(answers, history) == as_facts(ruleset, answers, history)


def test_the_findings_that_were_given_are_left_as_they_were(spots: Evaluator) -> None:
    findings: Answers = {"age_years": 4, "free_text": "a stiff neck"}
    before = dict(findings)
    evaluate(spots, findings)
    assert findings == before


@pytest.mark.parametrize(
    ("history", "counted", "highest"),
    [
        (History(), 0, "none"),
        (History(3, Level.MONITOR), 3, "monitor"),
        (History(1, Level.ROUTINE), 1, "routine"),
        (History(1, Level.URGENT), 1, "urgent"),
    ],
)
def test_what_the_service_counts_is_an_answer(spots: Evaluator, history: History, counted: int, highest: str) -> None:
    facts = spots.facts({}, history)
    assert facts["reports_last_48h"] == counted
    assert facts["highest_level_24h"] == highest


def test_a_ruleset_that_does_not_ask_for_counts_gets_none() -> None:
    ruleset = read_ruleset(golden.GOLDEN / "small")
    assert Evaluator(ruleset, DIGEST).facts({"fever_reported": True}, History(5, Level.URGENT)) == {
        "fever_reported": True
    }


def test_a_history_raises_the_level(spots: Evaluator) -> None:
    well: Answers = {"age_years": 30, "temperature_c": 36.8, "blanches_on_pressure": "blanches", "itchy": True}
    well |= {"fever_reported": False, "drowsy": False, "injury": False, "free_text": ""}
    assert evaluate(spots, well, History(1))["level"] == "routine"
    again = evaluate(spots, well, History(2))
    assert again["level"] == "monitor"
    assert [floor["id"] for floor in again["safety_net"]] == ["S12"]


def test_looks_urgent_is_what_the_evaluation_then_says() -> None:
    """It only picks the lane, but by the same rules."""
    seen = set()
    for seed in range(examples(30, 100)):
        random = Random(seed)
        ruleset = make_ruleset(random)
        evaluator = Evaluator(ruleset, DIGEST)
        answers, history = make_report(random, ruleset)
        urgent = evaluator.looks_urgent(answers, history)
        assert urgent == (evaluate(evaluator, answers, history)["level"] == "urgent")
        seen.add(urgent)
    assert seen == {True, False}


def test_an_engine_that_fails_is_heard_and_the_next_report_is_evaluated(
    spots: Evaluator, monkeypatch: pytest.MonkeyPatch
) -> None:
    import durable_rules_engine

    def fail(*_: Any) -> None:
        raise durable_rules_engine.error("told to")

    before = evaluate(spots, {"age_years": 4})
    with monkeypatch.context() as patched:
        patched.setattr(durable_rules_engine, "retract_fact", fail)
        with pytest.raises(EngineError):
            evaluate(spots, {"age_years": 4})
    assert evaluate(spots, {"age_years": 4}) == before


# --- forks ----------------------------------------------------------------------------------

FORKED = """
    import json, os, sys, threading, time, warnings
    from pathlib import Path
    from tests.support.rulesets.generated import DIGEST
    from triage_rules.evaluation.evaluator import Evaluator
    from triage_rules.records.reports import History
    from triage_rules.language.reading import read_ruleset

    warnings.simplefilter("ignore")  # forking beside threads is what is shown here
    evaluator = Evaluator(read_ruleset(Path("tests/golden/spots")), DIGEST)

    def result():
        found = evaluator.evaluate({"age_years": 4}, History(), report_id="r", received_ms=0, evaluated_ms=0)
        return json.dumps(found)

    def in_child():
        '''What a child comes to, and how it ended.'''
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            os.write(write, result().encode())
            os._exit(0)
        os.close(write)
        with os.fdopen(read) as pipe:
            said = pipe.read()
        return said, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
"""


def test_an_evaluator_built_before_a_fork_works_in_the_child_and_on_in_the_parent() -> None:
    """As a server does that loads everything and then forks its workers; whether or not it has evaluated before."""
    ended = child(
        FORKED
        + """
    first = in_child()
    mine = result()
    print(json.dumps([first == (mine, 0), in_child() == (mine, 0), result() == mine]))
    """
    )
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout) == [True, True, True]


def test_a_fork_while_another_thread_evaluates_leaves_no_lock_behind() -> None:
    """The thread does not exist in the child, so nobody would ever release its lock there."""
    ended = child(
        FORKED
        + """
    mine = result()
    evaluator._lock.acquire()  # as a thread in the middle of an evaluation does
    print(in_child() == (mine, 0))
    evaluator._lock.release()
    print(result() == mine)
    """,
        timeout=30,
    )
    assert ended.stdout.split() == ["True", "True"], ended.stderr


def test_two_children_evaluate_side_by_side() -> None:
    ended = child(
        FORKED
        + """
    mine = result()
    children = []
    for _ in range(2):
        child = os.fork()
        if child == 0:
            os._exit(0 if all(result() == mine for _ in range(50)) else 1)
        children.append(child)
    print([os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children])
    """
    )
    assert ended.stdout.strip() == "[0, 0]", ended.stderr


def test_a_ruleset_is_compiled_once(spots: Evaluator) -> None:
    """Registering is slow; reports are many."""
    evaluate(spots, {})
    engine = spots._engine
    evaluate(spots, {"age_years": 4})
    assert spots._engine is engine


def test_the_ruleset_and_digest_can_be_asked(spots: Evaluator) -> None:
    assert isinstance(spots.ruleset, Ruleset)
    assert spots.digest == DIGEST
