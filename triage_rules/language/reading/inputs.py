"""Reader of `inputs`, with their choices and bounds, and of `mentions` of words in texts."""

from __future__ import annotations

from triage_rules.foundation.place import Place
from triage_rules.language.model import SERVICE_COUNTS, AskedOf, Choice, Code, Input, InputKind, LooksLike, Mention
from triage_rules.language.reading.conditions import RESERVED, Names
from triage_rules.language.reading.fields import Form
from triage_rules.language.reading.messages import (
    CHOICE,
    CHOICE_HINT,
    LANGUAGE_TAG,
    LANGUAGE_TAG_HINT,
    NAME,
    NAME_HINT,
    describe_node_kind,
    join_names,
    suggest_name,
)
from triage_rules.language.reading.places import Broken, Faults, MappingEntry, MappingNode, Scalar, is_whole, quoted

_LEVEL_CHOICES = ["none", "routine", "monitor", "urgent"]

_NUMBERS = (InputKind.NUMBER, InputKind.INTEGER)
_ONLY_FOR = {
    "unit": _NUMBERS,
    "minimum": _NUMBERS,
    "maximum": _NUMBERS,
    "looks_like": _NUMBERS,
    "choices": (InputKind.CHOICE,),
    "max_length": (InputKind.TEXT,),
}
MAX_TEXT = 100_000
CODE_MARKS = ("c", "s", "u")


def check_name(name: str, place: Place, what: str, taken: dict[str, str], faults: Faults) -> bool:
    """Return whether a new name may be used, and collect a fault if not. `taken`: each used name, with its kind."""
    if not NAME.match(name):
        faults.add(place, f"{what}: the name {quoted(name)} is not valid; {NAME_HINT}")
    elif name in RESERVED:
        faults.add(place, f"{what}: `{name}` is a word of the ruleset language; choose another name")
    elif name in taken:
        faults.add(
            place, f"{what}: the name `{name}` is already used for {taken[name]}; each name can be used only once"
        )
    else:
        return True
    return False


def read_inputs(root: Form, names: Names, taken: dict[str, str], faults: Faults) -> None:
    """Read the inputs into `names.inputs`; an invalid input becomes None."""
    for name, entry in root.entries("inputs", required=True):
        what = f"input `{name}`"
        if check_name(name, entry.key_place, what, taken, faults):
            taken[name] = "an input"
            names.inputs[name] = _input(name, entry, what, faults)


def _input(name: str, entry: MappingEntry, what: str, faults: Faults) -> Input | None:
    before = len(faults.collected)
    form = Form(entry.node, what, faults, entry.key_place)
    word = form.keyword("type", [kind.value for kind in InputKind])
    question, group = form.text("question"), form.text("group")
    asked = form.keyword("asked_of", [asked.value for asked in AskedOf], default=AskedOf.ANYONE.value)
    help_text = form.text_or_none("help")
    kind = InputKind(word) if word else None
    read = Input(
        name=name,
        kind=kind or InputKind.YES_NO,
        question=question,
        group=group,
        asked_of=AskedOf(asked) if asked else AskedOf.ANYONE,
        help=help_text,
        unit=form.text_or_none("unit"),
        minimum=form.number("minimum", whole=kind is InputKind.INTEGER),
        maximum=form.number("maximum", whole=kind is InputKind.INTEGER),
        max_length=_max_length(form, required=kind is InputKind.TEXT),
        choices=_choices(form, required=kind is InputKind.CHOICE),
        looks_like=_looks_like(form),
        codes=_codes(form),
        place=entry.key_place,
    )
    for later in ("relevant", "available_if", "expected"):  # read by `screens`, once all names are known
        form.node(later, required=False)
    form.close()
    whole = is_whole(entry.node)
    if kind is not None:
        _check_kind(kind, form)
    if kind is not None and whole:
        _check_bounds(read, form)
        _check_service(read, form)
    return read if whole and len(faults.collected) == before else None


def _check_kind(kind: InputKind, form: Form) -> None:
    for key, kinds in _ONLY_FOR.items():
        if form.has(key) and kind not in kinds:
            form.add_fault(
                form.key_place(key), f"`{key}` is only for {' and '.join(kinds)} inputs, and this input is `{kind}`"
            )


def _check_bounds(read: Input, form: Form) -> None:
    low, high = read.minimum, read.maximum
    if low is not None and high is not None and low >= high:
        form.add_fault(form.place_of("maximum"), f"`maximum` {quoted(high)} is not above `minimum` {quoted(low)}")
    for hint in read.looks_like:
        below = low is not None and hint.minimum < low
        above = high is not None and hint.maximum > high
        if not below and not above:
            form.add_fault(
                form.place_of("looks_like"), "`looks_like` is within the bounds, so its hint would never be shown"
            )


def _check_service(read: Input, form: Form) -> None:
    if read.asked_of is not AskedOf.SERVICE:
        return
    counted = tuple(SERVICE_COUNTS)
    kind = SERVICE_COUNTS.get(read.name)
    if kind is None:
        message = (
            f"`asked_of: service`: the service counts only {join_names(counted)}{suggest_name(read.name, counted)}"
        )
        form.add_fault(form.place_of("asked_of"), message)
    elif read.kind is not kind:
        form.add_fault(form.place_of("type"), f"`type`: the service counts this as `{kind}`, not `{read.kind}`")
    elif kind is InputKind.CHOICE and [choice.value for choice in read.choices] != _LEVEL_CHOICES:
        form.add_fault(
            form.place_of("choices"), f"`choices`: the service counts {join_names(_LEVEL_CHOICES)}, in this order"
        )
    elif any(choice.means_open for choice in read.choices):
        form.add_fault(form.place_of("choices"), "`choices`: a count of the service is never open; remove `means_open`")


def _max_length(form: Form, *, required: bool) -> int | None:
    length = form.number("max_length", required=required, whole=True)
    if length is not None and not 1 <= length <= MAX_TEXT:
        form.add_fault(form.place_of("max_length"), f"`max_length`: expected 1 to {MAX_TEXT}, found {quoted(length)}")
    return None if length is None else int(length)


def _choices(form: Form, *, required: bool) -> tuple[Choice, ...]:
    choices = []
    for value, entry in form.entries("choices", required=required):
        if value == "unknown":
            form.add_fault(entry.key_place, "`choices`: `unknown` is always accepted; remove it")
        elif not CHOICE.match(value):
            form.add_fault(entry.key_place, f"`choices`: {quoted(value)} is not valid; {CHOICE_HINT}")
        choices.append(_choice(value, entry, form))
    if required and choices and all(choice.means_open for choice in choices):
        form.add_fault(form.place_of("choices"), "`choices`: every choice has `means_open`, so there is no answer")
    return tuple(choices)


def _choice(value: str, entry: MappingEntry, form: Form) -> Choice:
    node = entry.node
    if isinstance(node, MappingNode):
        inner = Form(node, f"{form.what}: choice `{value}`", form.faults, entry.key_place)
        label, means_open = inner.text("label"), inner.flag("means_open")
        inner.close()
        return Choice(value, label, means_open)
    if isinstance(node, Scalar) and isinstance(node.value, str) and node.value.strip():
        return Choice(value, node.value)
    if not isinstance(node, Broken):
        hint = "; put a text in quotes" if isinstance(node, Scalar) and node.value is not None else ""
        message = (
            f"choice `{value}`: expected its label, or a mapping with `label`, found {describe_node_kind(node)}{hint}"
        )
        form.add_fault(node.place, message)
    return Choice(value, "")


def _looks_like(form: Form) -> tuple[LooksLike, ...]:
    hints = []
    for item in form.items("looks_like"):
        inner = Form(item, f"{form.what}: `looks_like`", form.faults)
        low, high = inner.number("minimum", required=True), inner.number("maximum", required=True)
        hint = inner.text("hint")
        inner.close()
        if low is None or high is None:
            continue
        if low > high:
            inner.add_fault(inner.place_of("maximum"), f"`maximum` {quoted(high)} is below `minimum` {quoted(low)}")
        else:
            hints.append(LooksLike(low, high, hint))
    return tuple(hints)


def _codes(form: Form) -> tuple[Code, ...]:
    codes = []
    for item in form.items("codes", least=0):
        inner = Form(item, f"{form.what}: `codes`", form.faults)
        code = Code(inner.text("system"), inner.text("code"), inner.text_or_none("mark"))
        if code.mark is not None and code.mark not in CODE_MARKS:
            inner.add_fault(
                inner.place_of("mark"), f"`mark`: {quoted(code.mark)} is not one of {join_names(CODE_MARKS)}"
            )
        inner.close()
        codes.append(code)
    return tuple(codes)


def read_mentions(root: Form, names: Names, taken: dict[str, str], faults: Faults) -> dict[str, Mention]:
    """Read the mentions, and put the text input of each into `names.mentions`."""
    mentions: dict[str, Mention] = {}
    for name, entry in root.entries("mentions"):
        what = f"mention `{name}`"
        if not check_name(name, entry.key_place, what, taken, faults):
            continue
        taken[name] = "a mention"
        form = Form(entry.node, what, faults, entry.key_place)
        text = form.text("text")
        phrases = _read_phrases(form)
        mention = Mention(name, text, phrases, form.text("says"), entry.key_place)
        form.close()
        if text:
            _check_text(text, names, form)
        names.mentions[name] = text
        mentions[name] = mention
    return mentions


def _check_text(text: str, names: Names, form: Form) -> None:
    place = form.place_of("text")
    texts = [name for name, read in names.inputs.items() if read is None or read.kind is InputKind.TEXT]
    if text not in names.inputs:
        form.add_fault(place, f"`text`: unknown input {quoted(text)}{suggest_name(text, texts)}")
    elif text not in texts:
        form.add_fault(place, f"`text`: `{text}` is not an input of the type `text`{suggest_name(text, texts)}")


def _read_phrases(form: Form) -> tuple[str, ...]:
    """Read a list of phrases, or a mapping of languages to lists. Every phrase is looked for in every text."""
    node = form.peek("phrases")
    if not isinstance(node, MappingNode):
        return tuple(phrase for phrase, _ in form.texts("phrases", required=True))
    phrases: list[str] = []
    by_language = Form(node, f"{form.what}: `phrases`", form.faults)
    for language, entry in form.entries("phrases", required=True):
        if not LANGUAGE_TAG.match(language):
            form.add_fault(entry.key_place, f"`phrases`: {quoted(language)} is not valid; {LANGUAGE_TAG_HINT}")
        phrases += (phrase for phrase, _ in by_language.texts(language, required=True))
    return tuple(dict.fromkeys(phrases))
