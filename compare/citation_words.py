"""Citations in words and as a table: what screens and reports say of them. Plain text, no Markdown."""

from collections.abc import Sequence

from backends.types import Passage
from compare import numbers
from compare.citation_figures import CitationFigures
from compare.citations import Cited, Reading, cited_marks
from compare.judging import quoted
from compare.lane_names import lane_title
from compare.run_measures import Measured
from compare.statistics import ONE_CASE, Estimate
from compare.takeaways import TOO_FEW, best_first, right_of

MOST_NAMED = 4
"""Numbers and things missing that are named; more make a lane longer than its answer."""
NOTE = (
    "An invented citation names no passage. “Not said there” counts citations whose sentence states a "
    "number, date, code or name that stands in no passage it cites; a sentence without any is not checked. "
    "“Was given” is the share of the numbers and names that stand in the passages or the question. Shares "
    "without a range are of too few different cases to say more. "
    "All is found by spelling alone: a sentence can be wrong with every number and name right."
)


def invented(marks: Sequence[Cited]) -> str:
    """As "[4] is no passage"; empty when every citation is of one."""
    found = dict.fromkeys(number for mark in marks for number in mark.invented)
    named = _some([f"[{number}]" for number in found])
    return f"{named} {'is no passage' if len(found) == 1 else 'are no passages'}" if found else ""


def unsupported(said: str, marks: Sequence[Cited]) -> list[str]:
    """As "[1] does not say “3-year”", one text for all citations that lack the same."""
    lacking: dict[tuple[str, ...], dict[str, int]] = {}
    for mark in marks:
        if mark.missing:
            lacking.setdefault(mark.missing, {})[said[mark.start : mark.end]] = len(mark.numbers)
    return [
        f"{_some(list(cited))} {'does' if list(cited.values()) == [1] else 'do'} not say {_quoted(missing)}"
        for missing, cited in list(lacking.items())[:MOST_NAMED]
    ]


def flags(said: str, passages: Sequence[Passage], question: str) -> list[str]:
    """All that is wrong with an answer's citations."""
    marks = cited_marks(said, passages, question)
    return [words for words in (invented(marks), *unsupported(said, marks)) if words]


def grounded(found: Reading) -> str:
    """How much of an answer was given to it, and what was not unless a flag names it already."""
    if found.grounding is None:
        return ""
    given, missing = found.grounding.found, found.grounding.missing
    many = numbers.share(len(given), len(given) + len(missing))
    said = f"{many} numbers and names stand in the passages or the question"
    flagged = {text for mark in found.marks for text in mark.missing}
    unnamed = [text for text in missing if text not in flagged]
    return said + (f"; not: {_quoted(unnamed)}" if unnamed else "")


def citation_rows(found: Measured) -> list[dict[str, str]]:
    """One row a lane that was given passages or cites; none when no lane was given any."""
    cited = {lane: of for lane in found.lanes if (of := found.summary[lane].cited) is not None}
    if not any(of.answers for of in cited.values()):
        return []
    return [_row(lane_title(lane), of, once=found.once) for lane, of in cited.items()]


def of_citations(found: Measured) -> str:
    """The table in one sentence: who cites the right document how often, and what is wrong with citations."""
    cited = {lane: of for lane in found.lanes if (of := found.summary[lane].cited) is not None}
    total = sum(of.citations for of in cited.values())
    made_up = sum(of.invented for of in cited.values())
    unsaid = sum(of.unsupported for of in cited.values())
    if not total:
        return "No answer cites a passage."
    recalls = {lane: of.recall for lane, of in cited.items() if of.recall is not None}
    wrong = (
        f"of all {numbers.plural(total, 'citation')} {numbers.count(made_up)} "
        f"{'names' if made_up == 1 else 'name'} no passage, and {numbers.count(unsaid)} "
        f"{'names' if unsaid == 1 else 'name'} one that does not say so"
    )
    if not recalls:
        return f"These cases name no document to cite; {wrong}."
    best = best_first(recalls)[0]
    recall = recalls[best]
    said = f"{found.names[best]} cites the right document on {right_of(recall, once=found.once)}"
    if recall.enough or recall.method == ONE_CASE:
        return f"{said} (95 % interval {numbers.percent_range(recall.low, recall.high)}); {wrong}."
    return f"{said} ({TOO_FEW}); {wrong}."


def _row(title: str, of: CitationFigures, *, once: bool) -> dict[str, str]:
    recall = _share(of.recall)
    if of.recall is not None and once and not _sure(of.recall):
        recall = right_of(of.recall, once=True)
    return {
        "Approach": title,
        "Answers that cite": numbers.count(of.citing),
        "Right of what is cited": _share(of.precision),
        "Right document cited": recall,
        "Invented": _part(of.invented, of.citations),
        "Not said there": _part(of.unsupported, of.citations),
        "Was given": _share(of.grounded),
    }


def _part(part: int, whole: int) -> str:
    return numbers.share(part, whole) if whole else numbers.ABSENT


def _share(found: Estimate | None) -> str:
    """With its interval where there may be one."""
    if found is None:
        return numbers.ABSENT
    if _sure(found):
        return f"{numbers.percent(found.value)} ({numbers.percent_range(found.low, found.high)})"
    return f"{numbers.percent(found.value)} of {numbers.plural(found.cases, 'case')}"


def _sure(found: Estimate) -> bool:
    return found.enough or found.method == ONE_CASE


def _some(texts: Sequence[str]) -> str:
    return ", ".join(texts[:MOST_NAMED]) + (" and more" if len(texts) > MOST_NAMED else "")


def _quoted(texts: Sequence[str]) -> str:
    return quoted(tuple(texts[:MOST_NAMED])) + (" and more" if len(texts) > MOST_NAMED else "")
