"""Reader of `scope`: the question that says whether a report is about what the ruleset is for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from triage_rules.foundation.place import Place
from triage_rules.language.gates import InputsBehind, gates_of
from triage_rules.language.model import (
    IN_SCOPE,
    SCOPE,
    AskedOf,
    Inference,
    Input,
    InputKind,
    Level,
    Panel,
    Rule,
    Ruleset,
    RulesetScope,
    ScreenPlan,
)
from triage_rules.language.reading.conditions import REFUSED, Names
from triage_rules.language.reading.fields import Form
from triage_rules.language.reading.messages import suggest_name
from triage_rules.language.reading.places import Broken, Faults, quoted
from triage_rules.language.reading.rules import Context
from triage_rules.language.reading.statements import StatementDraft
from triage_rules.language.scope import IN_SCOPE_SAYS, in_scope_condition, inputs_not_asked, scope_rule

PRIVATE_FLAG = "private"
"""Flag of a rule whose reason names neither a private question nor its answer."""


def read_scope(root: Form, context: Context) -> RulesetScope | None:
    """Read `scope`; None if there is none, or if it is invalid. An input without an expected answer expects yes."""
    node = root.node("scope", required=False)
    if node is None or isinstance(node, Broken):
        return None
    form = Form(node, "`scope`", context.faults, root.key_place("scope"))
    context.claim_id(SCOPE, root.key_place("scope"), "`scope`")
    before = len(context.faults.collected)
    question = _question(form, context.names)
    code, reason = context.disposition(form, "disposition"), form.text("reason")
    known = context.dispositions.get(code)
    if known is not None and known.level is Level.ROUTINE:
        message = f"`disposition`: `{code}` is routine; what nobody has assessed is never routine, so monitor at least"
        form.add_fault(form.place_of("disposition"), message)
    then_ask = tuple(name for name, place in form.texts("then_ask", least=0) if _is_asked(name, place, form, context))
    form.close()
    if form.broken or len(context.faults.collected) > before:
        return None
    read = context.names.inputs[question]
    if read is not None and read.expected is None:
        context.names.inputs[question] = replace(read, expected=True)
    return RulesetScope(question, code, reason, then_ask, place=root.key_place("scope"))


def _question(form: Form, names: Names) -> str:
    question = form.name_among("question", names.inputs, "input")
    read = names.inputs.get(question)
    if read is None:
        return question
    place = form.place_of("question")
    if read.kind is not InputKind.YES_NO:
        form.add_fault(place, f"`question`: `{question}` is a {read.kind} input; expected a yes/no input")
    if read.asked_of is not AskedOf.ANYONE:
        form.add_fault(
            place, f"`question`: `{question}` is asked of `{read.asked_of}`; everybody must be able to answer"
        )
    if read.relevant is not None or read.available_if is not None:
        message = "must always be asked: remove its `relevant` or `available_if`"
        form.add_fault(place, f"`question`: `{question}` {message}")
    return question


def _is_asked(name: str, place: Place, form: Form, context: Context) -> bool:
    read = context.names.inputs.get(name)
    if name not in context.names.inputs:
        form.add_fault(place, f"`then_ask`: unknown input {quoted(name)}{suggest_name(name, context.names.inputs)}")
    elif read is not None and read.asked_of is AskedOf.SERVICE:
        form.add_fault(place, f"`then_ask`: `{name}` is counted by the service; no one is asked")
    elif form.peek("question") is not None and name == form.text("question"):
        form.add_fault(place, f"`then_ask`: `{name}` is the scope's question itself")
    return True


def in_scope_statement(scope: RulesetScope) -> StatementDraft:
    """Return the statement IN_SCOPE."""
    assert scope.place is not None  # it was read
    return StatementDraft(IN_SCOPE, scope.place, IN_SCOPE_SAYS, definitions=[in_scope_condition(scope.question)])


def rule_of(scope: RulesetScope, context: Context) -> Rule:
    """Return the rule of the scope's disposition, with the ruleset's owner and review date."""
    return scope_rule(scope, context.owner, context.review_by)


def finish_scope(  # noqa: PLR0913, PLR0917 (all that decides what is asked)
    scope: RulesetScope,
    names: Names,
    inferences: Mapping[str, Inference],
    panels: dict[str, Panel],
    screens: ScreenPlan,
    root: Form,
) -> RulesetScope:
    """Return the scope with what is not asked after the no; reject what can't be asked, or not privately."""
    node = root.peek("scope")
    assert node is not None  # it was read
    form = Form(node, "`scope`", root.faults, root.key_place("scope"))
    inputs = {name: read for name, read in names.inputs.items() if read is not None}
    panel_of = {name: panel.name for panel in panels.values() for name in panel.inputs}
    if scope.question in panel_of:
        message = "\u201cnone of these\u201d would be a no; ask it on a screen of its own, or beside other questions"
        place = form.place_of("question")
        form.add_fault(
            place, f"`question`: `{scope.question}` is a line of panel `{panel_of[scope.question]}`: {message}"
        )
    finished = replace(scope, not_asked=inputs_not_asked(scope, inputs, panels))
    behind = InputsBehind(inferences)
    for name in scope.then_ask:
        if name in inputs:
            _check_private(inputs[name], panel_of, screens, form)
            _check_gates(inputs[name], finished, names, behind, form)
    return finished


def check_reasons(scope: RulesetScope, ruleset: Ruleset, faults: Faults) -> None:
    """Reject rules and floors that could give a private answer to `then_ask` away in the patient's text.

    The flag `private` is the author's word that a reason names neither the question nor the answer.
    """
    private = {name for name in scope.then_ask if ruleset.inputs[name].asked_of is AskedOf.PRIVATE}
    behind = InputsBehind(ruleset.inferences)
    for rule in ruleset.rules_and_floors:
        whens = [rule.when, *(outcome.when for outcome in rule.outcomes if outcome.when is not None)]
        read = [name for when in whens for name in behind.of(when) if name in private]
        if (
            not read
            or rule.place is None
            or PRIVATE_FLAG in rule.flags
            or (isinstance(rule, Rule) and rule.clinician_only)
        ):
            continue
        what, way = ("rule", ", or `clinician_only: true`") if isinstance(rule, Rule) else ("safety net", "")
        message = (
            f"it reads `{read[0]}`, which is private, so its reason may not give the answer away; "
            f"word it neutrally, and add the flag `{PRIVATE_FLAG}`{way}"
        )
        faults.add(rule.place, f"{what} `{rule.id}`: {message}")


def _check_private(read: Input, panel_of: Mapping[str, str], screens: ScreenPlan, form: Form) -> None:
    if read.asked_of is not AskedOf.PRIVATE:
        return
    shared = {name for screen in (*screens.first, *screens.then) if len(screen) > 1 for name in screen}
    place = form.place_of("then_ask")
    if read.name in panel_of:
        message = f"`{read.name}` is private, so it can't be a line of panel `{panel_of[read.name]}`"
        form.add_fault(place, f"`then_ask`: {message}; it gets a page of its own")
    elif read.name in shared:
        message = f"`{read.name}` is private, so it can't share a screen with others"
        form.add_fault(place, f"`then_ask`: {message}; it gets a page of its own")


def _check_gates(read: Input, scope: RulesetScope, names: Names, behind: InputsBehind, form: Form) -> None:
    for when in gates_of(read):
        needs = () if when is REFUSED else behind.of(when)
        missing = [need for need in needs if names.mentions.get(need, need) in scope.not_asked]
        if missing:
            message = f"`{read.name}` depends on `{missing[0]}`, which is not asked after the no"
            form.add_fault(form.place_of("then_ask"), f"`then_ask`: {message}; add it to `then_ask`")
            return
