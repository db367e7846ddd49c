"""Compare the ids that clients received with the published, handled and stored results. Trusts only its own notes."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import redis

from tests.campaigns.chaos.clients import Job, Notes
from tests.campaigns.chaos.reports import POISON_TEXT
from triage_rules.evaluation.answers import read_answers
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.language.bundle import Bundle, open_bundle
from triage_rules.language.model import Level
from triage_rules.records.reports import History

IGNORED = ("id", "received_at", "evaluated_at", "valid_until")
EXPECTED_ANSWERS = {"200", "202", "503", "line 503"}
"""Statuses are numbers; a connection error has a name."""

SHOWN = 5


class Checker:
    """A check after the run. `client`: of Redis itself. `bundles`: the live versions. `handled`: each group's notes."""

    def __init__(
        self, client: redis.Redis, bundles: list[Bundle], jobs: list[Job], notes: Notes, handled: dict[str, Path]
    ) -> None:
        self._client = client
        self._evaluators = {one.digest: Evaluator(open_bundle(one.data, one.digest), one.digest) for one in bundles}
        self._reports = {line: report for job in jobs for line, report in zip(job.lines, job.reports, strict=True)}
        self._notes = notes
        self._handled = handled
        self._replays: dict[str, dict[str, Any]] = {}
        self._line_of = {report_id: line for line, ids in notes.told.items() for report_id in ids}
        self._events = [fields for _, fields in client.xrange("triage:results")]

    def violations(self) -> list[str]:
        """Yield each violation in a line."""
        return [
            *_some("a client was never heard", [job.key for job in self._notes.unheard]),
            *_some(
                "an answer was", sorted(a for a in self._notes.answers if a not in EXPECTED_ANSWERS and _is_status(a))
            ),
            *_some("told two ids for one key", [line for line, ids in self._notes.told.items() if len(set(ids)) > 1]),
            *_some("two keys were told one id", self._shared_ids()),
            *self._one_event_each(),
            *self._all_handled(),
            *_some("differs from its replay", self._differing()),
            *_some("a subject's reports were not counted once each", self._miscounted()),
            *_some("not empty at the end", self._left_over()),
        ]

    def _shared_ids(self) -> list[str]:
        lines = defaultdict(set)
        for line, ids in self._notes.told.items():
            for report_id in ids:
                lines[report_id].add(line)
        return [report_id for report_id, found in lines.items() if len(found) > 1]

    def _one_event_each(self) -> Iterator[str]:
        published = Counter(fields["ce_subject"] for fields in self._events)
        told = set(self._line_of)
        yield from _some("told, but no event (lost)", sorted(told - set(published)))
        yield from _some("more than one event (doubled)", sorted(one for one, times in published.items() if times > 1))
        yield from _some("an event that no client can learn of", sorted(set(published) - told))

    def _all_handled(self) -> Iterator[str]:
        published = {fields["ce_subject"] for fields in self._events}
        for group, file in self._handled.items():
            seen = set(file.read_text(encoding="utf-8").split()) if file.exists() else set()
            yield from _some(f"group {group} never handled", sorted(published - seen))
            yield from _some(f"group {group} handled what was not published", sorted(seen - published))

    def _differing(self) -> Iterator[str]:
        for fields in self._events:
            report_id, result = fields["ce_subject"], json.loads(fields["data"])
            line = self._line_of.get(report_id)
            if line is None:
                continue
            if self._reports[line]["findings"].get("free_text") == POISON_TEXT:
                if (result["level"], result["flags"], result["status"]) != (None, ["human_review_now"], "dead"):
                    yield f"{report_id} (poison): {result['level']}"
                continue
            stored = self._client.hgetall(f"triage:report:{report_id}")
            if result != json.loads(stored["result"]):
                yield f"{report_id}: stored and published differ"
            wrong = [name for name, value in self._replay(line, stored).items() if result.get(name) != value]
            if wrong or result["id"] != report_id or fields["digest"] != stored["digest"]:
                yield f"{report_id}: {', '.join(wrong)} (attempts {stored['attempts']}, {result.get('failure', 'done')})"

    def _replay(self, line: str, stored: dict[str, str]) -> dict[str, Any]:
        """Evaluate the posted answers with the stored history."""
        highest = stored["highest_level_24h"]
        history = History(int(stored["reports_last_48h"]), Level(int(highest)) if highest else None)
        answers = self._reports[line]["findings"]
        evaluator = self._evaluators[stored["digest"]]
        key = json.dumps([answers, str(history), stored["digest"]], sort_keys=True)
        if key not in self._replays:
            read = read_answers(evaluator.ruleset, answers)
            result = evaluator.evaluate(read, history, report_id="", received_ms=0, evaluated_ms=0)
            # As published: through JSON.
            self._replays[key] = json.loads(json.dumps({k: v for k, v in result.items() if k not in IGNORED}))
        return self._replays[key]

    def _miscounted(self) -> Iterator[str]:
        """Yield subjects whose n-th report does not have n - 1 earlier ones, retries aside."""
        counted: dict[str, list[int]] = defaultdict(list)
        for report_id, line in self._line_of.items():
            subject = self._reports[line].get("subject")
            if subject is not None:
                before = self._client.hget(f"triage:report:{report_id}", "reports_last_48h")
                counted[subject].append(int(before or -1))
        for subject, found in counted.items():
            if sorted(found) != list(range(len(found))):
                yield subject

    def _left_over(self) -> Iterator[str]:
        for key in ("triage:pending", "triage:due"):
            if left := self._client.zcard(key):
                yield f"{key} ({left})"
        for group in self._handled:
            if letters := self._client.xlen(f"triage:dead:{group}"):
                yield f"triage:dead:{group} ({letters})"
            if waiting := self._client.xpending("triage:results", group)["pending"]:
                yield f"entries of {group} ({waiting})"


def _some(what: str, found: Any) -> Iterator[str]:
    """Return one line for all violations of a kind."""
    listed = list(found)
    if listed:
        more = f" and {len(listed) - SHOWN} more" if len(listed) > SHOWN else ""
        yield f"{what}: {', '.join(listed[:SHOWN])}{more}"


def _is_status(answer: str) -> bool:
    return answer.removeprefix("line ").isdigit()
