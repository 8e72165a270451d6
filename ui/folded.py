"""Several repeats of one lane drawn as one: equal answers folded, figures as means, checks as counts."""

from collections import Counter
from collections.abc import Sequence

import streamlit as st

from backends.types import Sampling
from compare import numbers
from compare.consistency import fold, lexical_agreement
from compare.judging import combined
from compare.latency import tokens_per_second
from compare.live import LiveAnswer
from compare.statistics import wilson
from compare.wording import word_differences
from ui import cited, sources
from ui.text import safe

CHECK_LOOKS = {"pass": ("green", ":material/check:"), "fail": ("red", ":material/close:")}
UNSCORED_LOOK = ("gray", ":material/remove:")


def held_against(calls: Sequence[LiveAnswer], question: str) -> cited.Against:
    """What a lane's answers to a question are held against."""
    passages = next((call.prompt.passages for call in calls if call.prompt is not None), ())
    return cited.Against(passages=passages, question=question)


def answers(
    calls: Sequence[LiveAnswer],
    sampling: Sampling,
    against: cited.Against | None = None,
    *,
    presenter: bool,
) -> None:
    """The most frequent answer with its count, its citations, and the others behind a fold."""
    done = [call for call in calls if call.status == "done"]
    groups = fold([call.text for call in done])
    if groups:
        said = _said(groups[0].size, len(done))
        st.markdown(f"**{said}**" if not presenter else f"### {said}")
        _text(groups[0].text, against, presenter=presenter)
    if sampling.temperature == 0 and len(done) > 1:
        st.caption(
            "With temperature 0 the repeats are copies of one answer. "
            "They don't show how steady this approach is; raise the temperature for that."
        )
    if len(groups) > 1:
        others = sum(group.size for group in groups[1:])
        with st.expander(numbers.plural(others, "other answer")):
            st.caption(
                "Other words than the most frequent answer's are marked, those that are missing are struck."
            )
            for group in groups[1:]:
                st.markdown(
                    f"**{numbers.share(group.size, len(done))}**  \n{_marked(groups[0].text, group.text)}"
                )
    _losses(calls, hints=not presenter)


def shown_call(calls: Sequence[LiveAnswer]) -> LiveAnswer:
    """The call whose text stands for all: the first that gave the most frequent answer."""
    done = [call for call in calls if call.status == "done"]
    groups = fold([call.text for call in done])
    return next((call for call in done if call.text == groups[0].text), calls[0]) if done else calls[0]


def _marked(usual: str, text: str) -> str:
    """An answer as Markdown, with what it says in other words than the usual one; plain when it shares less
    than half of its words.
    """
    looks = {"same": "{}", "new": ":blue-background[{}]", "left out": ":gray[~~{}~~]"}
    pieces = word_differences(usual, text)
    shared = sum(len(piece.text.split()) for piece in pieces if piece.kind == "same")
    if 2 * shared < len(text.split()):
        return safe(text)
    return " ".join(looks[piece.kind].format(safe(piece.text)) for piece in pieces)


def consistency(calls: Sequence[LiveAnswer], sampling: Sampling) -> None:
    """How alike the repeats are and how often they are right; nothing for copies and single answers."""
    texts = [call.text for call in calls if call.status == "done"]
    if len(texts) < 2 or sampling.temperature == 0:
        return
    groups = fold(texts)
    alike = numbers.percent(lexical_agreement(texts))
    different = f"**{len(groups)} different answers**, wording **{alike}** alike"
    lines = [different if len(groups) > 1 else "**The same answer** every time"]
    outcomes = [combined(check.result for check in call.checks) for call in calls]
    passes, judged = outcomes.count("pass"), len(outcomes) - outcomes.count("unscored")
    if judged:
        low, high = wilson(passes, judged)
        right = numbers.share(passes, judged)
        between = f"{numbers.percent(low)} to {numbers.percent(high)}"
        lines.append(f"Right **{right}** times: {between} of all its answers to this question (95 %)")
    st.caption("  \n".join(lines))


def _said(size: int, whole: int) -> str:
    if size == 1 and whole > 1:
        return f"All {whole} are different; one of them:"
    return f"All {whole} said this" if size == whole > 1 else f"{numbers.share(size, whole)} said this"


def _text(text: str, against: cited.Against | None, *, presenter: bool) -> None:
    if not text:
        st.caption("The model ended its answer without writing anything.")
    elif presenter:
        st.markdown(f"### {safe(text)}")
    else:
        cited.text(text, against)
        sources.cited_row(against, text)
    cited.flags(text, against, presenter=presenter)


def _losses(calls: Sequence[LiveAnswer], *, hints: bool) -> None:
    stopped = sum(call.status == "cancelled" for call in calls)
    if stopped:
        st.caption(f"{numbers.share(stopped, len(calls))} stopped before the end.")
    failures = [call.failure for call in calls if call.failure is not None]
    for failure, times in Counter(failures).items():
        reason = safe(f"{failure.message} {failure.hint if hints else ''}")
        st.error(f"{numbers.share(times, len(calls))} failed: {reason}", icon=":material/error:")


def checks(calls: Sequence[LiveAnswer]) -> None:
    """Pass, fail or unscored with its reason; over repeats the counts with each outcome's first reason."""
    places = {(place, check.name): None for call in calls for place, check in enumerate(call.checks)}
    for place, name in places:  # A case may have two checks of one name.
        beside = [call.checks[place] for call in calls if place < len(call.checks)]
        results = [check for check in beside if check.name == name]
        for outcome in ("pass", "fail", "unscored"):
            matching = [check for check in results if check.result == outcome]
            if matching:
                colour, icon = CHECK_LOOKS.get(outcome, UNSCORED_LOOK)
                many = f" {numbers.share(len(matching), len(results))}" if len(results) > 1 else ""
                st.markdown(
                    f":{colour}-badge[{icon} {outcome}{many}] {safe(matching[0].reason)}", help=safe(name)
                )


def time_in_short(calls: Sequence[LiveAnswer]) -> None:
    """How long the answers took, in large type."""
    total = _mean(
        [call.answer.timing.total_ms for call in calls if call.status == "done" and call.answer is not None]
    )
    if total is not None:
        st.markdown(f"#### Took {numbers.seconds(total)}")


def figures(calls: Sequence[LiveAnswer]) -> None:
    """First words, total, tokens and speed of the finished answers; means when there are several."""
    done = [call.answer for call in calls if call.status == "done" and call.answer is not None]
    if not done:
        return
    first = _mean([answer.timing.ttft_ms for answer in done])
    total = _mean([answer.timing.total_ms for answer in done])
    speeds = [tokens_per_second(answer.timing, answer.usage) for answer in done]
    lines = [
        f"First words after **{numbers.seconds(first)}**",
        f"Finished after **{numbers.seconds(total)}**",
        f"**{numbers.count(_mean([answer.usage.prompt_tokens for answer in done]))}** tokens read, "
        f"**{numbers.count(_mean([answer.usage.completion_tokens for answer in done]))}** written",
        f"**{numbers.rate(_mean(speeds))}** tokens written",
    ]
    if len(done) > 1:
        lines.append(f"(means of {numbers.plural(len(done), 'answer')})")
    st.caption("  \n".join(lines))


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
