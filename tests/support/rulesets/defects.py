"""Rulesets that are clean by construction, and defects planted into them: one function for each type of finding.

A clean ruleset is a tree: each inner node asks one question, each leaf is a rule, so every whole report fires exactly one.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from datetime import date
from random import Random
from typing import Any

from triage_rules.assurance.checking import CheckOptions, check
from triage_rules.assurance.checking.context import Finding
from triage_rules.language.check_types import CheckType, Severity
from triage_rules.language.model import Ruleset
from triage_rules.language.reading import Document, parse_document, parse_ruleset

Data = dict[str, Any]
TODAY = date(2026, 11, 22)
SOURCE = {"text": "made for a test", "marks": []}
CODES = ["U1", "U2", "M1", "R1"]
TEMPERATURE = {"type": "number", "group": "illness", "minimum": 30, "maximum": 43, "question": "Temperature?"}


def clean(seed: int) -> Data:
    """A ruleset file as plain data, in which nothing is to be found."""
    random = Random(seed)
    made: Data = {
        "ruleset": "planted",
        "language": 1,
        "version": "1.0.0",
        "title": "made",
        "description": "made",
        "owner": "us",
        "review_by": "2030-01-01",
        "approved_by": None,
        "approved_on": None,
        "dispositions": {
            code: {"level": level, "act_within_minutes": 60, "title": code, "patient": code, "clinician": code}
            for code, level in [
                ("U1", "urgent"),
                ("U2", "urgent"),
                ("M1", "monitor"),
                ("M2", "monitor"),
                ("R1", "routine"),
            ]
        },
        "default": {"disposition": "M2", "reason": "Nothing matched."},
        "validity": {"minutes": 60},
        "always": {"patient": "Take care.", "clinician": "Made."},
        "inputs": {},
        "mandatory": [],
        "inferences": {},
        "rules": {},
        "safety_net": {
            "S1": {
                "title": "Open",
                "when": "mandatory_open",
                "disposition": "M1",
                "reason": "Something is open.",
                "source": SOURCE,
            }
        },
    }
    _grow(random, made, [], depth=2)
    made["mandatory"] = list(made["inputs"])
    return made


def _grow(random: Random, made: Data, path: list[object], depth: int) -> None:
    """One question more on the way to the rules, or a rule."""
    if depth == 0:
        number = len(made["rules"])
        made["rules"][f"R{number:02}"] = rule(f"Leaf {number}", {"all": path}, random.choice(CODES))
        return
    name, number = f"q{len(made['inputs'])}", len(made["inputs"])
    question = {"group": random.choice(["person", "illness"]), "question": f"Question {number}?"}
    kind = random.choice(["number", "integer", "yes_no", "choice"])
    made["inputs"][name] = question | {"type": kind}
    match kind:
        case "choice":
            values = [f"v{value}" for value in range(random.randint(2, 3))]
            made["inputs"][name]["choices"] = {value: f"Value {value}" for value in values}
            ways: list[object] = [{name: {"is": value}} for value in values]
        case "yes_no":
            ways = [name, {"not": name}]
        case _:
            limit = random.randint(5, 90)
            ways = [{name: {"less_than": limit}}, {name: {"at_least": limit}}]
    if kind != "choice" and random.random() < 0.5:
        made["inferences"][f"s{number}"] = {"says": f"statement {number}", "when": ways[0]}
        ways = [f"s{number}", {"not": f"s{number}"}]
    for way in ways:
        _grow(random, made, [*path, way], depth - 1 if random.random() < 0.8 else 0)


def rule(title: str, when: object, disposition: str) -> Data:
    return {
        "title": title,
        "when": when,
        "disposition": disposition,
        "reason": f"It is {title}.",
        "source": dict(SOURCE),
    }


def parsed(data: Data) -> tuple[Ruleset, Document]:
    """Through a file's text, so that there are places. JSON is YAML."""
    text = json.dumps(data, indent=1).encode()
    return parse_ruleset(text, "ruleset.yaml"), parse_document(text, "ruleset.yaml")


def found_in(data: Data, *, seconds: float | None = None, least: Severity = Severity.NOTE) -> tuple[Finding, ...]:
    return check(*parsed(data), CheckOptions(TODAY, seconds, least=least))


# --- defects ---


def first_rule(data: Data) -> Data:
    return next(iter(data["rules"].values()))


def add_input(data: Data, name: str, asked: Data) -> None:
    data["inputs"][name] = {"group": "illness", "question": f"{name}?"} | asked


def add_raising(data: Data, when: object) -> Data:
    """Another rule, more urgent than all. Each question is mandatory then: a routine result leaves none of them open."""
    data["mandatory"] = list(data["inputs"])
    data["dispositions"] = {"U0": data["dispositions"]["U1"]} | data["dispositions"]
    data["rules"]["X1"] = rule("Planted", when, "U0")
    return data["rules"]["X1"]


def add_temperature(data: Data, first: Data, second: Data) -> None:
    """Two rules on one new number, which say different things."""
    add_input(data, "temperature_c", TEMPERATURE)
    add_raising(data, {"temperature_c": first})
    data["dispositions"] = {"U00": data["dispositions"]["U1"]} | data["dispositions"]
    data["rules"]["X2"] = rule("Planted too", {"temperature_c": second}, "U00")


def unreachable_rule(random: Random, data: Data) -> str:
    add_input(data, "years", {"type": "integer"})
    low = random.randint(5, 50)
    add_raising(data, {"all": [{"years": {"at_least": low + 10}}, {"years": {"less_than": low}}]})
    return "X1"


def unreachable_outcome(random: Random, data: Data) -> str:
    add_input(data, "years", {"type": "integer"})
    low = random.randint(5, 50)
    data["mandatory"].append("years")
    data["rules"]["X1"] = rule("Planted", {"years": {"at_least": low + 10}}, "U2")
    data["rules"]["X1"]["raised"] = [{"to": "U1", "when": {"years": {"less_than": low}}}]
    return "X1"


def unreachable_statement(random: Random, data: Data) -> str:
    add_input(data, "years", {"type": "integer"})
    low = random.randint(5, 50)
    when = {"all": [{"years": {"at_least": low + 10}}, {"not": {"years": {"at_least": low}}}]}
    data["inferences"]["planted"] = {"says": "planted", "when": when}
    add_raising(data, {"any": ["planted", {"years": {"at_least": low + 20}}]})
    return "planted"


def contradicting_statements(random: Random, data: Data) -> str:
    add_input(data, "years", {"type": "integer"})
    low = random.randint(5, 50)
    data["inferences"]["young"] = {"says": "young", "when": {"years": {"less_than": low}}}
    data["inferences"]["old"] = {"says": "old", "when": {"years": {"at_least": low + 10}}}
    either = [{"all": ["young", "old"]}, {"years": {"at_least": low + 20}}]
    add_raising(data, {"any": either if random.random() < 0.5 else either[:1]})
    return "X1"


def dead_condition(random: Random, data: Data) -> str:
    add_input(data, "years", {"type": "integer", "minimum": 0, "maximum": 120})
    dead = random.choice(
        [
            {"all": [{"years": {"at_least": 60}}, {"years": {"less_than": 50}}]},
            {"not": {"any": [{"years": {"at_least": 50}}, {"years": {"less_than": 60}}]}},
            {"at_least": 2, "of": [{"years": {"at_least": 70}}, {"years": {"less_than": 65}}]},
        ]
    )
    add_raising(data, {"any": [dead, {"years": {"at_least": random.randint(90, 110)}}]})
    return "X1"


def redundant_rule(random: Random, data: Data) -> str:
    """A weaker twin: never decides, never told."""
    first_rule(data)["disposition"] = random.choice(["U1", "U2"])
    data["rules"]["X2"] = rule("Weaker", copy.deepcopy(first_rule(data)["when"]), random.choice(["M1", "M2"]))
    return "X2"


def shadowed_rule(random: Random, data: Data) -> str:
    when = copy.deepcopy(first_rule(data)["when"])
    add_input(data, "planted", {"type": "yes_no"})
    first_rule(data)["disposition"] = "U1"
    data["rules"]["X2"] = rule("Narrower", {"all": [when, "planted"]}, random.choice(["U1", "U2"]))
    return "X2"


def equal_statements(_random: Random, data: Data) -> str:
    add_input(data, "years", {"type": "integer"})
    data["inferences"]["planted"] = {"says": "planted", "when": {"years": {"at_least": 60}}}
    data["inferences"]["twin"] = {"says": "twin", "when": {"not": {"years": {"less_than": 60}}}}
    add_raising(data, {"any": ["planted", "twin"]})
    return "twin"


def edge_gap(random: Random, data: Data) -> str:
    limit = random.choice([36, 37.5, 38, 39])
    add_temperature(data, {"more_than": limit}, {"less_than": limit})
    return "temperature_c"


def edge_overlap(random: Random, data: Data) -> str:
    limit = random.choice([36, 37.5, 38, 39])
    add_temperature(data, {"at_least": limit}, {"at_most": limit})
    return "temperature_c"


def edge_mixed(random: Random, data: Data) -> str:
    limit = random.choice([36, 37.5, 38, 39])
    add_temperature(data, {"at_least": limit}, {"more_than": limit})
    return "temperature_c"


def unused_input(random: Random, data: Data) -> str:
    kind = random.choice(["yes_no", "number", "integer", "text"])
    add_input(data, "planted", {"type": kind} | ({"max_length": 40} if kind == "text" else {}))
    return "planted"


def unused_statement(_random: Random, data: Data) -> str:
    add_input(data, "years", {"type": "integer"})
    data["inferences"]["planted"] = {"says": "planted", "when": {"years": {"at_least": 60}}}
    add_raising(data, {"years": {"at_least": 70}})
    return "planted"


def unread_value(_random: Random, data: Data) -> str:
    add_input(data, "colour", {"type": "choice", "choices": {"red": "Red", "blue": "Blue"}})
    add_raising(data, {"colour": {"is": "red"}})
    return "colour.blue"


def misspelt_group(random: Random, data: Data) -> str:
    for name in ("one", "two", "three"):
        add_input(data, name, {"type": "yes_no", "group": "bleeding"})
    data["inputs"]["three"]["group"] = random.choice(["bleding", "Bleeding", "bleedings", "bleeeding"])
    add_raising(data, {"any": ["one", "two", "three"]})
    return str(data["inputs"]["three"]["group"])


def gap(random: Random, data: Data) -> str:
    taken = random.choice(list(data["rules"]))
    del data["rules"][taken]
    return str(next(iter(data["inputs"].values()))["group"])


def idle_mandatory(random: Random, data: Data) -> str:
    if random.random() < 0.5:
        data["safety_net"] = {}
        return "mandatory_open"
    add_input(data, "planted", {"type": "yes_no"})
    data["mandatory"].append("planted")
    return "planted"


def gated_danger(random: Random, data: Data) -> str:
    add_input(data, "years", {"type": "integer"})
    gate = {"years": {"less_than": random.randint(5, 50)}}
    key = random.choice(
        [{"relevant": {"when": gate, "otherwise": False}}, {"relevant": {"when": gate}}, {"available_if": gate}]
    )
    add_input(data, "planted", {"type": "yes_no"} | key)
    add_raising(data, "planted")
    data["dispositions"]["U0"] |= {"act_within_minutes": 0}
    return "planted"


def open_danger(random: Random, data: Data) -> str:
    first_rule(data)["disposition"] = "R1"
    kind = random.choice(
        [{"type": "yes_no"}, {"type": "yes_no", "asked_of": "private"}, {"type": "yes_no", "asked_of": "measured"}]
    )
    add_input(data, "planted", kind)
    add_raising(data, "planted")
    data["mandatory"].remove("planted")
    return "planted"


def unasked_mention(random: Random, data: Data) -> str:
    phrases = random.choice([["stiff neck"], ["stiff neck", "neck is stiff"]])
    add_input(data, "words", {"type": "text", "max_length": 40})
    add_input(data, "sign", {"type": "yes_no"})
    data["mentions"] = {"planted": {"text": "words", "phrases": phrases, "says": "the words speak of a stiff neck"}}
    add_raising(data, random.choice(["planted", {"any": ["planted", "sign"]}, {"all": ["planted", {"not": "sign"}]}]))
    return "planted"


def pointless_gate(random: Random, data: Data) -> str:
    add_input(data, "years", {"type": "integer"})
    low = random.randint(5, 50)
    always = {"any": [{"years": {"at_least": low}}, {"years": {"less_than": low + 10}}]}
    never = {"all": [{"years": {"at_least": low + 10}}, {"years": {"less_than": low}}]}
    gate = random.choice([always, never])
    key = random.choice([{"relevant": {"when": gate, "otherwise": False}}, {"available_if": gate}])
    add_input(data, "planted", {"type": "yes_no"} | key)
    add_raising(data, "planted")
    return "planted"


def late_scope(random: Random, data: Data) -> str:
    add_input(data, "planted", {"type": "yes_no"})
    add_input(data, "other", {"type": "yes_no"})
    add_raising(data, "other")
    data["scope"] = {"question": "planted", "disposition": "M1", "reason": "Not assessed."}
    data["screens"] = random.choice([{}, {"first": [["other"]], "then": [["planted"]]}])
    return "planted"


def negated_line(random: Random, data: Data) -> str:
    add_input(data, "planted", {"type": "yes_no"})
    add_raising(data, "planted")
    text = random.choice(
        ["Not drinking", "No urine", "Isn't drinking", "Can\u2019t they walk?", "Is the child not well?", None]
    )
    line = {"finding": "planted", "text": text} if text else "planted"
    data["inputs"]["planted"] |= {} if text else {"expected": True}
    data["panels"] = {"signs": {"question": "Is any of this so?", "lines": [line]}}
    return "planted"


def idle_panel(random: Random, data: Data) -> str:
    names = ["one", "two", "three"][: random.randint(1, 3)]
    for name in names:
        add_input(data, name, {"type": "yes_no"})
    data["panels"] = {"signs": {"question": "Is any of this so?", "lines": names}}
    return "signs"


def missing_reason(random: Random, data: Data) -> str:
    first_rule(data)["reason"] = random.choice(["TODO", "tbd", "-", "?", "n/a"])
    return "R00"


def missing_source(random: Random, data: Data) -> str:
    first_rule(data)["source"] = {"text": random.choice(["TODO", "unknown", "...", "none"]), "marks": []}
    return "R00"


def missing_owner(random: Random, data: Data) -> str:
    first_rule(data)["owner"] = random.choice(["TBD", "?", "N/A"])
    return "R00"


def expired_review(random: Random, data: Data) -> str:
    first_rule(data)["review_by"] = random.choice(["2020-01-01", "2026-11-21"])
    return "R00"


def unused_acceptance(_random: Random, data: Data) -> str:
    data["accepts"] = [{"finding": "shadowed_rule", "of": ["R00"], "reason": "once it was"}]
    return "R00"


PLANTED: dict[CheckType, Callable[[Random, Data], str]] = {
    CheckType(plant.__name__): plant
    for plant in (
        unreachable_rule,
        unreachable_outcome,
        unreachable_statement,
        contradicting_statements,
        dead_condition,
        redundant_rule,
        shadowed_rule,
        equal_statements,
        edge_gap,
        edge_overlap,
        edge_mixed,
        unused_input,
        unused_statement,
        unread_value,
        misspelt_group,
        gap,
        idle_mandatory,
        gated_danger,
        open_danger,
        unasked_mention,
        pointless_gate,
        late_scope,
        negated_line,
        idle_panel,
        missing_reason,
        missing_source,
        missing_owner,
        expired_review,
        unused_acceptance,
    )
}
"""Each plants one defect into clean data and tells what the finding must be about."""
