"""Faulty rulesets: an edit of the example in the docs, where its fault stands, and what is told.

`@@` in the new text marks the place of the fault and is taken out. Each case has one fault and no follow-ups.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from tests.support.paths import ROOT

DOCS = ROOT / "docs"


@cache
def example() -> str:
    """The ruleset in docs/reference/ruleset-language.md."""
    text = (DOCS / "reference" / "ruleset-language.md").read_text(encoding="utf-8")
    return text.split("```yaml\n")[1].split("```")[0]


@dataclass(frozen=True)
class Faulty:
    """`schema`: whether the JSON Schema refuses it too; None if it is no YAML that a schema could look at."""

    id: str
    old: str
    new: str
    told: str
    schema: bool | None

    def text(self) -> str:
        return self._marked().replace("@@", "")

    def line_and_column(self) -> tuple[int, int]:
        before = self._marked().split("@@")[0].split("\n")
        return len(before), len(before[-1]) + 1

    def _marked(self) -> str:
        base = example()
        assert base.count(self.old) == 1, f"{self.id}: the edited text is there {base.count(self.old)} times"
        assert self.new.count("@@") == 1, f"{self.id}: one place is to be marked"
        return base.replace(self.old, self.new)


_ITCHY = "itchy: {type: yes_no, group: spots, question: Do they itch?}"
_AGE = "{type: number, group: person, unit: a, minimum: 0, maximum: 120, question: How old is the person?}"
_R67 = "when: {all: [{blanches_on_pressure: {is: blanches}}, itchy, {not: febrile}]}"
_CHILD = "{id: D05, says: Under 16 years, when: {age_years: {less_than: 16}}}"
_TOP = "ruleset: glass-test            #"
_RAISE = "raise_one: {monitor: M1_clinician_48h, urgent: U2_emergency_dept_now}"
_U2 = "    level: urgent              #"
_MENTION = "red_flag_words: {text: free_text, phrases: [stiff neck, blue lips], says: The text has red-flag words}"


def _when(id_: str, condition: str, told: str, *, schema: bool) -> Faulty:
    """A faulty condition in rule R67."""
    return Faulty(id_, _R67, f"when: {condition}", f"rule `R67`: {told}", schema)


YAML = [
    Faulty("duplicate key", "version: 1.0.0", "version: 1.0.0\n@@version: 1.0.1", "duplicate key `version`; it is already in line 4", None),
    Faulty("duplicate rule", "  R67:", "  @@R08:", "duplicate key `R08`; it is already in line 93", None),
    Faulty("anchor", _U2, "    level: @@&worst urgent #", "anchor `&worst`: anchors are not part of the ruleset language; remove it", None),
    Faulty("alias", _ITCHY, "itchy: @@*same", "alias `*same`: aliases are not part of the ruleset language; repeat the value", None),
    Faulty("merge key", "    group: illness\n    unit: Cel", "    group: illness\n    @@<<: {unit: a}\n    unit: Cel", "merge keys (`<<`) are not part of the ruleset language", None),
    Faulty("tag", "title: Spots and the glass test", "title: @@!!str Spots", "tag `tag:yaml.org,2002:str`: tags are not part of the ruleset language; remove it", None),
    Faulty("second document", "\ninferences:", "\n@@---\ninferences:", "a second document starts here; a ruleset is one document", None),
    Faulty("number as key", "      blanches: Yes, they fade", "      blanches: Yes\n      @@1: Some", "expected a text as the key, found `1`; put it in quotes", None),
    Faulty("list as key", "      blanches: Yes, they fade", "      blanches: Yes\n      ? @@[a]\n      : Yes", "expected a text as the key, found a list or mapping", None),
    Faulty("boolean as key", "      blanches: Yes, they fade", "      blanches: Yes\n      @@true: Some", "expected a text as the key, found `true`", None),
    Faulty("nothing as key", "      blanches: Yes, they fade", "      blanches: Yes\n      @@~: Some", "expected a text as the key, found `null`", None),
    Faulty("alias as key", "      blanches: Yes, they fade", "      blanches: Yes\n      @@*k : Some", "alias `*k`", None),
    Faulty("infinite", "minimum: 30                #", "minimum: @@-.inf #", "`-.inf`: a number must be finite; put a text in quotes", None),
    Faulty("overflow", "minimum: 30                #", "minimum: @@1e999 #", "`1e999`: the number is too large", None),
    Faulty("many digits", "minimum: 30                #", f"minimum: @@{'9' * 101} #", f"`{'9' * 60}...`: a number has at most 100 digits", None),
    Faulty("colon in a text", "question: Temperature?", "question: Temperature@@: how high?", "not YAML: `: ` is not allowed here; put a text that contains a colon in quotes", None),
    Faulty("tab", "    group: illness\n    unit: Cel", "@@\tgroup: illness\n    unit: Cel", "not YAML: a tab is not allowed here; indent with spaces", None),
    Faulty("unquoted at sign", "question: Temperature?", "question: @@@home", "not YAML: found character '@' that cannot start any token; put the text in quotes", None),
    Faulty("unprintable", "question: Temperature?", "question: Temp@@\x07", "the character U+0007 is not allowed here", None),
    Faulty("too deep", _R67, "when: " + "{not: " * 36 + "{@@not: febrile}" + "}" * 36, "nested deeper than 40 levels", None),
]  # fmt: skip

HEAD = [
    Faulty("misspelt key", "title: Spots and the glass test", "title: Spots\n@@descripton: x", "unknown key `descripton`; did you mean `description`?", True),
    Faulty("misspelt section", "conflicts:                     #", "@@conflict: #", "unknown key `conflict`; did you mean `conflicts`?", True),
    Faulty("key far from all", "title: Spots and the glass test", "title: Spots\n@@zzz: x", "unknown key `zzz`; known keys are `ruleset`, `language`", True),
    Faulty("missing key", "ruleset: glass-test            # lower case, digits and hyphens\n", "@@", "the key `ruleset` is missing", True),
    Faulty("language unknown", "language: 1", "language: @@2", "`language`: expected 1, found `2`", True),
    Faulty("language a text", "language: 1", "language: @@one", "`language`: expected a whole number, found the text `one`", True),
    Faulty("name in capitals", _TOP, "ruleset: @@Glass-Test #", "`ruleset`: `Glass-Test` is not valid; use lower case letters and digits", True),
    Faulty("name with two hyphens", _TOP, "ruleset: @@glass--test #", "`ruleset`: `glass--test` is not valid", True),
    Faulty("name too long", _TOP, f"ruleset: @@{'a' * 61} #", "`ruleset`: `", True),
    Faulty("version of two numbers", "version: 1.0.0", "version: @@1.0", "`version`: expected a text, found `1.0`; put it in quotes", True),
    Faulty("version with a word", "version: 1.0.0", "version: @@v1.0.0", "`version`: `v1.0.0` is not valid; write three numbers, such as `1.0.0`", True),
    Faulty("version with a leading zero", "version: 1.0.0", "version: @@1.02.0", "`version`: `1.02.0` is not valid", True),
    Faulty("blank title", "title: Spots and the glass test", 'title: @@" "', "`title`: the text is empty", True),
    Faulty("empty title", "title: Spots and the glass test", "@@title:", "`title`: expected a text, found nothing", True),
    Faulty("title a list", "title: Spots and the glass test", "title: @@[a]", "`title`: expected a text, found a list", True),
    Faulty("title a boolean", "title: Spots and the glass test", "title: @@true", "`title`: expected a text, found `true`; put it in quotes", True),
    Faulty("review date", "review_by: 2027-11-01", "review_by: @@2027-11", "`review_by`: `2027-11` is not a date; write it as year-month-day, such as `2027-11-01`", True),
    Faulty("day that doesn't exist", "review_by: 2027-11-01", "review_by: @@2027-02-30", "`review_by`: `2027-02-30` is not a date", False),
    Faulty("review date null", "review_by: 2027-11-01", "review_by: @@null", "the key `review_by` is missing or has no date", True),
    Faulty("approved by nobody", "approved_on: null", "approved_on: @@2026-11-01", "`approved_by` and `approved_on` go together", True),
    Faulty("approved on no day", "approved_by: null              #", "approved_by: @@Dr Example #", "`approved_by` and `approved_on` go together", True),
    Faulty("control character", "title: Spots and the glass test", 'title: @@"Spots\\0"', "`title`: the character U+0000 is not allowed in a text", False),
    Faulty("half a character", "title: Spots and the glass test", 'title: @@"\\ud800"', "`title`: the character U+D800 is not allowed in a text", False),
    Faulty("always incomplete", "always:                        # on every result\n  patient: Do the glass test again in 4 hours.\n", "@@always:\n", "`always`: the key `patient` is missing", True),
]  # fmt: skip

DISPOSITIONS = [
    Faulty("level unknown", _U2, "    level: @@urgnt #", "disposition `U2_emergency_dept_now`: `level`: `urgnt` is not one of `routine`, `monitor`, `urgent`; did you mean `urgent`?", True),
    Faulty("order of dispositions", "  R2_self_care_info:\n    {level: routine,", "  @@R2_self_care_info:\n    {level: urgent,", "disposition `R2_self_care_info`: it is urgent and comes after `M1_clinician_48h`, which is monitor", False),
    Faulty("code of a disposition", "  R2_self_care_info:\n", "  R2_self_care_info:\n    {level: routine, act_within_minutes: null, title: A, patient: B, clinician: C}\n  @@R3-x:\n", "disposition `R3-x`: the code is not valid; use letters, digits and underscores", True),
    Faulty("minutes a text", "act_within_minutes: 60     #", "act_within_minutes: @@soon #", "disposition `U2_emergency_dept_now`: `act_within_minutes`: expected a whole number, found the text `soon`", True),
    Faulty("minutes below zero", "act_within_minutes: 60     #", "act_within_minutes: @@-1 #", "disposition `U2_emergency_dept_now`: `act_within_minutes`: expected 0 or more, found `-1`", True),
    Faulty("minutes with a fraction", "act_within_minutes: 60     #", "act_within_minutes: @@0.5 #", "disposition `U2_emergency_dept_now`: `act_within_minutes`: expected a whole number, found `0.5`", True),
    Faulty("minutes in a list", "act_within_minutes: 60     #", "act_within_minutes: @@[60] #", "disposition `U2_emergency_dept_now`: `act_within_minutes`: expected a number, found a list", True),
    Faulty("minutes a boolean", "act_within_minutes: 60     #", "act_within_minutes: @@true #", "disposition `U2_emergency_dept_now`: `act_within_minutes`: expected a whole number, found `true`", True),
    Faulty("disposition without a text", "  U2_emergency_dept_now:\n    level: urgent              # routine < monitor < urgent\n    act_within_minutes: 60     # null: no limit; 0: now\n    title: Emergency department now\n", "  @@U2_emergency_dept_now:\n    level: urgent\n    act_within_minutes: 60\n", "disposition `U2_emergency_dept_now`: the key `title` is missing", True),
    Faulty("default routine", "  disposition: M1_clinician_48h\n  reason: No rule", "  disposition: @@R2_self_care_info\n  reason: No rule", "`default`: `R2_self_care_info` is routine; a result without an established rule is never routine", False),
    Faulty("default unknown", "  disposition: M1_clinician_48h\n  reason: No rule", "  disposition: @@M1_clinican_48h\n  reason: No rule", "`default`: `disposition`: unknown disposition `M1_clinican_48h`; did you mean `M1_clinician_48h`?", False),
    Faulty("flag in capitals", "[no_rule_matched]", "[@@No-Rule]", "`default`: `flags`: `No-Rule` is not valid; use lower case letters", True),
    Faulty("flag twice", "[no_rule_matched]", "[no_rule, @@no_rule]", "`default`: `flags`: `no_rule` is in the list twice", True),
    Faulty("validity of no time", "  minutes: 1440", "  minutes: @@0", "`validity`: `minutes`: expected 1 or more, found `0`", True),
    Faulty("sooner is later", "{minutes: 240,", "{minutes: @@1440,", "`validity`: `sooner`: `minutes`: `1440` is not sooner than `1440`", False),
    Faulty("sooner without a condition", "sooner: {minutes: 240, when: {any: [child, febrile]}}", "sooner: @@{minutes: 240}", "`validity`: `sooner`: the key `when` is missing", True),
]  # fmt: skip

INPUTS = [
    Faulty("type unknown", _ITCHY, "itchy: {type: @@yesno, group: spots, question: Itchy?}", "input `itchy`: `type`: `yesno` is not one of `number`, `integer`, `yes_no`, `choice`, `text`; did you mean `yes_no`?", True),
    Faulty("no type", _ITCHY, "@@itchy: {group: spots, question: Itchy?}", "input `itchy`: the key `type` is missing", True),
    Faulty("no question", _ITCHY, "@@itchy: {type: yes_no, group: spots}", "input `itchy`: the key `question` is missing", True),
    Faulty("comma in a text", _ITCHY, "itchy: {type: yes_no, group: spots, question: Itchy, @@or does it hurt?}", "input `itchy`: unknown key `or does it hurt?`; within `{...}`, put a text that contains a comma in quotes", True),
    Faulty("an input that is a text", _ITCHY, "itchy: @@yes_no", "input `itchy`: expected a mapping, found the text `yes_no`", True),
    Faulty("bounds of a yes/no", _ITCHY, "itchy: {type: yes_no, group: spots, question: Itchy?, @@minimum: 1}", "input `itchy`: `minimum` is only for number and integer inputs, and this input is `yes_no`", True),
    Faulty("choices of a yes/no", _ITCHY, "itchy: {type: yes_no, group: spots, question: Itchy?, @@choices: {a: A}}", "input `itchy`: `choices` is only for choice inputs, and this input is `yes_no`", True),
    Faulty("asked of nobody", _ITCHY, "itchy: {type: yes_no, group: spots, question: Itchy?, asked_of: @@nurse}", "input `itchy`: `asked_of`: `nurse` is not one of `anyone`, `private`, `measured`, `laboratory`, `clinician`, `service`", True),
    Faulty("maximum below minimum", _AGE, "{type: number, group: person, minimum: 0, maximum: @@0, question: Age?}", "input `age_years`: `maximum` `0` is not above `minimum` `0`", False),
    Faulty("minimum a text", "minimum: 30                #", 'minimum: @@"30" #', "input `temperature_c`: `minimum`: expected a number, found the text `30`", True),
    Faulty("minimum too large", "minimum: 30                #", "minimum: @@-1e16 #", "input `temperature_c`: `minimum`: the number `-1e+16` is too large", True),
    Faulty("hint never told", "looks_like: [{minimum: 86, maximum: 110,", "looks_like: @@[{minimum: 31, maximum: 42,", "input `temperature_c`: `looks_like` is within the bounds, so its hint would never be shown", False),
    Faulty("hint of no range", "{minimum: 86, maximum: 110,", "{minimum: 110, maximum: @@86,", "input `temperature_c`: `looks_like`: `maximum` `86` is below `minimum` `110`", False),
    Faulty("code a number", "code: 8310-5", "code: @@83105", "input `temperature_c`: `codes`: `code`: expected a text, found `83105`; put it in quotes", True),
    Faulty("mark unknown", "code: 8310-5", "code: 8310-5, mark: @@x", "input `temperature_c`: `codes`: `mark`: `x` is not one of `c`, `s`, `u`", True),
    Faulty("name in capitals again", _ITCHY, f"@@Scaly: {{type: yes_no, group: spots, question: Scaly?}}\n  {_ITCHY}", "input `Scaly`: the name `Scaly` is not valid; use lower case letters, digits and underscores", True),
    Faulty("reserved name", _ITCHY, f"@@open: {{type: yes_no, group: spots, question: Open?}}\n  {_ITCHY}", "input `open`: `open` is a word of the ruleset language; choose another name", True),
    Faulty("reserved statement", _ITCHY, f"@@mandatory_open: {{type: yes_no, group: spots, question: Open?}}\n  {_ITCHY}", "input `mandatory_open`: `mandatory_open` is a word of the ruleset language", True),
    Faulty("listed unknown", "      blanches: Yes, they fade", "      blanches: Yes\n      @@unknown: Don't know", "input `blanches_on_pressure`: `choices`: `unknown` is always accepted; remove it", True),
    Faulty("choice in capitals", "      blanches: Yes, they fade", "      blanches: Yes\n      @@Mixed: Some", "input `blanches_on_pressure`: `choices`: `Mixed` is not valid; use lower case letters", True),
    Faulty("label a boolean", "      blanches: Yes, they fade", "      blanches: @@true", "input `blanches_on_pressure`: choice `blanches`: expected its label, or a mapping with `label`, found `true`; put a text in quotes", True),
    Faulty("label missing", "not_tested: {label: Not tried yet, means_open: true}", "@@not_tested: {means_open: true}", "input `blanches_on_pressure`: choice `not_tested`: the key `label` is missing", True),
    Faulty("means_open a word", "means_open: true}", "means_open: @@yes}", "input `blanches_on_pressure`: choice `not_tested`: `means_open`: expected `true` or `false`, found the text `yes`", True),
    Faulty("text without a length", "free_text: {type: text, group: other, max_length: 2000,", "@@free_text: {type: text, group: other,", "input `free_text`: the key `max_length` is missing", True),
    Faulty("length of nothing", "max_length: 2000", "max_length: @@0", "input `free_text`: `max_length`: expected 1 to 100000, found `0`", True),
    Faulty("unknown count", _ITCHY, f"{_ITCHY}\n  visits: {{type: integer, group: service, asked_of: @@service, question: Visits?}}", "input `visits`: `asked_of: service`: the service counts only `reports_last_48h`, `highest_level_24h`", False),
    Faulty("count of other choices", _ITCHY, f"{_ITCHY}\n  highest_level_24h: {{type: choice, group: service, asked_of: service, question: Highest?, choices: @@{{none: A, urgent: B}}}}", "input `highest_level_24h`: `choices`: the service counts `none`, `routine`, `monitor`, `urgent`, in this order", False),
    Faulty("count that means open", _ITCHY, f"{_ITCHY}\n  highest_level_24h: {{type: choice, group: service, asked_of: service, question: Highest?, choices: @@{{none: {{label: A, means_open: true}}, routine: B, monitor: C, urgent: D}}}}", "input `highest_level_24h`: `choices`: a count of the service is never open; remove `means_open`", False),
    Faulty("no choice is an answer", _ITCHY, "itchy: {type: choice, group: spots, question: Itchy?, choices: @@{later: {label: Later, means_open: true}}}", "input `itchy`: `choices`: every choice has `means_open`, so there is no answer", False),
    Faulty("choices empty", _ITCHY, "itchy: {type: choice, group: spots, question: Itchy?, choices: @@{}}", "input `itchy`: `choices`: the mapping is empty", True),
    Faulty("hint from a text on", "{minimum: 86, maximum: 110,", "{minimum: @@low, maximum: 110,", "input `temperature_c`: `looks_like`: `minimum`: expected a number, found the text `low`", True),
    Faulty("count of another type", "{type: integer, group: service,", "{type: @@number, group: service,", "input `reports_last_48h`: `type`: the service counts this as `integer`, not `number`", True),
    Faulty("fraction as a bound of an integer", "asked_of: service, minimum: 0,", "asked_of: service, minimum: @@0.5,", "input `reports_last_48h`: `minimum`: expected a whole number, found `0.5`", True),
    Faulty("choice without choices", _ITCHY, "@@itchy: {type: choice, group: spots, question: Itchy?}", "input `itchy`: the key `choices` is missing", True),
]  # fmt: skip

MENTIONS = [
    Faulty("mention of an unknown text", _MENTION, "red_flag_words: {text: @@free_txt, phrases: [a], says: Words}", "mention `red_flag_words`: `text`: unknown input `free_txt`; did you mean `free_text`?", False),
    Faulty("mention in a number", _MENTION, "red_flag_words: {text: @@age_years, phrases: [a], says: Words}", "mention `red_flag_words`: `text`: `age_years` is not an input of the type `text`", False),
    Faulty("no phrases", _MENTION, "red_flag_words: {text: free_text, phrases: @@[], says: Words}", "mention `red_flag_words`: `phrases`: the list is empty", True),
    Faulty("empty phrase", _MENTION, 'red_flag_words: {text: free_text, phrases: [@@""], says: Words}', "mention `red_flag_words`: `phrases`: the text is empty", True),
    Faulty("phrase twice", _MENTION, "red_flag_words: {text: free_text, phrases: [a b, @@a b], says: Words}", "mention `red_flag_words`: `phrases`: `a b` is in the list twice", True),
    Faulty("no phrases of a language", _MENTION, "red_flag_words: {text: free_text, phrases: {en: [a], de: @@[]}, says: Words}", "mention `red_flag_words`: `phrases`: `de`: the list is empty", True),
    Faulty("phrases of no language", _MENTION, "red_flag_words: {text: free_text, phrases: @@{}, says: Words}", "mention `red_flag_words`: `phrases`: the mapping is empty", True),
    Faulty("phrase twice in a language", _MENTION, "red_flag_words: {text: free_text, phrases: {en: [a b, @@a b]}, says: Words}", "mention `red_flag_words`: `phrases`: `en`: `a b` is in the list twice", True),
    Faulty("phrases of a language by its name", _MENTION, "red_flag_words: {text: free_text, phrases: {@@German: [a]}, says: Words}", "mention `red_flag_words`: `phrases`: `German` is not valid; use a language tag, such as `en`, `de` or `pt-BR`", True),
    Faulty("mention named like an input", _MENTION, f"{_MENTION}\n  @@itchy: {{text: free_text, phrases: [itch], says: Itchy}}", "mention `itchy`: the name `itchy` is already used for an input; each name can be used only once", False),
    Faulty("mandatory unknown", "  - age_years\n", "  - @@age_year\n", "`mandatory`: unknown input `age_year`; did you mean `age_years`?", False),
    Faulty("mandatory count", "  - age_years\n", "  - @@reports_last_48h\n", "`mandatory`: `reports_last_48h` is counted by the service, so it is never missing", False),
    Faulty("mandatory statement", "  - age_years\n", "  - @@febrile\n", "`mandatory`: unknown input `febrile`", False),
    Faulty("mandatory both", "  - any_of: [temperature_c, fever_reported]", "  - @@any_of: [temperature_c]\n    finding: itchy", "`mandatory`: expected either `finding` or `any_of`", True),
    Faulty("mandatory neither", "  - any_of: [temperature_c, fever_reported]", "  - @@findings: [temperature_c]", "`mandatory`: expected either `finding` or `any_of`", True),
    Faulty("mandatory any of none", "  - any_of: [temperature_c, fever_reported]", "  - any_of: @@[]", "`mandatory`: `any_of`: the list is empty", True),
    Faulty("mandatory null", "  - any_of: [temperature_c, fever_reported]", "  - finding: @@null", "`mandatory`: `finding`: expected a text, found nothing", True),
    Faulty("mandatory a number", "  - any_of: [temperature_c, fever_reported]", "  - @@1", "`mandatory`: expected an input's name, or a mapping with `finding` or `any_of`", True),
]  # fmt: skip

CONDITIONS = [
    _when("unknown name", "{all: [@@nonblanchin, itchy]}", "unknown name `nonblanchin`; did you mean `nonblanching`?", schema=False),
    _when("unknown name in capitals", "{all: [@@FEBRILE]}", "unknown name `FEBRILE`; did you mean `febrile`?", schema=True),
    _when("a whole sentence", "@@" + "is it itchy and fading " * 4 + "?", "unknown name `is it itchy and fading", schema=True),
    _when("unknown name, none near", "@@zzz", "unknown name `zzz`", schema=False),
    _when("a phrase with and", "@@nonblanching and febrile", "unknown name `nonblanching and febrile`; write `all: [.., ..]` for and", schema=True),
    _when("a phrase with not", "@@not febrile", "unknown name `not febrile`; write `not: febrile`", schema=True),
    _when("a formula", "@@age_years > 16", "unknown name `age_years > 16`; compare a number with `name: {at_least: ...}`", schema=True),
    _when("or for any", "{@@or: [itchy, febrile]}", "unknown word or name `or`; did you mean `any`?", schema=True),
    _when("unknown word", "{@@al: [itchy, febrile]}", "unknown word or name `al`; did you mean `all`?", schema=True),
    _when("unknown number", "{@@temperature: {at_least: 38}}", "unknown name `temperature`; did you mean `temperature_c`?", schema=False),
    _when("a list", "@@[itchy, febrile]", "expected a condition, found a list; write `all:` or `any:` before it", schema=True),
    _when("nothing", "@@null", "expected a condition, found nothing", schema=True),
    _when("a boolean", "@@true", "expected a condition, found `true`", schema=True),
    _when("an empty mapping", "@@{}", "expected one condition, found an empty mapping", schema=True),
    _when("two conditions", "@@{not: itchy, any: [febrile]}", "expected one condition, found `not`, `any`; join them with `all:` or `any:`", schema=True),
    _when("all of nothing", "{all: @@[]}", "`all`: the list is empty", schema=True),
    _when("any of a name", "{any: @@itchy}", "`any`: expected a list of conditions, found the text `itchy`", schema=True),
    _when("not of a list", "{not: @@[itchy]}", "expected a condition, found a list", schema=True),
    _when("at least too many", "{at_least: @@3, of: [itchy, febrile]}", "`at_least`: expected 1 to 2, the number of conditions in `of`, found `3`", schema=False),
    _when("at least none", "{at_least: @@0, of: [itchy, febrile]}", "`at_least`: expected 1 to 2, the number of conditions in `of`, found `0`", schema=True),
    _when("at least a fraction", "{at_least: @@1.5, of: [itchy, febrile]}", "`at_least`: expected a whole number, found `1.5`", schema=True),
    _when("at least without of", "@@{at_least: 2}", "the key `of` is missing", schema=True),
    _when("at least of nothing", "{at_least: 1, of: @@[]}", "`of`: the list is empty", schema=True),
    _when("of without at least", "@@{of: [itchy]}", "the key `at_least` is missing", schema=True),
    _when("bare number", "{all: [@@age_years]}", "`age_years` by itself is not a condition: compare the number with `age_years: {at_least: ...}`", schema=False),
    _when("bare choice", "@@blanches_on_pressure", "`blanches_on_pressure` by itself is not a condition: compare the choice with `blanches_on_pressure: {is: ...}`", schema=False),
    _when("bare text", "@@free_text", "`free_text` by itself is not a condition: it is a text; declare its phrases under `mentions`", schema=False),
    _when("text compared", "{@@free_text: {is: a}}", "`free_text` can't be compared: it is a text", schema=False),
    _when("yes/no compared", "{@@itchy: {is: blanches}}", "`itchy` can't be compared: it is a yes/no input; write only `itchy`, or `not: itchy`", schema=False),
    _when("yes/no given true", "{@@itchy: true}", "`itchy` can't be compared: it is a yes/no input", schema=True),
    _when("statement compared", "{@@febrile: {is: a}}", "`febrile` is true, false or open, so it can't be compared; write only `febrile`", schema=False),
    _when("is on a number", "{age_years: {@@is: a}}", "`is` is not an operator for the number `age_years`: compare the number with `age_years: {at_least: ...}`", schema=False),
    _when("limit on a choice", "{blanches_on_pressure: {@@at_least: 2}}", "`at_least` is not an operator for the choice `blanches_on_pressure`: compare the choice with", schema=False),
    _when("misspelt operator", "{age_years: {@@atleast: 2}}", "`atleast` is not an operator for the number `age_years`; did you mean `at_least`?", schema=True),
    _when("number without an operator", "{age_years: @@16}", "`age_years`: expected a comparison, found `16`: compare the number with", schema=True),
    _when("empty comparison", "{age_years: @@{}}", "`age_years`: the comparison is empty: compare the number with", schema=True),
    _when("limit a text", '{age_years: {at_least: @@"16"}}', "`age_years`: `at_least`: expected a number, found the text `16`", schema=True),
    _when("limit a boolean", "{age_years: {at_least: @@true}}", "`age_years`: `at_least`: expected a number, found `true`", schema=True),
    _when("limit above the bounds", "{temperature_c: {at_least: @@100.4}}", "`temperature_c`: the limit `100.4` is outside the input's bounds, 30 to 43", schema=False),
    _when("limit below the bounds", "{temperature_c: {at_most: @@3.8}}", "`temperature_c`: the limit `3.8` is outside the input's bounds, 30 to 43", schema=False),
    _when("limit never reached", "{temperature_c: {more_than: @@43}}", "`temperature_c`: `more_than` `43` can never be true within the input's bounds, 30 to 43", schema=False),
    _when("limit below a single bound", "{reports_last_48h: {at_least: @@-1}}", "`reports_last_48h`: the limit `-1` is outside the input's bounds, 0 or more", schema=False),
    _when("fraction on an integer", "{reports_last_48h: {at_least: @@1.5}}", "`reports_last_48h`: `at_least`: expected a whole number, found `1.5`", schema=False),
    _when("two lower limits", "{age_years: @@{at_least: 2, more_than: 3}}", "`age_years`: expected one of `at_least` and `more_than`, with one of `at_most` and `less_than`", schema=True),
    _when("empty range", "{age_years: @@{at_least: 16, less_than: 16}}", "`age_years`: the range is empty", schema=False),
    _when("range upside down", "{age_years: @@{at_least: 16, at_most: 2}}", "`age_years`: the range is empty", schema=False),
    _when("choice not declared", "{blanches_on_pressure: {is: @@does_not_blanche}}", "`blanches_on_pressure`: `does_not_blanche` is not one of its choices; did you mean `does_not_blanch`?", schema=False),
    _when("choice none near", "{blanches_on_pressure: {is: @@zzz}}", "`blanches_on_pressure`: `zzz` is not one of its choices; its choices are `blanches`, `does_not_blanch`", schema=False),
    _when("choice unknown", "{blanches_on_pressure: {is: @@unknown}}", "`blanches_on_pressure`: `unknown` leaves the input open, so no answer equals it; write `open: blanches_on_pressure`", schema=True),
    _when("choice that means open", "{blanches_on_pressure: {in: [blanches, @@not_tested]}}", "`blanches_on_pressure`: `not_tested` leaves the input open, so no answer equals it; write `open: blanches_on_pressure`", schema=False),
    _when("choice in an empty list", "{blanches_on_pressure: {in: @@[]}}", "`blanches_on_pressure`: `in`: the list is empty", schema=True),
    _when("choice twice", "{blanches_on_pressure: {in: [blanches, @@blanches]}}", "`blanches_on_pressure`: `blanches` is in the list twice", schema=True),
    _when("choice a number", "{blanches_on_pressure: {is: @@1}}", "`blanches_on_pressure`: expected a choice's value, found `1`", schema=True),
    _when("is and in", "{blanches_on_pressure: @@{is: blanches, in: [does_not_blanch]}}", "`blanches_on_pressure`: write `is` or `in`, not both", schema=True),
    _when("is of a list", "{blanches_on_pressure: {is: @@[blanches]}}", "`blanches_on_pressure`: expected a choice's value, found a list", schema=True),
    _when("in without a list", "{blanches_on_pressure: {in: @@blanches}}", "`blanches_on_pressure`: `in`: expected a list, found the text `blanches`", schema=True),
    _when("open of a statement", "{open: @@febrile}", "`open` takes an input, and `febrile` is a statement; did you mean `unless: febrile`?", schema=False),
    _when("open of a mention", "{open: @@red_flag_words}", "`open` takes an input, and `red_flag_words` is a mention; write `open: free_text`", schema=False),
    _when("open of nothing known", "{open: @@itch}", "unknown input `itch`; did you mean `itchy`?", schema=False),
    _when("open of a condition", "{open: @@{age_years: {at_least: 2}}}", "`open` takes a name, found a mapping", schema=True),
    _when("unless of a number", "{unless: @@age_years}", "`age_years` by itself is not a condition", schema=False),
    _when("unless of a condition", "{unless: @@{not: itchy}}", "`unless` takes a name, found a mapping", schema=True),
    _when("unless of nothing known", "{unless: @@febril}", "unknown name `febril`; did you mean `febrile`?", schema=False),
]  # fmt: skip

RULES = [
    Faulty("rule id", "  R67:", "  @@r67:", "rule `r67`: the id `r67` is not valid; use capitals, digits, `-` and `_`", True),
    Faulty("id taken by a rule", "  S12:", "  @@R67:", "safety net `R67`: the id `R67` is already used for rule `R67`; each id can be used only once", False),
    Faulty("id taken by an inference", "  C01:", "  @@D01:", "conflict `D01`: the id `D01` is already used for inference `nonblanching`; each id can be used only once", False),
    Faulty("rule without a condition", f"  R67:\n    title: Itchy and fading\n    {_R67}", "  @@R67:\n    title: Itchy and fading", "rule `R67`: the key `when` is missing", True),
    Faulty("rule without a source", "    reason: Itchy spots that fade are mostly harmless.\n    source: {text: from memory, marks: [M]}", "    reason: Itchy spots that fade are mostly harmless.\n    @@source:", "rule `R67`: `source`: expected a mapping, found nothing", True),
    Faulty("source a text", "    source: {text: from memory, marks: [M]}", "    source: @@from memory", "rule `R67`: `source`: expected a mapping, found the text `from memory`", True),
    Faulty("marks a text", "    source: {text: from memory, marks: [M]}", "    source: {text: from memory, marks: @@M}", "rule `R67`: `source`: `marks`: expected a list, found the text `M`", True),
    Faulty("unknown disposition", "    disposition: R2_self_care_info", "    disposition: @@R3_self_care_info", "rule `R67`: `disposition`: unknown disposition `R3_self_care_info`; did you mean `R2_self_care_info`?", False),
    Faulty("raised to the same", "      - to: U2_emergency_dept_now", "      - to: @@M1_clinician_48h", "rule `R08`: `raised`: `to`: `M1_clinician_48h` is not more urgent than the rule's own disposition `M1_clinician_48h`", False),
    Faulty("raised to less", "      - to: U2_emergency_dept_now", "      - to: @@R2_self_care_info", "rule `R08`: `raised`: `to`: `R2_self_care_info` is not more urgent than the rule's own disposition `M1_clinician_48h`", False),
    Faulty("raised without a condition", "      - to: U2_emergency_dept_now\n        when: child", "      - @@to: U2_emergency_dept_now", "rule `R08`: `raised`: the key `when` is missing", True),
    Faulty("raised to nothing", "      - to: U2_emergency_dept_now\n        when: child", "      - @@when: child", "rule `R08`: `raised`: the key `to` is missing", True),
    Faulty("infers a reserved name", "infers: suspected_imd ", "infers: @@unless ", "rule `R08`: `infers`: `unless` is a word of the ruleset language", True),
    Faulty("infers an input", "infers: suspected_imd ", "infers: @@itchy ", "rule `R08`: `infers`: the name `itchy` is already used for an input", False),
    Faulty("infers a bad name", "infers: suspected_imd ", "infers: @@Suspected ", "rule `R08`: `infers`: the name `Suspected` is not valid", True),
    Faulty("infers a number", "infers: suspected_imd ", "infers: @@1 ", "rule `R08`: `infers`: expected a text, found `1`; put it in quotes", True),
    Faulty("clinician_only a word", "clinician_only: false ", "clinician_only: @@no ", "rule `R08`: `clinician_only`: expected `true` or `false`, found the text `no`", True),
    Faulty("review date of a rule", "    clinician_note: Red feature. ", "    review_by: @@soon #", "rule `R08`: `review_by`: `soon` is not a date", True),
    Faulty("misspelt key of a rule", "    reason: Itchy spots", "    reason: x\n    @@clinician_onyl: true #", "rule `R67`: unknown key `clinician_onyl`; did you mean `clinician_only`?", True),
    Faulty("rule that is a text", "  R67:\n", "  R66: @@later\n  R67:\n", "rule `R66`: expected a mapping, found the text `later`", True),
    Faulty("circle of one", "  child: " + _CHILD, "  @@child: {says: Under 16 years, when: {not: child}}", "statements can't build on each other in a circle: `child` needs `child`", False),
    Faulty("circle of three", "  child: " + _CHILD, "  @@child: {says: A, when: {any: [itchy, second]}}\n  second: {says: B, when: {not: third}}\n  third: {says: C, when: {unless: child}}", "statements can't build on each other in a circle: `child` needs `second` needs `third` needs `child`", False),
    Faulty("inference without words", "  child: " + _CHILD, "  @@child: {when: {age_years: {less_than: 16}}}", "inference `child`: the key `says` is missing", True),
    Faulty("inference without a condition", "  child: " + _CHILD, "  @@child: {says: Under 16 years}", "inference `child`: the key `when` is missing, and no rule infers this", False),
    Faulty("inference named like an input", "  febrile:\n", "  @@itchy: {says: Itchy, when: fever_reported}\n  febrile:\n", "inference `itchy`: the name `itchy` is already used for an input", False),
    Faulty("inference's id", "    id: D04", "    id: @@d04", "inference `febrile`: the id `d04` is not valid", True),
    Faulty("raise_one without a level", _RAISE, "raise_one: @@{monitor: M1_clinician_48h}", "safety net `S12`: `raise_one`: the key `urgent` is missing", True),
    Faulty("raise_one of routine", _RAISE, "raise_one: {@@routine: R2_self_care_info, monitor: M1_clinician_48h, urgent: U2_emergency_dept_now}", "safety net `S12`: `raise_one`: unknown key `routine`; known keys are `monitor`, `urgent`", True),
    Faulty("raise_one to another level", _RAISE, "raise_one: {monitor: @@U2_emergency_dept_now, urgent: U2_emergency_dept_now}", "safety net `S12`: `raise_one`: `monitor`: `U2_emergency_dept_now` is urgent, not monitor", False),
    Faulty("floor and raise_one", _RAISE, f"{_RAISE} #\n    @@disposition: M1_clinician_48h #", "safety net `S12`: `disposition` and `raise_one` exclude each other; remove one", True),
    Faulty("floor without either", "  S12:\n    title: Reported again and again\n    when: {reports_last_48h: {at_least: 2}}\n    raise_one:", "  @@S12:\n    title: Reported again and again\n    when: {reports_last_48h: {at_least: 2}}\n    #", "safety net `S12`: the key `disposition` is missing", True),
    Faulty("conflict of unknown inputs", "    findings: [temperature_c, fever_reported]", "    findings: [temperature_c, @@fever]", "conflict `C01`: `findings`: unknown input `fever`", False),
    Faulty("conflict without findings", "    findings: [temperature_c, fever_reported]", "    findings: @@[]", "conflict `C01`: `findings`: the list is empty", True),
]  # fmt: skip


def _itchy(id_: str, keys: str, told: str, *, schema: bool) -> Faulty:
    """Faulty keys of a yes/no input."""
    text = _ITCHY.removesuffix("}") + f", {keys}}}"
    return Faulty(id_, _ITCHY, text, f"input `itchy`: {told}", schema)


def _panels(id_: str, panels: str, told: str, *, schema: bool) -> Faulty:
    """Faulty panels, each in a line of its own."""
    return Faulty(id_, _TOP, f"panels:\n  {panels}\n{_TOP}", told, schema)


def _screens(id_: str, screens: str, told: str, *, schema: bool) -> Faulty:
    """Faulty screens beside a panel with one line, `itchy`."""
    panel = "panels:\n  skin: {question: Itchy?, lines: [itchy]}"
    return Faulty(id_, _TOP, f"{panel}\nscreens: {screens}\n{_TOP}", f"`screens`: {told}", schema)


_COUNTED = "{type: integer, group: service, asked_of: service, minimum: 0, question: (counted by the service)}"
_COUNTED_WITH = _COUNTED.removesuffix("}")
_PRIVATE = "{type: yes_no, group: other, asked_of: private, question: Has anyone hurt you?}"
_LAST = "  free_text: {type: text, group: other, max_length: 2000, question: Anything else?}\n"
_FEVER = "{type: yes_no, group: illness, question: Fever in the last 2 days?, help: Also if they only felt hot.}"
_NEVER_TAKEN_BACK = (
    "the condition can't rest on `open` or `unless`, here or in a statement: it must stay as it is once decided"
)

GATES = [
    _itchy("relevant a text", "relevant: @@child", "`relevant`: expected a mapping, found the text `child`", schema=True),
    _itchy("relevant nothing", "relevant: @@null", "`relevant`: expected a mapping, found nothing", schema=True),
    _itchy("relevant without when", "@@relevant: {otherwise: false}", "`relevant`: the key `when` is missing", schema=True),
    _itchy("relevant misspelt key", "relevant: {when: child, @@otherwis: false}", "`relevant`: unknown key `otherwis`; did you mean `otherwise`?", schema=True),
    _itchy("relevant of nothing known", "relevant: {when: @@chil}", "`relevant`: unknown name `chil`; did you mean `child`?", schema=False),
    _itchy("relevant of a bare number", "relevant: {when: @@age_years}", "`relevant`: `age_years` by itself is not a condition", schema=False),
    _itchy("relevant on open", "@@relevant: {when: {open: age_years}}", f"`relevant`: {_NEVER_TAKEN_BACK}", schema=False),
    _itchy("relevant on not open", "@@relevant: {when: {not: {open: age_years}}}", f"`relevant`: {_NEVER_TAKEN_BACK}", schema=False),
    _itchy("relevant on unless", "@@relevant: {when: {all: [{unless: child}, febrile]}}", f"`relevant`: {_NEVER_TAKEN_BACK}", schema=False),
    _itchy("available on open", "@@available_if: {open: age_years}", f"`available_if`: {_NEVER_TAKEN_BACK}", schema=False),
    Faulty("relevant on open in a statement", _PRIVATE, _PRIVATE.removesuffix("}") + ", @@relevant: {when: mandatory_open}}", f"input `hurt_by_somebody`: `relevant`: {_NEVER_TAKEN_BACK}", False),
    _itchy("otherwise a text", "relevant: {when: child, otherwise: @@no}", "`relevant`: `otherwise`: expected `true` or `false`, an answer to `itchy`, found `no`", schema=False),
    _itchy("otherwise unknown", "relevant: {when: child, otherwise: @@unknown}", "`relevant`: `otherwise`: expected `true` or `false`, an answer to `itchy`, found `unknown`", schema=False),
    _itchy("otherwise a list", "relevant: {when: child, otherwise: @@[false]}", "`relevant`: `otherwise`: expected `true` or `false`, an answer to `itchy`, found a list", schema=True),
    _itchy("available nothing known", "available_if: @@chil", "unknown name `chil`; did you mean `child`?", schema=False),
    _itchy("available a number", "available_if: @@3", "expected a condition, found `3`", schema=True),
    Faulty("relevant on itself", _ITCHY, _ITCHY.removesuffix("}") + ", @@relevant: {when: itchy}}", "questions can't depend on each other in a circle: `itchy` depends on `itchy`", False),
    Faulty("gates in a circle", _ITCHY + "\n", "itchy: {type: yes_no, group: spots, question: A?, relevant: {when: hurt}}\n  hurt: {type: yes_no, group: spots, question: B?, @@available_if: sore}\n  sore: {type: yes_no, group: spots, question: C?, relevant: {when: {not: hurt}}}\n", "questions can't depend on each other in a circle: `hurt` depends on `sore`, which depends on `hurt`", False),
    Faulty("gates in a circle through a statement", _FEVER, _FEVER.removesuffix("}") + ", @@relevant: {when: febrile}}", "questions can't depend on each other in a circle: `fever_reported` depends on `fever_reported`", False),
    Faulty("gates in a circle through a mention", "free_text: {type: text, ", "free_text: {@@relevant: {when: red_flag_words}, type: text, ", "questions can't depend on each other in a circle: `free_text` depends on `free_text`", False),
    Faulty("relevance of a count", _COUNTED, _COUNTED_WITH + ", @@relevant: {when: child}}", "input `reports_last_48h`: `relevant`: the service counts this input; no one is asked", False),
    Faulty("expected count", _COUNTED, _COUNTED_WITH + ", @@expected: 0}", "input `reports_last_48h`: `expected`: the service counts this input; no one is asked", False),
    Faulty("otherwise of a text", "free_text: {type: text, ", "free_text: {relevant: {when: child, otherwise: @@none}, type: text, ", "input `free_text`: `relevant`: `otherwise`: `free_text` is a text, which has no such answer; remove it", False),
    Faulty("expected text", "free_text: {type: text, ", "free_text: {expected: @@none, type: text, ", "input `free_text`: `expected`: `free_text` is a text, which has no such answer; remove it", False),
    _itchy("expected unknown", "expected: @@unknown", "`expected`: expected `true` or `false`, an answer to `itchy`, found `unknown`", schema=False),
    _itchy("expected nothing", "expected: @@null", "`expected`: expected `true` or `false`, an answer to `itchy`, found nothing", schema=True),
    Faulty("expected no choice", "    choices:\n      blanches:", "    expected: @@fades\n    choices:\n      blanches:", "input `blanches_on_pressure`: `expected`: `fades` is not a choice of `blanches_on_pressure`; its choices are `blanches`, `does_not_blanch`", False),
    Faulty("expected misspelt choice", "    choices:\n      blanches:", "    expected: @@blanche\n    choices:\n      blanches:", "input `blanches_on_pressure`: `expected`: `blanche` is not a choice of `blanches_on_pressure`; did you mean `blanches`?", False),
    Faulty("expected choice that means open", "    choices:\n      blanches:", "    expected: @@not_tested\n    choices:\n      blanches:", "input `blanches_on_pressure`: `expected`: `not_tested` leaves `blanches_on_pressure` open, so it is no answer", False),
    Faulty("expected a number for a choice", "    choices:\n      blanches:", "    expected: @@1\n    choices:\n      blanches:", "input `blanches_on_pressure`: `expected`: `1` is not a choice of `blanches_on_pressure`", False),
    Faulty("expected beyond the bounds", "    maximum: 43\n", "    maximum: 43\n    expected: @@98.6\n", "input `temperature_c`: `expected`: `98.6` is outside the bounds of `temperature_c`", False),
    Faulty("expected a text for a number", "    maximum: 43\n", '    maximum: 43\n    expected: @@"37"\n', "input `temperature_c`: `expected`: expected a number, found the text `37`", False),
    Faulty("expected a fraction for a whole number", "  itchy: {", "  children: {type: integer, group: person, question: How many?, expected: @@1.5}\n  itchy: {", "input `children`: `expected`: expected a whole number, found `1.5`", False),
]  # fmt: skip

PANELS = [
    _panels("panel a list", "skin: @@[itchy]", "panel `skin`: expected a mapping, found a list", schema=True),
    _panels("panel without a question", "@@skin: {lines: [itchy]}", "panel `skin`: the key `question` is missing", schema=True),
    _panels("panel without lines", "@@skin: {question: Q?}", "panel `skin`: the key `lines` is missing", schema=True),
    _panels("panel of no lines", "skin: {question: Q?, lines: @@[]}", "panel `skin`: `lines`: the list is empty", schema=True),
    _panels("panel misspelt key", "skin: {question: Q?, lines: [itchy], @@sektion: S}", "panel `skin`: unknown key `sektion`; did you mean `section`?", schema=True),
    _panels("panel with a bad name", "@@Skin: {question: Q?, lines: [itchy]}", "panel `Skin`: the name is not valid", schema=True),
    _panels("panel named like an input", "@@itchy: {question: Q?, lines: [itchy]}", "panel `itchy`: the name is already used for an input", schema=False),
    _panels("panel danger a word", "skin: {question: Q?, lines: [itchy], immediate_danger: @@yes}", "panel `skin`: `immediate_danger`: expected `true` or `false`, found the text `yes`", schema=True),
    _panels("line unknown", "skin: {question: Q?, lines: [@@itch]}", "panel `skin`: `lines`: unknown input `itch`; did you mean `itchy`?", schema=False),
    _panels("line a statement", "skin: {question: Q?, lines: [@@febrile]}", "panel `skin`: `lines`: unknown input `febrile`", schema=False),
    _panels("line a number", "skin: {question: Q?, lines: [@@7]}", "panel `skin`: `lines`: expected a mapping, found `7`", schema=True),
    _panels("line without a name", "skin: {question: Q?, lines: [@@{text: They itch}]}", "panel `skin`: `lines`: the key `finding` is missing", schema=True),
    _panels("line misspelt key", "skin: {question: Q?, lines: [{finding: itchy, @@txt: They itch}]}", "panel `skin`: `lines`: unknown key `txt`; did you mean `text`?", schema=True),
    _panels("line twice", "skin: {question: Q?, lines: [itchy, @@itchy]}", "panel `skin`: `lines`: `itchy` is twice in this panel", schema=True),
    _panels("line of two panels", "skin: {question: Q?, lines: [itchy]}\n  more: {question: Q?, lines: [fever_reported, {finding: @@itchy}]}", "panel `more`: `lines`: `itchy` is already a line of panel `skin`", schema=False),
    _panels("line a number input", "skin: {question: Q?, lines: [@@age_years]}", "panel `skin`: `lines`: `age_years` is a number input; a line is a yes/no input or a choice", schema=False),
    _panels("line a text input", "skin: {question: Q?, lines: [@@free_text]}", "panel `skin`: `lines`: `free_text` is a text input; a line is a yes/no input or a choice", schema=False),
    _panels("line a bare choice", "skin: {question: Q?, lines: [@@blanches_on_pressure]}", "panel `skin`: `lines`: the choice `blanches_on_pressure` needs `none_means`, its harmless value, and `text`, the line to tick", schema=False),
    _panels("line a choice without text", "skin: {question: Q?, lines: [{finding: @@blanches_on_pressure, none_means: blanches}]}", "panel `skin`: `lines`: the choice `blanches_on_pressure` needs `none_means`", schema=False),
    _panels("none means no choice", "skin: {question: Q?, lines: [{finding: blanches_on_pressure, text: T, none_means: @@fades}]}", "panel `skin`: `lines`: `none_means`: `fades` is not a choice of `blanches_on_pressure`", schema=False),
    _panels("none means open", "skin: {question: Q?, lines: [{finding: blanches_on_pressure, text: T, none_means: @@not_tested}]}", "panel `skin`: `lines`: `none_means`: `not_tested` leaves `blanches_on_pressure` open, so it is no answer", schema=False),
    _panels("none means yes", "skin: {question: Q?, lines: [{finding: itchy, none_means: @@true}]}", "panel `skin`: `lines`: `none_means`: \u201cnone of these\u201d means no to `itchy`; remove it", schema=False),
    _panels("none means a text", "skin: {question: Q?, lines: [{finding: itchy, none_means: @@never}]}", "panel `skin`: `lines`: `none_means`: expected `true` or `false`, an answer to `itchy`, found `never`", schema=False),
    _panels("panel of a count", "skin: {question: Q?, lines: [@@reports_last_48h]}", "panel `skin`: `lines`: `reports_last_48h` is an integer input", schema=False),
    _panels("panel of two audiences", "skin: {question: Q?, lines: @@[itchy, hurt_by_somebody, explanation_inconsistent]}", "panel `skin`: `lines`: a panel is asked of one audience, and these mix: `itchy` of `anyone`, `hurt_by_somebody` of `private`, `explanation_inconsistent` of `clinician`", schema=False),
    Faulty("panel too long", _LAST, _LAST + "".join(f"  y{n}: {{type: yes_no, group: spots, question: Q{n}?}}\n" for n in range(7)) + "panels:\n  skin: {question: Q?, lines: [y0, y1, y2, y3, y4, y5, y6, @@itchy]}\n", "panel `skin`: `lines`: a panel has at most 7 lines, found 8; make two panels", True),
    Faulty("panel of a counted choice", _LAST, _LAST + "  highest_level_24h: {type: choice, group: service, asked_of: service, question: (counted), choices: {none: N, routine: R, monitor: M, urgent: U}}\npanels:\n  skin: {question: Q?, lines: @@[{finding: highest_level_24h, none_means: none, text: T}]}\n", "panel `skin`: `lines`: `highest_level_24h` is counted by the service", False),
    Faulty("danger that is gated", _LAST, _LAST + "  fits: {type: yes_no, group: spots, question: F?, relevant: {when: child}}\npanels:\n  now: {question: Q?, immediate_danger: true, lines: @@[fever_reported, fits]}\n", "panel `now`: `lines`: `fits` is a sign of immediate danger, so it must always be asked: remove its `relevant` or `available_if`", False),
    Faulty("danger that is not available", _LAST, _LAST + "  fits: {type: yes_no, group: spots, question: F?, available_if: child}\npanels:\n  now: {question: Q?, immediate_danger: true, lines: @@[fits]}\n", "panel `now`: `lines`: `fits` is a sign of immediate danger", False),
]  # fmt: skip

SCREENS = [
    _screens("screens a list", "@@[skin]", "expected a mapping, found a list", schema=True),
    _screens("screens misspelt key", "{@@frst: [skin]}", "unknown key `frst`; did you mean `first`?", schema=True),
    _screens("screens a name", "{first: @@skin}", "`first`: expected a list, found the text `skin`", schema=True),
    _screens("screen an unknown panel", "{first: [@@skn]}", "`first`: expected a panel or a list of inputs, found `skn`; did you mean `skin`?", schema=False),
    _screens("screen a bare input", "{then: [@@age_years]}", "`then`: expected a panel or a list of inputs, found `age_years`", schema=False),
    _screens("screen a number", "{then: [@@7]}", "`then`: expected a panel or a list of inputs, found `7`", schema=True),
    _screens("screen a mapping", "{then: [@@{a: b}]}", "`then`: expected a list of inputs, found a mapping", schema=True),
    _screens("screen listed twice", "{first: [skin], then: [@@skin]}", "`then`: `skin` is listed twice", schema=False),
    _screens("screen of nothing", "{then: [@@[]]}", "`then`: the list is empty", schema=True),
    _screens("screen of four", "{then: [[age_years, temperature_c, fever_reported, @@free_text]]}", "`then`: a screen has at most 3 inputs, found 4", schema=True),
    _screens("input on two screens", "{first: [[age_years]], then: [[temperature_c, @@age_years]]}", "`then`: `age_years` is already on another screen", schema=False),
    _screens("input on a screen twice", "{first: [[age_years, @@age_years]]}", "`first`: `age_years` is already on another screen", schema=True),
    _screens("input that is a line", "{first: [[@@itchy]]}", "`first`: `itchy` is already a line of panel `skin`", schema=False),
    _screens("input unknown", "{first: [[@@age]]}", "`first`: unknown input `age`", schema=False),
    _screens("input a number", "{first: [[@@7]]}", "`first`: unknown input `7`", schema=True),
    _screens("input that is counted", "{first: [[age_years, @@reports_last_48h]]}", "`first`: `reports_last_48h` is counted by the service", schema=False),
]  # fmt: skip

ALL = [*YAML, *HEAD, *DISPOSITIONS, *INPUTS, *MENTIONS, *CONDITIONS, *RULES, *GATES, *PANELS, *SCREENS]
