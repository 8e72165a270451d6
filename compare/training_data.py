"""Whether training data is fit to be learnt from: what is wrong with it, row by row, before it is trained on.

Nothing here decides by meaning: repeats are found by letters, broken answers by how the others look, secrets
by their form. ``training_files.py`` reads and writes the examples.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from backends.prompts import supervised_example
from backends.scenario import Scenario
from backends.training.examples import Example
from backends.types import Passage
from compare.cases import Case
from compare.consistency import parsed
from compare.leakage import Leak, training_leaks
from compare.numbers import count, plural
from compare.sensitive import Kind as SecretKind
from compare.sensitive import secrets_in
from compare.training_answers import cut_off, formats, labels, lengths
from compare.training_findings import SEVERITIES, Finding, FoundRow, Severity, finding, row
from compare.training_repeats import input_of, repeats

LEAST, FEW, GOOD = 50, 100, 200
"""Different examples: below the first nothing is trained unless somebody insists; the last is enough."""
TURN_TOKENS = 8
"""What a chat template adds to each turn, at most, as far as templates are known here."""


@dataclass(frozen=True, kw_only=True)
class TrainingDataReport:
    """``different`` counts examples without their duplicates; the gravest findings come first."""

    examples: int
    different: int
    findings: tuple[Finding, ...]

    @property
    def refuses(self) -> bool:
        """Whether it should not be trained on unless somebody insists."""
        return any(one.severity == "refuses" for one in self.findings)

    @property
    def flagged(self) -> frozenset[int]:
        """The lines of all rows that something is wrong with."""
        return frozenset(r.line for one in self.findings if one.severity != "notes" for r in one.rows)


def check_examples(
    examples: Sequence[Example],
    *,
    cases: Sequence[Case] = (),
    scenario: Scenario | None = None,
    count_tokens: Callable[[str], int] | None = None,
    room_tokens: int = 0,
    vectors: Mapping[str, np.ndarray] | None = None,
) -> TrainingDataReport:
    """Look for everything; ten thousand examples take some seconds.

    ``cases`` are those that must not be among the examples; ``scenario`` gives the texts around an example
    and the schema of answers; ``count_tokens`` (an engine's) and ``room_tokens`` (the model's context) say
    which examples are too long, and without them none is; ``vectors`` are as for
    :func:`~compare.leakage.training_leaks`.
    """
    different = len({(input_of(example), parsed(example.answer)) for example in examples})
    there = [example for example in examples if example.query.strip() and example.answer.strip()]
    found = [*_count(different), *_empty(examples)]
    if count_tokens is not None:
        found += _too_long(there, scenario, count_tokens, room_tokens)
    if there:
        cut = cut_off(there)
        whole = [example for at, example in enumerate(there) if at not in cut]
        found += _cut(there, cut)
        found += repeats(there)
        found += (
            [*labels(whole), *formats(whole, None if scenario is None else scenario.schema)] if whole else []
        )
        found += lengths(there)
        found += _leaks(training_leaks(cases, there, vectors).leaks, cases, there)
        found += _secrets(there)
    return TrainingDataReport(
        examples=len(examples),
        different=different,
        findings=tuple(sorted(found, key=lambda one: SEVERITIES.index(one.severity))),
    )


def _count(different: int) -> list[Finding]:
    there = plural(different, "different example")
    if different < LEAST:
        said = f"{there}: with fewer than {LEAST} an adapter learns them by heart and little else. Add more."
        return [Finding(kind="too_few", severity="refuses", sentence=said)]
    if different < FEW:
        said = f"{there} are few: results will vary. Add some, better up to {GOOD}."
        return [Finding(kind="few", severity="warns", sentence=said)]
    if different < GOOD:
        return [
            Finding(kind="few", severity="notes", sentence=f"{there} will do; {GOOD} or more are better.")
        ]
    return []


def _empty(examples: Sequence[Example]) -> list[Finding]:
    blank = [row(e) for e in examples if not (e.query.strip() and e.answer.strip())]
    sentence = f"{plural(len(blank), 'example')} without a question or an answer: complete or remove."
    return finding("empty", "refuses", sentence, blank)


def _too_long(
    examples: Sequence[Example], scenario: Scenario | None, count_tokens: Callable[[str], int], room: int
) -> list[Finding]:
    """Those that would be cut off by the model's context. The template is guessed at; training is exact."""
    counted = lru_cache(maxsize=64)(count_tokens)  # The system text stands in nearly all.
    rows = []
    for example in examples:
        texts = _turns(example, scenario)
        if sum(len(text.encode()) + TURN_TOKENS for text in texts) <= room:
            continue  # A token is a byte at least.
        tokens = sum(counted(text) + TURN_TOKENS for text in texts)
        if tokens > room:
            rows.append(row(example, f"about {plural(tokens, 'token')}"))
    sentence = (
        f"{plural(len(rows), 'example')} longer than the {count(room)} tokens that the model reads: "
        "shorten or remove."
    )
    return finding("truncated", "refuses", sentence, rows)


def _turns(example: Example, scenario: Scenario | None) -> list[str]:
    """The texts that are trained on, with the passages that the example brings along."""
    if scenario is None:
        return [example.system or "", *example.context, example.query, example.answer]
    passages = [
        Passage(number=n, source=example.source, chunk_id="", text=text, cosine=None)
        for n, text in enumerate(example.context, 1)
    ]
    turns = supervised_example(
        scenario, example.query, example.answer, system=example.system, passages=passages
    )
    return [turn.content for turn in turns]


def _cut(examples: Sequence[Example], cut: Mapping[int, str]) -> list[Finding]:
    sentence = f"{plural(len(cut), 'answer')} cut off, as nearly all others are whole: complete or remove."
    return finding("truncated", "warns", sentence, [row(examples[at], cut[at]) for at in sorted(cut)])


def _leaks(leaks: Sequence[Leak], cases: Sequence[Case], examples: Sequence[Example]) -> list[Finding]:
    """Cases of the test split make verdicts worthless; those of dev are there to be tuned on."""
    splits = {case.id: case.split for case in cases}
    lines = {example.line: example for example in examples}
    by_split: dict[str, list[FoundRow]] = {"test": [], "dev": []}
    for leak in leaks:
        why = "the question of a case" if leak.kind == "exact" else "nearly the question of a case"
        by_split[splits[leak.case]].append(row(lines[leak.line], why, case=leak.case))

    def said(split: str) -> str:
        many = plural(len({found.case for found in by_split[split]}), "case")
        return f"{many} of the {split} split among the examples"

    test = f"{said('test')}: remove the rows, or the adapter is asked what it has seen."
    return [
        *finding("leak", "warns", test, by_split["test"]),
        *finding("leak", "notes", f"{said('dev')}, which verdicts leave out.", by_split["dev"]),
    ]


_SECRETS: tuple[tuple[SecretKind, Severity, str, str], ...] = (
    ("key", "refuses", "a key or token", "take it out and have it replaced"),
    ("card", "warns", "what may be a card number", "take it out"),
    ("mail", "notes", "an e-mail address", "take out those of real people"),
)


def _secrets(examples: Sequence[Example]) -> list[Finding]:
    """An adapter can be made to say what it learnt."""
    by_kind: dict[SecretKind, list[FoundRow]] = {kind: [] for kind, *_ in _SECRETS}
    for example in examples:
        texts = (example.query, example.answer, example.system or "", *example.context)
        secrets = secrets_in("\n".join(texts))
        for kind in dict.fromkeys(secret.kind for secret in secrets):
            named = ", ".join(secret.text for secret in secrets if secret.kind == kind)
            by_kind[kind].append(row(example, named))
    found = []
    for kind, severity, what, then in _SECRETS:
        sentence = f"{plural(len(by_kind[kind]), 'example')} with {what}: {then}."
        found += finding("secret", severity, sentence, by_kind[kind])
    return found
