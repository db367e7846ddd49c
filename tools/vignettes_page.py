"""Write the page about vignettes: JSON of `triage vignettes` in, Markdown out.

`make vignettes-page` writes docs/safety/vignettes.md. The arguments are the JSON of the runs of the sets that were set
aside, the oldest first; without any, the page says that none was run yet.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from triage_rules.cli.vignettes_text import as_markdown, markdown_table

Json = Mapping[str, Any]

MARKS = {
    "V": "read in a source",
    "V~": "read in a page about the source",
    "M": "from memory, unchecked",
    "ours": "chosen by the maintainers",
}

PUBLISHED: Sequence[tuple[str, str, str, str]] = (
    (
        "[Semigran 2015, BMJ h3480](https://pmc.ncbi.nlm.nih.gov/articles/PMC4496786)",
        "45 vignettes, 15 each of emergent, non-emergent and self-care; 23 tools",
        "57 % (52 to 61) right; 80, 55 and 33 % by urgency; tools 33 to 78 %",
        "V:Semigran",
    ),
    (
        "[Hill 2020, MJA](https://www.mja.com.au/journal/2020/212/11/)",
        "48 vignettes, 36 tools",
        "49 % (44 to 54) right; emergency 63, urgent 56, non-urgent 30, self-care 40 %",
        "V:Hill",
    ),
    (
        "[Gilbert 2020, BMJ Open](https://bmjopen.bmj.com/content/10/12/e040269) (authors of Ada)",
        "200 vignettes, 8 apps, 7 GPs",
        "safe urgency, which allows one level under: GPs 97.0 ± 2.5 %; three apps within one SD",
        "V:Gilbert",
    ),
    (
        "Gilbert 2020, single apps",
        "as above",
        "safe urgency: Ada 97.0, Babylon 95.1, Symptomate 97.8 %",
        "M",
    ),
    (
        "[Schmieding 2022, JMIR e31810](https://jmir.org/2022/5/e31810)",
        "the 45 of Semigran, 22 apps in 2020",
        "median 55.8 % right (IQR 47.8 to 62.9), 59.1 % in 2015; over- to under-triage 1.11 to 1",
        "V:Schmieding",
    ),
    (
        "[El-Osta 2022, BMJ Open](https://pmc.ncbi.nlm.nih.gov/articles/PMC9047920)",
        "139 RCGP vignettes",
        "right: Healthily 61.9, Babylon 45.3, Ada 42.4 %; unsafe under-triage 28.6, 47.5, 43.3 %; κ 0.48 of raters",
        "V:ElOsta",
    ),
    (
        "[Levine 2023, medRxiv; Lancet Digit Health 2024](https://www.pubmed.gov/36778449/)",
        "48 lay vignettes, 12 each of emergent, 1 day, 1 week, self-care",
        "GPT-3 71 % (57 to 82) right, lay people 74 %, physicians 91 % (91.3 % recomputed from the authors' data)",
        "V:Levine",
    ),
    (
        "[Wallace 2022, npj Digit Med](https://spiral.imperial.ac.uk/handle/10044/1/98653)",
        "review of 10 studies",
        "48.8 to 90.1 % right",
        "V:Wallace",
    ),
    (
        "[Kopka 2025, npj Digit Med](https://doi.org/10.1038/s41746-025-01566-6)",
        "review of 19 studies",
        "right: apps 11.5 to 90.0, language models 57.8 to 76.0, lay people 47.3 to 62.4 %",
        "V:Kopka",
    ),
    (
        "[Kopka 2025, Sci Rep (RepVig)](https://doi.org/10.1038/s41598-024-83844-z)",
        "representative against classic vignettes",
        "odds ratios: accuracy 1.52 to 2.00, safety 1.81 to 3.41, over-triage 1.80 to 2.66; the ranking changes",
        "V:RepVig",
    ),
    (
        "[MedAsk 2025](https://github.com/medaks/medask-benchmarks) (vendor)",
        "the 45 of Semigran, 5 runs",
        "right on Semigran, recomputed from their files: GPT-4o 69.3, o3-mini 65.8 to 69.3, MedAsk 82.7 to 87.6 %",
        "V:medask (computed)",
    ),
    ("MedAsk 2025", "the 45 of Kopka", "right, recomputed: GPT-4o 61.3, MedAsk 75.6 to 80.4 %", "V:medask (computed)"),
)
"""Published triage accuracy: source, set, result, and the mark of how it was checked."""


def make_page(data: Json, held_out: Sequence[Json]) -> str:
    """Return the page. `data`: of the vignettes; `held_out`: of each set that was set aside, the oldest first."""
    parts = [_head(data), _own(data), _held_out(held_out), _gaps(data), _others()]
    return "\n".join(line for part in parts for line in part)


def _head(data: Json) -> Iterator[str]:
    yield f"# Vignettes: what {data['ruleset']} says, and what is wanted"
    yield ""
    yield "Written by `make vignettes-page`; don't edit it."
    yield "[The file and the verdicts](../reference/vignettes.md) are explained elsewhere."
    yield ""
    yield "**No clinician has approved the ruleset or the wanted outcomes.**"
    yield "Whoever wrote a vignette judged from the source that it names."
    yield "In a vignette every question has an answer that fits the story; a person may misjudge or leave out much."
    yield ""


def _own(data: Json) -> Iterator[str]:
    yield "## The vignettes that the rules were tested with"
    yield ""
    yield f"Run as full forms, with {data['ruleset']} {data['version']}; `triage test` shows that interviews end alike."
    yield "The rules may be changed until these pass, so they say little about other people."
    yield ""
    marks = Counter(mark.partition(":")[0] for run in data["vignettes"] for mark in run["marks"])
    yield "Sources of the wanted outcomes (a vignette may have several):"
    yield ""
    yield from (f"- {marks[mark]} {meaning} (`{mark}`)" for mark, meaning in MARKS.items() if marks[mark])
    yield ""
    yield from as_markdown(data)
    yield ""


def _held_out(runs: Sequence[Json]) -> Iterator[str]:
    yield "## The sets that were set aside"
    yield ""
    yield "Each is run once, when the rules are finished." if runs else "None was run yet."
    yield ""
    for number, run in reversed(list(enumerate(runs, start=1))):
        yield f"### Set {number}"
        yield ""
        yield f"Run once, with {run['ruleset']} {run['version']}, `{run['digest']}`."
        yield f"`triage check rulesets/{run['ruleset']}` shows the digest that the rules have now."
        yield from run.get("since", ())
        yield ""
        yield from as_markdown(run)
        yield ""


def _gaps(data: Json) -> Iterator[str]:
    name = data["ruleset"]
    yield f"## What {name} does not know"
    yield ""
    yield f"[Its README](../../rulesets/{name}/README.md) says what the rules leave out."
    yield ""
    misses = [run for run in data["vignettes"] if run["miss"] is not None]
    yield "Outcomes that are not acceptable:" if misses else "Every outcome is acceptable."
    yield ""
    if misses:
        yield from markdown_table([("vignette", "what is wrong", "why another is wanted"), *map(_miss, misses)])
        yield ""
    unknown = [run for run in data["vignettes"] if run["by_default"]]
    yield "Stories that no rule fits, so that only the default decides:" if unknown else "A rule fits every story."
    yield ""
    if unknown:
        yield from markdown_table(
            [
                ("vignette", "story", "wanted"),
                *((f"`{r['name']}`", _cell(r["story"]), f"`{r['wanted']}`") for r in unknown),
            ]
        )
        yield ""


def _others() -> Iterator[str]:
    yield "## Published figures of others"
    yield ""
    yield "**These are not comparisons.**"
    yield "The sets differ in complaints, shares of urgent people, levels and judges."
    yield "Most vignettes above are about spots, and their authors knew the questions."
    yield "The other sets are about all complaints."
    yield "A fixed set favours whoever has seen it, and its shares of urgent people are not those that a service meets."
    yield ""
    yield from markdown_table([("source", "set", "result", "mark"), *PUBLISHED])
    yield ""
    yield "`V:key` was read in the source, `M` is from memory, unchecked."
    yield ""


def _miss(run: Json) -> tuple[str, str, str]:
    return f"`{run['name']}`", _cell(run["miss"]), _cell(run["why"])


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    known = [json.loads(Path(file).read_text(encoding="utf-8")) for file in sys.argv[1:]]
    sys.stdout.write(make_page(json.load(sys.stdin), known))
