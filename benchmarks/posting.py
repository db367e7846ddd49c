"""red-dots and the reports of its worked cases, for all measurements without generated rulesets."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from triage_rules.assurance.cases import findings_of, read_cases
from triage_rules.evaluation.answers import read_answers
from triage_rules.language.bundle import Bundle, make_bundle, open_bundle
from triage_rules.language.model import Answers, Ruleset

ROOT = Path(__file__).resolve().parents[1]
RED_DOTS = ROOT / "rulesets" / "red-dots"


@dataclass(frozen=True, slots=True)
class Posting:
    """`posted`: reports as forms post them; `findings`: their answers as intake passes them on."""

    bundle: Bundle
    ruleset: Ruleset
    posted: tuple[dict[str, Any], ...]
    answers: tuple[Answers, ...]


def red_dots(count: int) -> Posting:
    """Return that many worked cases, spread over all that are accepted."""
    bundle = make_bundle(RED_DOTS)
    ruleset = open_bundle(bundle.data, bundle.digest)
    cases = [case for case in read_cases(RED_DOTS, ruleset) if "refused" not in case.expect]
    spread = [cases[number * len(cases) // count] for number in range(count)]
    posted = tuple({"ruleset": bundle.name, "findings": findings_of(ruleset, case)} for case in spread)
    answers = tuple(read_answers(ruleset, one["findings"]) for one in posted)
    return Posting(bundle, ruleset, posted, answers)
