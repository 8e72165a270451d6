"""Training answers beside one another: which are cut off, of another form, rare labels, far too long."""

import json
import math
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from statistics import median

from jsonschema.exceptions import best_match
from referencing.exceptions import Unresolvable

from backends.training.examples import Example
from compare.consistency import parsed
from compare.form_checks import validator
from compare.judging import BadCheck
from compare.numbers import percent, plural, share
from compare.training_findings import Finding, FoundRow, clipped, ending, finding, row
from compare.training_forms import JSON, TEXT, form_of, is_open, labels_of, unclosed

NEARLY_ALL = 0.95
"""Share of the answers that must be whole before the others count as cut off."""
LEAST_OF_A_LABEL = 5
MOST_LABELS = 50
"""With more different answers than this, answers are texts."""
UNBALANCED = 10
"""From so many times the rarest label on the most frequent one drowns it."""
_OUTLIER = 6.0
"""Robust standard deviations of the log length, beyond which a length is an outlier."""
_LEAST_SPREAD = 0.25
"""Of log lengths: where all are alike, a factor of four is still no outlier."""
_MAD = 1.4826
"""From median absolute deviation to standard deviation, for normal data."""
_MISSPELT = 80.0
"""rapidfuzz likeness from which a rare label may be meant for a frequent one."""


def cut_off(examples: Sequence[Example]) -> dict[int, str]:
    """The places of answers that break off where nearly all others are whole, each with what shows it: JSON
    that does not close, missing last lines, no closing punctuation.
    """
    answers = [example.answer for example in examples]
    enough = NEARLY_ALL * len(answers)
    lined = [labels_of(answer) for answer in answers]
    usual, many = Counter(lined).most_common(1)[0]
    found: dict[int, str] = {}
    if sum(not is_open(answer) for answer in answers) >= enough:
        found |= {at: f"ends with “{ending(text)}”" for at, text in enumerate(answers) if is_open(text)}
    if len(usual) > 1 and many >= enough:
        short = {at: labels for at, labels in enumerate(lined) if len(labels) < len(usual)}
        found |= {
            at: f"ends before “{usual[len(labels)]}:”"
            for at, labels in short.items()
            if usual[: len(labels)] == labels
        }
    if sum(form_of(answer) == JSON for answer in answers) >= enough:
        found |= {at: "JSON that does not close" for at, text in enumerate(answers) if unclosed(text)}
    return found


def formats(examples: Sequence[Example], schema: str | None) -> list[Finding]:
    """Answers in another form than most, and JSON that ``schema`` (as text) does not accept."""
    forms = [form_of(example.answer) for example in examples]
    usual, many = Counter(forms).most_common(1)[0]
    of_each = list(zip(examples, forms, strict=True))
    if usual == TEXT:
        what, other = "are plain text", [row(example, "JSON") for example, form in of_each if form == JSON]
    elif usual == JSON:
        what, other = "are JSON", [row(example, "no JSON") for example, form in of_each if form != JSON]
    else:
        what = "have the lines " + ", ".join(f"“{label}:”" for label in usual)
        odd = [example for example, form in of_each if form in (JSON, TEXT) or not set(form) <= set(usual)]
        other = [row(example, "other lines") for example in odd]
    found = finding(
        "formats",
        "warns",
        f"{share(many, len(examples))} answers {what} ({percent(many / len(examples))}); "
        f"{plural(len(other), 'other')} would teach another form.",
        other,
    )
    if schema and usual == JSON:
        wrong = [row(example, why) for example, form in of_each
                 if form == JSON and (why := _refusal(schema, example.answer))]  # fmt: skip
        unfit = f"{plural(len(wrong), 'answer')} not accepted by the scenario's JSON schema: mend or remove."
        found += finding("formats", "warns", unfit, wrong)
    return found


@lru_cache(maxsize=4096)
def _refusal(schema: str, answer: str) -> str:
    """Why the schema does not accept a JSON answer; empty when it does, or can't be used."""
    try:
        error = best_match(validator(schema).iter_errors(json.loads(answer)))
    except (BadCheck, Unresolvable):
        return ""
    return "" if error is None else str(error.message)


def labels(examples: Sequence[Example]) -> list[Finding]:
    """How often each answer is given where nearly all are one of a few; nothing where answers are texts."""
    answers = [parsed(example.answer) for example in examples]
    often = Counter(answers).most_common()
    usual = {answer: many for answer, many in often if many >= LEAST_OF_A_LABEL}
    if len(usual) < 2 or len(usual) > MOST_LABELS or sum(usual.values()) < NEARLY_ALL * len(answers):
        return []
    rare = [row(example, _meant(answer, list(usual)))
            for example, answer in zip(examples, answers, strict=True) if answer not in usual]  # fmt: skip
    (first, most), *_, (last, least) = usual.items()
    shares = percent(most / len(answers)), percent(least / len(answers))
    balance = (
        f"{plural(len(usual), 'label')}: {shares[0]} of the examples have “{clipped(first, 40)}”, "
        f"{shares[1]} “{clipped(last, 40)}”"
    )
    uneven = most >= UNBALANCED * least
    return [
        Finding(
            kind="labels",
            severity="warns" if uneven else "notes",
            sentence=f"{balance}: add examples of the rare ones." if uneven else f"{balance}.",
        ),
        *finding(
            "labels",
            "warns",
            f"{plural(len(rare), 'answer')} that fewer than {LEAST_OF_A_LABEL} examples give: misspelt, or "
            "too rare to be learnt.",
            rare,
        ),
    ]


def _meant(answer: str, usual: Sequence[str]) -> str:
    from rapidfuzz import process

    near = process.extractOne(answer, usual, score_cutoff=_MISSPELT)
    return f"meant for “{clipped(near[0], 40)}”?" if near else "a rare label"


def lengths(examples: Sequence[Example]) -> list[Finding]:
    """Questions and answers that are far longer or shorter than the others: beyond six robust standard
    deviations of the log length (median absolute deviation).
    """
    far: dict[int, FoundRow] = {}
    for name, texts in (
        ("question", [example.query for example in examples]),
        ("answer", [example.answer for example in examples]),
    ):
        logs = [math.log(max(1, len(text))) for text in texts]
        middle = median(logs)
        spread = max(_LEAST_SPREAD, _MAD * median(abs(value - middle) for value in logs))
        usual = plural(round(math.exp(middle)), "character")
        for at, value in enumerate(logs):
            if abs(value - middle) > _OUTLIER * spread and at not in far:
                why = f"the {name} has {plural(len(texts[at]), 'character')}; usual are {usual}"
                far[at] = row(examples[at], why)
    rows = [far[at] for at in sorted(far)]
    sentence = f"{plural(len(rows), 'example')} far longer or shorter than the others: do they belong there?."
    return finding("length", "warns", sentence, rows)
