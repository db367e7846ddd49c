"""The types of a ruleset, all frozen.

Conditions have three values (Kleene): true, false or open. See docs/reference/ruleset-language.md.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from triage_rules.foundation.place import Place

Value = bool | int | float | str
"""An answer, as the evaluators see it: a yes/no, a number, or a choice's value."""

Answers = dict[str, Value]
"""The answers of one report, by input. An input that is not a key is open."""

MAX_NUMBER = 1e15
"""The largest number in a ruleset or a report: whole numbers are exact below it."""

NOT_APPROVED = "No clinician has approved this ruleset."
"""The sentence that clinicians read with every result of a ruleset without an approval."""

MANDATORY_OPEN = "mandatory_open"
"""The inference made from a ruleset's `mandatory` list: true while one of its items is open."""

IN_SCOPE = "in_scope"
"""The inference made from a ruleset's `scope`: true unless its question was answered with no."""

SCOPE = "SCOPE"
"""The id of the rule made from a ruleset's `scope`: it gives the disposition after the no."""

OUT_OF_SCOPE = "out_of_scope"
"""The flag of a result after the no to the scope's question."""


class Level(enum.IntEnum):
    """The urgency of a report; the order is the order of urgency."""

    ROUTINE = 0
    MONITOR = 1
    URGENT = 2

    __hash__ = int.__hash__  # an enum's own is Python code, and levels are looked up by the thousand

    @property
    def word(self) -> str:
        """Return the level's word on the wire."""
        return _WORDS[self]

    @classmethod
    def of(cls, word: str) -> Level:
        """Return the level that `word` names. Raises KeyError for any other word."""
        return cls[word.upper()]


_WORDS = {level: level.name.lower() for level in Level}


class Basis(enum.StrEnum):
    """What an outcome rests on.

    rules: the answers reach it, by established rules, or by floors that no further answer can take back. safety_net:
    only missing or contradictory answers, or earlier reports, raised it that high. default: no rule was established.
    """

    RULES = "rules"
    SAFETY_NET = "safety_net"
    DEFAULT = "default"


class InputKind(enum.StrEnum):
    """The type of an input's answers."""

    NUMBER = "number"
    INTEGER = "integer"
    YES_NO = "yes_no"
    CHOICE = "choice"
    TEXT = "text"


SERVICE_COUNTS = {"reports_last_48h": InputKind.INTEGER, "highest_level_24h": InputKind.CHOICE}
"""The counts of a subject's earlier reports: the only inputs with `asked_of: service`.

`highest_level_24h` is none, routine, monitor or urgent.
"""


class AskedOf(enum.StrEnum):
    """The people who can answer an input.

    `private`: anyone, but only where no one else can see question and answer. `measured`: anyone who has measured it.
    `laboratory`, `clinician`: clinicians only. `service` inputs are counted by the store, never asked or posted.
    """

    ANYONE = "anyone"
    PRIVATE = "private"
    MEASURED = "measured"
    LABORATORY = "laboratory"
    CLINICIAN = "clinician"
    SERVICE = "service"


class Audience(enum.StrEnum):
    """The people who answer a report's questions: the patient or a person beside them, or a clinician."""

    PATIENT = "patient"
    CLINICIAN = "clinician"

    @property
    def answers(self) -> frozenset[AskedOf]:
        """Return the kinds of inputs that this audience can answer."""
        return _ANSWERED_BY[self]


_ANSWERED_BY = {
    Audience.PATIENT: frozenset({AskedOf.ANYONE, AskedOf.PRIVATE, AskedOf.MEASURED}),
    Audience.CLINICIAN: frozenset(AskedOf) - {AskedOf.SERVICE},
}


class Op(enum.StrEnum):
    """A comparison of a number with a limit, in the words of the rule language."""

    AT_LEAST = "at_least"
    MORE_THAN = "more_than"
    AT_MOST = "at_most"
    LESS_THAN = "less_than"


# --- conditions -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class All:
    """True if every part is true; false if any is false; else open."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Any:
    """True if any part is true; false if every part is false; else open."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AtLeast:
    """True if `count` parts are true; false if too many are false; else open. 1 <= count <= len(parts)."""

    count: int
    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """True if the part is false, false if it is true, open if it is open."""

    part: Condition


@dataclass(frozen=True, slots=True)
class Compare:
    """A number or integer input against a limit; open while the input is open."""

    input: str
    op: Op
    limit: int | float


@dataclass(frozen=True, slots=True)
class OneOf:
    """A choice input is one of `values` (at least one, all declared); open while the input is open."""

    input: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Yes:
    """A yes/no input was answered yes; false if answered no; open while the input is open."""

    input: str


@dataclass(frozen=True, slots=True)
class IsOpen:
    """The input is open. True or false, never open itself."""

    input: str


@dataclass(frozen=True, slots=True)
class Inferred:
    """Another statement of the ruleset, by name."""

    name: str


@dataclass(frozen=True, slots=True)
class Unless:
    """True unless the statement is established: an open statement counts as not established.

    True or false, never open. Used where a missing answer must raise, as in `unexplained`.
    """

    part: Inferred | Yes


Condition = All | Any | AtLeast | Not | Compare | OneOf | Yes | IsOpen | Inferred | Unless


# --- inputs and statements ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Choice:
    """A value of a choice input. `means_open`: choosing it leaves the input open (`not_tested`)."""

    value: str
    label: str
    means_open: bool = False


@dataclass(frozen=True, slots=True)
class LooksLike:
    """A hint for rejected numbers between the bounds (both included); they are never converted."""

    minimum: float
    maximum: float
    hint: str


@dataclass(frozen=True, slots=True)
class Code:
    """A code of a terminology. `mark`: the certainty of its source (`c`, `s`, `u` or none)."""

    system: str
    code: str
    mark: str | None = None


@dataclass(frozen=True, slots=True)
class Relevance:
    """When a question makes sense: while `when` is not ruled out.

    Once it is ruled out, the input is not asked, and an input without an explicit answer counts as answered with
    `otherwise`; None: it stays open. `when` has no `open` and no `unless` beneath it, so what is ruled out stays so.
    """

    when: Condition
    otherwise: Value | None = None


@dataclass(frozen=True, slots=True)
class Input:
    """A question that a report may answer. Numbers have a unit (UCUM) and inclusive bounds.

    `available_if`: asked only once this is true. `expected`: the commonest answer; affects only the order of asking.
    """

    name: str
    kind: InputKind
    question: str
    group: str
    asked_of: AskedOf = AskedOf.ANYONE
    help: str | None = None
    unit: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    max_length: int | None = None
    choices: tuple[Choice, ...] = ()
    looks_like: tuple[LooksLike, ...] = ()
    codes: tuple[Code, ...] = ()
    relevant: Relevance | None = None
    available_if: Condition | None = None
    expected: Value | None = None
    place: Place | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class PanelLine:
    """An input as a line of a panel. `none_means`: its answer if the line does not apply.

    `text`: the line as people read it; None: the input's question. A choice's line must have one.
    """

    input: str
    none_means: Value = False
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Panel:
    """Yes/no inputs, and choices with one harmless value, on one screen.

    `immediate_danger`: its lines are signs that need help now; they are asked first, and never depend on relevance.
    """

    name: str
    question: str
    lines: tuple[PanelLine, ...]
    section: str | None = None
    immediate_danger: bool = False
    place: Place | None = field(default=None, compare=False)

    @property
    def inputs(self) -> tuple[str, ...]:
        """Return the inputs of its lines."""
        return tuple(line.input for line in self.lines)


@dataclass(frozen=True, slots=True)
class ScreenPlan:
    """How an interview is put on screens: a panel by its name, or one to three inputs together.

    first: the screens to begin with, in this order. then: further ones; of several that matter, the first comes first.
    """

    first: tuple[str | tuple[str, ...], ...] = ()
    then: tuple[str | tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Mention:
    """A yes/no statement on a text input: it contains one of the phrases, which are of all languages.

    Letter case, accents, apostrophes, hyphens, blanks and invisible characters don't count. Open while the text is
    open; an empty text is an answer: no.
    """

    name: str
    text: str
    phrases: tuple[str, ...]
    says: str
    place: Place | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Source:
    """The origin of a rule's knowledge.

    `marks`, as in the knowledge note: checked in a source, in a secondary page, from memory, or a choice of ours.
    """

    text: str
    marks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Inference:
    """A statement derived from answers or other statements. `rules`: the rules that infer it."""

    name: str
    says: str
    when: Condition
    id: str | None = None
    source: Source | None = None
    rules: tuple[str, ...] = ()
    place: Place | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Disposition:
    """An instruction with a time limit. `act_within_minutes` None: no limit; 0: now."""

    code: str
    level: Level
    act_within_minutes: int | None
    title: str
    patient: str
    clinician: str
    place: Place | None = field(default=None, compare=False)

    def allows_more_time_than(self, other: Disposition) -> bool:
        """Return whether it leaves more time to act; no limit is longer than any limit."""
        if self.act_within_minutes is None or other.act_within_minutes is None:
            return self.act_within_minutes is None and other.act_within_minutes is not None
        return self.act_within_minutes > other.act_within_minutes


@dataclass(frozen=True, slots=True)
class RuleOutcome:
    """A disposition that a rule reaches: always (`when` None) or if a further condition holds."""

    disposition: str
    when: Condition | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: condition to disposition. `outcomes[0]` is the rule's own; the others can only raise it.

    in_scope_only: `when` is the condition in the file together with IN_SCOPE.
    """

    id: str
    title: str
    when: Condition
    outcomes: tuple[RuleOutcome, ...]
    reason: str
    source: Source
    owner: str
    review_by: str
    infers: str | None = None
    clinician_note: str | None = None
    clinician_only: bool = False
    in_scope_only: bool = False
    flags: tuple[str, ...] = ()
    section: str | None = None
    place: Place | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Floor:
    """A safety net: after the rules, the level is at least that of its established outcomes.

    `raise_one`: one level up instead of a fixed floor; maps the level reached to its disposition.
    in_scope_only: as of a rule.
    """

    id: str
    title: str
    when: Condition
    outcomes: tuple[RuleOutcome, ...]
    reason: str
    source: Source
    owner: str
    review_by: str
    raise_one: tuple[tuple[Level, str], ...] = ()
    clinician_note: str | None = None
    in_scope_only: bool = False
    flags: tuple[str, ...] = ()
    place: Place | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Conflict:
    """Answers that contradict each other. `says`: the message, with the answer that was used."""

    id: str
    when: Condition
    says: str
    inputs: tuple[str, ...]
    place: Place | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Mandatory:
    """Inputs of which one must be answered before routine is possible. `when`: only if this is true."""

    inputs: tuple[str, ...]
    when: Condition | None = None


@dataclass(frozen=True, slots=True)
class Validity:
    """The validity of a result. `sooner_minutes` applies unless `sooner` is ruled out."""

    minutes: int
    sooner_minutes: int | None = None
    sooner: Condition | None = None


@dataclass(frozen=True, slots=True)
class Default:
    """The disposition if no rule is established; never routine."""

    disposition: str
    reason: str
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RulesetScope:
    """What a ruleset is for. A no to the yes/no input `question` gives at least the disposition.

    then_ask: inputs that are still asked after the no. not_asked: those that are not asked any more; without signs of
    immediate danger.
    """

    question: str
    disposition: str
    reason: str
    then_ask: tuple[str, ...] = ()
    not_asked: frozenset[str] = frozenset()
    place: Place | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Contact:
    """A text that depends on the country, such as the emergency number. countries: ISO 3166-1 code and text."""

    default: str
    countries: tuple[tuple[str, str], ...] = ()

    def of(self, country: str | None) -> str:
        """Return the text for a country; the default for any other, and for None."""
        return dict(self.countries).get(country or "", self.default)


@dataclass(frozen=True, slots=True)
class Contacts:
    """The contacts that a ruleset's texts were filled with: their values by name. country: the one chosen."""

    country: str | None
    values: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Ruleset:
    """A whole ruleset, checked: every name resolves, every type fits, nothing refers to itself.

    `inferences` is in an order in which each needs only earlier ones. Texts are filled with `contacts`.
    """

    name: str
    version: str
    title: str
    description: str
    owner: str
    approved_by: str | None
    approved_on: str | None
    inputs: dict[str, Input]
    mentions: dict[str, Mention]
    inferences: dict[str, Inference]
    rules: dict[str, Rule]
    floors: dict[str, Floor]
    conflicts: dict[str, Conflict]
    mandatory: tuple[Mandatory, ...]
    dispositions: dict[str, Disposition]
    default: Default
    validity: Validity
    always_patient: str
    always_clinician: str
    panels: dict[str, Panel] = field(default_factory=dict)
    screens: ScreenPlan = ScreenPlan()
    scope: RulesetScope | None = None
    declared_contacts: dict[str, Contact] = field(default_factory=dict)
    contacts: Contacts | None = None

    def not_asked(self, answers: Mapping[str, object]) -> frozenset[str]:
        """Return the inputs that are not asked because the report is out of scope."""
        if self.scope is None or answers.get(self.scope.question) is not False:
            return frozenset()
        return self.scope.not_asked

    @property
    def rules_and_floors(self) -> tuple[Rule | Floor, ...]:
        """Return the rules, then the safety net: everything that can set a level."""
        return (*self.rules.values(), *self.floors.values())

    def input_behind(self, finding: str) -> Input:
        """Return the input that a finding's name reads: the input of that name, or the text of the mention."""
        mention = self.mentions.get(finding)
        return self.inputs[finding if mention is None else mention.text]

    def urgency(self, disposition: str) -> tuple[int, int]:
        """Return a key that sorts dispositions by urgency: level, then place in the file (the first is the worst)."""
        return (self.dispositions[disposition].level, -list(self.dispositions).index(disposition))
