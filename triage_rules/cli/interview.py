"""`triage interview`: interview the personas of a ruleset, or random people, and show how long it takes."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from random import Random

import click
from click.core import ParameterSource

from triage_rules.cli.exit_codes import ExitCode
from triage_rules.cli.interview_text import as_text
from triage_rules.cli.output import FORMATS, Progress, count_noun, exit_with, handle_errors, warn_not_approved, write
from triage_rules.cli.ruleset_argument import open_with_personas
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.foundation.errors import RulesetNotFound
from triage_rules.interview.description import describe_run, describe_summary
from triage_rules.interview.longest import search_longest
from triage_rules.interview.persona_runs import PersonaRun, expected_of_form, run_persona
from triage_rules.interview.personas import PERSONAS_FILE, Persona, Personas
from triage_rules.interview.plan import Planner
from triage_rules.interview.random_people import UNKNOWN_SHARE, random_person
from triage_rules.language.model import Audience
from triage_rules.language.reading.messages import suggest_name

SECONDS = 20.0
"""Default time limit of the search for the longest interview."""

MOST_PEOPLE = 100_000


@click.command()
@click.argument("ruleset", metavar="RULESET")
@click.option("--persona", "wanted", metavar="NAME", multiple=True, help="Only this persona; repeatable.")
@click.option("--people", metavar="N", type=click.IntRange(1, MOST_PEOPLE),
              help="Interview N random people instead; each must get the outcome of the full form.")  # fmt: skip
@click.option("--unknown", type=click.FloatRange(0, 1), default=UNKNOWN_SHARE, show_default=True,
              help="Share of the answers that random people don't know.")  # fmt: skip
@click.option("--worst", "is_worst", is_flag=True, help="Search for the person with the longest interview.")
@click.option("--seconds", type=click.FloatRange(min=0), default=SECONDS, show_default=True,
              help="Time limit of the search of --worst.")  # fmt: skip
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the random people and of the search.")
@click.option("--format", "form", type=FORMATS, default="text", show_default=True)
@handle_errors
def interview(  # noqa: PLR0913, PLR0917 - click passes each option
    ruleset: str,
    wanted: tuple[str, ...],
    people: int | None,
    unknown: float,
    is_worst: bool,
    seconds: float,
    seed: int,
    form: str,
) -> None:
    """Interview the personas of a ruleset.

    The file personas.yaml describes them. Shows each screen with its answers, the outcome, and the numbers of screens
    and taps, beside a small certificate: few screens whose truthful answers settle the outcome. A summary by group
    follows. Exits with 1 if an interview doesn't end, or ends with another outcome than the expected one.
    """
    if people is not None and (wanted or is_worst):
        raise click.UsageError("--people can't be combined with --persona or --worst.")
    if people is None and click.get_current_context().get_parameter_source("unknown") is ParameterSource.COMMANDLINE:
        raise click.UsageError("--unknown goes with --people: personas have their own answers.")
    evaluator, known = open_with_personas(ruleset)
    planner = Planner(evaluator)
    if people is not None:
        persons: Iterable[Persona] = _make_people(evaluator, people, unknown, seed)
    elif is_worst:
        chosen = () if known is None and not wanted else _select(ruleset, known, wanted)
        persons = [_find_longest(evaluator, planner, chosen, seed, seconds)]
    else:
        persons = _select(ruleset, known, wanted)
    runs = _run(evaluator, planner, persons)
    data = {
        "ruleset": evaluator.ruleset.name,
        "version": evaluator.ruleset.version,
        "digest": evaluator.digest,
        "budget": None if known is None else known.median_screens,
        "interviews": [describe_run(evaluator.ruleset, run) for run in runs],
        "summary": describe_summary(runs),
    }
    write(form, data, as_text(data, only_failed=people is not None))
    warn_not_approved(evaluator.ruleset.name, evaluator.ruleset.approved_by)
    failed = sum(not run.passed for run in runs)
    if failed:
        fails = "fails" if failed == 1 else "fail"
        exit_with(f"{failed} of {count_noun(len(runs), 'interview')} {fails}.", ExitCode.FINDINGS)


def _select(ruleset: str, known: Personas | None, wanted: Sequence[str]) -> tuple[Persona, ...]:
    """Return the personas with these names, or all. Raises RulesetNotFound if the ruleset has no personas."""
    if known is None:
        where = f"there is no `{Path(ruleset) / PERSONAS_FILE}`" if Path(ruleset).exists() else f"`{ruleset}` has none"
        raise RulesetNotFound(f"{where}, so there are no personas to interview; --people makes random ones")
    names = [persona.name for persona in known.personas]
    for name in wanted:
        if name not in names:
            exit_with(f"There is no persona `{name}`{suggest_name(name, names)}", ExitCode.USAGE)
    return tuple(persona for persona in known.personas if not wanted or persona.name in wanted)


def _make_people(evaluator: Evaluator, count: int, unknown: float, seed: int) -> Iterable[Persona]:
    """Yield random patients, each by a seed of its own, so that any of them can be made again."""
    for number in range(seed, seed + count):
        truth = random_person(evaluator.ruleset, Random(number), unknown=unknown)  # noqa: S311 - people, not secrets
        expected = expected_of_form(evaluator, truth, Audience.PATIENT)
        title = f"A random person, by the seed {number}"
        yield Persona(f"random_{number}", title, "random", Audience.PATIENT, truth, *expected)


def _find_longest(
    evaluator: Evaluator, planner: Planner, personas: Sequence[Persona], seed: int, seconds: float
) -> Persona:
    until, progress = time.monotonic() + seconds, Progress()
    people = [(persona.audience, persona.truth) for persona in personas]
    search = search_longest(evaluator.ruleset, planner, people, Random(seed))  # noqa: S311 - people, not secrets
    tried, (longest, conversation) = 1, next(search)
    while time.monotonic() < until:
        tried, (longest, conversation) = tried + 1, next(search)
        progress.show(f"{count_noun(tried, 'interview')}, the longest with {conversation.screens} screens")
    audience, truth = longest
    for persona in personas:
        if (persona.audience, persona.truth) == longest:
            return persona
    title = f"The longest of {count_noun(tried, 'interview')}, by the seed {seed}"
    expected = expected_of_form(evaluator, truth, audience)
    return Persona("longest", title, "longest", audience, dict(truth), *expected)


def _run(evaluator: Evaluator, planner: Planner, personas: Iterable[Persona]) -> list[PersonaRun]:
    runs, progress = list[PersonaRun](), Progress()
    for persona in personas:
        runs.append(run_persona(evaluator, planner, persona))
        progress.show(count_noun(len(runs), "interview"))
    return runs
