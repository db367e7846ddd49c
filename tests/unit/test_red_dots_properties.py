"""Every property of red-dots is proved, and each has a mutant of the ruleset that breaks it and is found out."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.support.rulesets import repository
from tests.support.rulesets.generated import DIGEST
from tests.support.shares import params
from triage_rules.assurance.properties.model import HOLDS, Answering, LeavingOpen, ProofVerdict, Property
from triage_rules.assurance.properties.proving import prove
from triage_rules.assurance.properties.reading import read_properties
from triage_rules.evaluation.answers import read_answers
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.language.model import Ruleset
from triage_rules.language.reading import build_ruleset, load_document

RED_DOTS = Path(__file__).resolve().parents[2] / "rulesets" / "red-dots"

Document = dict[str, Any]
Change = Callable[[Document], None]


@cache
def red_dots() -> Ruleset:
    return repository.ruleset(RED_DOTS)


@cache
def properties() -> dict[str, Property]:
    return {asked.id: asked for asked in read_properties(RED_DOTS, red_dots())}


@cache
def document() -> Document:
    return load_document(RED_DOTS).data


def _rule(found: Document, name: str) -> Document:
    return found["rules"].get(name) or found["safety_net"][name]


def never(*names: str) -> Change:
    """These rules or floors never fire: they wait for a temperature that nobody has."""

    def change(found: Document) -> None:
        for name in names:
            _rule(found, name)["when"] = {"temperature_c": {"at_least": 43}}

    return change


def lowered(name: str, to: str) -> Change:
    """The rule leads there, and is raised by nothing."""

    def change(found: Document) -> None:
        rule = _rule(found, name)
        rule["disposition"] = to
        rule.pop("raised", None)

    return change


def when(name: str, condition: Any) -> Change:
    """The rule, floor or statement has another condition."""

    def change(found: Document) -> None:
        (found["inferences"].get(name) or _rule(found, name))["when"] = condition

    return change


def unraised(name: str, number: int) -> Change:
    def change(found: Document) -> None:
        raised = _rule(found, name)["raised"]
        del raised[number]
        if not raised:
            del _rule(found, name)["raised"]

    return change


def without(name: str, part: Any) -> Change:
    """One part of the statement's, rule's or floor's `all` or `any` is gone."""

    def change(found: Document) -> None:
        holder = (found["inferences"].get(name) or _rule(found, name))["when"]
        (holder.get("all") or holder["any"]).remove(part)

    return change


def put(*path: Any, value: Any) -> Change:
    def change(found: Document) -> None:
        for key in path[:-1]:
            found = found[key]
        found[path[-1]] = value

    return change


def both(*changes: Change) -> Change:
    def change(found: Document) -> None:
        for one in changes:
            one(found)

    return change


HARMLESS_ITCH = {"all": [{"blanches_on_pressure": {"is": "blanches"}}, "lesions_itchy"]}

MUTANTS: dict[str, Change] = {
    "P01": lowered("R09", "U3_same_day_clinician"),
    "P02": never("R16", "S02"),
    "P03": unraised("R16", 0),
    "P04": when("febrile", "temperature_febrile"),
    "P05": both(without("red_flags_negative", "afebrile"), never("R55")),
    "P06": lowered("R11", "U2_emergency_dept_now"),
    "P07": never("R17"),
    "P08": both(never("R15"), lowered("R08", "U3_same_day_clinician")),
    "P09": unraised("R13", 0),
    "P10": unraised("R71", 0),
    "P11": never("R10"),
    "P12": when("R20", {"all": ["unexplained", {"age_years": {"less_than": 18}}]}),
    "P13": never("S03", "R15", "R20", "R10"),
    "P14": without("R01", "seizure"),
    "P15": put("inferences", "vital_high_risk", "when", "any", 10, value={"spo2": {"less_than": 91}}),
    "P16": lambda found: found["rules"]["R07"]["when"]["all"][1]["any"].remove("wheeze_or_throat_tightness"),
    "P17": without("meningism", "photophobia"),
    "P18": lowered("R04", "U2_emergency_dept_now"),
    "P19": lowered("R19", "U2_emergency_dept_now"),
    "P20": unraised("R40", 0),
    "P21": never("R04"),
    "P22": without("red_flags_negative", {"not": "anticoagulant"}),
    "P23": when("R39", {"all": ["anticoagulant", "nonblanching"]}),
    "P24": when("R23", {"all": ["nonblanching", "internal_or_wet_bleeding"]}),
    "P25": put("rules", "R24", "raised", 2, "when", value={"platelet_count": {"less_than": 10}}),
    "P26": both(
        put("rules", "R24", "raised", 1, "when", value={"platelet_count": {"at_least": 20, "less_than": 50}}),
        unraised("R24", 2),
    ),
    "P27": never("R06", "R26"),
    "P28": unraised("R59", 0),
    "P29": when("R58", {"all": ["pregnant", "nonblanching", "pregnancy_warning_sign"]}),
    "P30": lambda found: found["mandatory"].remove("rash_duration_days"),
    "P31": both(
        put("rules", "R54", "disposition", value="R2_self_care_info"), put("rules", "R54", "when", value=HARMLESS_ITCH)
    ),
    "P32": when("R68", HARMLESS_ITCH),
    "P33": lambda found: found["mandatory"].remove("age_years"),
    "P34": put("safety_net", "S01", "flags", value=["incomplete"]),
    "P35": when("S02", {"all": ["nonblanching_possible", {"any": ["febrile", "looks_unwell"]}]}),
    "P36": never("S04"),
    "P37": unraised("S05", 0),
    "P38": lambda found: found["inferences"]["answers_contradict"]["when"]["any"].remove("pregnancy_contradicts"),
    "P39": never("S11"),
    "P40": put("safety_net", "S12", "when", value={"reports_last_48h": {"at_least": 3}}),
    "P41": unraised("S12B", 0),
    "P42": when("S01", {"all": ["mandatory_open", {"open": "free_text"}]}),
    "P43": never("S13"),
    "P44": both(when("S13", {"not": "pallor"}), lowered("S13", "U3_same_day_clinician")),
    "P45": when("consciousness_altered", {"consciousness": {"in": ["confused", "drowsy"]}}),
    "P46": put("inferences", "temperature_febrile", "when", value={"temperature_c": {"at_least": 38, "less_than": 39}}),
    "P47": put("inferences", "nonblanching", "when", "any", 0, value={"blanches_on_pressure": {"is": "mixed"}}),
    "P48": both(when("S13", {"not": "neck_stiffness"}), lowered("S13", "U3_same_day_clinician")),
    "P49": when("S01", {"all": ["mandatory_open", {"not": {"open": "blanches_on_pressure"}}]}),
    "P51": put("rules", "R60", "clinician_only", value=False),
    "P52": put("rules", "R60", "flags", value=["look"]),
    "P53": never("R60"),
    "P54": put("rules", "R61", "reason", value="Somebody hurt you."),
    "P55": put("always", "patient", value="Take care."),
    "P56": both(when("S13", {"not": "head_injury_recent"}), lowered("S13", "U3_same_day_clinician")),
    "P57": put("inferences", "temperature_febrile", "when", value={"temperature_c": {"at_least": 38.5}}),
    "P58": put("inferences", "temperature_febrile", "when", value={"temperature_c": {"at_least": 38.5}}),
    "P59": without("warning_sign_today", "gi_bleeding"),
    "P60": without("any_bleeding", "bloody_diarrhoea"),
    "P61": without("warning_sign_slow", "gum_swelling_or_corkscrew_hairs"),
    "P62": without("immunocompromised", "asplenia"),
    "P63": without("red_flags_negative", {"not": "anticoagulant"}),
    "P64": lambda found: found["rules"]["R04"]["when"]["any"][1]["all"][1]["any"].remove("liver_disease"),
    "P65": never("R41"),
    "P66": lambda found: found["mandatory"].remove("gi_bleeding"),
    "P67": without("warning_sign_soon", "bleeding_of_open_kind"),
    "P68": both(when("S13", {"not": "medicines_or_long_illness"}), lowered("S13", "U3_same_day_clinician")),
    "P69": both(when("S13", {"not": "unwell_for_weeks"}), lowered("S13", "U3_same_day_clinician")),
    "P70": without("warning_sign_slow", "slow_change_of_open_kind"),
    "P71": lowered("R76", "U3_same_day_clinician"),
    "P72": never("R76"),
    "P73": never("R72"),
    "P74": lowered("R73", "U3_same_day_clinician"),
    "P75": never("R73"),
    "P76": lowered("R77", "U3_same_day_clinician"),
    "P77": never("R78"),
    "P78": lowered("R75", "U3_same_day_clinician"),
    "P79": lowered("R79", "M1_clinician_48h"),
    "P80": never("R81"),
    "P81": never("R83"),
    "P82": never("R87"),
    "P83": never("R85", "A01"),
    "P84": lowered("R22", "M1_clinician_48h"),
    "P85": lambda found: found["scope"].update(disposition="M3_self_monitor_recheck"),
    "P86": never("R72"),
    "P87": lambda found: found["rules"]["R73"].update(reason="Tell them about the overdose."),
    "P88": lowered("S14", "U3_same_day_clinician"),
    "P89": never("S14"),
    "P90": lowered("S14", "U3_same_day_clinician"),
    "P91": lowered("R04", "U2_emergency_dept_now"),
    "P92": never("R60"),
}

LANGUAGE_ALONE = {"P50"}
"""No ruleset can break these: the language itself sees to it. `test_proving` breaks the formulas instead."""


def proved(ruleset: Ruleset, asked: Property, evaluator: Evaluator) -> Any:
    (proof,) = prove(ruleset, [asked], evaluator=evaluator)
    return proof


@pytest.mark.campaign  # `make rulesets` proves them in `make test`
def test_every_property_of_red_dots_is_proved() -> None:
    """Of every possible report, open answers included; none of them says nothing, and none was left out."""
    proofs = list(prove(red_dots(), list(properties().values())))
    assert {proof.asked.id: proof.verdict for proof in proofs if proof.verdict is not ProofVerdict.PROVED} == {}
    assert len(proofs) >= 25
    assert {ProofVerdict.PROVED, ProofVerdict.NOT_ASKED} == HOLDS


def test_every_property_says_where_it_comes_from_and_how_sure_that_is() -> None:
    assert [asked.id for asked in properties().values() if not asked.source.marks] == []


def test_there_is_a_mutant_for_every_property() -> None:
    """A property that nothing could break is worth nothing."""
    assert set(MUTANTS) | LANGUAGE_ALONE == set(properties())


@pytest.mark.parametrize("name", params(MUTANTS, 6))
def test_a_mutant_that_breaks_the_property_is_refuted_by_a_report_that_replays(name: str) -> None:
    """The counterexample is evaluated here once more, by engine and reference, as it would be posted."""
    mutant = copy.deepcopy(document())
    MUTANTS[name](mutant)
    ruleset = build_ruleset(mutant)
    asked = properties()[name]
    evaluator = Evaluator(ruleset, DIGEST)
    proof = proved(ruleset, asked, evaluator)
    assert proof.verdict is ProofVerdict.REFUTED
    witness = proof.counterexample
    assert len(witness.reports) == (2 if isinstance(asked.claim, Answering | LeavingOpen) else 1)
    for (posted, history), result in zip(witness.reports, witness.results, strict=True):
        answers = read_answers(ruleset, posted)
        again = evaluator.evaluate(answers, history, report_id="witness", received_ms=0, evaluated_ms=0)
        assert "engine_disagreement" not in again["flags"]
        assert {key: again[key] for key in ("level", "disposition", "could_be", "advice")} == {
            key: result[key] for key in ("level", "disposition", "could_be", "advice")
        }
