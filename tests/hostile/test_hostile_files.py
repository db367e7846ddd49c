"""Hostile rulesets, cases files and bundles are refused in a moment, by a fault that says where and what."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import chain
from pathlib import Path

import pytest

from tests.hostile import files
from tests.hostile.files import Hostile, Mistyped
from tests.support.rulesets.faulty_files import example
from tests.support.shares import params, some_of
from triage_rules.assurance.cases import read_cases
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.foundation.errors import BundleError, RulesetError, TriageError
from triage_rules.language.bundle import MAX_BYTES as BUNDLE_BYTES
from triage_rules.language.bundle import digest_of, open_bundle
from triage_rules.language.reading import parse_ruleset
from triage_rules.language.reading.limits import MAX_FAULTS

ROOT = Path(__file__).resolve().parent.parent.parent
SECONDS = 6.0  # of the processor; a quiet machine takes 1.2, and what this guards against took 17
MEGABYTES = 200
MANY = 1_100
SMALL = 12_000
"""Bytes of a bomb here; the child process below, and the campaign, set off large ones."""

RULESETS = [
    *files.named(), *files.in_text(), *files.numbered(), *files.features(), *files.bombs(SMALL), *files.many(MANY), *files.cut_and_garbled(40),
]  # fmt: skip


def refusal(read: Callable[[], object]) -> RulesetError | BundleError | None:
    """How it was refused, within the time of this process that it may take; None if it was taken."""
    started = time.process_time()
    try:
        read()
    except (RulesetError, BundleError) as error:
        return error
    finally:
        assert time.process_time() - started < SECONDS
    return None


def assert_clear(error: TriageError | None, told: str | None, file: str) -> None:
    """A place in each fault, one short line, nothing that steers a terminal, and the words that are wanted."""
    if error is None:
        assert told is None, "it was taken"
        return
    assert isinstance(error, RulesetError)
    assert 1 <= len(error.faults) <= MAX_FAULTS + 1
    for fault in error.faults:
        assert fault.place.file == file
        assert fault.place.line >= (1 if file != "<bundle>" else 0)
        assert fault.message.isprintable() and 10 < len(fault.message) < 1_600
    assert re.search(told or "", str(error)), str(error)[:500]


def test_the_tables_are_large_and_nothing_is_in_them_twice() -> None:
    """A check of the checks; 500 were asked for, over files and HTTP together."""
    assert len(RULESETS) > 500
    assert len({hostile.name for hostile in RULESETS}) == len(RULESETS)
    assert len({hostile.make() for hostile in RULESETS}) > 0.97 * len(RULESETS)


@pytest.mark.parametrize("hostile", params(RULESETS, 100), ids=lambda hostile: hostile.name)
def test_a_hostile_ruleset_is_refused_with_its_place(hostile: Hostile) -> None:
    """By whoever may deploy: no crash, no hang, and whoever made it in good faith can mend it."""
    assert_clear(refusal(lambda: parse_ruleset(hostile.make(), "hostile.yaml")), hostile.told, "hostile.yaml")


# --- bundles ---

MISTYPED = list(files.mistyped())


def bundled(document: object) -> bytes:
    return json.dumps({"format": 1, "ruleset": document}, ensure_ascii=False).encode("utf-8", "surrogatepass")


@pytest.mark.parametrize("mistyped", params(MISTYPED, 80), ids=lambda mistyped: mistyped.name)
def test_a_bundle_with_a_value_of_another_type_is_refused_by_its_faults(mistyped: Mistyped) -> None:
    """Whoever can write to Redis can make a digest that fits; the reader is the same as for files."""
    data = bundled(mistyped.document())
    error = refusal(lambda: open_bundle(data, digest_of(data)))
    assert_clear(error, None, "<bundle>")


def deep(times: int) -> object:
    made: object = "itchy"
    for _ in range(times):
        made = {"not": made}
    return made


GOOD = bundled({"ruleset": "x"})
BUNDLES: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "not JSON"),
    "cut short": (GOOD[:-3], "not JSON"),
    "garbage": (b"\x00\xff\xfe", "not UTF-8"),
    "a byte order mark": (b"\xef\xbb\xbf" + GOOD, "byte order mark"),
    "a list": (b"[1, 2]", "not an object with"),
    "null": (b"null", "not an object with"),
    "a text": (b'"../../etc/passwd"', "not an object with"),
    "no ruleset": (b'{"format": 1}', "not an object with"),
    "no format": (b'{"ruleset": {}}', "not an object with"),
    "more than it has": (b'{"format": 1, "ruleset": {}, "path": "../../x"}', "not an object with"),
    "format 2": (b'{"format": 2, "ruleset": {}}', "a format that this version"),
    "format true": (b'{"format": true, "ruleset": {}}', "a format that this version"),
    "format a list": (b'{"format": [1], "ruleset": {}}', "a format that this version"),
    "a key twice": (b'{"format": 1, "ruleset": {}, "ruleset": {}}', "duplicate key"),
    "a key twice inside": (b'{"format": 1, "ruleset": {"rules": {}, "rules": {}}}', "duplicate key"),
    "NaN": (b'{"format": 1, "ruleset": {"language": NaN}}', "not JSON"),
    "1e999": (b'{"format": 1, "ruleset": {"language": 1e999}}', "too large"),
    "5,000 digits": (b'{"format": 1, "ruleset": {"language": ' + b"9" * 5_000 + b"}}", "at most 400 digits"),
    "half a surrogate pair": (b'{"format": 1, "ruleset": {"title": "\\ud800"}}', "surrogate"),
    "42 levels": (bundled({"rules": deep(42)}), "nested deeper"),
    "100,000 brackets": (b'{"format": 1, "ruleset": ' + b"[" * 100_000, "nested deeper"),
    "too large": (b'{"format": 1, "ruleset": "' + b"x" * BUNDLE_BYTES + b'"}', "larger than"),
    "a ruleset that is a list": (bundled([]), "expected a mapping"),
    "a ruleset that is null": (bundled(None), "expected a mapping"),
    "a ruleset that is empty": (bundled({}), "the key `ruleset` is missing"),
    "a path for a name": (bundled({"ruleset": "../../etc/passwd"}), "is not valid"),
    "70,000 values": (bundled({"rules": [1] * 70_000}), "more than 60000 keys and values"),
    "70,000 keys": (bundled({"rules": {f"k{n}": 1 for n in range(70_000)}}), "more than 60000 keys and values"),
    "3,000 rules": (bundled({"rules": {f"R{n}": {} for n in range(3_000)}}), "`rules`: the mapping has 3000 entries"),
    "a long key": (bundled({"k" * 5_000: 1}), "has 5000 characters; at most 200"),
    "a long text": (bundled({"title": "x" * 50_000}), "50000 characters; at most 20000"),
}


@pytest.mark.parametrize("name", BUNDLES)
def test_a_hostile_bundle_is_refused_though_its_digest_fits(name: str) -> None:
    """In bounded time, by a sentence; it is one of the core's errors, so what is live stays."""
    data, told = BUNDLES[name]
    error = refusal(lambda: open_bundle(data, digest_of(data)))
    assert error is not None
    assert re.search(told, str(error)), str(error)[:300]
    assert len(str(error)) < 40_000


DIGESTS = [
    "",
    "sha256:",
    "sha256:../../etc/passwd",
    "sha256:" + "0" * 64,
    "SHA256:" + "A" * 64,
    "md5:0",
    "../x",
    "a\0b",
    "\x1b[2J",
    "x" * 10_000,
]


@pytest.mark.parametrize("digest", DIGESTS, ids=lambda digest: ascii(digest[:30]))
def test_a_digest_that_is_none_opens_nothing_and_is_not_repeated(digest: str) -> None:
    """It comes from the store; in a log or on a terminal it could be anything."""
    with pytest.raises(BundleError, match="another digest") as refused:
        open_bundle(GOOD, digest)
    assert str(refused.value).isprintable() and len(str(refused.value)) < 200


# --- cases ---

CASES: dict[str, tuple[str, str]] = {
    "nothing": ("", "the file is empty"),
    "a list": ("- a\n", "expected a mapping"),
    "no cases": ("bases: {}\n", "`cases` is missing"),
    "cases that are a text": ("cases: zq7marker\n", "expected a list"),
    "cases that are a mapping": ("cases: {a: 1}\n", "expected a list"),
    "a case that is null": ("cases: [null]\n", "expected a mapping"),
    "a case that is a number": ("cases: [1]\n", "expected a mapping"),
    "a case that is a list": ("cases: [[]]\n", "expected a mapping"),
    "an id that is a number": ("cases: [{id: 1, expect: {level: urgent}}]\n", "expected a text"),
    "findings that are a list": ("cases: [{id: a, findings: [], expect: {level: urgent}}]\n", "expected a mapping of answers"),
    "an unknown base": ("cases: [{id: a, base: b, expect: {level: urgent}}]\n", "unknown base"),
    "a base that is a list": ("bases: {b: []}\ncases: [{id: a, base: b, expect: {level: urgent}}]\n", "expected a mapping of answers"),
    "an unknown input": ("cases: [{id: a, findings: {zodiac: 1}, expect: {level: urgent}}]\n", "unknown input"),
    "a path for an input": ("cases: [{id: a, findings: {../../x: 1}, expect: {level: urgent}}]\n", "unknown input"),
    "no expectation": ("cases: [{id: a}]\n", "`expect` is missing"),
    "an expectation of nothing": ("cases: [{id: a, expect: {}}]\n", "must state a `level`"),
    "an unknown level": ("cases: [{id: a, expect: {level: fatal}}]\n", "is not one of"),
    "a huge history": ("cases: [{id: a, history: {reports_last_48h: 1e300}, expect: {level: urgent}}]\n", "too large"),
    "a negative history": ("cases: [{id: a, history: {reports_last_48h: -1}, expect: {level: urgent}}]\n", "0 or more"),
    "an infinite limit": ("cases: [{id: a, expect: {level: urgent, act_within_minutes: .inf}}]\n", "must be finite"),
    "an alias": ("cases: [&a {id: a, expect: {level: urgent}}, *a]\n", "alias"),
    "a merge key": ("cases: [{<<: {id: a}, expect: {level: urgent}}]\n", "merge keys"),
    "a tag": ("cases: !!python/object/apply:os.system [x]\n", "tag"),
    "the same id twice": ("cases:\n" + "- {id: a, expect: {level: urgent}}\n" * 2, "has this id already"),
    "2,100 cases": ("cases:\n" + "".join(f"- {{id: c{n}, expect: {{level: urgent}}}}\n" for n in range(2_100)), "the list has 2100 items; at most 2000"),
    "a list of 60,000": ("cases: [" + "," * 60_000 + "]\n", "cases|not YAML"),
    "1,000 bases": ("bases:\n" + "".join(f"  b{n}: {{itchy: true}}\n" for n in range(1_000)) + "cases: [{id: a, expect: {level: urgent}}]\n", "1000 entries; at most 200"),
    "misspelt inputs": ("cases:\n" + "".join(f"- {{id: c{n}, findings: {{itchi{n}: true}}, expect: {{level: urgent}}}}\n" for n in range(1_500)), "reading stopped after 200 faults"),
    "deep findings": ("cases: [{id: a, findings: {itchy: " + "[" * 60 + "]" * 60 + "}, expect: {level: urgent}}]\n", "nested deeper"),
    "a turning character": ("cases: [] # \u202e\n", "U\\+202E is not allowed here"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_hostile_cases_file_is_refused_with_its_place(name: str, tmp_path: Path) -> None:
    """Cases come with a ruleset, from whoever may deploy it."""
    written, told = CASES[name]
    (tmp_path / "cases.yaml").write_text(written, encoding="utf-8")
    ruleset = parse_ruleset(example().encode(), "example")
    assert_clear(refusal(lambda: read_cases(tmp_path, ruleset)), told, str(tmp_path / "cases.yaml"))


def test_of_an_endless_file_only_the_beginning_is_read(tmp_path: Path) -> None:
    """A folder can hold a link to a device, or a file larger than the memory."""
    (tmp_path / "cases.yaml").symlink_to("/dev/zero")
    ruleset = parse_ruleset(example().encode(), "example")
    error = refusal(lambda: read_cases(tmp_path, ruleset))
    assert_clear(error, "larger than 1048576 bytes", str(tmp_path / "cases.yaml"))


# --- large ones, in a process of their own that may not have more ---

# VmHWM, because the peak that getrusage tells is also that of whoever started the process
CHILD = """
import re, resource, sys, time
from pathlib import Path
resource.setrlimit(resource.RLIMIT_AS, (1_000_000_000, 1_000_000_000))
from triage_rules.foundation.errors import TriageError
from triage_rules.language.reading import parse_ruleset
from tests.hostile import files
wanted = sys.argv[1:]
tables = [*files.bombs(1024 * 1024 - 2_000), *files.many(20_000)]
for hostile in tables:
    if hostile.name in wanted:
        data = hostile.make()[:1024 * 1024]
        started = time.process_time()
        try:
            parse_ruleset(data, "large.yaml")
            refused = False
        except TriageError:
            refused = True
        spent = time.process_time() - started
        peak_kb = int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
        print(refused, f"{spent:.2f}", peak_kb // 1024, hostile.name)
"""
LARGE = some_of(
    ["words after a key", "a flow list of empty lists", "different keys", "many keys 38 levels down", "misspelt names"],
    1,
)


def test_files_of_the_greatest_size_are_refused_in_seconds_and_200_megabytes() -> None:
    """Those that took longest of all, in a process with little memory; each second is one of the processor."""
    ran = subprocess.run(
        [sys.executable, "-c", CHILD, *LARGE], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.returncode == 0, ran.stderr
    found = [line.split(maxsplit=3) for line in ran.stdout.splitlines()]
    assert {name for *_, name in found} == set(LARGE)
    for refused, seconds, megabytes, name in found:
        assert refused == "True", name
        assert float(seconds) < SECONDS, f"{name}: {seconds} s"
        assert int(megabytes) < MEGABYTES, f"{name}: {megabytes} MB"


# --- rulesets that are right, and costly ---


def costly(rules: dict[str, str], inferences: str = "", inputs: int = 900) -> bytes:
    """A ruleset of yes/no inputs y0, y1, ... and these rules, by their conditions."""
    base = example()
    head = base[: base.index("inputs:")].replace(
        "  sooner: {minutes: 240, when: {any: [child, febrile]}}", "  # never sooner"
    )
    asked = "".join(f"  y{n}: {{type: yes_no, group: g, question: q}}\n" for n in range(inputs))
    said = "".join(
        f"  {name}: {{title: t, when: {when}, disposition: M1_clinician_48h, reason: r, source: {{text: s}}}}\n"
        for name, when in rules.items()
    )
    return (
        head + "inputs:\n" + asked + ("inferences:\n" + inferences if inferences else "") + "rules:\n" + said
    ).encode()


def ys(start: int, count: int) -> str:
    return "[" + ", ".join(f"y{n % 900}" for n in range(start, start + count)) + "]"


def doubling(levels: int) -> str:
    chained = (f"  s{n}: {{says: s, when: {{all: [s{n - 1}, {{any: [s{n - 1}, y1]}}]}}}}\n" for n in range(1, levels))
    return "".join(chain(["  s0: {says: s, when: y0}\n"], chained))


COSTLY: dict[str, tuple[bytes, str]] = {
    "100 of 200": (costly({"R1": f"{{at_least: 100, of: {ys(0, 200)}}}"}), "`R1`: `at_least: 100` of 200 parts can't be written out"),
    "many 2 of 31": (costly({f"R{n}": f"{{at_least: 2, of: {ys(7 * n, 31)}}}" for n in range(400)}), "`R[0-9]+`: the rules so far"),
    "many 29 of 31": (costly({f"R{n}": f"{{at_least: 29, of: {ys(7 * n, 31)}}}" for n in range(400)}), "`R[0-9]+`: the rules so far"),
    "any of any": (costly({"R1": "{any: [" + ", ".join(f"{{any: {ys(n * 100, 100)}}}" for n in range(9)) + "]}"}), "`R1`: a condition would become 900 alternatives"),
    "any of at_least": (costly({"R1": "{any: [" + ", ".join(f"{{at_least: 2, of: {ys(n * 31, 31)}}}" for n in range(9)) + "]}"}), "`R1`: a condition would become"),
    "a product of anys": (costly({f"R{n}": "{all: [" + ", ".join(f"{{any: {ys(37 * n + k * 20, 20)}}}" for k in range(3)) + "]}" for n in range(600)}), "`R[0-9]+`: the rules so far"),
    "all of 121": (costly({"R1": f"{{all: {ys(0, 121)}}}"}), "`R1`: 121 conditions in one conjunction are too many"),
    "statements that double": (costly({"R1": "s59"}, doubling(60)), "`s14`: explaining it could take more than 50000 steps"),
    "a chain of 1,500": (costly({"R1": "s1499"}, "  s0: {says: s, when: y0}\n" + "".join(f"  s{n}: {{says: s, when: s{n - 1}}}\n" for n in range(1, 1_500))), "more than 150 conditions build on each other"),
}  # fmt: skip


@pytest.mark.parametrize(
    "name", params(COSTLY, ["100 of 200", "any of any", "all of 121", "statements that double", "a chain of 1,500"])
)
def test_a_ruleset_that_the_engine_could_not_hold_is_refused_in_a_moment(name: str) -> None:
    """It passes every check of the language; what it becomes when written out is counted before it is built."""
    data, told = COSTLY[name]
    ruleset = parse_ruleset(data, "costly.yaml")
    started = time.process_time()
    with pytest.raises(TriageError, match=told):
        Evaluator(ruleset, "sha256:" + "0" * 64)
    assert time.process_time() - started < SECONDS
