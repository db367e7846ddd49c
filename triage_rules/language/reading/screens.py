"""Reader of what an interview goes by: relevance and availability of inputs, `panels` and `screens`.

Read after all names are known, as conditions may use any of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from triage_rules.foundation.place import Place
from triage_rules.language.gates import InputsBehind
from triage_rules.language.model import (
    AskedOf,
    Condition,
    Inference,
    Input,
    InputKind,
    Panel,
    PanelLine,
    Relevance,
    ScreenPlan,
    Value,
)
from triage_rules.language.reading.conditions import REFUSED, ConditionReader, Names, bounds
from triage_rules.language.reading.fields import Form
from triage_rules.language.reading.messages import (
    NAME,
    NAME_HINT,
    describe_node_kind,
    join_names,
    suggest_name,
)
from triage_rules.language.reading.places import Broken, Faults, MappingNode, Node, Scalar, Sequence, quoted

MOST_LINES = 7
"""The most lines of a panel: more are read less reliably."""

MOST_TOGETHER = 3
"""The most inputs on one screen that are not lines of a panel."""

GATES = ("relevant", "available_if")
INTERVIEW_KEYS = (*GATES, "expected")
"""The keys of an input that matter only for interviews."""


def read_gates(root: Form, names: Names, conditions: ConditionReader, faults: Faults) -> None:
    """Read `relevant`, `available_if` and `expected` of the inputs into `names.inputs`."""
    for name, form in _written(root, faults, INTERVIEW_KEYS):
        read = names.inputs.get(name)
        if read is None:
            continue
        relevant = _relevance(form, read, conditions) if form.has("relevant") else None
        available = conditions.under_or_none(form, "available_if")
        written = form.node("expected", required=False)
        expected = None if written is None else read_value(written, read, "expected", form)
        for key in filter(form.has, INTERVIEW_KEYS):
            if read.asked_of is AskedOf.SERVICE:
                form.add_fault(form.key_place(key), f"`{key}`: the service counts this input; no one is asked")
        names.inputs[name] = replace(read, relevant=relevant, available_if=available, expected=expected)


def _written(root: Form, faults: Faults, keys: tuple[str, ...]) -> Iterator[tuple[str, Form]]:
    """Yield the inputs that have one of these keys, as forms."""
    inputs = root.peek("inputs")
    for name, entry in inputs.entries.items() if isinstance(inputs, MappingNode) else ():
        if isinstance(entry.node, MappingNode) and any(key in entry.node.entries for key in keys):
            yield name, Form(entry.node, f"input `{name}`", faults, entry.key_place)


def _relevance(form: Form, read: Input, conditions: ConditionReader) -> Relevance | None:
    node = form.node("relevant")
    if node is None or isinstance(node, Broken):
        return None
    inner = Form(node, f"{form.what}: `relevant`", form.faults, form.key_place("relevant"))
    when = conditions.under(inner)
    written = inner.node("otherwise", required=False)
    otherwise = None if written is None else read_value(written, read, "otherwise", inner)
    inner.close()
    return Relevance(when, otherwise)


def read_value(node: Node, read: Input, key: str, form: Form) -> Value | None:
    """Read an answer to an input; None, with a fault collected, if the input does not accept it."""
    if isinstance(node, Broken):
        return None
    value = node.value if isinstance(node, Scalar) else None
    match read.kind:
        case InputKind.YES_NO:
            if isinstance(value, bool):
                return value
            expected = "`true` or `false`"
        case InputKind.CHOICE:
            known = [choice.value for choice in read.choices if not choice.means_open]
            if isinstance(value, str) and value in known:
                return value
            if any(choice.value == value for choice in read.choices):
                form.add_fault(
                    node.place, f"`{key}`: `{value}` leaves `{read.name}` open, so it is no answer{_of(known)}"
                )
                return None
            hint = suggest_name(value, known) if isinstance(value, str) else ""
            form.add_fault(
                node.place, f"`{key}`: {_describe(node)} is not a choice of `{read.name}`{hint or _of(known)}"
            )
            return None
        case InputKind.TEXT:
            form.add_fault(node.place, f"`{key}`: `{read.name}` is a text, which has no such answer; remove it")
            return None
        case _:
            number = form.number_of(node, f"`{key}`", whole=read.kind is InputKind.INTEGER)
            if number is None or _is_within(number, read):
                return number
            form.add_fault(
                node.place, f"`{key}`: {quoted(number)} is outside the bounds of `{read.name}`, {bounds(read)}"
            )
            return None
    form.add_fault(node.place, f"`{key}`: expected {expected}, an answer to `{read.name}`, found {_describe(node)}")
    return None


def _describe(node: Node) -> str:
    if isinstance(node, Scalar) and isinstance(node.value, str):
        return quoted(node.value)
    return describe_node_kind(node)


def _of(known: list[str]) -> str:
    return f"; its choices are {join_names(known, 20)}"


def _is_within(number: float, read: Input) -> bool:
    return (read.minimum is None or number >= read.minimum) and (read.maximum is None or number <= read.maximum)


def check_gates(names: Names, inferences: Mapping[str, Inference], root: Form) -> None:
    """Reject gates that may change their mind (`open`, `unless`), and gates that depend on each other in a circle."""
    behind = InputsBehind(inferences)
    needs: dict[str, list[str]] = {}
    for name, form in _written(root, root.faults, GATES):
        read = names.inputs.get(name)
        for key, when in _gates_of(read) if read is not None else ():
            if behind.may_be_taken_back(when):
                message = "can't rest on `open` or `unless`, here or in a statement: it must stay as it is once decided"
                form.add_fault(form.key_place(key), f"`{key}`: the condition {message}")
            needs.setdefault(name, []).extend(names.mentions.get(need, need) for need in behind.of(when))
    _report_circles(needs, root)


def _gates_of(read: Input) -> Iterator[tuple[str, Condition]]:
    if read.relevant is not None and read.relevant.when is not REFUSED:
        yield "relevant", read.relevant.when
    if read.available_if is not None and read.available_if is not REFUSED:
        yield "available_if", read.available_if


def _report_circles(needs: Mapping[str, list[str]], root: Form) -> None:
    done: set[str] = set()
    for start in needs:
        path: dict[str, Iterator[str]] = {} if start in done else {start: iter(needs[start])}
        while path:
            name, waiting = next(reversed(path.items()))
            need = next(waiting, None)
            if need is None:
                del path[name]
                done.add(name)
            elif need in path:
                names = list(path)
                first, *others = (f"`{each}`" for each in [*names[names.index(need) :], need])
                chain = f"{first} depends on {', which depends on '.join(others)}"
                root.add_fault(_place_of_gate(root, need), f"questions can't depend on each other in a circle: {chain}")
                return
            elif need in needs and need not in done:
                path[need] = iter(needs[need])


def _place_of_gate(root: Form, name: str) -> Place:
    form = next(form for written, form in _written(root, root.faults, GATES) if written == name)
    return form.key_place(next(filter(form.has, GATES)))


# --- panels and screens ---


def read_panels(root: Form, names: Names, faults: Faults) -> dict[str, Panel]:
    """Read the panels: lines of one audience, each input in one panel only."""
    panels: dict[str, Panel] = {}
    line_of: dict[str, str] = {}
    for name, entry in root.entries("panels"):
        form = Form(entry.node, f"panel `{name}`", faults, entry.key_place)
        if not NAME.match(name):
            faults.add(entry.key_place, f"panel {quoted(name)}: the name is not valid; {NAME_HINT}")
        elif name in names.inputs:
            faults.add(entry.key_place, f"panel `{name}`: the name is already used for an input")
        question, section = form.text("question"), form.text_or_none("section")
        is_danger = form.flag("immediate_danger")
        nodes = form.items("lines", required=True)
        lines = [line for node in nodes if (line := _line(node, names, form, line_of, name)) is not None]
        form.close()
        if len(nodes) > MOST_LINES:
            message = f"`lines`: a panel has at most {MOST_LINES} lines, found {len(nodes)}; make two panels"
            form.add_fault(nodes[MOST_LINES].place, message)
        _check_audience(lines, names, form)
        if is_danger:
            _check_never_gated(lines, names, form)
        panels[name] = Panel(name, question, tuple(lines), section, is_danger, entry.key_place)
    return panels


def _line(node: Node, names: Names, form: Form, line_of: dict[str, str], panel: str) -> PanelLine | None:
    if isinstance(node, Broken):
        return None
    if isinstance(node, Scalar) and isinstance(node.value, str):
        finding, place, inner = node.value, node.place, None
    else:
        inner = Form(node, f"{form.what}: `lines`", form.faults)
        finding, place = inner.text("finding"), inner.place_of("finding")
    text = None if inner is None else inner.text_or_none("text")
    none_node = None if inner is None else inner.node("none_means", required=False)
    if inner is not None:
        inner.close()
    if not finding:
        return None
    if finding not in names.inputs:
        form.add_fault(place, f"`lines`: unknown input {quoted(finding)}{suggest_name(finding, names.inputs)}")
        return None
    if finding in line_of:
        other = "twice in this panel" if line_of[finding] == panel else f"already a line of panel `{line_of[finding]}`"
        form.add_fault(place, f"`lines`: `{finding}` is {other}")
        return None
    line_of[finding] = panel
    read = names.inputs[finding]
    return None if read is None else _checked_line(read, place, none_node, text, form, inner or form)


def _checked_line(  # noqa: PLR0913, PLR0917 (the parts of one line)
    read: Input, place: Place, none_node: Node | None, text: str | None, form: Form, inner: Form
) -> PanelLine | None:
    none_means = None if none_node is None else read_value(none_node, read, "none_means", inner)
    if read.kind is InputKind.YES_NO:
        if none_node is not None and none_means is True:
            message = f"`none_means`: \u201cnone of these\u201d means no to `{read.name}`; remove it"
            inner.add_fault(none_node.place, message)
        return PanelLine(read.name, False, text)
    if read.kind is not InputKind.CHOICE:
        kind = "an integer" if read.kind is InputKind.INTEGER else f"a {read.kind}"
        form.add_fault(place, f"`lines`: `{read.name}` is {kind} input; a line is a yes/no input or a choice")
        return None
    if none_node is None or text is None:
        message = "needs `none_means`, its harmless value, and `text`, the line to tick"
        form.add_fault(place, f"`lines`: the choice `{read.name}` {message}")
        return None
    if none_means is not None and read.expected not in (None, none_means):
        message = f"`none_means`: `{none_means}` is not `{read.expected}`, the `expected` answer of `{read.name}`"
        inner.add_fault(none_node.place, f"{message}; \u201cnone of these\u201d must mean the harmless one")
        return None
    return None if none_means is None else PanelLine(read.name, none_means, text)


def _check_audience(lines: list[PanelLine], names: Names, form: Form) -> None:
    asked: dict[AskedOf, str] = {}
    for line in lines:
        read = names.inputs[line.input]
        if read is not None:
            asked.setdefault(read.asked_of, line.input)
    if AskedOf.SERVICE in asked:
        form.add_fault(form.place_of("lines"), f"`lines`: `{asked[AskedOf.SERVICE]}` is counted by the service")
    elif len(asked) > 1:
        who = ", ".join(f"`{name}` of `{of}`" for of, name in asked.items())
        form.add_fault(form.place_of("lines"), f"`lines`: a panel is asked of one audience, and these mix: {who}")


def _check_never_gated(lines: list[PanelLine], names: Names, form: Form) -> None:
    for line in lines:
        read = names.inputs[line.input]
        if read is not None and (read.relevant is not None or read.available_if is not None):
            message = (
                "is a sign of immediate danger, so it must always be asked: remove its `relevant` or `available_if`"
            )
            form.add_fault(form.place_of("lines"), f"`lines`: `{line.input}` {message}")


def read_screens(root: Form, names: Names, panels: Mapping[str, Panel], faults: Faults) -> ScreenPlan:
    """Read `screens`: the first ones, and those that follow."""
    node = root.node("screens", required=False)
    if node is None or isinstance(node, Broken):
        return ScreenPlan()
    form = Form(node, "`screens`", faults, root.key_place("screens"))
    taken = {name: f"a line of panel `{panel.name}`" for panel in panels.values() for name in panel.inputs}
    first, then = (_screens_under(key, names, panels, taken, form) for key in ("first", "then"))
    form.close()
    return ScreenPlan(first, then)


def _screens_under(
    key: str, names: Names, panels: Mapping[str, Panel], taken: dict[str, str], form: Form
) -> tuple[str | tuple[str, ...], ...]:
    screens: list[str | tuple[str, ...]] = []
    for item in form.items(key, least=0):
        if not isinstance(item, Scalar):
            screens.append(_shared_screen(item, key, names, taken, form))
        elif not isinstance(item.value, str) or item.value not in panels:
            known = suggest_name(item.value, panels) if isinstance(item.value, str) else ""
            message = f"`{key}`: expected a panel or a list of inputs, found {_describe(item)}{known}"
            form.add_fault(item.place, message)
        elif f"panel {item.value}" in taken:
            form.add_fault(item.place, f"`{key}`: `{item.value}` is listed twice")
        else:
            taken[f"panel {item.value}"] = "listed"
            screens.append(item.value)
    return tuple(screens)


def _shared_screen(node: Node, key: str, names: Names, taken: dict[str, str], form: Form) -> tuple[str, ...]:
    inputs: list[str] = []
    items = form.items_of(node, key) if isinstance(node, Sequence | Broken) else ()
    if not isinstance(node, Sequence | Broken):
        form.add_fault(node.place, f"`{key}`: expected a list of inputs, found {describe_node_kind(node)}")
    if len(items) > MOST_TOGETHER:
        message = f"`{key}`: a screen has at most {MOST_TOGETHER} inputs, found {len(items)}"
        form.add_fault(items[MOST_TOGETHER].place, message)
    for item in items:
        name = item.value if isinstance(item, Scalar) else None
        if not isinstance(name, str) or name not in names.inputs:
            hint = suggest_name(name, names.inputs) if isinstance(name, str) else ""
            form.add_fault(item.place, f"`{key}`: unknown input {_describe(item)}{hint}")
        elif (read := names.inputs[name]) is not None and read.asked_of is AskedOf.SERVICE:
            form.add_fault(item.place, f"`{key}`: `{name}` is counted by the service")
        elif name in taken:
            form.add_fault(item.place, f"`{key}`: `{name}` is already {taken[name]}")
        else:
            taken[name] = "on another screen"
            inputs.append(name)
    return tuple(inputs)
