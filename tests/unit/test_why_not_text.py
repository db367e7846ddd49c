"""`triage explain --why-not` as text: every heading has something below, and a value stands apart from its statement."""

from __future__ import annotations

from typing import Any

from triage_rules.cli.why_not import lines


def lack(says: str, *parts: dict[str, Any]) -> dict[str, Any]:
    return {"says": says, "given": "open", "wanted": "yes", "needed": len(parts), "parts": list(parts)}


def text_of(*lacks: dict[str, Any]) -> str:
    rule = {"id": "R1", "title": "A fever", "disposition": "U1", "lacks": list(lacks)}
    report = {
        **dict.fromkeys(("level", "asked", "caution", "statement", "rules_gave_up"), ""),
        "way": "up",
        "kept": [],
        "rules": [rule],
        "sets": [
            {
                "result": {"level": "urgent", "disposition": "U1", "rules": ["R1"]},
                "in_words": [{"question": "Has a fever", "instead": "yes", "given": "open"}],
            }
        ],
    }
    return "\n".join(lines(report))


def test_a_colon_stands_between_a_statement_and_its_value() -> None:
    told = text_of(lack("Has a fever, or had one"), lack("Temperature?"))
    assert "- Has a fever, or had one: open; wanted: yes\n" in told
    assert "- Temperature? open; wanted: yes\n" in told
    assert "    Has a fever: yes; given: open\n" in told


def test_below_the_deepest_level_an_ellipsis_says_that_there_is_more() -> None:
    nested = lack("Is itchy?")
    for _ in range(6):
        nested = lack("together", nested)
    told = text_of(nested)
    assert "Is itchy?" not in told
    assert "            - all of these:\n              …\n" in told
