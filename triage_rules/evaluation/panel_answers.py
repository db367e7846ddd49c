"""Reads the answers to a report's panels: each line's answer, every fault at once, no answer repeated in a message.

Codes of faults: `wrong_type`, `unknown_panel`, `unknown_line`, `unknown_field`, `required`, `duplicate`, `contradicts`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from triage_rules.evaluation.answers import UNKNOWN
from triage_rules.foundation.errors import ReportError, ReportFault
from triage_rules.foundation.strict_json import pointer_part
from triage_rules.language.model import Answers, Panel, PanelLine, Ruleset, Value

_POINTER = "/panels"
_FORMS = 'expected the list of the lines that apply ([] for none of these), {"apply": [], "unknown": []} or "unknown"'
_MAX_FAULTS = 100
_LONGEST_MEANT = 100


@dataclass(frozen=True, slots=True)
class _Ticked:
    """Lines of a panel's answer, each with its pointer."""

    apply: Mapping[str, str]
    unknown: Mapping[str, str]
    pointer: str


def read_panels(ruleset: Ruleset, raw: object, answers: Answers) -> Answers:
    """Return a report's answers with those of its panels. answers: the report's `findings`, read.

    A line that applies is a yes; a choice that applies stays open, as it is still to be asked. A line that is not
    listed gets the answer that "none of these" means. Only an "unknown" among the findings stays unknown then.

    Raises ReportError with all faults (of very many, the first and how many more), with pointers from `/panels` on.
    """
    if not isinstance(raw, dict):
        raise ReportError((ReportFault(_POINTER, "wrong_type", "expected an object: a panel's name and its answer"),))
    faults: list[ReportFault] = []
    merged = dict(answers)
    for name, answer in raw.items():
        pointer = _POINTER + pointer_part(str(name))
        panel = ruleset.panels.get(name)
        if panel is None:
            faults.append(ReportFault(pointer, "unknown_panel", "no such panel" + _suggest(str(name), ruleset.panels)))
            continue
        before = len(faults)
        ticked = _read_ticked(panel, answer, pointer, faults)
        if ticked is not None and len(faults) == before:
            faults += _contradictions(panel, ticked, answers)
            for line in panel.lines:
                _answer_line(line, ticked, merged)
    if faults:
        raise ReportError(tuple(faults[:_MAX_FAULTS]), max(0, len(faults) - _MAX_FAULTS))
    return {name: merged[name] for name in ruleset.inputs if name in merged}


def ticked_choices(ruleset: Ruleset, raw: Mapping[str, Any], answers: Answers) -> tuple[str, ...]:
    """Return the choices that panels list as applying, and that are still to be asked. `raw` has no faults."""
    lists = [answer["apply"] if isinstance(answer, dict) else answer for answer in raw.values()]
    listed = {line for lines in lists if lines != UNKNOWN for line in lines}
    return tuple(name for name in ruleset.inputs if name in listed and name not in answers)


def _read_ticked(panel: Panel, raw: Any, pointer: str, faults: list[ReportFault]) -> _Ticked | None:
    if isinstance(raw, str) and raw == UNKNOWN:
        return _Ticked({}, dict.fromkeys(panel.inputs, pointer), pointer)
    if isinstance(raw, list):
        return _Ticked(_read_lines(panel, raw, pointer, faults, {}), {}, pointer)
    if not isinstance(raw, dict):
        faults.append(ReportFault(pointer, "wrong_type", _FORMS))
        return None
    lines: dict[str, dict[str, str]] = {"apply": {}, "unknown": {}}
    for key in [key for key in raw if key not in lines]:
        detail = "no such field; expected `apply` and `unknown`"
        faults.append(ReportFault(pointer + pointer_part(str(key)), "unknown_field", detail))
    if "apply" not in raw:
        detail = "expected the list of the lines that apply; [] for none of these"
        faults.append(ReportFault(f"{pointer}/apply", "required", detail))
    for key in lines:
        written = raw.get(key, [])
        if isinstance(written, list):
            lines[key] = _read_lines(panel, written, f"{pointer}/{key}", faults, lines["apply"])
        else:
            faults.append(ReportFault(f"{pointer}/{key}", "wrong_type", "expected a list of the panel's lines"))
    return _Ticked(lines["apply"], lines["unknown"], pointer)


def _read_lines(
    panel: Panel, raw: list[Any], pointer: str, faults: list[ReportFault], taken: Mapping[str, str]
) -> dict[str, str]:
    """Return the lines in a list, each with its pointer. taken: lines that are in the panel's other list."""
    lines: dict[str, str] = {}
    for index, line in enumerate(raw):
        here = f"{pointer}/{index}"
        if not isinstance(line, str):
            faults.append(ReportFault(here, "wrong_type", "expected the name of a line"))
        elif line not in panel.inputs:
            faults.append(
                ReportFault(here, "unknown_line", "no such line in this panel" + _suggest(line, panel.inputs))
            )
        elif line in lines or line in taken:
            faults.append(ReportFault(here, "duplicate", "this line is listed twice"))
        else:
            lines[line] = here
    return lines


def _contradictions(panel: Panel, ticked: _Ticked, answers: Answers) -> Iterator[ReportFault]:
    for line in panel.lines:
        given = answers.get(line.input, UNKNOWN)
        if given == UNKNOWN:
            continue
        listed = ticked.apply.get(line.input) or ticked.unknown.get(line.input)
        is_none = _is_same(given, line.none_means)
        if line.input in ticked.unknown or (line.input in ticked.apply) is is_none:
            detail = f"this contradicts /findings/{line.input}; send each answer once"
            yield ReportFault(listed or ticked.pointer, "contradicts", detail)


def _answer_line(line: PanelLine, ticked: _Ticked, merged: Answers) -> None:
    if line.input in ticked.unknown:
        merged[line.input] = UNKNOWN
    elif line.input not in ticked.apply:
        merged.setdefault(line.input, line.none_means)
    elif line.none_means is False:
        merged[line.input] = True


def _is_same(given: Value, none_means: Value) -> bool:
    return type(given) is type(none_means) and given == none_means


def _suggest(written: str, known: Iterable[str]) -> str:
    known = list(known)
    close = difflib.get_close_matches(written, known, n=1) if len(written) <= _LONGEST_MEANT else []
    if close:
        return f"; did you mean `{close[0]}`?"
    return f"; known are {', '.join(f'`{name}`' for name in known)}" if known else "; this ruleset has no panels"
