"""Proofs as text, with the summary first, and as JSON data."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from triage_rules.assurance.properties.model import ProofVerdict, Then
from triage_rules.assurance.properties.proving import Proof
from triage_rules.assurance.solver.witness import Witness, describe_report
from triage_rules.language.model import Answers, Ruleset

# --- text -----------------------------------------------------------------------------------


def as_text(proofs: Sequence[Proof]) -> list[str]:
    """Write a summary line, then the unproved properties in full, then the proved ones."""
    count = Counter(proof.verdict for proof in proofs)
    parts = [f"{number} {verdict}" for verdict in ProofVerdict if (number := count[verdict])]
    seconds = sum(proof.seconds for proof in proofs)
    properties = "1 property" if len(proofs) == 1 else f"{len(proofs)} properties"
    lines = [f"{properties}: {', '.join(parts)}; over every possible report, in {seconds:.1f} s"]
    for proof in proofs:
        if proof.verdict is not ProofVerdict.PROVED:
            lines += ["", *_describe_unproved(proof)]
    proved = [
        f"proved {proof.asked.id}: {proof.asked.says}" for proof in proofs if proof.verdict is ProofVerdict.PROVED
    ]
    return [*lines, "", *proved] if proved else lines


def _describe_unproved(proof: Proof) -> list[str]:
    asked = proof.asked
    lines = [f"{proof.verdict} {asked.id}: {asked.says}"]
    lines += [f"  {asked.place}"] if asked.place is not None else []
    lines += [f"  {proof.why}"] if proof.why else []
    if proof.counterexample is not None:
        lines += [*_counterexample(proof.counterexample), *_describe_missing(proof)]
    return lines


def _describe_missing(proof: Proof) -> list[str]:
    """List the flags and rules of the claim that the result lacks: the line with the level doesn't show them."""
    claim, witness = proof.asked.claim, proof.counterexample
    if not isinstance(claim, Then) or witness is None:
        return []
    result = witness.results[0]
    fired = {rule["id"] for rule in (*result["rules"], *result["safety_net"])}
    missing = [f"the flag `{flag}`" for flag in claim.flags if flag not in result["flags"]]
    missing += [f"`{rule}` firing" for rule in claim.fires if rule not in fired]
    missing += [f"`{rule}` silent" for rule in claim.silent if rule in fired]
    return [f"  missing: {', '.join(missing)}"] if missing else []


def _counterexample(witness: Witness) -> list[str]:
    lines = []
    labels = _labels(witness)
    for number, label in enumerate(labels):
        lines += [f"  {label}:", *(f"    {line}" for line in _describe_result(witness, number))]
    if not witness.fewest:
        lines.append("  (there may be a report with fewer answers)")
    return lines


def _labels(witness: Witness) -> list[str]:
    if len(witness.results) == 1:
        return ["This report breaks the property"]
    if witness.reports[0] == witness.reports[1]:
        return ["This report, by this version", "The same report, by the previous version"]
    return ["This report", "This report, with one other answer"]


def _describe_result(witness: Witness, number: int) -> list[str]:
    ruleset, result = witness.rulesets[number], witness.results[number]
    answers, history = witness.reports[number]
    fired = ", ".join(rule["id"] for rule in (*result["rules"], *result["safety_net"])) or "no rule"
    return [
        *(describe_report(ruleset, answers, history) or ["(no question is answered)"]),
        f"-> {result['level']}, {result['disposition']} (by {fired}); could be {result['could_be']}",
        f"as JSON: {json.dumps(posted(ruleset, answers), ensure_ascii=False)}",
    ]


def posted(ruleset: Ruleset, answers: Answers) -> dict[str, Any]:
    """Return the report as a form posts it."""
    return {"ruleset": ruleset.name, "findings": answers}


# --- JSON -----------------------------------------------------------------------------------


def as_data(proof: Proof) -> dict[str, Any]:
    """Return a proof as JSON data. `counterexample`: the reports that break the property, with their results."""
    asked = proof.asked
    data: dict[str, Any] = {
        "id": asked.id,
        "says": asked.says,
        "verdict": proof.verdict.value,
        "holds": proof.holds,
        "why": proof.why or None,
        "seconds": round(proof.seconds, 3),
        "place": None if asked.place is None else str(asked.place),
        "source": {"text": asked.source.text, "marks": list(asked.source.marks)},
        "owner": asked.owner,
        "review_by": asked.review_by,
        "counterexample": None,
    }
    if (witness := proof.counterexample) is not None:
        data["counterexample"] = {
            "fewest": witness.fewest,
            "reports": [_report(witness, number) for number in range(len(witness.results))],
        }
    return data


def _report(witness: Witness, number: int) -> dict[str, Any]:
    answers, history = witness.reports[number]
    ruleset, result = witness.rulesets[number], witness.results[number]
    highest = history.highest_level_24h
    counted = {
        "reports_last_48h": history.reports_last_48h,
        "highest_level_24h": "none" if highest is None else highest.word,
    }
    kept = ("level", "disposition", "could_be", "flags", "missing", "advice")
    return {
        "version": ruleset.version,
        "report": posted(ruleset, answers),
        "history": counted,
        "told": describe_report(ruleset, answers, history),
        "result": {key: result[key] for key in kept}
        | {"fired": [rule["id"] for rule in (*result["rules"], *result["safety_net"])]},
    }
