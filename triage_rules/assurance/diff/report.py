"""The difference of two versions as plain data, with a sentence on what is proved of each way to differ."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from triage_rules.assurance.diff.outcomes import Aspect, DifferenceKind, ResultDifference, SearchState, Way
from triage_rules.assurance.diff.text_changes import changes, inputs_accepted_differently
from triage_rules.assurance.solver.witness import Json, Witness
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.evaluation.explanation import DerivationNode, describe_node
from triage_rules.language.model import Ruleset

_SO = {
    (Aspect.LEVEL, Way.LOWER): "decided at a lower level",
    (Aspect.LEVEL, Way.HIGHER): "decided at a higher level",
    (Aspect.DISPOSITION, Way.LOWER): "given a less urgent disposition at the same level",
    (Aspect.DISPOSITION, Way.HIGHER): "given a more urgent disposition at the same level",
    (Aspect.DISPOSITION, Way.OTHER): "given another disposition that can't be compared",
    (Aspect.ADVICE, Way.OTHER): "given other advice with the same disposition",
    (Aspect.COULD_BE, Way.OTHER): "given another `could_be` with the same disposition",
    (Aspect.DETERMINED, Way.OTHER): "determined by one version alone, with the same disposition",
    (Aspect.MISSING, Way.OTHER): "told other missing findings, with the same disposition",
    (Aspect.CONFLICTS, Way.OTHER): "told other conflicts, with the same disposition",
    (Aspect.FLAGS, Way.OTHER): "given other flags with the same disposition",
    (Aspect.VALIDITY, Way.OTHER): "valid for another time, with the same disposition",
}

CAUTION = "Of every report that both versions accept, open questions included. The rules are compared, not medicine."


def as_data(old: Evaluator, new: Evaluator, differences: Iterable[ResultDifference]) -> Json:
    """All of it: what is written otherwise, and for whom what differs."""
    found = list(differences)
    one_alone = inputs_accepted_differently(old.ruleset, new.ruleset)
    return {
        "old": _version(old),
        "new": _version(new),
        "caution": CAUTION,
        "accepted_by_one_alone": one_alone,
        "written": [asdict(change) for change in changes(old.ruleset, new.ruleset)],
        "result": result(found),
        "differences": [difference_data(old.ruleset, new.ruleset, difference) for difference in found],
    }


def result(found: Iterable[ResultDifference]) -> str:
    """The whole in a sentence."""
    differences = list(found)
    if any(difference.kinds for difference in differences):
        told = [difference for difference in differences if difference.aspect is Aspect.LEVEL and difference.kinds]
        ways = " and ".join(difference.way.value for difference in told)
        return (
            f"Results differ; some levels are {ways}." if ways else "Results differ, and no level that was found does."
        )
    if any(difference.state is not SearchState.COMPLETE for difference in differences):
        return "No difference was found, but not everything was proved: see below."
    return "No report differs at all: proved."


def statement(difference: ResultDifference) -> str:
    """What is known of this way to differ: proved, or how far it came."""
    so = _SO[difference.aspect, difference.way]
    if difference.proved_none:
        return f"No report is {so}: proved."
    match difference.state, bool(difference.kinds):
        case SearchState.COMPLETE, _:
            return f"Every report that is {so} has one of these: proved."
        case SearchState.MORE, _:
            return f"There are more kinds of report that are {so} than these; --kinds shows more."
        case _, True:
            return f"Gave up ({difference.why}): there may be more kinds of report that are {so}."
        case _:
            return f"Gave up ({difference.why}): whether any report is {so} is not known."


def difference_data(old: Ruleset, new: Ruleset, difference: ResultDifference) -> Json:
    """One way to differ."""
    return {
        "aspect": difference.aspect.value,
        "way": difference.way.value,
        "state": difference.state.value,
        "statement": statement(difference),
        "kinds": [_kind(old, new, kind) for kind in difference.kinds],
    }


def _version(evaluator: Evaluator) -> Json:
    ruleset = evaluator.ruleset
    return {"name": ruleset.name, "version": ruleset.version, "digest": evaluator.digest}


def _kind(old: Ruleset, new: Ruleset, kind: DifferenceKind) -> Json:
    witness = kind.witness
    before, after = (_opinion(result, rules) for result, rules in zip(witness.results, kind.rules, strict=True))
    return {
        "before": list(kind.before),
        "after": list(kind.after),
        "causes": list(kind.causes),
        "example": example(witness, old, new),
        "fewest_answers": witness.fewest,
        "old": before,
        "new": after,
    }


def _opinion(result: Json, rules: tuple[str, ...]) -> Json:
    told: dict[str, Any] = {field: result[field] for field in ("level", "disposition", "could_be", "determined")}
    return {**told, "rules": list(rules)}


def example(witness: Witness, old: Ruleset, new: Ruleset) -> Json:
    """The report, as it can be posted, and its questions and answers."""
    said = []
    for name, value in witness.answers.items():
        ruleset = new if name in new.inputs else old
        question = ruleset.inputs[name].question
        said.append({"question": question, "answer": describe_node(ruleset, DerivationNode(name, question, value))})
    history, highest = witness.history, witness.history.highest_level_24h
    counted = {"reports_last_48h": history.reports_last_48h, "highest_level_24h": highest and highest.word}
    return {"findings": dict(witness.answers), "history": counted, "in_words": said}
