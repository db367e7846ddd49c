"""`triage explain`: the reasons of one report's result."""

from __future__ import annotations

from typing import Any

import click

from triage_rules.cli.output import FORMATS, as_json, handle_errors, result_text, write_data
from triage_rules.cli.report_argument import MAX_BYTES, decide_answers, read_report
from triage_rules.cli.ruleset_argument import open_any
from triage_rules.evaluation import explanation
from triage_rules.evaluation.decision import keyed_outcomes
from triage_rules.evaluation.reference import Reference
from triage_rules.language.model import Level, Ruleset
from triage_rules.records.reports import History

LEVELS = click.Choice([level.word for level in Level])


@click.command()
@click.argument("ruleset")
@click.argument("file", type=click.File("rb"), default="-")
@click.option("--format", "form", type=FORMATS, default="text", show_default=True)
@click.option("--why-not", type=LEVELS, help="Say why the level is not this one, and what would have made it so.")
@click.option("--keep", metavar="NAME", multiple=True,
              help="With --why-not: answers that stay, a question or a group of them; may be given again. "
                   "`nothing` keeps none.  [default: the group `person`: age, sex and the like]")  # fmt: skip
@click.option("--exactly", is_flag=True, help="With --why-not: that level alone, not one beyond it.")
@click.option("--sets", type=click.IntRange(min=1), default=5, show_default=True,
              help="With --why-not: so many sets of answers at most.")  # fmt: skip
@click.option("--seconds", type=click.FloatRange(min=0), default=30.0, show_default=True,
              help="With --why-not: give up after that time, and say so.")  # fmt: skip
@handle_errors
def explain(  # noqa: PLR0913 - click hands over each option by its name
    ruleset: str, file: Any, *, form: str, why_not: str | None, keep: tuple[str, ...], exactly: bool, sets: int,
    seconds: float,
) -> None:  # fmt: skip
    """Explain one report's result: which answers made which statements true, and those which rules.

    --why-not LEVEL, for whoever looks after the rules, also tells which rules were nearest to that level (or, if it
    is a lower one, hold the report up), what they lacked, and the smallest sets of answers that would have led there.
    Each set is proved smallest and evaluated by engine and reference evaluator. No answer is taken away: a question
    that was answered stays answered.
    """
    evaluator = open_any(ruleset)
    answers = read_report(evaluator, file.read(MAX_BYTES + 1))
    result = decide_answers(evaluator, answers)
    facts = evaluator.facts(answers, History())
    reference = Reference(evaluator.ruleset, facts)
    derived = {
        rule["id"]: explanation.derive(
            evaluator.ruleset,
            reference,
            _condition(evaluator.ruleset, rule["id"], rule.get("disposition")),
        )
        for rule in [*result["rules"], *result["safety_net"]]
    }
    other = None
    if why_not is not None:
        from triage_rules.cli import why_not as words  # the solver takes long to load

        kept = words.kept_inputs(evaluator.ruleset, keep)
        asked = words.Asked(Level.of(why_not), kept, exactly=exactly, sets=sets, seconds=seconds)
        other = words.asked_of(evaluator, answers, result["level"], asked)
    if form == "json":
        nodes = {rule: [explanation.as_json(node) for node in found] for rule, found in derived.items()}
        write_data(as_json({"result": result, "derivation": nodes, **({"why_not": other} if other else {})}))
        return
    write_data("\n".join(result_text(result)))
    for rule in [*result["rules"], *result["safety_net"]]:
        write_data(f"\n{rule['id']} {rule['title']} -> {rule.get('disposition', 'one level up')}  [{rule['source']}]")
        for node in derived[rule["id"]]:
            write_data("\n".join(explanation.as_text(evaluator.ruleset, node, 1)))
    if other is not None:
        write_data("\n".join(words.lines(other)))


def _condition(ruleset: Ruleset, rule_id: str, disposition: str | None) -> Any:
    rule = {rule.id: rule for rule in ruleset.rules_and_floors}[rule_id]
    found = [s for s in keyed_outcomes([rule]) if (s.outcome.disposition if s.outcome else None) == disposition]
    return explanation.outcome_condition(found[0])
