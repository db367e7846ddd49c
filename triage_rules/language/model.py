"""What a ruleset is: frozen types, nothing else.

Conditions have three values (Kleene): true, false or open. See docs/reference/ruleset-language.md.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from triage_rules.foundation.place import Place

Value = bool | int | float | str
"""One answer, as the evaluators see it: a yes/no, a number, or a choice's value."""

Answers = dict[str, Value]
"""The answered findings of one report. A finding that is not a key is open."""

MAX_NUMBER = 1e15
"""No number, in a ruleset or a report, lies beyond this: whole numbers stay exact below."""

NOT_APPROVED = "No clinician has approved this ruleset."
"""The sentence that clinicians read with every result of a ruleset without an approval."""

MANDATORY_OPEN = "mandatory_open"
"""The inference that reading makes of a ruleset's `mandatory` list: true while one of them is open."""


class Level(enum.IntEnum):
    """How soon a person must be seen; the order is the order of urgency."""

    ROUTINE = 0
    MONITOR = 1
    URGENT = 2

    __hash__ = int.__hash__  # an enum's own is Python code, and levels are looked up by the thousand

    @property
    def word(self) -> str:
        """The level as it is written on the wire."""
        return _WORDS[self]

    @classmethod
    def of(cls, word: str) -> Level:
        """The level that `word` names. Raises KeyError for any other word."""
        return cls[word.upper()]


_WORDS = {level: level.name.lower() for level in Level}


class InputKind(enum.StrEnum):
    """What sort of answer an input takes."""

    NUMBER = "number"
    INTEGER = "integer"
    YES_NO = "yes_no"
    CHOICE = "choice"
    TEXT = "text"


SERVICE_COUNTS = {"reports_last_48h": InputKind.INTEGER, "highest_level_24h": InputKind.CHOICE}
"""What the store counts of a subject's earlier reports: the only inputs with `asked_of: service`.

`highest_level_24h` is one of none, routine, monitor, urgent.
"""


class AskedOf(enum.StrEnum):
    """Who can answer an input, and where it may be asked.

    `private`: of anyone, but only where nobody else can see question and answer. `service` inputs are counted by the
    store, never asked or posted.
    """

    ANYONE = "anyone"
    PRIVATE = "private"
    CLINICIAN = "clinician"
    SERVICE = "service"


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
    """A number or integer input against a limit; open while the finding is open."""

    input: str
    op: Op
    limit: int | float


@dataclass(frozen=True, slots=True)
class OneOf:
    """A choice input is one of `values` (at least one, all declared); open while the finding is open."""

    input: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Yes:
    """A yes/no input was answered yes; false if answered no; open while the finding is open."""

    input: str


@dataclass(frozen=True, slots=True)
class IsOpen:
    """The finding is open. True or false, never open itself."""

    input: str


@dataclass(frozen=True, slots=True)
class Inferred:
    """Another statement of the ruleset, by name."""

    name: str


@dataclass(frozen=True, slots=True)
class Unless:
    """True unless the statement is established: an open statement counts as not established.

    True or false, never open. Written where silence must raise, as in `unexplained`.
    """

    part: Inferred | Yes


Condition = All | Any | AtLeast | Not | Compare | OneOf | Yes | IsOpen | Inferred | Unless


# --- what conditions speak of ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of a choice input. `means_open`: choosing it leaves the finding open (`not_tested`)."""

    value: str
    label: str
    means_open: bool = False


@dataclass(frozen=True, slots=True)
class LooksLike:
    """A refused number between the bounds (both included) gets this hint; it is never converted."""

    minimum: float
    maximum: float
    hint: str


@dataclass(frozen=True, slots=True)
class Code:
    """A code of a terminology, with the mark of how sure the source is (`c`, `s`, `u` or none)."""

    system: str
    code: str
    mark: str | None = None


@dataclass(frozen=True, slots=True)
class Input:
    """A finding that a report may carry. Numbers have a unit (UCUM) and inclusive bounds."""

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
    place: Place | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Mention:
    """A yes/no statement on a text input: it contains one of the phrases.

    Letter case, accents' form and runs of blanks don't count. Open while the text is open; an
    empty text is an answer: no.
    """

    name: str
    text: str
    phrases: tuple[str, ...]
    says: str
    place: Place | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Source:
    """Where a rule's knowledge comes from.

    `marks`, as in the knowledge note: checked in a source, in a secondary page, from memory, or a choice of ours.
    """

    text: str
    marks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Inference:
    """A statement derived from findings or other statements. `rules`: the rules that infer it."""

    name: str
    says: str
    when: Condition
    id: str | None = None
    source: Source | None = None
    rules: tuple[str, ...] = ()
    place: Place | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Disposition:
    """What to do and by when. `act_within_minutes` None: no limit; 0: now."""

    code: str
    level: Level
    act_within_minutes: int | None
    title: str
    patient: str
    clinician: str
    place: Place | None = field(default=None, compare=False)

    def allows_more_time_than(self, other: Disposition) -> bool:
        """It leaves longer to act; no limit is longer than any."""
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
    """Statement -> disposition. `outcomes[0]` is the rule's own; further ones can only raise it."""

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
    flags: tuple[str, ...] = ()
    section: str | None = None
    place: Place | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Floor:
    """A safety net: after the rules, the level is at least that of its established outcomes.

    `raise_one`: instead of a fixed floor, one level up; maps the level reached to its disposition.
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
    flags: tuple[str, ...] = ()
    place: Place | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Conflict:
    """Answers that contradict each other: what to tell, and which of them was taken."""

    id: str
    when: Condition
    says: str
    inputs: tuple[str, ...]
    place: Place | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Mandatory:
    """Findings of which one must be answered before routine is possible; `when`: only then."""

    inputs: tuple[str, ...]
    when: Condition | None = None


@dataclass(frozen=True, slots=True)
class Validity:
    """How long a result may be relied on. `sooner_minutes` applies unless `sooner` is ruled out."""

    minutes: int
    sooner_minutes: int | None = None
    sooner: Condition | None = None


@dataclass(frozen=True, slots=True)
class Default:
    """The disposition when no rule is established; never routine."""

    disposition: str
    reason: str
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ruleset:
    """A whole ruleset, checked: every name resolves, every type fits, nothing refers to itself.

    `inferences` is in an order in which each needs only earlier ones.
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

    @property
    def rules_and_floors(self) -> tuple[Rule | Floor, ...]:
        """All that can set a level: the rules, then the safety net."""
        return (*self.rules.values(), *self.floors.values())

    def urgency(self, disposition: str) -> tuple[int, int]:
        """A key that sorts dispositions by urgency: level, then place in the file (first is worst)."""
        return (self.dispositions[disposition].level, -list(self.dispositions).index(disposition))
