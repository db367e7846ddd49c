"""The red-dots ruleset is complete against its knowledge note, and keeps the promises of its README."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.rulesets import repository
from triage_rules.language.model import (
    All,
    Any,
    AskedOf,
    AtLeast,
    Audience,
    Compare,
    Condition,
    Floor,
    Inferred,
    InputKind,
    IsOpen,
    Level,
    Not,
    OneOf,
    Rule,
    Ruleset,
    Unless,
    Yes,
)

FOLDER = Path(__file__).parents[2] / "rulesets" / "red-dots"

# The fields of the note, section 1.2, in its order.
FIELDS = re.findall(
    r"\w+",
    """
age_years age_months sex_at_birth reporter skin_tone pregnancy_status gestation_weeks independently_mobile reports_last_48h
blanches_on_pressure lesion_size lesion_count lesion_distribution rash_spreading rash_duration_days lesions_palpable
lesions_itchy lesions_painful dome_red_papules brown_orange_staining necrotic_or_blistering bruising_extent
bruise_pattern_suspicious explanation_inconsistent skin_broken_over_bruise local_infection_signs recurrent_same_site
temperature_c fever_reported fever_duration_days looks_unwell carer_concern_high consciousness irritability_inconsolable
neck_stiffness photophobia severe_headache seizure bulging_fontanelle focal_neuro_deficit cold_hands_feet severe_limb_pain
skin_mottled_or_blue breathing_difficulty heart_rate respiratory_rate spo2 systolic_bp capillary_refill_s no_urine_18h
feeding_poor vomiting_persistent abdominal_pain upper_abdominal_pain joint_pain testicular_pain visual_disturbance
swelling_face_hands dark_or_bloody_urine chest_pain sore_throat
bleeding_uncontrolled mucosal_bleeding mouth_blood_blisters gi_bleeding bloody_diarrhoea heavy_menstrual_bleeding
haemoptysis head_injury_recent
fatigue_persistent pallor weight_loss_unexplained night_sweats bone_pain lymph_nodes_swollen recurrent_infections
abdominal_fullness jaundice gum_swelling_or_corkscrew_hairs
recent_forceful_cough_vomit_strain local_pressure_or_trauma trauma_explained neck_pressure_or_assault recent_infection_6w
tick_exposure_14d travel_tropics_21d contact_meningococcal new_product_or_fabric_contact new_medicine_8w new_medicine_name
heparin_14d poor_diet_fruit_veg b12_folate_risk alcohol_high prolonged_walking_heat
anticoagulant antiplatelet nsaid_regular corticosteroid_longterm chemotherapy_6w immunosuppressed asplenia
known_bleeding_disorder liver_disease connective_tissue_disease cancer_haematological endocarditis_risk kidney_disease
previous_iga_vasculitis diagnosed_pigmented_purpura free_text hives lip_tongue_swelling wheeze_or_throat_tightness
platelet_count haemoglobin_g_l white_cell_count crp_mg_l inr hypertension_stage
""",
)
OURS = {
    "pale_sites_checked",
    "spots_changing",
    "bites_or_pustules",
    "iga_vasculitis_checks_normal",
    "highest_level_24h",
    "other_bleeding",
    "unwell_for_weeks",
    "weak_defence_or_bleeding_risk",
    "medicines_or_long_illness",
    *("about_spots", "self_harm", "chest_pain_crushing", "limb_signs", "one_leg_swollen", "blue_toes"),
    *("bruise_places", "lifelong_unchanged", "family_bleeding", "clinician_called_harmless", "spot_colour"),
    *("colour_turning_brown", "lacy_pattern", "growing_lump", "travel_tropics_1y", "surgery_or_immobile_4w", "smoker"),
    *("tampon_in_use", "meningococcal_risk", "iron_lack_or_tablets", "multivitamins"),
}
# Unit and plausible limits, where the note gives them; None: the note leaves the limit open.
NUMBERS: dict[str, tuple[str, float, float | None]] = {
    "age_years": ("a", 0, 120),
    "age_months": ("mo", 0, 35),
    "gestation_weeks": ("wk", 0, 44),
    "rash_duration_days": ("d", 0, None),
    "temperature_c": ("Cel", 30, 43),
    "heart_rate": ("/min", 20, 300),
    "respiratory_rate": ("/min", 3, 120),
    "spo2": ("%", 50, 100),
    "systolic_bp": ("mm[Hg]", 40, 300),
    "capillary_refill_s": ("s", 0, 15),
}
LOINC = {
    "age_years": "30525-0",
    "sex_at_birth": "76689-9",
    "pregnancy_status": "82810-3",
    "gestation_weeks": "18185-9",
    "temperature_c": "8310-5",
    "consciousness": "80288-4",
    "heart_rate": "8867-4",
    "respiratory_rate": "9279-1",
    "spo2": "59408-5",
    "systolic_bp": "8480-6",
    "capillary_refill_s": "44963-7",
    "platelet_count": "777-3",
    "haemoglobin_g_l": "718-7",
    "white_cell_count": "6690-2",
    "crp_mg_l": "1988-5",
    "inr": "6301-6",
}
DISPOSITIONS = {
    "U1_ambulance_now": (Level.URGENT, 0),
    "U2_emergency_dept_now": (Level.URGENT, 60),
    "U3_same_day_clinician": (Level.URGENT, 240),
    "M0_not_assessed": (Level.MONITOR, 1440),  # ours: the wrong form
    "M1_clinician_48h": (Level.MONITOR, 2880),
    "M2_clinician_1w": (Level.MONITOR, 10080),
    "M3_self_monitor_recheck": (Level.MONITOR, 240),
    "R1_routine_appointment": (Level.ROUTINE, 20160),
    "R2_self_care_info": (Level.ROUTINE, None),
}
MANDATORY = {
    "age_years",
    "blanches_on_pressure",
    "temperature_c",
    "fever_reported",
    "looks_unwell",
    "consciousness",
    "breathing_difficulty",
    "rash_spreading",
    "neck_stiffness",
    "mucosal_bleeding",
    "gi_bleeding",
    "rash_duration_days",
    "anticoagulant",
    "known_bleeding_disorder",
    "immunosuppressed",
    "pregnancy_status",
}
MARK = re.compile(r"V~?:[A-Za-z0-9]+|M|ours")


@pytest.fixture(scope="module")
def ruleset() -> Ruleset:
    return repository.ruleset(FOLDER)


def parts(condition: Condition, spoken: bool = True) -> Iterator[tuple[Condition, bool]]:
    """Every leaf of a condition with its sign: False if it stands under an odd number of `not`."""
    match condition:
        case All(inner) | Any(inner) | AtLeast(_, inner):
            for part in inner:
                yield from parts(part, spoken)
        case Not(part):
            yield from parts(part, not spoken)
        case _:
            yield condition, spoken


def all_rules(ruleset: Ruleset) -> list[Rule | Floor]:
    return [*ruleset.rules.values(), *ruleset.floors.values()]


def test_the_fields_are_those_of_the_note_and_thirty_of_ours(ruleset: Ruleset) -> None:
    """A field that is lost can't raise; a field too many has no rule of the note behind it."""
    assert len(FIELDS) == len(set(FIELDS)) == 120
    assert set(ruleset.inputs) == set(FIELDS) | OURS


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_have_the_units_and_limits_of_the_note(ruleset: Ruleset, name: str) -> None:
    """A wrong limit lets a Fahrenheit in as Celsius, or turns a sick child's real number away."""
    unit, low, high = NUMBERS[name]
    read = ruleset.inputs[name]
    assert (read.unit, read.minimum) == (unit, low)
    assert high is None or read.maximum == high


def test_every_number_has_a_unit_and_both_limits_but_counts(ruleset: Ruleset) -> None:
    """S07 can only refuse what has limits."""
    for read in ruleset.inputs.values():
        if read.kind in (InputKind.NUMBER, InputKind.INTEGER):
            assert read.unit, read.name
            assert read.minimum is not None, read.name
            assert read.maximum is not None or read.asked_of is AskedOf.SERVICE, read.name


def test_the_loinc_codes_are_those_of_the_note(ruleset: Ruleset) -> None:
    """Codes are copied, never invented; the unsure one keeps its mark."""
    found = {name: [code.code for code in read.codes] for name, read in ruleset.inputs.items() if read.codes}
    assert found == {name: [code] for name, code in LOINC.items()}
    assert ruleset.inputs["capillary_refill_s"].codes[0].mark == "u"


def test_dispositions_are_those_of_the_note_most_urgent_first(ruleset: Ruleset) -> None:
    """The order in the file is the order of urgency."""
    found = {code: (d.level, d.act_within_minutes) for code, d in ruleset.dispositions.items()}
    assert list(found.items()) == list(DISPOSITIONS.items())


def test_every_derived_fact_of_the_note_is_there(ruleset: Ruleset) -> None:
    """D01 to D16; the further statements of one fact carry its number and a letter."""
    found = {inference.id[:3] for inference in ruleset.inferences.values() if inference.id}
    assert found == {f"D{number:02}" for number in range(1, 17)}


def test_every_rule_of_the_note_is_there_and_no_other_but_ours(ruleset: Ruleset) -> None:
    """R01 to R71 are the note's; R72 to R95 and the rule of the scope are ours, and their sources say so."""
    ours = {f"R{number}" for number in range(72, 96)} | {"SCOPE"}
    assert set(ruleset.rules) - ours == {f"R{number:02}" for number in range(1, 72)}
    assert ours <= set(ruleset.rules)


def test_every_safety_net_of_the_note_has_its_place(ruleset: Ruleset) -> None:
    """S07 to S10 are not floors: limits, default, service, validity. README.md says where each one is."""
    assert set(ruleset.floors) == {
        *(f"S{number:02}" for number in (1, 2, 3, 4, 5, 6, 11, 12, 13)),
        "S12B",
        "S14",  # ours: free text that speaks of a danger to life
        "A01",
        "A02",
        "A03",
        "A04",
    }
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert all(f"S{number:02}" in readme for number in range(1, 14))
    assert ruleset.default.disposition == "M1_clinician_48h"
    assert ruleset.default.flags == ("no_rule_matched",)
    assert (ruleset.validity.minutes, ruleset.validity.sooner_minutes) == (1440, 240)
    assert any(hint.hint.endswith("Fahrenheit") for hint in ruleset.inputs["temperature_c"].looks_like)


def test_the_mandatory_questions_are_those_of_the_note(ruleset: Ruleset) -> None:
    """Only the check of the paler places (S11) is added."""
    found = {finding for item in ruleset.mandatory for finding in item.inputs}
    assert found == MANDATORY | {"pale_sites_checked"}


def test_no_clinician_has_approved_it_and_it_says_so(ruleset: Ruleset) -> None:
    assert ruleset.approved_by is None
    assert ruleset.approved_on is None
    assert "not been approved by any clinician" in ruleset.always_clinician
    assert "No clinician has approved this ruleset" in (FOLDER / "README.md").read_text(encoding="utf-8")


def test_the_safety_advice_of_the_note_is_on_every_result_word_for_word(ruleset: Ruleset) -> None:
    assert ruleset.always_patient == (
        "Do the glass test again in 4 hours. Call emergency services if spots do not fade, spread, or turn into bruises; "
        "if there is fever, stiff neck, confusion, drowsiness, cold hands and feet, fast breathing, or bleeding that does "
        "not stop."
    )


def test_every_source_has_marks_of_the_known_kinds(ruleset: Ruleset) -> None:
    """Only what the page that the project grew out of says by itself has no mark."""
    for rule in all_rules(ruleset):
        assert all(MARK.fullmatch(mark) for mark in rule.source.marks), rule.id
        assert rule.source.marks or "question page" in rule.source.text, rule.id


def test_fields_that_decide_nothing_are_named_in_the_readme(ruleset: Ruleset) -> None:
    """Who fills in a form may think that every answer counts."""
    conditions = [inference.when for inference in ruleset.inferences.values()]
    for rule in all_rules(ruleset):
        conditions += [rule.when, *(outcome.when for outcome in rule.outcomes if outcome.when)]
    conditions += [read.relevant.when for read in ruleset.inputs.values() if read.relevant is not None]
    leaves = [leaf for condition in conditions for leaf, _ in parts(condition)]
    leaves = [leaf.part if isinstance(leaf, Unless) else leaf for leaf in leaves]
    used = {leaf.input for leaf in leaves if isinstance(leaf, Compare | OneOf | Yes | IsOpen)}
    used |= {mention.text for mention in ruleset.mentions.values()}
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    told = re.search(r"change nothing here: (.*?)\n\n", readme, re.DOTALL)
    assert told is not None
    assert set(re.findall(r"`(\w+)`", told.group(0))) == set(ruleset.inputs) - used


def routine_conditions(ruleset: Ruleset) -> Iterator[tuple[str, str, Condition]]:
    """The leaves that may lead to routine, with the rule and the statement they stand in, and `not` pushed down."""
    for rule in ruleset.rules.values():
        if ruleset.dispositions[rule.outcomes[0].disposition].level is not Level.ROUTINE:
            continue
        todo: list[tuple[str, Condition, bool]] = [(rule.id, rule.when, True)]
        seen: set[tuple[str, bool]] = set()
        while todo:
            place, condition, sign = todo.pop()
            for leaf, spoken in parts(condition, sign):
                if isinstance(leaf, Inferred):
                    if (leaf.name, spoken) not in seen:
                        seen.add((leaf.name, spoken))
                        todo.append((leaf.name, ruleset.inferences[leaf.name].when, spoken))
                elif isinstance(leaf, Unless) or (isinstance(leaf, IsOpen) and spoken):
                    yield rule.id, place, leaf


def test_silence_never_leads_to_routine(ruleset: Ruleset) -> None:
    """A rule to routine stands on spoken answers. Three exceptions: temperature or report is enough for "no fever", an
    adult need not say that no months were given, and bruises of an unknown place count as unexplained."""
    found = {(rule, place) for rule, place, _ in routine_conditions(ruleset)}
    assert {place for _, place in found} == {"afebrile", "months_given", "bruises_unexplained"}


def test_every_rule_to_routine_needs_the_red_flags_answered_and_negative(ruleset: Ruleset) -> None:
    for rule in ruleset.rules.values():
        levels = {ruleset.dispositions[outcome.disposition].level for outcome in rule.outcomes}
        if Level.ROUTINE in levels:
            assert isinstance(rule.when, All), rule.id
            assert Inferred("red_flags_negative") in rule.when.parts, rule.id


BEYOND_A_PATIENT = {
    "heart_rate",
    "respiratory_rate",
    "spo2",
    "systolic_bp",
    "capillary_refill_s",
    "hypertension_stage",
    "platelet_count",
    "haemoglobin_g_l",
    "white_cell_count",
    "crp_mg_l",
    "inr",
    "explanation_inconsistent",
    "reports_last_48h",
    "highest_level_24h",
}
NEVER_A_LINE = {
    "pale_sites_checked",
    "independently_mobile",
    "trauma_explained",
    "iga_vasculitis_checks_normal",
    "about_spots",
    "neck_pressure_or_assault",
}
"""A yes is harmless, so "none of these" would be the danger; the last is private."""


def test_patients_are_not_asked_for_vital_signs_and_laboratory_values(ruleset: Ruleset) -> None:
    beyond = {name for name, read in ruleset.inputs.items() if read.asked_of not in Audience.PATIENT.answers}
    assert beyond == BEYOND_A_PATIENT


def test_every_sign_that_a_patient_can_answer_is_a_line_of_a_panel(ruleset: Ruleset) -> None:
    """A sign outside a panel costs a screen of its own."""
    signs = {name for name, read in ruleset.inputs.items() if read.kind is InputKind.YES_NO} - BEYOND_A_PATIENT
    lines = {name for panel in ruleset.panels.values() for name in panel.inputs}
    assert signs - lines == NEVER_A_LINE
    assert {name for name in lines if ruleset.inputs[name].kind is InputKind.CHOICE} == {
        "consciousness",
        "breathing_difficulty",
        "abdominal_pain",
        "mucosal_bleeding",
        "bruising_extent",
        "known_bleeding_disorder",
        "pregnancy_status",
    }


def test_an_interview_begins_with_immediate_danger_then_scope_age_and_glass_test_then_illness(ruleset: Ruleset) -> None:
    assert ruleset.screens.first == ("danger_now", ("about_spots", "age_years", "blanches_on_pressure"), "illness")
    assert [panel.name for panel in ruleset.panels.values() if panel.immediate_danger] == ["danger_now"]


def test_every_choice_and_number_that_a_patient_can_answer_has_an_expected_answer(ruleset: Ruleset) -> None:
    """Without one, the plan of an interview takes an answer that no one may give."""
    kinds = (InputKind.CHOICE, InputKind.NUMBER, InputKind.INTEGER)
    asked = [read for name, read in ruleset.inputs.items() if name not in BEYOND_A_PATIENT and read.kind in kinds]
    assert [read.name for read in asked if read.expected is None] == []


def test_the_readme_lists_every_gated_question(ruleset: Ruleset) -> None:
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    rows = re.search(r"\| question \| asked \| otherwise \|\n(.*?)\n\n", readme, re.DOTALL)
    assert rows is not None
    listed = {name: row.endswith("| open |") for row in rows[1].splitlines() for name in re.findall(r"`(\w+)`", row)}
    gated = {name: read.relevant for name, read in ruleset.inputs.items() if read.relevant is not None}
    assert listed == {name: relevant.otherwise is None for name, relevant in gated.items()}
