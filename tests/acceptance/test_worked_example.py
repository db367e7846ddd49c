"""docs/tutorial/worked-example.md says what the commands say: its edits are made, its commands run, its lines looked for."""

from __future__ import annotations

import re
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.support.paths import GLASS_TEST, ROOT
from triage_rules.cli import main

PAGE = (ROOT / "docs/tutorial/worked-example.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```\n", re.MULTILINE | re.DOTALL)
ELSEWHERE = ("check", "deploy", "rollback")
"""Commands of the page that take long on red-dots; the last test here, and those of `make test`, look at them."""


@dataclass(frozen=True)
class Block:
    kind: str
    lines: list[str]
    before: str


def blocks() -> list[Block]:
    found, end = [], 0
    for block in BLOCK.finditer(PAGE):
        found.append(Block(block[1], block[2].splitlines(), PAGE[end : block.start()]))
        end = block.end()
    return found


def triage(line: str, redis_url: str = "redis://127.0.0.1:1/0") -> str:
    """What a line of the page says, on stdout and stderr."""
    ran = CliRunner().invoke(main, shlex.split(line)[1:], env={"TRIAGE_REDIS_URL": redis_url})
    assert ran.exception is None or isinstance(ran.exception, SystemExit), ran.output
    return ran.output


def missing(lines: list[str], output: str) -> list[str]:
    """The lines that the output lacks, in this order; an ellipsis stands for anything."""
    lacking, at = [], 0
    for line in lines:
        pattern = re.escape(line).replace("…", ".*")
        found = re.compile(f"^{pattern}$", re.MULTILINE).search(output, at)
        lacking += [] if found else [line]
        at = found.end() if found else at
    return lacking


def marks_what_is_left_out(lines: list[str], output: str) -> bool:
    """Whether the output has nothing else, except messages of progress; an ellipsis alone on a line stands for any lines."""
    output = re.sub(r"^\d+ of \d+ [a-z]+\n", "", output, flags=re.MULTILINE)
    parts = [r"(?:.*\n)*?" if line == "…" else re.escape(line).replace("…", ".*") + r"\n" for line in lines]
    return re.fullmatch("".join(parts), output) is not None


def copy_red_dots(folder: Path) -> None:
    """With only those cases that have a temperature: others, and personas, take long, and the page is not about them."""
    shutil.copytree(ROOT / "rulesets/red-dots", folder, ignore=shutil.ignore_patterns("personas.yaml", "vignettes*"))
    cases = folder / "cases.yaml"
    bases, *written = re.split(r"(?=^  - id: )", cases.read_text(encoding="utf-8"), flags=re.MULTILINE)
    cases.write_text(bases + "".join(case for case in written if "temperature_c" in case), encoding="utf-8")


def edit(folder: Path, block: Block) -> None:
    """Do what the page says with a block: replace a line of the ruleset, or add to the file named above the block."""
    if block.kind == "diff":
        before, after = (line[1:] for line in block.lines)
        path = folder / "draft/ruleset.yaml"
        text = path.read_text(encoding="utf-8")
        assert text.count(before + "\n") == 1, before
        path.write_text(text.replace(before + "\n", after + "\n"), encoding="utf-8")
    else:
        name = re.findall(r"end of `(draft/\w+\.yaml)`", block.before)[-1]
        with (folder / name).open("a", encoding="utf-8") as file:
            file.write("\n" + "\n".join(block.lines) + "\n")


def test_the_page_says_what_the_commands_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy_red_dots(tmp_path / "rulesets/red-dots")
    monkeypatch.chdir(tmp_path)
    waiting: list[str] = []  # commands whose output the next blocks show, one each
    compared = 0
    for block in blocks():
        match block.kind:
            case "diff" | "yaml":
                edit(tmp_path, block)
            case "sh":
                assert waiting == []
                waiting = [line for line in block.lines if line.startswith("triage")]
                if "cp -r rulesets/red-dots draft" in block.lines:
                    shutil.copytree("rulesets/red-dots", "draft")
            case "text":
                command = waiting.pop(0)
                if command.split()[1] not in ELSEWHERE:
                    lines = [re.sub(r"^\d+ passed", "… passed", line) for line in block.lines]
                    output = triage(command)
                    assert missing(lines, output) == [], command
                    assert marks_what_is_left_out(lines, output), (command, output)
                    compared += 1
    assert compared == 6


def in_glass_test(line: str) -> str:
    """A line about red-dots 1.2, as it is about glass-test 1.0."""
    return line.replace("red-dots", "glass-test").replace("1.2.", "1.0.")


def test_deploying_and_rolling_back_speak_as_on_the_page(tmp_path: Path, redis_url: str) -> None:
    """On the small ruleset, which has no properties: all else but names and numbers is the same."""
    draft = Path(shutil.copytree(GLASS_TEST, tmp_path / "draft"))
    text = (draft / "ruleset.yaml").read_text(encoding="utf-8").replace("version: 1.0.0", "version: 1.0.1")
    (draft / "ruleset.yaml").write_text(text, encoding="utf-8")
    triage(f"triage deploy {GLASS_TEST}", redis_url)
    shown = [block.lines for block in blocks() if block.kind == "text"][-2:]
    deployed, back = ([in_glass_test(line) for line in lines] for lines in shown)
    output = re.sub("Warning: .* nothing is proved\n", "", triage(f"triage deploy {draft}", redis_url))
    deployed = [re.sub(r"\d+ cases passed.*", "… cases passed.", line) for line in deployed]
    assert missing(deployed, output) == []
    assert marks_what_is_left_out(deployed, output), output
    output = triage("triage rollback glass-test", redis_url)
    assert missing(back, output) == []
    assert marks_what_is_left_out(back, output), output


@pytest.mark.parametrize("file", ["README.md", "docs/howto/rulesets.md"])
def test_whoever_changes_rules_is_led_to_the_page(file: str) -> None:
    assert "worked-example.md)" in (ROOT / file).read_text(encoding="utf-8")
