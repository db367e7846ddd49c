"""Properties: proved of every possible report, or refuted by the smallest one, and never anything in between."""

from __future__ import annotations

import itertools
import json
from functools import cache
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.engine.test_encoding import FEVER, HEAD
from tests.support.oracles import proving_agreement
from tests.support.oracles.proving_agreement import proving_differences, small_ruleset
from tests.support.shares import examples
from triage_rules.assurance.properties import proving
from triage_rules.assurance.properties.model import ProofVerdict, Property
from triage_rules.assurance.properties.proving import Proof, prove
from triage_rules.assurance.properties.reading import read_properties
from triage_rules.assurance.solver.encoding import Encoding
from triage_rules.assurance.solver.witness import EncoderBugError
from triage_rules.cli import main
from triage_rules.deployment import deploy
from triage_rules.foundation.errors import PropertiesFailed, RulesetError
from triage_rules.language.model import Ruleset
from triage_rules.language.reading import parse_ruleset

BEFORE = "owner: us\nreview_by: 2030-01-01\nproperties:\n"


@cache
def fever() -> Ruleset:
    return parse_ruleset((HEAD + FEVER).encode(), "ruleset.yaml")


def read(folder: Path, *claims: str, ruleset: Ruleset | None = None) -> list[Property]:
    """Properties P1, P2 ... of these claims, as inner lines of a YAML mapping."""
    text = BEFORE + "".join(
        f"  P{number}: {{says: this holds, source: {{text: made}}, {claim}}}\n"
        for number, claim in enumerate(claims, 1)
    )
    (folder / "properties.yaml").write_text(text, encoding="utf-8")
    return read_properties(folder, ruleset or fever())


def proof_of(folder: Path, claim: str, *, ruleset: Ruleset | None = None, previous: Ruleset | None = None) -> Proof:
    (asked,) = read(folder, claim, ruleset=ruleset)
    (proof,) = prove(ruleset or fever(), [asked], previous=previous)
    return proof


# --- against every report -------------------------------------------------------------------


def test_proofs_of_small_rulesets_agree_with_a_look_at_every_report() -> None:
    """Nine properties each, of every kind; counterexamples of one report have as few answers as can be."""
    small = ((seed, made) for seed in itertools.count() if (made := small_ruleset(seed)) is not None)
    differences = [
        f"seed {seed}: {difference}"
        for seed, ruleset in itertools.islice(small, examples(6, 20))
        for difference in proving_differences(ruleset, seed)
    ]
    assert differences == []


def test_a_look_at_every_report_finds_a_prover_that_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """An agreement that can't fail proves nothing."""
    monkeypatch.setattr(proving_agreement, "breaks", lambda *_: False)
    small = ((seed, made) for seed in itertools.count() if (made := small_ruleset(seed)) is not None)
    assert any(True for seed, ruleset in itertools.islice(small, 5) for _ in proving_differences(ruleset, seed))


# --- kinds ----------------------------------------------------------------------------------

HOLDS = [
    "whenever: {temperature_c: {at_least: 38}}, level_at_least: urgent, fires: [R1], patient_says: [a FEVER]",
    "whenever: hurt, silent: [R3], hidden_from_patient: [R2], clinician_says: [Somebody hurt them]",
    "never: routine, unless: {spots: {is: few}}",
    "never: R1, unless_fires: [R3]",
    "routine_only_if_answered: [hurt, {any_of: [spots, age_years]}]",
    "answering: [hurt], with: yes, never_lowers: disposition",
    "answering: [temperature_c], with: higher, never_lowers: level",
    "leaving_open: any, never_lowers: could_be",
    "leaving_open: [spots], compared_with: few, never_lowers: level",
    "whenever: {reports_last_48h: {at_least: 2}}, level_at_least: monitor",
    "clinician_says: [No clinician has approved this ruleset]",
]

BROKEN = [
    ("whenever: {temperature_c: {at_least: 37.5}}, level_at_least: urgent", [{"temperature_c": 37.5}]),
    ("disposition_at_least: M1", [{"spots": "few", "hurt": False}]),
    ("could_be_at_least: urgent", None),
    ("patient_never_says: [nothing matched]", [{}]),
    ("clinician_never_says: [approved]", [{}]),
    ("never: monitor", [{}]),
    ("hidden_from_patient: [R1]", [{"temperature_c": 38}]),
    ("routine_only_if_answered: [age_years]", [{"spots": "few", "hurt": False}]),
    ("answering: [spots], with: few, never_lowers: level", [{"hurt": False}, {"spots": "few", "hurt": False}]),
    (
        "answering: [temperature_c], with: lower, never_lowers: level",
        [{"temperature_c": 38}, {"temperature_c": 37}],
    ),
    ("answering: [hurt], with: no, instead_of: yes, never_lowers: level", [{"hurt": True}, {"hurt": False}]),
    ("leaving_open: [hurt], never_lowers: level", [{"hurt": True}, {}]),
]


@pytest.mark.parametrize("claim", HOLDS)
def test_what_holds_of_every_report_is_proved(tmp_path: Path, claim: str) -> None:
    proof = proof_of(tmp_path, claim)
    assert (proof.verdict, proof.why) == (ProofVerdict.PROVED, "")
    assert proof.holds


@pytest.mark.parametrize(("claim", "reports"), BROKEN, ids=[claim for claim, _ in BROKEN])
def test_what_does_not_is_refuted_by_the_smallest_report(tmp_path: Path, claim: str, reports: object) -> None:
    proof = proof_of(tmp_path, claim)
    assert proof.verdict is ProofVerdict.REFUTED
    assert not proof.holds
    if reports is not None:
        assert [answers for answers, _ in proof.counterexample.reports] == reports


def test_a_property_that_speaks_of_no_report_is_no_proof(tmp_path: Path) -> None:
    """Most likely its condition was meant otherwise."""
    proof = proof_of(tmp_path, "whenever: {all: [hurt, {not: hurt}]}, level_at_least: urgent")
    assert (proof.verdict, proof.holds) == (ProofVerdict.VACUOUS, False)


def test_the_previous_version_is_compared_report_by_report(tmp_path: Path) -> None:
    claim = "against: previous, never_lowers: level"
    hotter = parse_ruleset((HEAD + FEVER.replace("at_least: 38", "at_least: 38.5")).encode(), "ruleset.yaml")
    assert proof_of(tmp_path, claim, previous=hotter).verdict is ProofVerdict.PROVED
    proof = proof_of(tmp_path, claim, ruleset=hotter, previous=fever())
    assert proof.verdict is ProofVerdict.REFUTED
    assert [result["level"] for result in proof.counterexample.results] == ["monitor", "urgent"]
    assert proof.counterexample.answers == {"temperature_c": 38}
    excused = "whenever: {temperature_c: {at_least: 38.5}}, " + claim
    assert proof_of(tmp_path, excused, ruleset=hotter, previous=fever()).verdict is ProofVerdict.PROVED
    unasked = proof_of(tmp_path, claim)
    assert (unasked.verdict, unasked.holds) == (ProofVerdict.NOT_ASKED, True)


@pytest.mark.parametrize(
    "weaker", ["{level: monitor, act_within_minutes: 30,", "{level: urgent, act_within_minutes: 90,"]
)
def test_a_disposition_that_means_less_under_its_old_name_is_less(tmp_path: Path, weaker: str) -> None:
    claim = "against: previous, never_lowers: disposition"
    written = "U2: {level: urgent, act_within_minutes: 30, title: soon, patient: Go., clinician: Go.}\n  M1:"
    text = HEAD.replace("M1:", written, 1) + FEVER.replace("disposition: U1", "disposition: U2", 1)
    before, after = (
        parse_ruleset(made.encode(), "ruleset.yaml")
        for made in (text, text.replace("{level: urgent, act_within_minutes: 30,", weaker))
    )
    proof = proof_of(tmp_path, claim, ruleset=after, previous=before)
    assert proof.verdict is ProofVerdict.REFUTED
    assert [result["disposition"] for result in proof.counterexample.results] == ["U2", "U2"]
    assert proof_of(tmp_path, claim, ruleset=before, previous=before).verdict is ProofVerdict.PROVED


def test_no_time_is_no_proof(tmp_path: Path) -> None:
    asked = read(tmp_path, *HOLDS[:2])
    proofs = list(prove(fever(), asked, seconds=0))
    assert [(proof.verdict, proof.holds) for proof in proofs] == [(ProofVerdict.GAVE_UP, False)] * 2


def test_what_only_a_broken_language_could_break_is_not_proved_of_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`could_be` of open questions is right by the language itself: no ruleset can break it, so the formulas must."""
    asked = read(tmp_path, "leaving_open: any, never_lowers: could_be")
    monkeypatch.setattr(Encoding, "could_be_at_least", Encoding.level_at_least)
    with pytest.raises(EncoderBugError):
        list(prove(fever(), asked))


def test_a_counterexample_that_the_results_don_t_break_is_never_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proving, "breaks", lambda *_: False)
    with pytest.raises(EncoderBugError, match="`P1`"):
        proof_of(tmp_path, "never: monitor")


def test_two_reports_differ_in_one_answer_alone(tmp_path: Path) -> None:
    """Of several findings each is asked about for itself."""
    claim = "answering: [hurt, temperature_c, note, spots], with: any, never_lowers: level"
    proof = proof_of(tmp_path, claim)
    (first, _), (second, _) = proof.counterexample.reports
    assert len(set(second.items()) ^ set(first.items())) == 1


# --- reading --------------------------------------------------------------------------------

FAULTS = [
    ("whenever: {temprature_c: {at_least: 38}}, level_at_least: urgent", "did you mean `temperature_c`?"),
    ("level_at_least: routine", "`level_at_least`: `routine` is not one of `monitor`, `urgent`"),
    ("levl_at_least: urgent", "did you mean `level_at_least`?"),
    ("whenever: hurt", "it claims nothing"),
    ("never: routine, answering: [hurt], with: yes, never_lowers: level", "are different kinds of property"),
    ("never: urgnt", "did you mean `urgent`?"),
    ("never: routine, unless_fires: [R33]", "the ruleset has no rule or floor `R33`; did you mean `R3`?"),
    ("flags: [isolation]", "the ruleset has no flag `isolation`"),
    ("disposition_at_least: U2", "unknown disposition `U2`"),
    ("answering: [hurt], with: maybe, never_lowers: level", "`maybe` is not an answer to `hurt`"),
    ("answering: [hurt], with: yes, instead_of: yes, never_lowers: level", "can't replace itself"),
    ("answering: [hurt], with: any, instead_of: yes, never_lowers: level", "already defines the replaced answer"),
    ("answering: [temperature_c], with: 38, never_lowers: level", "`38` is not an answer to `temperature_c`"),
    ("answering: [reports_last_48h], with: higher, never_lowers: level", "the service counts `reports_last_48h`"),
    ("answering: [hurts], with: yes, never_lowers: level", "did you mean `hurt`?"),
    ("answering: [hurt], with: yes", "the key `never_lowers` is missing"),
    ("leaving_open: [hurt], compared_with: higher, never_lowers: level", "`higher` is not an answer to `hurt`"),
    ("against: last, never_lowers: level", "`last` is not one of `previous`"),
    ("routine_only_if_answered: [hurts]", "unknown input `hurts`; did you mean `hurt`?"),
]


@pytest.mark.parametrize(("claim", "told"), FAULTS, ids=[claim for claim, _ in FAULTS])
def test_a_fault_is_told_with_its_place_and_what_was_meant(tmp_path: Path, claim: str, told: str) -> None:
    with pytest.raises(RulesetError) as caught:
        read(tmp_path, claim)
    assert told in str(caught.value)
    assert all(fault.place.line == 4 for fault in caught.value.faults)


# --- command and deployment -----------------------------------------------------------------


def folder_of(path: Path, *claims: str) -> Path:
    (path / "ruleset.yaml").write_text(HEAD + FEVER, encoding="utf-8")
    case = "cases: [{id: hot, findings: {temperature_c: 39}, expect: {level: urgent}}]\n"
    (path / "cases.yaml").write_text(case, encoding="utf-8")
    if claims:
        read(path, *claims)
    return path


def run(*arguments: str) -> tuple[int, str, str]:
    ran = CliRunner().invoke(main, ["prove", *arguments], catch_exceptions=False)
    return ran.exit_code, ran.stdout, ran.stderr


def test_a_refuted_property_names_the_rule_that_is_lacking(tmp_path: Path) -> None:
    """The level alone wouldn't tell why the report breaks it."""
    folder = folder_of(tmp_path, "whenever: {temperature_c: {less_than: 36}}, fires: [R1]")
    assert "  missing: `R1` firing" in run(str(folder))[1]


def test_the_command_tells_a_summary_first_and_a_counterexample_in_words_and_as_json(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, HOLDS[0], "whenever: {temperature_c: {at_least: 37.5}}, level_at_least: urgent")
    code, out, err = run(str(folder))
    assert code == 1
    assert out.startswith("2 properties: 1 proved, 1 refuted; over every possible report")
    assert 'as JSON: {"ruleset": "fever", "findings": {"temperature_c": 37.5}}' in out
    assert "Temperature? 37.5" in out
    assert "-> monitor, M1 (by no rule)" in out
    assert "1 of 2 properties is not proved" in err
    code, out, _ = run(str(folder), "--property", "P1", "--format", "json")
    assert code == 0
    assert [found["verdict"] for found in json.loads(out)["properties"]] == ["proved"]
    assert run(str(folder), "--property", "P3")[0] == 2


def test_the_counterexample_of_the_command_replays(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "never: monitor, unless_fires: [R1]")
    _, out, _ = run(str(folder), "--format", "json")
    (found,) = json.loads(out)["properties"][0]["counterexample"]["reports"]
    decided = CliRunner().invoke(
        main, ["decide", str(folder), "-", "--format", "json"], input=json.dumps(found["report"])
    )
    assert json.loads(decided.stdout)["level"] == found["result"]["level"] == "monitor"


def test_a_folder_is_compared_with_another_one_without_any_properties(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir(), new.mkdir()
    folder_of(old), folder_of(new)
    assert run(str(new))[0] == 2
    assert run(str(new), "--against", str(old))[0] == 0
    text = (HEAD + FEVER).replace("at_least: 38", "at_least: 39")
    (new / "ruleset.yaml").write_text(text, encoding="utf-8")
    code, out, _ = run(str(new), "--against", str(old))
    assert code == 1
    assert "The same report, by the previous version" in out
    assert run(str(new), "--against", "no-such-revision")[0] == 2


def test_what_there_was_no_time_to_check_is_told_to_whoever_deploys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert deploy.check_folder(folder_of(tmp_path, HOLDS[0])).undecided == ()
    monkeypatch.setattr(deploy, "CHECK_FINDINGS_SECONDS", 0.0)
    undecided = deploy.check_folder(tmp_path).undecided
    assert undecided
    assert all("the time ran out" in what for what in undecided)


def test_what_fails_prove_does_not_go_live(tmp_path: Path) -> None:
    """Nor over HTTP: the check is the same, in a process of its own."""
    checked = deploy.check_folder(folder_of(tmp_path, *HOLDS[:3], "against: previous, never_lowers: level"))
    assert (checked.proved, checked.unasked) == (3, ("P4",))
    read(tmp_path, HOLDS[0], "never: monitor")
    with pytest.raises(PropertiesFailed, match="1 of 2 properties don't hold") as caught:
        deploy.check_folder(tmp_path)
    assert (
        str(caught.value.faults[0])
        == f"{tmp_path}/properties.yaml:5:3: property `P2`: this holds refuted: {{}} is monitor (M1)"
    )
    files = {name: (tmp_path / name).read_text(encoding="utf-8") for name in deploy.FILES if (tmp_path / name).exists()}
    with pytest.raises(RulesetError) as over_http:
        deploy.check_files(files)
    assert [str(fault) for fault in over_http.value.faults] == [
        "properties.yaml:5:3: property `P2`: this holds refuted: {} is monitor (M1)"
    ]


def test_a_ruleset_of_which_nothing_is_claimed_may_go_live(tmp_path: Path) -> None:
    assert deploy.check_folder(folder_of(tmp_path)).proved is None
