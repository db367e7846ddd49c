"""The changes of a draft against the live version: in the text, and in the results of patients."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.workbench.draft import FILES, Files
from triage_rules.workbench.try_patient import words_of

Json = dict[str, Any]

SECONDS = 40.0
"""Time limit of the comparison. The answer lists the undecided differences."""


def compare_with_live(live: Evaluator, draft: Evaluator, seconds: float = SECONDS) -> Json:
    """Compare like `triage diff --format json`: changed text, and reports whose result differs, with smallest examples.

    Each example also has its `patient`, in the values of the controls. Raises EncoderBugError.
    """
    from triage_rules.assurance.diff import report
    from triage_rules.assurance.diff.outcomes import DifferenceSearch
    from triage_rules.assurance.solver.solver import Budget  # loads the solver

    differences = list(DifferenceSearch(live, draft, Budget(seconds)).all())
    comparison = report.as_data(live, draft, differences)
    for difference, shown in zip(differences, comparison["differences"], strict=True):
        for kind, data in zip(difference.kinds, shown["kinds"], strict=True):
            data["example"]["patient"] = words_of(draft.ruleset, kind.witness.answers, kind.witness.history)
    return comparison


def patch(name: str, live: Files, draft: Files) -> str:
    """Write a patch from the live version to the draft, for `git apply` at the top of the repository; may be empty."""
    return "".join(_patch_file(f"rulesets/{name}/{file}", live.get(file), draft.get(file)) for file in FILES)


def _patch_file(path: str, before: str | None, after: str | None) -> str:
    if before == after or (not before and not after):
        return ""
    head = f"diff --git a/{path} b/{path}\n"
    if before is None:
        head += "new file mode 100644\n"
    if after is None:
        head += "deleted file mode 100644\n"
    old = "/dev/null" if before is None else f"a/{path}"
    new = "/dev/null" if after is None else f"b/{path}"
    return head + "".join(_lines(before or "", after or "", old, new))


def _lines(before: str, after: str, old: str, new: str) -> Iterator[str]:
    for line in difflib.unified_diff(_split(before), _split(after), old, new):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _split(text: str) -> list[str]:
    """Split only at line feeds: git ignores the other line ends that `splitlines` knows."""
    return [f"{line}\n" for line in text.split("\n")[:-1]] + ([last] if (last := text.rpartition("\n")[2]) else [])


def changed_files(live: Mapping[str, str], draft: Mapping[str, str]) -> list[str]:
    """List the names of the files whose texts differ."""
    return [name for name in FILES if live.get(name, "") != draft.get(name, "")]
