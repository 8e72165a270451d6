"""Training examples that say the same twice, nearly the same, or two things of one question."""

from collections import Counter
from collections.abc import Sequence

from backends.training.examples import Example
from compare.cases import normalised
from compare.consistency import parsed
from compare.near_texts import SAME_LETTERS, near_pairs, stated
from compare.numbers import count, plural
from compare.training_findings import Finding, FoundRow, finding, row

MOST_COMPARED = 20_000
"""Examples among which near duplicates are looked for; a minute's work."""

_Input = tuple[str, str, tuple[str, ...]]
"""What an answer is given to: the question, the system text, the passages."""


def input_of(example: Example) -> _Input:
    """All that the answer depends on; two examples of one input should have one answer."""
    return normalised(example.query), example.system or "", example.context


def repeats(examples: Sequence[Example]) -> list[Finding]:
    """Conflicts (one input, several outputs), exact duplicates, and near ones.

    Of a conflict the rows are those that say something else than most do; of duplicates the later ones.
    """
    by_input: dict[_Input, list[Example]] = {}
    for example in examples:
        by_input.setdefault(input_of(example), []).append(example)
    same: list[FoundRow] = []
    conflicts: list[FoundRow] = []
    for alike in by_input.values():
        first: dict[str, Example] = {}
        usual = Counter(parsed(example.answer) for example in alike).most_common(1)[0][0]
        for example in alike:
            answer = parsed(example.answer)
            if answer in first:
                same.append(row(example, other=first[answer].line))
            first.setdefault(answer, example)
        kept = first.pop(usual)
        conflicts += [row(example, "another answer", other=kept.line) for example in first.values()]
    different = [alike[0] for alike in by_input.values()]
    near = _near(different)
    return [
        *_left_out(len(different) - MOST_COMPARED),
        *finding("conflict", "warns", _conflicting(len(conflicts)), conflicts),
        *finding("duplicate", "warns", _repeated(len(same), "there twice, word for word"), same),
        *finding("near_duplicate", "warns", _repeated(len(near), "nearly the same as another one"), near),
    ]


def _near(examples: Sequence[Example]) -> list[FoundRow]:
    """Those near an earlier one in question and answer, with the same numbers and names in both."""
    from rapidfuzz import fuzz

    some = examples[:MOST_COMPARED]
    queries, answers = [example.query for example in some], [normalised(example.answer) for example in some]
    said = zip(stated(queries), stated([example.answer for example in some]), strict=True)
    keys = [(example.system, example.context, *both) for example, both in zip(some, said, strict=True)]
    near: dict[int, int] = {}
    for pair in near_pairs(queries, keys):
        if fuzz.ratio(answers[pair.first], answers[pair.second]) >= SAME_LETTERS:
            near[pair.second] = min(pair.first, near.get(pair.second, pair.first))
    return [row(some[second], other=some[first].line) for second, first in sorted(near.items())]


def _left_out(many: int) -> list[Finding]:
    if many <= 0:
        return []
    said = f"Near duplicates were looked for among the first {count(MOST_COMPARED)} examples only."
    return [Finding(kind="near_duplicate", severity="notes", sentence=said)]


def _conflicting(many: int) -> str:
    return (
        f"{plural(many, 'example')} with the question of another one and another answer: keep the right one."
    )


def _repeated(many: int, how: str) -> str:
    return f"{plural(many, 'example')} {'is' if many == 1 else 'are'} {how}: keep one of each."
