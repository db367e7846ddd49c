"""What goes live: a ruleset and its cases as one canonical JSON text, named by its digest.

Canonical here: no comments, no optional blanks, characters as they are, keys in the file's order. The order counts
(dispositions stand most urgent first, questions in the order of asking), so keys are not sorted.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from triage_rules.errors import BundleError
from triage_rules.reading import build_ruleset, load_document
from triage_rules.ruleset import Ruleset

FORMAT = 1
CASES_FILE = "cases.yaml"


@dataclass(frozen=True, slots=True)
class Bundle:
    """`data`: canonical JSON of {format, ruleset, cases}; `digest`: `sha256:` and its hash in hex."""

    name: str
    version: str
    digest: str
    data: bytes


def make_bundle(folder: Path) -> Bundle:
    """The bundle of a ruleset folder. Raises RulesetError."""
    ruleset = load_document(folder).data
    cases = load_document(folder / CASES_FILE).data if (folder / CASES_FILE).exists() else {"cases": []}
    document = {"format": FORMAT, "ruleset": ruleset, "cases": cases}
    data = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    return Bundle(str(ruleset["ruleset"]), str(ruleset["version"]), digest_of(data), data)


def open_bundle(data: bytes, digest: str) -> Ruleset:
    """The ruleset in a bundle. Raises BundleError if the data is not what the digest says or can't be read."""
    return build_ruleset(document_of(data, digest)["ruleset"])


def document_of(data: bytes, digest: str) -> dict[str, Any]:
    """The bundle's JSON object, its digest checked. Raises BundleError."""
    if digest_of(data) != digest:
        raise BundleError(f"the bundle stored as {digest} has another digest")
    document: dict[str, Any] = json.loads(data)
    if document.get("format") != FORMAT:
        raise BundleError(f"bundle {digest} has format {document.get('format')}; this version reads {FORMAT}")
    return document


def digest_of(data: bytes) -> str:
    """`sha256:` and the hash in hex."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
