"""`triage check`: finds what was planted, nothing in clean rulesets, and agrees with a look at every report."""

from __future__ import annotations

import itertools
import json
import runpy
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from random import Random

import pytest
from click.testing import CliRunner

from tests.support.oracles import finding_agreement
from tests.support.oracles.encoding_agreement import small_ruleset
from tests.support.oracles.finding_agreement import finding_differences
from tests.support.rulesets.defects import (
    PLANTED,
    TODAY,
    Data,
    add_input,
    add_raising,
    clean,
    found_in,
    parsed,
    rule,
    unused_input,
)
from tests.support.rulesets.faulty_files import ALL, Faulty
from tests.support.shares import examples, params
from triage_rules.assurance.checking import FAMILIES, CheckOptions, check, findings_of_faults
from triage_rules.assurance.checking.context import Finding
from triage_rules.assurance.checking.rendering import as_json, as_text, count_by_severity, has_failures
from triage_rules.assurance.checking.sarif import as_sarif
from triage_rules.cli import main
from triage_rules.foundation.errors import RulesetError
from triage_rules.language.check_types import CheckType, Family, Severity
from triage_rules.language.model import Ruleset
from triage_rules.language.reading import parse_ruleset

ROOT = Path(__file__).parents[2]
CAMPAIGN = ROOT / "tests" / "campaigns" / "analysis.py"

FOLLOWS = {
    CheckType.CONTRADICTING_STATEMENTS: {CheckType.UNREACHABLE_RULE},
    CheckType.IDLE_PANEL: {CheckType.UNUSED_INPUT},
    CheckType.GAP: {CheckType.UNREAD_VALUE, CheckType.UNUSED_STATEMENT, CheckType.UNUSED_INPUT},
}
"""What else is rightly found of such a defect: it is one more way to say it."""

PROOFS_ALONE = {
    CheckType.UNREACHABLE_RULE,
    CheckType.UNREACHABLE_OUTCOME,
    CheckType.UNREACHABLE_STATEMENT,
    CheckType.CONTRADICTING_STATEMENTS,
    CheckType.DEAD_CONDITION,
    CheckType.POINTLESS_GATE,
}
"""No report can show these: there is none."""

OF_THE_FILE = {
    CheckType.MISSING_REASON,
    CheckType.MISSING_SOURCE,
    CheckType.MISSING_OWNER,
    CheckType.EXPIRED_REVIEW,
    CheckType.MISSPELT_GROUP,
    CheckType.NEGATED_LINE,
    CheckType.IDLE_PANEL,
    CheckType.LATE_SCOPE,
    CheckType.UNUSED_ACCEPTANCE,
}
"""Seen in the file, whatever is reported."""


# --- planted defects ---


@pytest.mark.parametrize("planted", PLANTED, ids=str)
def test_a_planted_defect_is_found_in_each_ruleset_and_nothing_else(planted: CheckType) -> None:
    """A finding with a report was replayed through engine and reference before it was told."""
    for seed in range(examples(2, 10)):
        data = clean(1000 + seed)
        of = PLANTED[planted](Random(seed), data)
        found = found_in(data)
        assert (planted, of) in {(one.type, one.of) for one in found}, (seed, found)
        assert {one.type for one in found} <= {planted} | FOLLOWS.get(planted, set()), (seed, found)
        for one in found:
            assert one.place.line > 1
            assert one.proved or one.type not in PROOFS_ALONE
            assert (one.witness is None) == (one.type in PROOFS_ALONE | OF_THE_FILE), one


def test_nothing_is_found_in_clean_rulesets() -> None:
    assert [(seed, found) for seed in range(examples(12, 100)) if (found := found_in(clean(seed)))] == []


def test_a_ruleset_that_is_too_much_for_the_engine_is_found_in_each_of_ten(tmp_path: Path) -> None:
    """More than half of many: written out, that is more rules than the engine can hold. Half as many are no finding."""
    for seed in range(10):
        limits = 18 + seed
        for some, found in ((8, False), (limits, True)):
            data = clean(1000 + seed)
            add_input(data, "age_years", {"type": "number", "minimum": 0, "maximum": 120, "unit": "a"})
            parts = [{"age_years": {"at_least": limit}} for limit in range(1, some + 1)]
            add_raising(data, {"at_least": some // 2, "of": parts})
            file = tmp_path / f"{seed}-{found}.yaml"
            file.write_text(json.dumps(data, indent=1), encoding="utf-8")
            ran = CliRunner().invoke(
                main, ["check", str(file), "--format", "json", "--seconds", "0"], catch_exceptions=False
            )
            types = {one["type"] for one in json.loads(ran.stdout)["findings"]}
            assert (CheckType.ENGINE_LIMIT in types) is found, (seed, some)


def test_every_type_is_planted_or_tested_by_name() -> None:
    by_name = {CheckType.FAULT, CheckType.ENGINE_LIMIT, CheckType.INCOMPLETE}
    assert set(PLANTED) | by_name == set(CheckType)
    by_family = {type_ for type_ in CheckType if type_.family is not None}
    assert by_family == set(PLANTED) - {CheckType.UNUSED_ACCEPTANCE}
    assert {type_.family for type_ in by_family} == set(FAMILIES) == set(Family)


@pytest.mark.parametrize(
    ("text", "negated"),
    [
        ("No urine for 18 hours", True),
        ("Isn\u2019t drinking", True),
        ("Do the spots not fade?", True),
        ("Bleeding that does not stop", False),
        ("Is there bleeding that does not stop?", False),
        ("Notable pain", False),
    ],
)
def test_a_negation_is_told_from_a_sign_that_does_not_stop(text: str, negated: bool) -> None:
    data = clean(3)
    add_input(data, "planted", {"type": "yes_no"})
    add_raising(data, "planted")
    data["panels"] = {"signs": {"question": "Any of this?", "lines": [{"finding": "planted", "text": text}]}}
    assert [one.type for one in found_in(data)] == [CheckType.NEGATED_LINE] * negated


def test_a_gate_that_the_rule_repeats_hides_no_danger() -> None:
    data = clean(3)
    add_input(data, "years", {"type": "integer"})
    gate = {"years": {"less_than": 3}}
    add_input(data, "planted", {"type": "yes_no", "relevant": {"when": gate, "otherwise": False}})
    add_raising(data, {"all": ["planted", gate]})
    data["dispositions"]["U0"] |= {"act_within_minutes": 0}
    assert found_in(data) == ()


def test_an_input_that_only_gates_read_is_used() -> None:
    """It opens other questions, so its answer is read; without the gate it is unused."""
    data = clean(1)
    add_input(data, "opening", {"type": "yes_no"})
    add_input(data, "planted", {"type": "yes_no", "relevant": {"when": "opening", "otherwise": False}})
    add_raising(data, "planted")
    data["mandatory"].remove("opening")
    assert found_in(data) == ()
    del data["inputs"]["planted"]["relevant"]
    assert [(one.type, one.of) for one in found_in(data)] == [(CheckType.UNUSED_INPUT, "opening")]


def test_the_report_of_a_gated_danger_answers_what_is_not_asked() -> None:
    data = clean(3)
    assert PLANTED[CheckType.GATED_DANGER](Random(0), data) == "planted"
    (found,) = found_in(data)
    assert found.witness is not None
    assert found.witness.answers["planted"] is True
    assert found.witness.result["disposition"] == "U0"


def optional_danger(**question: object) -> Data:
    """A ruleset with routine results, and a sign that makes urgent but need not be answered."""
    data = clean(3)
    data["rules"]["R00"]["disposition"] = "R1"
    add_input(data, "planted", {"type": "yes_no"} | question)
    add_raising(data, "planted")
    data["mandatory"].remove("planted")
    return data


def test_the_report_of_an_open_danger_is_routine_and_the_message_has_the_answer() -> None:
    (found,) = found_in(optional_danger())
    assert (found.type, found.of) == (CheckType.OPEN_DANGER, "planted")
    assert found.witness is not None
    assert "planted" not in found.witness.answers
    assert found.witness.result["level"] == "routine"
    assert "“planted? yes” would be such an answer, with U0." in found.message


def test_a_question_that_no_patient_is_asked_is_no_open_danger() -> None:
    assert found_in(optional_danger(asked_of="clinician")) == ()


def test_a_question_that_is_ruled_out_is_no_open_danger() -> None:
    """Where the sign is asked, a rule sees to it that the result is not routine."""
    data = optional_danger()
    add_input(data, "opening", {"type": "yes_no"})
    data["mandatory"].append("opening")
    assert {one.type for one in found_in(data)} == {CheckType.OPEN_DANGER, CheckType.IDLE_MANDATORY}
    data["inputs"]["planted"]["relevant"] = {"when": "opening", "otherwise": False}
    data["safety_net"]["S1"]["when"] = {"any": ["mandatory_open", "opening"]}
    assert found_in(data) == ()


def test_an_accepted_open_danger_is_proved_without_an_example() -> None:
    """Its report would never be shown, and is slow to find."""
    data = optional_danger()
    data["accepts"] = [{"finding": "open_danger", "of": ["planted"], "reason": "asked where it matters"}]
    (found,) = found_in(data)
    assert (found.type, found.accepted, found.witness) == (CheckType.OPEN_DANGER, "asked where it matters", None)
    data["mandatory"].append("planted")
    assert [one.type for one in found_in(data)] == [CheckType.UNUSED_ACCEPTANCE]


def mention_beside(sign: str) -> Data:
    """A ruleset whose text raises to U2 unless a sign is answered yes, which leads to this disposition."""
    data = clean(3)
    data["rules"] = {one: leaf | {"disposition": "M2"} for one, leaf in data["rules"].items()}
    add_input(data, "words", {"type": "text", "max_length": 40})
    add_input(data, "sign", {"type": "yes_no"})
    data["mentions"] = {"stiff": {"text": "words", "phrases": ["stiff neck"], "says": "a stiff neck is written"}}
    data["rules"]["X1"] = rule("Sign", "sign", sign)
    data["rules"]["X2"] = rule("Words", {"all": ["stiff", {"unless": "sign"}]}, "U2")
    return data


@pytest.mark.parametrize("sign", ["U1", "U2"])
def test_a_mention_is_covered_by_a_question_that_does_at_least_the_same(sign: str) -> None:
    assert found_in(mention_beside(sign)) == ()


def test_a_mention_is_not_covered_by_a_question_that_does_less() -> None:
    (found,) = found_in(mention_beside("M1"))
    assert (found.type, found.of) == (CheckType.UNASKED_MENTION, "stiff")
    assert found.message.startswith("one phrase (“stiff neck”) of `stiff` in `words` ")
    assert "from M2 to U2" in found.message
    assert "`sign` asks for the same, but leads to less in some reports" in found.message


def test_a_question_that_is_another_way_to_the_same_statement_covers_a_mention() -> None:
    """Words in two languages and the question make one statement. Without the question, both mentions are found."""
    data = mention_beside("U2")
    data["mentions"]["steif"] = {"text": "words", "phrases": ["nacken steif"], "says": "the same in German"}
    data["inferences"]["stiff_neck"] = {"says": "A stiff neck", "when": {"any": ["sign", "stiff", "steif"]}}
    data["rules"]["X2"]["when"] = "stiff_neck"
    del data["rules"]["X1"]
    assert found_in(data) == ()
    data["inferences"]["stiff_neck"]["when"] = {"any": ["stiff", "steif"]}
    data["rules"]["X1"] = rule("Sign", "sign", "M1")
    assert {(one.type, one.of) for one in found_in(data)} == {
        (CheckType.UNASKED_MENTION, "stiff"),
        (CheckType.UNASKED_MENTION, "steif"),
    }


def test_a_mention_that_changes_nothing_is_no_finding() -> None:
    data = mention_beside("M1")
    data["rules"]["X2"]["disposition"] = "M2"
    assert CheckType.UNASKED_MENTION not in {one.type for one in found_in(data)}


# --- brute force ---


def small_rulesets(first: int, count: int) -> Iterator[tuple[int, Ruleset]]:
    made = ((seed, ruleset) for seed in itertools.count(first) if (ruleset := small_ruleset(seed)) is not None)
    return itertools.islice(made, count)


def test_what_is_unreachable_redundant_shadowed_or_a_gap_is_so_for_every_report() -> None:
    """Twenty small rulesets; brute force looks at every report."""
    told = [f"seed {seed}, {one}" for seed, made in small_rulesets(5000, 20) for one in finding_differences(made)]
    assert told == []


def test_brute_force_finds_out_a_check_that_keeps_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding_agreement.superfluous, "_find_shadow", lambda *_: None)
    monkeypatch.setattr(finding_agreement.superfluous, "_is_redundant", lambda *_: False)
    assert any(True for _, made in small_rulesets(5000, 30) for _ in finding_differences(made))


# --- what is told ---


def test_the_smallest_set_of_conditions_that_cannot_hold_is_named() -> None:
    data = clean(3)
    data["inputs"]["years"] = {"type": "integer", "group": "person", "question": "Age?"}
    data["inferences"]["old"] = {"says": "old", "when": {"years": {"at_least": 60}}}
    add_raising(data, {"all": [next(iter(data["rules"].values()))["when"], "old", {"years": {"less_than": 16}}]})
    (found,) = [one for one in found_in(data) if one.type is CheckType.UNREACHABLE_RULE]
    assert "`old` and `years` less than 16 can't be true together" in found.message
    assert found.others == ("old",)


def test_a_report_tells_in_words_what_was_answered_and_what_came_of_it() -> None:
    data = clean(3)
    PLANTED[CheckType.EDGE_GAP](Random(0), data)
    ruleset, document = parsed(data)
    text = "\n".join(as_text(check(ruleset, document, CheckOptions(TODAY)), ruleset))
    assert "Temperature? 39" in text or "Temperature? 37.5" in text or "Temperature? 38" in text
    assert "result: monitor, M1 (S1)" in text
    assert text.endswith("1 warning")


def test_the_day_of_review_is_the_last_day_on_which_nothing_is_told() -> None:
    ruleset, document = parsed(clean(3) | {"review_by": "2026-11-22"})
    assert check(ruleset, document, CheckOptions(date(2026, 11, 22))) == ()
    late = check(ruleset, document, CheckOptions(date(2026, 11, 23)))
    assert {one.type for one in late} == {CheckType.EXPIRED_REVIEW}


def test_an_accepted_finding_is_told_with_its_reason_and_fails_nothing() -> None:
    data = clean(3)
    of = PLANTED[CheckType.UNREACHABLE_RULE](Random(0), data)
    assert has_failures(found_in(data))
    data["accepts"] = [{"finding": "unreachable_rule", "of": [of], "reason": "kept for next year"}]
    (found,) = found_in(data)
    assert found.accepted == "kept for next year"
    assert not has_failures((found,), strict=True)
    assert count_by_severity((found,))["accepted"] == 1


def test_the_reason_for_accepting_several_findings_is_told_once() -> None:
    data = clean(3)
    of = PLANTED[CheckType.UNREACHABLE_RULE](Random(0), data)
    data["accepts"] = [{"finding": "unreachable_rule", "of": [of], "reason": "kept for next year"}]
    (found,) = found_in(data)
    lines = list(as_text((found, found), None))
    assert lines.count("    accepted: kept for next year") == 1
    assert lines.count(f"  {found.place}: {found.message}") == 2


def test_an_acceptance_is_of_what_it_names_alone() -> None:
    data = clean(3)
    PLANTED[CheckType.UNREACHABLE_RULE](Random(0), data)
    data["accepts"] = [{"finding": "unreachable_rule", "of": ["R00"], "reason": "no"}]
    assert [one.type for one in found_in(data)] == [CheckType.UNREACHABLE_RULE, CheckType.UNUSED_ACCEPTANCE]


@pytest.mark.parametrize("finding", [one for one in CheckType if not one.is_acceptable] + ["shadowed_rul"], ids=str)
def test_what_can_not_be_accepted_is_refused(finding: str) -> None:
    data = clean(3) | {"accepts": [{"finding": str(finding), "of": ["R00"], "reason": "no"}]}
    with pytest.raises(RulesetError, match="`finding`"):
        parsed(data)


# --- time ---


def test_a_check_without_time_says_incomplete_and_never_that_all_is_well() -> None:
    for seed in range(10):
        data = clean(seed)
        PLANTED[CheckType.UNREACHABLE_RULE](Random(0), data)
        data["accepts"] = [{"finding": "gap", "of": ["illness"], "reason": "not known to be unused"}]
        found = found_in(data, seconds=0)
        assert {one.type for one in found} == {CheckType.INCOMPLETE}
        assert any("`X1`" in one.message or " more could be decided" in one.message for one in found)
        assert has_failures(found, strict=True)


def test_errors_alone_can_be_asked_for() -> None:
    data = clean(3)
    PLANTED[CheckType.UNREACHABLE_RULE](Random(0), data)
    unused_input(Random(0), data)
    assert [one.type for one in found_in(data, least=Severity.ERROR)] == [CheckType.UNREACHABLE_RULE]


# --- forms ---


def everything_found() -> tuple[Ruleset, tuple[Finding, ...]]:
    data: Data = clean(3)
    PLANTED[CheckType.EDGE_GAP](Random(0), data)
    PLANTED[CheckType.UNUSED_ACCEPTANCE](Random(0), data)
    PLANTED[CheckType.MISSING_REASON](Random(0), data)
    data["accepts"].append({"finding": "edge_gap", "of": ["temperature_c"], "reason": "so it is written"})
    ruleset, document = parsed(data)
    return ruleset, check(ruleset, document, CheckOptions(TODAY))


def test_sarif_says_rule_level_message_and_region_of_each_finding() -> None:
    """The parts of SARIF 2.1.0 that its schema requires of a log, a run, a result and a location."""
    _, findings = everything_found()
    log = json.loads(json.dumps(as_sarif(findings, "1.2.3")))
    assert (log["version"], len(log["runs"])) == ("2.1.0", 1)
    driver = log["runs"][0]["tool"]["driver"]
    assert (driver["name"], driver["version"]) == ("triage check", "1.2.3")
    assert [rule["id"] for rule in driver["rules"]] == list(CheckType)
    assert len(log["runs"][0]["results"]) == len(findings) >= 3
    for result, found in zip(log["runs"][0]["results"], findings, strict=True):
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == found.type
        assert result["level"] in {"error", "warning", "note"}
        assert result["message"]["text"] == found.message
        (location,) = result["locations"]
        assert location["physicalLocation"]["artifactLocation"] == {"uri": "ruleset.yaml"}
        region = location["physicalLocation"]["region"]
        assert region == {"startLine": found.place.line, "startColumn": found.place.column}
        assert result.get("suppressions", [{}])[0].get("justification") == found.accepted


def test_json_has_the_report_as_it_can_be_posted_and_what_came_out() -> None:
    ruleset, findings = everything_found()
    shown = [as_json(one, ruleset) for one in findings if one.witness is not None]
    assert [(one["report"]["findings"].keys(), one["report"]["level"]) for one in shown] == [
        ({"temperature_c"}, "monitor")
    ]


@pytest.mark.parametrize("faulty", params(ALL, 20), ids=lambda faulty: faulty.id)
def test_faults_are_findings_with_their_places(faulty: Faulty) -> None:
    with pytest.raises(RulesetError) as refused:
        parse_ruleset(faulty.text().encode(), "ruleset.yaml")
    (found,) = findings_of_faults(refused.value.faults)
    assert (found.type, found.place.file) == (CheckType.FAULT, "ruleset.yaml")
    assert (found.place.line, found.place.column) == faulty.line_and_column()
    assert has_failures((found,))


# --- the campaign ---


def test_the_campaign_looks_at_findings_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", [str(CAMPAIGN), "1"])
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(finding_agreement, "finding_differences", lambda _: iter(["a lie"]))
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(CAMPAIGN), run_name="__main__")
    assert ended.value.code == 1
    assert "a lie" in capsys.readouterr().out
