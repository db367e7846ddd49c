"""The difference of two versions as plain data, with a sentence on what is proved."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import asdict
from typing import Any

from triage_rules.assurance.diff.outcomes import Aspect, DifferenceKind, ResultDifference, SearchState, Way
from triage_rules.assurance.diff.text_changes import inputs_accepted_differently, list_changes
from triage_rules.assurance.solver.witness import Json, Witness
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.evaluation.explanation import DerivationNode, describe_node
from triage_rules.language.model import Ruleset

_PHRASES = {
    (Aspect.LEVEL, Way.LOWER): "decided at a lower level",
    (Aspect.LEVEL, Way.HIGHER): "decided at a higher level",
    (Aspect.DISPOSITION, Way.LOWER): "given a less urgent disposition at the same level",
    (Aspect.DISPOSITION, Way.HIGHER): "given a more urgent disposition at the same level",
    (Aspect.DISPOSITION, Way.OTHER): "given another disposition that can't be compared by urgency",
    (Aspect.ADVICE, Way.OTHER): "given other advice with the same disposition",
    (Aspect.COULD_BE, Way.OTHER): "given another `could_be` with the same disposition",
    (Aspect.DETERMINED, Way.OTHER): "determined by only one version, with the same disposition",
    (Aspect.BASIS, Way.OTHER): "given another `basis` or `by_rules` with the same disposition",
    (Aspect.IRRELEVANT, Way.OTHER): "given other irrelevant questions with the same disposition",
    (Aspect.MISSING, Way.OTHER): "given other missing inputs with the same disposition",
    (Aspect.CONFLICTS, Way.OTHER): "given other conflicts with the same disposition",
    (Aspect.FLAGS, Way.OTHER): "given other flags with the same disposition",
    (Aspect.VALIDITY, Way.OTHER): "valid for another time with the same disposition",
}

CAUTION = (
    "This covers every report that both versions accept, open questions included. It compares rules, not medicine."
)


def as_data(old: Evaluator, new: Evaluator, differences: Iterable[ResultDifference]) -> Json:
    """Return the changed text and the reports whose result differs."""
    listed = list(differences)
    return {
        "old": _version(old),
        "new": _version(new),
        "caution": CAUTION,
        "accepted_by_one_alone": inputs_accepted_differently(old.ruleset, new.ruleset),
        "written": [asdict(change) for change in list_changes(old.ruleset, new.ruleset)],
        "result": result(listed),
        "differences": [difference_data(old.ruleset, new.ruleset, difference) for difference in listed],
    }


def result(differences: Collection[ResultDifference]) -> str:
    """Sum up the differences in a sentence."""
    if any(difference.kinds for difference in differences):
        levels = [difference for difference in differences if difference.aspect is Aspect.LEVEL and difference.kinds]
        ways = " and ".join(difference.way.value for difference in levels)
        return (
            f"Results differ; some levels are {ways}."
            if ways
            else "Results differ, but no difference of levels was found."
        )
    if any(difference.state is not SearchState.COMPLETE for difference in differences):
        return "No difference was found, but not everything was proved: see below."
    return "No report differs at all: proved."


def statement(difference: ResultDifference) -> str:
    """State whether this difference is proved, and if not, how far the search came."""
    phrase = _PHRASES[difference.aspect, difference.way]
    if difference.proved_none:
        return f"No report is {phrase}: proved."
    match difference.state, bool(difference.kinds):
        case SearchState.COMPLETE, _:
            return f"Every report that is {phrase} has one of these: proved."
        case SearchState.MORE, _:
            return f"There are more kinds of report that are {phrase} than these; --kinds shows more."
        case _, True:
            return f"Gave up ({difference.why}): there may be more kinds of report that are {phrase}."
        case _:
            return f"Gave up ({difference.why}): it is not known whether any report is {phrase}."


def difference_data(old: Ruleset, new: Ruleset, difference: ResultDifference) -> Json:
    """Return a difference as JSON data."""
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
    fields: dict[str, Any] = {
        field: result[field] for field in ("level", "disposition", "could_be", "determined", "basis")
    }
    return {**fields, "rules": list(rules)}


def example(witness: Witness, old: Ruleset, new: Ruleset) -> Json:
    """Return the report in the form in which it is posted, and its questions and answers as text."""
    answers = []
    for name, value in witness.answers.items():
        ruleset = new if name in new.inputs else old
        question = ruleset.inputs[name].question
        answer = describe_node(ruleset, DerivationNode(name, question, value))
        answers.append({"question": question, "answer": answer})
    history, highest = witness.history, witness.history.highest_level_24h
    counted = {"reports_last_48h": history.reports_last_48h, "highest_level_24h": highest and highest.word}
    return {"findings": dict(witness.answers), "history": counted, "in_words": answers}
