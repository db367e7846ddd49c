"""Search for exceptions to the laws of interviews: `interviews.py [REPORTS] [PEOPLE] [FIRST SEED]`.

REPORTS: partial reports, half of them of made rulesets, half of red-dots. PEOPLE: random people, interviewed by red-dots;
the solver searches for another outcome at each end. Prints each exception with its seed. Exits with 1 if there is any.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.support.oracles import interview_laws as laws
from tests.support.oracles.reach import ByEvaluator, Reach
from tests.support.paths import RED_DOTS
from tests.support.rulesets import repository
from tests.support.rulesets.generated import DIGEST
from triage_rules.assurance.solver.solver import NoReport
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.interview.random_people import random_person
from triage_rules.language.model import Audience
from triage_rules.records.reports import History

PROGRESS_SECONDS = 10
REPORTS_OF_EACH = 8
"""Reports of each made ruleset; from one of them on copies of the ruleset."""


def made_rulesets(reports: int, first_seed: int) -> Iterator[tuple[int, list[str]]]:
    """Yield the number of reports looked at, and what breaks a law."""
    done = 0
    seed = first_seed
    while done < reports:
        random = Random(seed)
        subject = laws.made(random)
        cases = laws.cases_of(subject, random, min(REPORTS_OF_EACH, reports - done))
        for number, case in enumerate(cases, 1):
            done += 1
            wanted = laws.LAWS + laws.LAWS_OF_COPIES if number == 1 else laws.LAWS
            yield done, [f"seed {seed}, {fault}" for fault in laws.exceptions(case, wanted)]
        for audience in Audience:
            truth = random_person(subject.ruleset, random, unknown=random.choice([0, 0.3]), usual=random.random())
            _, faults = laws.interview_exceptions(subject, truth, audience)
            yield done, [f"seed {seed}, interview: {fault}" for fault in faults]
        seed += 1


def red_dots_reports(subject: laws.Subject, reports: int, first_seed: int) -> Iterator[tuple[int, list[str]]]:
    """Yield the number of reports looked at, and what breaks a law."""
    reach = Reach(ByEvaluator(subject.evaluator))
    for done in range(0, reports, 2):
        cases = laws.cases_of_large(subject, reach, Random(first_seed + done), min(2, reports - done))
        for number, case in enumerate(cases, 1):
            yield done + number, [f"seed {first_seed + done}, {each}" for each in laws.exceptions(case, laws.LAWS)]


def red_dots_people(subject: laws.Subject, people: int, first_seed: int) -> Iterator[tuple[int, list[str]]]:
    """Yield the number of people interviewed, and what breaks a law; every third doesn't know a third."""
    reach, others = Reach(ByEvaluator(subject.evaluator)), laws.OtherOutcomes(subject.ruleset)
    for done in range(people):
        seed = first_seed + done
        truth = random_person(subject.ruleset, Random(seed), unknown=1 / 3 if seed % 3 == 0 else 0.02)
        audience = Audience.CLINICIAN if seed % 5 == 0 else Audience.PATIENT
        talk, faults = laws.interview_exceptions(subject, truth, audience)
        if talk.screens > laws.most_screens(subject, talk):
            faults.append(f"{talk.screens} screens")
        end = laws.Case(subject, talk.answers, History(), audience, reach, Random(seed))
        found = others.find(end)
        if found != NoReport():
            faults.append(f"the solver's answer at the end is {type(found).__name__}")
        yield done + 1, [f"person {seed}: {fault}" for fault in faults]


def main(reports: int, people: int, first_seed: int) -> int:
    """Return the number of exceptions."""
    exceptions = 0
    started = shown = time.monotonic()
    red_dots = laws.Subject(Evaluator(repository.ruleset(RED_DOTS), DIGEST))
    seen = Counter[str]()
    for what, wanted, steps in (
        ("people", people, red_dots_people(red_dots, people, first_seed)),
        ("reports of red-dots", reports // 2, red_dots_reports(red_dots, reports // 2, first_seed)),
        ("reports of made rulesets", reports - reports // 2, made_rulesets(reports - reports // 2, first_seed)),
    ):
        for done, faults in steps:
            exceptions += len(faults)
            for fault in faults:
                print(f"exception: {fault}", flush=True)
            if time.monotonic() - shown > PROGRESS_SECONDS:
                shown = time.monotonic()
                print(f"{what}: {done:,} of {wanted:,}, {shown - started:.0f} s", flush=True)
        seen[what] = wanted
    counts = ", ".join(f"{count:,} {what}" for what, count in seen.items())
    print(f"{counts}, {exceptions} exceptions, {time.monotonic() - started:.0f} s", flush=True)
    return exceptions


if __name__ == "__main__":
    arguments = [int(argument) for argument in sys.argv[1:]]
    sys.exit(main(*(arguments + [20_000, 500, 0][len(arguments) :])) > 0)
