"""What the answers before data let expect, in sentences, and how that stands beside the measured verdict."""

from collections.abc import Collection, Mapping, Sequence

from compare import numbers
from compare.guidance import Expectation, lever_of
from compare.guidance_levers import LANES, MUST, Lever
from compare.lane_names import lane_name
from compare.lanes import backend_of

NAMES: Mapping[Lever, str] = {
    "prompting": "prompting",
    "better_prompt": "a better prompt",
    "long_context": "all documents in the prompt",
    "retrieval": "retrieval",
    "fine_tuning": "fine-tuning",
    "both": "retrieval and fine-tuning together",
}
BEGIN = "Guides agree on how to begin: with a prompt and a measurement, the dearer levers after that."
WINS = "The measurement wins: it asked your own questions, guides speak of the usual case."
TESTS: Mapping[str, str] = {
    "size": "add cases that only your documents answer",
    "changes": "run the knowledge-change drill",
    "sources": "add the check “citation” to the cases",
    "form": "add format checks to the cases (json_schema, max_words, voice)",
    "terms": "add cases with the terms of your trade",
    "general": "ask another scenario's questions with the adapter (Adapters, “Did it help?”)",
    "volume": "look at the break-even for your volume",
    "latency": "measure one answer at a time",
    "smaller": "run the cases on the smaller base model",
}
"""How a need is tested here, by the question that states it."""


def headline(found: Expectation) -> str:
    """What guidance expects, or which question to answer first."""
    if found.lever is None:
        ask = "" if found.ask_next is None else f" Answer “{found.ask_next.text}” next."
        return f"Too little is said to expect a lever.{ask}"
    name = NAMES[found.lever]
    if any(reason.weight == MUST for reason in found.left_open):
        return f"No lever within reach meets all that you need; {name} comes nearest."
    return f"Published guidance expects {name}{'' if found.left_open else ' to be enough'}."


def details(found: Expectation) -> str:
    """What the expected lever leaves open, what comes next after it, and the question that matters most."""
    if found.lever is None:
        return BEGIN
    parts = []
    if found.left_open:
        needs = numbers.listed(list(dict.fromkeys(reason.need for reason in found.left_open)))
        parts.append(f"It leaves open: {needs}.")
    if len(found.levers) > 1:
        parts.append(f"Next in line is {NAMES[found.levers[1]]}.")
    if found.ask_next is not None:
        parts.append(f"The answer that could change this most: “{found.ask_next.text}”")
    elif found.missing:
        parts.append("No other answer would change this.")
    return " ".join(parts)


def beside_the_verdict(
    found: Expectation,
    kind: str,
    levers: Sequence[str],
    meets_bar: bool,
    asked: Collection[str] | None = None,
) -> str:
    """How the expectation and a measured verdict go together: why the measurement wins where they disagree,
    or what is missing.

    Args:
        found: what guidance expects.
        kind: the verdict's: "none_works", "tie", "choose", "narrowed" or "cannot_tell".
        levers: the lanes that it names, cheap ones first.
        meets_bar: whether the first of them was shown to meet the bar.
        asked: the lanes that were measured; None when that is not known.
    """
    if found.lever is None:
        return headline(found)
    expected, named = found.lever, dict.fromkeys(lever for lane in levers if (lever := lever_of(lane)))
    guides = f"Guides expect {NAMES[expected]}"
    if asked is not None and not {backend_of(lane) for lane in asked} & set(LANES[expected]):
        first = lane_name(LANES[expected][-1] if expected == "prompting" else LANES[expected][0])
        return f"{guides}, which was not measured here. Climb to {first} before you settle on anything."
    if kind == "none_works":
        return (
            f"{guides}, but nothing measured reaches the bar. {WINS} See why answers failed before you climb."
        )
    if kind == "cannot_tell" or not named:
        return f"{guides}; the measurement can neither confirm nor refute it yet. Settle it by more cases."
    if kind == "narrowed":
        short = numbers.listed([NAMES[lever] for lever in named])
        if expected in named:
            return f"{guides}, and it is on the measured shortlist. Which of it is best takes more cases."
        return f"{guides}, but it was measured out: what is left is {short}. {WINS}"
    if next(iter(named)) == expected or (kind == "tie" and expected in named):
        sure = "" if meets_bar else " It was not shown good enough yet: add cases."
        return f"{guides}, and the measurement agrees.{sure}"
    return _disagree(found, expected, next(iter(named)), meets_bar)


def _disagree(found: Expectation, expected: Lever, measured: Lever, meets_bar: bool) -> str:
    """The measurement names another lever than guidance does."""
    order = list(LANES)
    said = f"Guides expect {NAMES[expected]}; measured, {NAMES[measured]}"
    if order.index(measured) > order.index(expected):
        return f"{said} {'is needed to reach the bar' if meets_bar else 'did best'}. {WINS}"
    did = "is enough" if meets_bar else "did best, though it was not shown good enough"
    untested = dict.fromkeys(
        reason.question.key
        for reason in found.reasons
        if not reason.barred and expected in reason.levers and measured not in reason.levers
    )
    said += f" {did} on your own questions, which counts for more than the usual case."
    tests = numbers.listed([TESTS[key] for key in untested if key in TESTS])
    return f"{said} To be sure that they test what you asked for: {tests}." if tests else said


def progress(found: Expectation, questions: int) -> str:
    """As "5 of 14 answered"."""
    return f"{numbers.share(questions - len(found.missing), questions)} answered"
