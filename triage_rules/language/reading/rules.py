"""Reader of dispositions, inferences, rules, the safety net, conflicts and the mandatory list."""

from __future__ import annotations

from dataclasses import dataclass, field

from triage_rules.foundation.place import Place
from triage_rules.language.model import (
    IN_SCOPE,
    MANDATORY_OPEN,
    All,
    Any,
    AskedOf,
    Condition,
    Conflict,
    Default,
    Disposition,
    Floor,
    IsOpen,
    Level,
    Mandatory,
    Rule,
    RuleOutcome,
    RulesetScope,
    Source,
    Validity,
)
from triage_rules.language.reading.conditions import ConditionReader, Names
from triage_rules.language.reading.fields import Form
from triage_rules.language.reading.messages import (
    DISPOSITION,
    DISPOSITION_HINT,
    RULE_ID,
    RULE_ID_HINT,
    join_names,
    suggest_name,
)
from triage_rules.language.reading.places import (
    Broken,
    Faults,
    MappingEntry,
    MappingNode,
    Node,
    Scalar,
    is_whole,
    quoted,
)
from triage_rules.language.reading.statements import StatementDraft
from triage_rules.language.scope import only_in_scope

_LEVELS = tuple(level.word for level in Level)
_NO_SOURCE = Source("")


@dataclass(slots=True)
class Context:
    """The state while rules are read. A disposition of None was declared, but is invalid."""

    faults: Faults
    names: Names
    conditions: ConditionReader
    owner: str
    review_by: str
    dispositions: dict[str, Disposition | None]
    ids: dict[str, str] = field(default_factory=dict)

    def claim_id(self, written: str, place: Place, what: str) -> None:
        """Check that an id is valid and not used before; statements may share one, as a note defines several."""
        if not RULE_ID.match(written):
            self.faults.add(place, f"{what}: the id {quoted(written)} is not valid; {RULE_ID_HINT}")
        elif written in self.ids and not (_is_statement(what) and _is_statement(self.ids[written])):
            self.faults.add(
                place,
                f"{what}: the id `{written}` is already used for {self.ids[written]}; each id can be used only once",
            )
        else:
            self.ids[written] = what

    def disposition(self, form: Form, key: str) -> str:
        """Read the code of a declared disposition; "" if it is invalid."""
        code = form.text(key)
        if code and code not in self.dispositions:
            hint = (
                suggest_name(code, self.dispositions) or f"; known dispositions are {join_names(self.dispositions, 12)}"
            )
            form.add_fault(form.place_of(key), f"`{key}`: unknown disposition {quoted(code)}{hint}")
            return ""
        return code

    def urgency(self, code: str) -> tuple[int, int] | None:
        """Return the same as Ruleset.urgency; None if the disposition is invalid."""
        known = self.dispositions.get(code)
        return None if known is None else (known.level, -list(self.dispositions).index(code))


def _is_statement(what: str) -> bool:
    return what.startswith("inference ")


def read_dispositions(root: Form, faults: Faults) -> dict[str, Disposition | None]:
    """Read the dispositions, most urgent first."""
    dispositions: dict[str, Disposition | None] = {}
    lowest: Disposition | None = None
    for code, entry in root.entries("dispositions", required=True):
        what = f"disposition `{code}`"
        if not DISPOSITION.match(code):
            faults.add(entry.key_place, f"{what}: the code is not valid; {DISPOSITION_HINT}")
        read = dispositions[code] = _disposition(code, entry, what, faults)
        if read is None:
            continue
        if lowest is not None and read.level > lowest.level:
            order = f"it is {read.level.word} and comes after `{lowest.code}`, which is {lowest.level.word}"
            faults.add(entry.key_place, f"{what}: {order}; list the most urgent first")
        lowest = read
    return dispositions


def _disposition(code: str, entry: MappingEntry, what: str, faults: Faults) -> Disposition | None:
    before = len(faults.collected)
    form = Form(entry.node, what, faults, entry.key_place)
    level = form.keyword("level", _LEVELS)
    minutes = None
    limit = form.node("act_within_minutes")
    if isinstance(limit, Scalar) and limit.value is not None:
        minutes = form.minutes("act_within_minutes")
    elif limit is not None and not isinstance(limit, Scalar | Broken):
        form.number("act_within_minutes")
    title, patient, clinician = form.text("title"), form.text("patient"), form.text("clinician")
    form.close()
    if len(faults.collected) > before or level is None or not is_whole(entry.node):
        return None
    return Disposition(code, Level.of(level), minutes, title, patient, clinician, entry.key_place)


def read_default(root: Form, context: Context) -> Default:
    """Read the required `default`; never routine."""
    node = root.node("default")
    if node is None:
        return Default("", "")
    form = Form(node, "`default`", context.faults, root.key_place("default"))
    code = context.disposition(form, "disposition")
    read = Default(code, form.text("reason"), form.flags())
    form.close()
    known = context.dispositions.get(code)
    if known is not None and known.level is Level.ROUTINE:
        form.add_fault(
            form.place_of("disposition"), f"`{code}` is routine; a result without an established rule is never routine"
        )
    return read


def read_validity(root: Form, context: Context) -> Validity:
    """Read the required `validity`."""
    node = root.node("validity")
    if node is None:
        return Validity(0)
    form = Form(node, "`validity`", context.faults, root.key_place("validity"))
    minutes = form.minutes("minutes", least=1)
    sooner = form.node("sooner", required=False)
    read = Validity(minutes or 0)
    if sooner is not None and not isinstance(sooner, Broken):
        inner = Form(sooner, "`validity`: `sooner`", context.faults)
        earlier = inner.minutes("minutes", least=1)
        if minutes and earlier and earlier >= minutes:
            inner.add_fault(
                inner.place_of("minutes"), f"`minutes`: {quoted(earlier)} is not sooner than {quoted(minutes)}"
            )
        read = Validity(minutes or 0, earlier, context.conditions.under(inner))
        inner.close()
    form.close()
    return read


def read_inference(name: str, entry: MappingEntry, statement: StatementDraft, context: Context) -> None:
    """Read an inference into its statement. Without `when`, rules must infer it."""
    form = Form(entry.node, f"inference `{name}`", context.faults, entry.key_place)
    statement.says = form.text("says")
    statement.id = form.text_or_none("id")
    if statement.id:
        context.claim_id(statement.id, form.place_of("id"), form.what)
    when = context.conditions.under_or_none(form)
    if when is not None:
        statement.definitions.append(when)
    elif not statement.rules and not form.broken:
        form.add_fault(form.place, "the key `when` is missing, and no rule infers this")
    statement.source = form.source(required=False)
    form.close()


def read_rule(rule_id: str, entry: MappingEntry, context: Context) -> Rule:
    """Read a rule; its `infers` was checked before."""
    what = f"rule `{rule_id}`"
    context.claim_id(rule_id, entry.key_place, what)
    form = Form(entry.node, what, context.faults, entry.key_place)
    own = context.disposition(form, "disposition")
    when, is_scoped = _condition(form, context)
    read = Rule(
        id=rule_id,
        title=form.text("title"),
        when=when,
        outcomes=(RuleOutcome(own), *_raised(form, own, context)),
        reason=form.text("reason"),
        source=form.source() or _NO_SOURCE,
        owner=form.text_or_none("owner") or context.owner,
        review_by=form.date_or_none("review_by") or context.review_by,
        infers=form.text_or_none("infers"),
        clinician_note=form.text_or_none("clinician_note"),
        clinician_only=form.flag("clinician_only"),
        in_scope_only=is_scoped,
        flags=form.flags(),
        section=form.text_or_none("section"),
        place=entry.key_place,
    )
    form.close()
    return read


def _raised(form: Form, own: str, context: Context) -> tuple[RuleOutcome, ...]:
    outcomes = []
    for item in form.items("raised"):
        inner = Form(item, f"{form.what}: `raised`", context.faults)
        code = context.disposition(inner, "to")
        outcomes.append(RuleOutcome(code, context.conditions.under(inner)))
        inner.close()
        base, raised = context.urgency(own), context.urgency(code)
        if base is not None and raised is not None and raised <= base:
            message = f"`to`: `{code}` is not more urgent than the rule's own disposition `{own}`"
            inner.add_fault(inner.place_of("to"), message)
    return tuple(outcomes)


def read_floor(floor_id: str, entry: MappingEntry, context: Context) -> Floor:
    """Read a safety net: a floor (`disposition`), or `raise_one`."""
    what = f"safety net `{floor_id}`"
    context.claim_id(floor_id, entry.key_place, what)
    form = Form(entry.node, what, context.faults, entry.key_place)
    title, (when, is_scoped), reason = form.text("title"), _condition(form, context), form.text("reason")
    read = Floor(
        id=floor_id,
        title=title,
        when=when,
        outcomes=_floor_outcomes(form, context),
        reason=reason,
        source=form.source() or _NO_SOURCE,
        owner=form.text_or_none("owner") or context.owner,
        review_by=form.date_or_none("review_by") or context.review_by,
        raise_one=_raise_one(form, context),
        clinician_note=form.text_or_none("clinician_note"),
        in_scope_only=is_scoped,
        flags=form.flags(),
        place=entry.key_place,
    )
    form.close()
    return read


def _condition(form: Form, context: Context) -> tuple[Condition, bool]:
    """Read the condition of a rule or floor, with `in_scope_only` in it; and whether it counts only in scope."""
    when, is_scoped = context.conditions.under(form), form.flag("in_scope_only")
    if is_scoped and IN_SCOPE not in context.names.statements:
        form.add_fault(form.key_place("in_scope_only"), "`in_scope_only` needs `scope`, which is missing")
    return only_in_scope(when) if is_scoped else when, is_scoped


def _floor_outcomes(form: Form, context: Context) -> tuple[RuleOutcome, ...]:
    if not form.has("raise_one"):
        own = context.disposition(form, "disposition")
        return (RuleOutcome(own), *_raised(form, own, context))
    for key in ("disposition", "raised"):
        if form.node(key, required=False) is not None:
            form.add_fault(form.key_place(key), f"`{key}` and `raise_one` exclude each other; remove one")
    return ()


def _raise_one(form: Form, context: Context) -> tuple[tuple[Level, str], ...]:
    node = form.node("raise_one", required=False)
    if node is None or isinstance(node, Broken):
        return ()
    inner = Form(node, f"{form.what}: `raise_one`", context.faults)
    dispositions = []
    for level in (Level.MONITOR, Level.URGENT):
        code = context.disposition(inner, level.word)
        known = context.dispositions.get(code)
        if known is not None and known.level is not level:
            inner.add_fault(
                inner.place_of(level.word), f"`{level.word}`: `{code}` is {known.level.word}, not {level.word}"
            )
        dispositions.append((level, code))
    inner.close()
    return tuple(dispositions)


def read_conflict(conflict_id: str, entry: MappingEntry, context: Context) -> Conflict:
    """Read a contradiction between answers."""
    what = f"conflict `{conflict_id}`"
    context.claim_id(conflict_id, entry.key_place, what)
    form = Form(entry.node, what, context.faults, entry.key_place)
    answers = form.texts("findings", required=True)
    for name, place in answers:
        _check_input(name, place, f"{what}: `findings`", context)
    read = Conflict(
        conflict_id, context.conditions.under(form), form.text("says"), tuple(f for f, _ in answers), entry.key_place
    )
    form.close()
    return read


def _check_input(name: str, place: Place, what: str, context: Context) -> None:
    if name not in context.names.inputs:
        context.faults.add(place, f"{what}: unknown input {quoted(name)}{suggest_name(name, context.names.inputs)}")


def _check_asked(name: str, place: Place, what: str, context: Context) -> None:
    """Check that a mandatory input is one that a person can answer."""
    _check_input(name, place, what, context)
    declared = context.names.inputs.get(name)
    if declared is not None and declared.asked_of is AskedOf.SERVICE:
        context.faults.add(place, f"{what}: `{name}` is counted by the service, so it is never missing")


def read_mandatory(root: Form, context: Context, key: str = "mandatory", *, least: int = 0) -> tuple[Mandatory, ...]:
    """Read a list of mandatory inputs."""
    what = f"{root.what}: `{key}`" if root.what else f"`{key}`"
    return tuple(_mandatory(item, what, context) for item in root.items(key, least=least))


def _mandatory(node: Node, what: str, context: Context) -> Mandatory:
    if isinstance(node, Scalar) and isinstance(node.value, str):
        _check_asked(node.value, node.place, what, context)
        return Mandatory((node.value,))
    if not isinstance(node, MappingNode):
        if not isinstance(node, Broken):
            message = f"{what}: expected an input's name, or a mapping with `finding` or `any_of`"
            context.faults.add(node.place, message)
        return Mandatory(())
    form = Form(node, what, context.faults)
    any_of = form.texts("any_of")
    single = form.text("finding") if form.has("finding") else ""
    when = context.conditions.under_or_none(form)
    if form.has("finding") == form.has("any_of"):
        form.add_fault(node.place, "expected either `finding` or `any_of`")
    else:
        form.close()
    answers = [*any_of, *([(single, form.place_of("finding"))] if single else [])]
    for name, place in answers:
        _check_asked(name, place, what, context)
    return Mandatory(tuple(name for name, _ in answers), when)


def mandatory_statement(
    mandatory: tuple[Mandatory, ...], place: Place, scope: RulesetScope | None = None
) -> StatementDraft:
    """Return the statement `mandatory_open`: an item of the list, as it stands in the file, is open."""
    definition: Condition = Any(tuple(_still_open(item) for item in mandatory))
    definition = definition if scope is None else only_in_scope(definition)
    return StatementDraft(MANDATORY_OPEN, place, "A mandatory question is still open", definitions=[definition])


def _still_open(item: Mandatory) -> Condition:
    opens = tuple(IsOpen(name) for name in item.inputs)
    if item.when is not None:
        return All((item.when, *opens))
    return opens[0] if len(opens) == 1 else All(opens)
