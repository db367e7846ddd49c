"""Write the page of hazards from its source: hazards.yaml in, Markdown out.

`make hazards` rewrites docs/safety/hazards.md.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from ruamel.yaml import YAML

INTRODUCTION = """\
# Hazards

<!-- Made by `make hazards` from hazards.yaml. Edit that file. -->

**No clinician has approved this page.**
The maintainers wrote it, in the style of ISO 14971 (from memory, M; nobody checked it against the standard).
**Every severity and likelihood is the maintainers' judgement, without data.**
They are there to be corrected by the person named in each entry ([roles](README.md#who-must-judge)).

- A hazard has an id (H01), each of its controls too (H01a); an id is never given to another one.
- *Before* is the risk without the controls, *after* with them, if the rules are right.
  While no clinician has approved the rules (H44), no risk here counts as accepted.
- *Rules* are those of red-dots that act; *held by* names the proofs, checks and tests.
- P01 and the like are [properties](../reference/properties.md) of red-dots: each is proved for every possible report.
- Words in `code` without `::` are [checks](../reference/checks.md) that `triage check` makes; the others are tests.
- **These show that the software follows the rules, not that the rules are right.**
"""


@dataclass(frozen=True)
class Control:
    """What lowers a risk, the rules that act, and what holds it."""

    does: str
    rules: tuple[str, ...] = ()
    properties: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()


@dataclass(frozen=True)
class Hazard:
    """A hazard with its risk before and after its controls, each as severity and likelihood from 1 to 5."""

    group: str
    hazard: str
    cause: str
    harm: str
    before: tuple[int, int]
    controls: dict[str, Control]
    after: tuple[int, int]
    residual: str
    judge: str


@dataclass(frozen=True)
class HazardLog:
    """All hazards by id, in the order of the file, with the scales and groups they use."""

    severity: tuple[str, ...]
    likelihood: tuple[str, ...]
    groups: dict[str, str]
    hazards: dict[str, Hazard]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the log.

        Raises:
            ValueError: an entry has an unknown key or lacks one.
        """
        data = YAML(typ="safe").load(path)
        hazards = {name: _hazard(f"{path.name}: {name}", entry) for name, entry in data.pop("hazards").items()}
        return cls(**{key: _frozen(value) for key, value in data.items()}, hazards=hazards)


def _hazard(place: str, entry: dict[str, Any]) -> Any:
    controls = {
        letter: _made(Control, f"{place}{letter}", {key: _frozen(value) for key, value in control.items()})
        for letter, control in entry.get("controls", {}).items()
    }
    return _made(Hazard, place, {key: _frozen(value) for key, value in entry.items()} | {"controls": controls})


def _made(kind: type[Any], place: str, fields: dict[str, Any]) -> Any:
    try:
        return kind(**fields)
    except TypeError as error:
        raise ValueError(f"{place}: {error}; expected: {', '.join(kind.__dataclass_fields__)}") from error


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def risk(severity_likelihood: tuple[int, int]) -> str:
    """Return the class of a risk: high from 15, medium from 8, else low."""
    product = severity_likelihood[0] * severity_likelihood[1]
    return "high" if product >= HIGH else "medium" if product >= MEDIUM else "low"


HIGH, MEDIUM = 15, 8
"""Least product of severity and likelihood in each class."""


def render(log: HazardLog) -> str:
    """Return the page."""
    parts = [INTRODUCTION, *_scales(log), *_overview(log)]
    for group, title in log.groups.items():
        parts.append(f"## {title}\n")
        parts += [_section(name, hazard) for name, hazard in log.hazards.items() if hazard.group == group]
    return "\n".join(parts)


def _scales(log: HazardLog) -> Iterator[str]:
    yield "## Scales\n"
    rows = zip(log.severity, log.likelihood, strict=True)
    yield _table(("rating", "severity", "likelihood"), [(str(row), *words) for row, words in enumerate(rows, start=1)])
    yield (
        f"The risk is severity times likelihood: **high** from {HIGH}, **medium** from {MEDIUM}, otherwise **low**.\n"
        "The scales and limits are the maintainers'; a clinical owner may replace them.\n"
        "A control rarely changes what the harm would be, so mostly the likelihood falls.\n"
    )


def _overview(log: HazardLog) -> Iterator[str]:
    yield "## Overview\n"
    rows = [
        (f"[{name}](#{_anchor(name, hazard)})", hazard.hazard, risk(hazard.before), risk(hazard.after), hazard.judge)
        for name, hazard in log.hazards.items()
    ]
    yield _table(("id", "hazard", "before", "after", "who must judge"), rows)


def _section(name: str, hazard: Hazard) -> str:
    rows = [
        (f"{name}{letter}", control.does, ", ".join(control.rules), ", ".join(_evidence(control)))
        for letter, control in hazard.controls.items()
    ]
    return "\n".join(
        (
            f"### {name} {hazard.hazard}\n",
            f"- Cause: {hazard.cause}",
            f"- Harm: {hazard.harm}",
            f"- Before: {_rated(hazard.before)}.",
            f"- After: {_rated(hazard.after)}.",
            f"- What remains: {hazard.residual}",
            f"- Who must judge: the {hazard.judge}.\n",
            _table(("id", "control", "rules", "held by"), rows),
        )
    )


def _evidence(control: Control) -> Iterator[str]:
    yield from control.properties
    yield from (f"`{check}`" for check in control.checks)
    yield from (f"`{test.rsplit('/', 1)[-1]}`" for test in control.tests)


def _rated(severity_likelihood: tuple[int, int]) -> str:
    return f"**{risk(severity_likelihood)}** (severity {severity_likelihood[0]}, likelihood {severity_likelihood[1]})"


def _anchor(name: str, hazard: Hazard) -> str:
    heading = f"{name} {hazard.hazard}".lower()
    return "".join(letter for letter in heading if letter.isalnum() or letter in " _-").replace(" ", "-")


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


if __name__ == "__main__":
    print(render(HazardLog.read(Path(sys.argv[1]))), end="")
