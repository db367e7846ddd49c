"""`triage explain`: the reasons of one report's result, and why it has no other level."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import click

from triage_rules.cli.output import FORMATS, handle_errors, result_text, write
from triage_rules.cli.report_argument import MAX_BYTES, decide_answers, read_report
from triage_rules.cli.ruleset_argument import open_folder_or_live
from triage_rules.evaluation import explanation
from triage_rules.evaluation.decision import keyed_outcomes
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.evaluation.explanation import DerivationNode
from triage_rules.evaluation.reference import Reference
from triage_rules.explanation.negations import mark_negations
from triage_rules.explanation.none_of import merge_none_of
from triage_rules.explanation.not_asked import derivation_lines, derive_implied
from triage_rules.language.model import Answers, Condition, Level, Ruleset
from triage_rules.records.reports import History

LEVELS = click.Choice([level.word for level in Level])


@click.command()
@click.argument("ruleset")
@click.argument("file", type=click.File("rb"), default="-")
@click.option("--format", "form", type=FORMATS, default="text", show_default=True)
@click.option("--why-not", type=LEVELS, help="Explain why the level is not this one, and what would have led to it.")
@click.option("--keep", metavar="NAME", multiple=True,
              help="With --why-not: an answer to keep, by question or group of questions; repeatable. "
                   "`nothing` keeps none.  [default: the group `person`: age, sex and the like]")  # fmt: skip
@click.option("--exactly", is_flag=True, help="With --why-not: only that level, not one beyond it.")
@click.option("--sets", type=click.IntRange(min=1), default=5, show_default=True,
              help="With --why-not: most sets of answers to show.")  # fmt: skip
@click.option("--seconds", type=click.FloatRange(min=0), default=30.0, show_default=True,
              help="With --why-not: time limit.")  # fmt: skip
@handle_errors
def explain(  # noqa: PLR0913 - click hands over each option by its name
    ruleset: str, file: Any, *, form: str, why_not: str | None, keep: tuple[str, ...], exactly: bool, sets: int,
    seconds: float,
) -> None:  # fmt: skip
    """Explain the result of one report.

    Shows the answers behind each statement, and the statements behind each rule.

    --why-not LEVEL is for authors of rules. It also lists the rules nearest to that level (or, for a lower level, the
    rules that prevent it), what they lacked, and the smallest sets of answers that would have led there. Each set is
    proved smallest, and evaluated by engine and reference evaluator. A question that was answered stays answered.
    """
    evaluator = open_folder_or_live(ruleset)
    posted = read_report(evaluator, file.read(MAX_BYTES + 1))
    answers, result = posted.answers, decide_answers(evaluator, posted)
    alternatives = None
    if why_not is not None:
        from triage_rules.cli.why_not import Asked, find_alternatives, kept_inputs  # the solver takes long to load

        kept = kept_inputs(evaluator.ruleset, keep)
        asked = Asked(Level.of(why_not), kept, exactly=exactly, sets=sets, seconds=seconds)
        alternatives = find_alternatives(evaluator, answers, result["level"], asked)
    explained = Explanation(evaluator.ruleset, result, derive_rules(evaluator, answers, result), alternatives)
    write(form, explained.as_json(), explained.as_text())


@dataclass(frozen=True, slots=True)
class Explanation:
    """A result, the derivation of each rule and floor that fired by its id, and what --why-not found."""

    ruleset: Ruleset
    result: dict[str, Any]
    derivation: dict[str, tuple[DerivationNode, ...]]
    why_not: dict[str, Any] | None

    def as_json(self) -> dict[str, object]:
        """Return the explanation as plain data."""
        derivation = {rule: [explanation.as_json(node) for node in nodes] for rule, nodes in self.derivation.items()}
        data: dict[str, object] = {"result": self.result, "derivation": derivation}
        return data if self.why_not is None else data | {"why_not": self.why_not}

    def as_text(self) -> Iterator[str]:
        """Yield the lines of the explanation."""
        yield from result_text(self.result)
        for rule in [*self.result["rules"], *self.result["safety_net"]]:
            yield f"\n{rule['id']} {rule['title']} -> {rule.get('disposition', 'one level up')}  [{rule['source']}]"
            for node in merge_none_of(self.ruleset, self.derivation[rule["id"]]):
                yield from derivation_lines(self.ruleset, node, 1)
        if self.why_not is not None:
            from triage_rules.cli import why_not

            yield from why_not.lines(self.why_not)


def derive_rules(
    evaluator: Evaluator, answers: Answers, result: dict[str, Any]
) -> dict[str, tuple[DerivationNode, ...]]:
    """Return the derivation of each rule and floor that fired, by its id."""
    ruleset = evaluator.ruleset
    reference = Reference(ruleset, evaluator.facts(answers, History()))
    fired = [*result["rules"], *result["safety_net"]]
    conditions = {rule["id"]: _outcome_condition(ruleset, rule["id"], rule.get("disposition")) for rule in fired}
    return {
        name: mark_negations(
            result, derive_implied(ruleset, reference, result, explanation.derive(ruleset, reference, condition))
        )
        for name, condition in conditions.items()
    }


def _outcome_condition(ruleset: Ruleset, rule_id: str, disposition: str | None) -> Condition:
    """Return the condition under which a rule gives that disposition, or a floor (None) raises the level."""
    rule = {rule.id: rule for rule in ruleset.rules_and_floors}[rule_id]
    outcomes = [o for o in keyed_outcomes([rule]) if (o.outcome.disposition if o.outcome else None) == disposition]
    return explanation.outcome_condition(outcomes[0])
