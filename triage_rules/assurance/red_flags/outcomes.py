"""Outcomes of reports with some flags and harmless answers to everything else, evaluated many at a time."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from triage_rules.assurance.red_flags.flags import Flag, harmless_answer, intervals
from triage_rules.assurance.red_flags.situations import Situations
from triage_rules.assurance.solver.answers import answering
from triage_rules.assurance.solver.encoding import Encoding
from triage_rules.assurance.solver.many_reports import ManyReports, Truths
from triage_rules.assurance.solver.phrases import has_phrase
from triage_rules.assurance.solver.report_of_model import plain_number
from triage_rules.language.gates import InputsBehind, gated_in_order, gates_of
from triage_rules.language.model import Answers, AskedOf, Input, InputKind, Value

MOST_OPENINGS = 2
"""Most further answers that are changed so that a flag's question is asked."""

Change = tuple[str, Value]
"""An input and its answer."""

Group = tuple[Flag, ...]
"""Flags of one report."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Mildest disposition of a group of flags in a situation. `make_report`: makes one of the reports with it."""

    disposition: str
    make_report: Callable[[], Answers]


@dataclass
class _Reports:
    """Reports as bits. `given`: for each input and answer, the reports that give it. `asked`: those that may answer."""

    every: Truths
    given: dict[str, dict[Value, Truths]] = field(default_factory=lambda: defaultdict(dict))
    asked: dict[str, Truths] = field(default_factory=dict)
    known: dict[int, Truths] = field(default_factory=dict)

    def give(self, name: str, value: Value, where: Truths) -> None:
        """Give an answer where the input has none yet."""
        for reports in self.given[name].values():
            where &= ~reports
        self.given[name][value] = self.given[name].get(value, 0) | where


class Outcomes:
    """Evaluates groups of flags in each situation: the mildest disposition over the ages of the situation.

    The question of a flag has to be asked: answers that open it are changed from harmless, as few as possible.
    """

    def __init__(self, encoding: Encoding, situations: Situations) -> None:
        self._encoding, self._ruleset = encoding, encoding.ruleset
        self._codes = sorted(self._ruleset.dispositions, key=self._ruleset.urgency)
        self._urgent_as = [encoding.at_least_as_urgent(code) for code in self._codes]
        self._many = ManyReports(encoding.logic)
        points = [(number, point) for number, each in enumerate(situations.all) for point in each.points]
        self._width = len(points)
        self._here = [
            sum(1 << bit for bit, (n, _) in enumerate(points) if n == number) for number in range(len(situations.all))
        ]
        self._situation: dict[Change, Truths] = defaultdict(int)
        for bit, (_, point) in enumerate(points):
            for change in point.items():
                self._situation[change] |= 1 << bit
        self._context = situations.inputs
        self._gated = gated_in_order(self._ruleset)
        gated = {read.name for read in self._gated}
        self._order = [read for read in self._ruleset.inputs.values() if read.name not in gated] + self._gated
        self._harmless = {name: harmless_answer(self._ruleset, read) for name, read in self._ruleset.inputs.items()}
        self._openings: dict[str, dict[Change, Truths]] = {}

    def of(self, groups: Sequence[Group]) -> list[list[Outcome | None]]:
        """Return for each group and situation the mildest outcome; None: some flag is not asked."""
        reports = self._reports(groups)
        above = [self._many.truths(formula, reports.known, reports.every) for formula in self._urgent_as]
        return [
            [self._mildest(reports, above, group, number, here) for here in self._here]
            for number, group in enumerate(groups)
        ]

    def _mildest(
        self, reports: _Reports, above: list[Truths], group: Group, number: int, here: Truths
    ) -> Outcome | None:
        left = here << (number * self._width)
        for flag in group:
            left &= reports.asked[flag.input] & reports.given[flag.input].get(flag.value, 0)
        if not left:
            return None
        for code, more in zip(self._codes, [*above[1:], 0], strict=True):
            if milder := left & ~more:
                return Outcome(code, partial(_make_report, reports, milder & -milder))
        raise AssertionError("every report has a disposition")

    def _reports(self, groups: Sequence[Group], extra: Sequence[Sequence[Change]] = ()) -> _Reports:
        """Make the reports: flags first, then what opens their questions, the situation, and harmless answers."""
        width, everywhere = self._width, (1 << self._width) - 1
        count = max(len(groups), len(extra))
        reports = _Reports((1 << width * count) - 1)
        for number, group in enumerate(groups):
            for flag in group:
                reports.give(flag.input, flag.value, everywhere << number * width)
        for number, changes in enumerate(extra):
            for name, value in changes:
                reports.give(name, value, everywhere << number * width)
        for number, group in enumerate(groups):
            for flag in group:
                for (name, value), where in self._opening(flag.input).items():
                    reports.give(name, value, where << number * width)
        repeated = sum(1 << number * width for number in range(count))
        for (name, value), where in self._situation.items():
            reports.give(name, value, where * repeated)
        for read in self._order:
            self._settle(reports, read)
        return reports

    def _settle(self, reports: _Reports, read: Input) -> None:
        """Give the harmless answer where there is none, drop answers to what is not asked, and set the variables."""
        asked = reports.every
        if read.relevant is not None:
            asked &= ~self._many.truths(self._encoding.false(read.relevant.when), reports.known, reports.every)
        if read.available_if is not None:
            asked &= self._many.truths(self._encoding.true(read.available_if), reports.known, reports.every)
        harmless = self._harmless[read.name]
        if read.asked_of is AskedOf.SERVICE:
            harmless = "none" if read.kind is InputKind.CHOICE else 0
        elif read.asked_of in {AskedOf.LABORATORY, AskedOf.CLINICIAN}:
            harmless = None
        if harmless is not None:
            reports.give(read.name, harmless, reports.every)
        reports.asked[read.name] = asked
        values = reports.given[read.name] = {value: where & asked for value, where in reports.given[read.name].items()}
        reports.known |= self._variables(read, values)

    def _variables(self, read: Input, values: dict[Value, Truths]) -> dict[int, Truths]:
        answers, logic = self._encoding.answers, self._encoding.logic
        answered = 0
        for where in values.values():
            answered |= where
        match read.kind:
            case InputKind.YES_NO | InputKind.CHOICE:
                one_hot = answers.one_hot(read)
                return {
                    one_hot.value(logic, value).get_id(): where
                    for value, where in values.items()
                    if isinstance(value, bool | str)
                }
            case InputKind.TEXT:
                text = answers.text(read.name)
                known = {text.answered.get_id(): answered}
                for phrases, variable in text.mentions.items():
                    hits = [where for value, where in values.items() if any(has_phrase(str(value), p) for p in phrases)]
                    known[variable.get_id()] = sum(hits)  # no two values in one report
                return known
            case _:
                number = answers.number(read)
                known = {number.answered.get_id(): answered}
                for point, cut in number.cuts.items():
                    known[cut.get_id()] = sum(where for value, where in values.items() if float(value) >= point)
                return known

    # --- openings ---

    def _opening(self, name: str) -> dict[Change, Truths]:
        """Return the fewest changes with which the question is asked, each with the points where it is needed."""
        if name not in self._openings:
            self._openings[name] = self._find_opening(name)
        return self._openings[name]

    def _find_opening(self, name: str) -> dict[Change, Truths]:
        ways = list(self._ways_to_open(name))
        reports = self._reports([], ways)
        opening: dict[Change, Truths] = defaultdict(int)
        missing = (1 << self._width) - 1
        for number, way in enumerate(ways):
            opened = missing & (reports.asked[name] >> number * self._width)
            for change in way:
                if way and all(reports.given[n].get(v, 0) >> number * self._width & opened == opened for n, v in way):
                    opening[change] |= opened
            missing &= ~opened
        return opening

    def _ways_to_open(self, name: str) -> Iterator[tuple[Change, ...]]:
        """Yield sets of changes to the inputs that the gates read, the smallest first."""
        behind, waiting, read = InputsBehind(self._ruleset.inferences), [name], dict[str, None]()
        while waiting:
            for gate in gates_of(self._ruleset.inputs[waiting.pop()]):
                for inner in behind.of(gate):
                    source = self._ruleset.input_behind(inner).name
                    if source not in read and source not in self._context:
                        read[source] = None
                        waiting.append(source)
        changes = [(source, value) for source in read for value in self._values(self._ruleset.inputs[source])]
        for count in range(MOST_OPENINGS + 1):
            for way in itertools.combinations(changes, count):
                if len({source for source, _ in way}) == count:
                    yield way

    def _values(self, read: Input) -> list[Value]:
        match read.kind:
            case InputKind.YES_NO | InputKind.CHOICE:
                return list(answering(read))
            case InputKind.TEXT:
                return []
            case _:
                return [plain_number(low, end) for low, end in intervals(self._encoding, read)]


def _make_report(reports: _Reports, bit: Truths) -> Answers:
    """Return the answers of one report."""
    return {name: value for name, values in reports.given.items() for value, where in values.items() if where & bit}
