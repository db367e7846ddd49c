"""The JSON Schema of vignette files, with which editors complete and check.

As for ruleset files, the reader rejects everything that the schema rejects, and more.
`python -m triage_rules.interview.vignettes_schema` prints it.
"""

from __future__ import annotations

import json
import sys

from triage_rules.interview.personas_schema import base_schema, shared_definitions, truth_keys
from triage_rules.interview.vignettes import EXACT, KINDS, MARK, OVERCALLED, URL, WITHIN
from triage_rules.language.reading.messages import NAME
from triage_rules.language.reading.schema_parts import (
    Schema,
    a_text,
    an_object,
    named,
    or_null,
    ref,
    several,
    whole_text,
)


def vignettes_json_schema() -> Schema:
    """Return the JSON Schema (2020-12) of a vignette file, with descriptions for editors."""
    keys = {
        "ruleset": a_text("Name of the ruleset beside this file."),
        "budget": _budget_schema(),
        "bases": named(NAME.pattern, base_schema(), "Truths that vignettes share, besides the bases of the personas."),
        "vignettes": named(NAME.pattern, _vignette_schema(), "Clinical stories with a wanted outcome.", least=1),
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Vignettes of a triage ruleset",
        "description": "Clinical stories with the outcome that a clinician wants, and the range that is acceptable.",
        **an_object(keys, ["ruleset", "vignettes"]),
        "$defs": shared_definitions(),
    }


def _budget_schema() -> Schema:
    percent = {"type": "number", "minimum": 0, "maximum": 100}
    says = {
        EXACT: "The least share of exact outcomes.",
        WITHIN: "The least share of acceptable outcomes, the exact ones included.",
        OVERCALLED: "The largest share of harmless vignettes whose outcome is urgent.",
    }
    limits = an_object({key: {**percent, "description": meaning} for key, meaning in says.items()}, [])
    return {**limits, "description": "Shares in percent that the ruleset must keep."}


def _vignette_schema() -> Schema:
    keys = {
        "story": a_text("What the person reports, in plain sentences."),
        "group": {**ref("name"), "description": "Word for people alike, such as `children`."},
        "kind": {"enum": list(KINDS), "description": "By the level of `wanted`: urgent, monitor (between), routine."},
        **truth_keys(),
        "wanted": a_text("The disposition that a careful clinician wants."),
        "mildest": a_text("The mildest disposition that is still acceptable."),
        "gravest": a_text("The gravest disposition that is still acceptable."),
        "why": a_text("The clinical reason for the wanted disposition."),
        "source": _source_schema(),
    }
    return an_object(keys, [key for key in keys if key not in truth_keys()])


def _source_schema() -> Schema:
    mark = {"type": "string", "pattern": whole_text(MARK.pattern)}
    says = "Certainty: V read in a source, V~ in a page about it (both with a url or a key), M from memory, ours."
    keys = {
        "text": a_text("The source in words."),
        "url": or_null({"type": "string", "pattern": whole_text(URL.pattern), "description": "Where it was read."}),
        "marks": several(mark, says),
    }
    return {"description": "The origin of the wanted disposition.", **an_object(keys, ["text", "marks"])}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(vignettes_json_schema(), indent=2) + "\n")
