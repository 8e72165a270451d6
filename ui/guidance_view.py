"""The questions before data on the screen, and the lever that published guidance expects from the answers."""

import streamlit as st

from backends.errors import LeverError
from backends.scenario import Scenario
from compare.guidance import Expectation, Reason, expectation
from compare.guidance_answers import keep_answers, load_answers
from compare.guidance_questions import QUESTIONS
from compare.guidance_words import details, headline, progress
from ui.text import safe, said

COLUMNS = 3
LEGEND = (
    ":material/check: the expected lever meets it · :material/remove: it does not · "
    ":material/block: it puts levers out of reach. What guides say stands here in our own words."
)


def guidance_view(scenario: Scenario, key: str) -> Expectation | None:
    """What guidance expects of a scenario's task, below it the questions; None while nothing is answered.
    ``key`` begins the keys of what is chosen.
    """
    kept = load_answers(scenario.name)
    keys = {question.key: f"{key}_{scenario.name}_{question.key}" for question in QUESTIONS}
    if kept.problem:
        st.warning(safe(kept.problem), icon=":material/warning:")
    for question, state_key in keys.items():
        st.session_state.setdefault(state_key, kept.answers.get(question))
    answers = {question: answer for question, at in keys.items() if (answer := st.session_state[at])}
    found = expectation(answers)
    st.markdown(f"#### {safe(headline(found))}")
    st.caption(safe(details(found)))
    for conflict in found.conflicts:
        st.warning(safe(conflict), icon=":material/error:")
    # Folded or not as it was at first: it must not close under the reader's hand.
    unfolded = st.session_state.setdefault(f"{key}_{scenario.name}_unfolded", found.lever is None)
    with st.expander("Questions about the task", expanded=unfolded, icon=":material/quiz:"):
        _questions(scenario, keys, found)
    if found.reasons:
        with st.expander("Why, and who says so", icon=":material/menu_book:"):
            for reason in found.reasons:
                st.markdown(_reason(reason))
            st.caption(LEGEND)
    return found if answers else None


def _questions(scenario: Scenario, keys: dict[str, str], found: Expectation) -> None:
    columns = st.columns(COLUMNS)
    for number, question in enumerate(QUESTIONS):
        columns[number % COLUMNS].selectbox(
            question.text, list(question.options), index=None, format_func=question.options.get,
            placeholder="Don't know", key=keys[question.key], help=safe(question.help),
            on_change=_keep, args=(scenario.name, question.key, keys[question.key]),
        )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"{progress(found, len(QUESTIONS))}. Answers are kept with the scenario.", width="stretch")
        st.button(
            "Forget the answers", icon=":material/restart_alt:", type="tertiary", on_click=_forget,
            key=f"{keys[QUESTIONS[0].key]}_forget", args=(scenario.name, keys),
            disabled=len(found.missing) == len(QUESTIONS),
        )  # fmt: skip


def _keep(scenario: str, question: str, at: str) -> None:
    """Keep this answer beside the kept ones, which may be newer than this session."""
    answers = {**load_answers(scenario).answers, question: st.session_state[at]}
    _write(scenario, {key: answer for key, answer in answers.items() if answer})


def _forget(scenario: str, keys: dict[str, str]) -> None:
    for at in keys.values():
        st.session_state[at] = None
    _write(scenario, {})


def _write(scenario: str, answers: dict[str, str]) -> None:
    try:
        keep_answers(scenario, answers)
    except LeverError as error:
        st.toast(said(error))


def _reason(reason: Reason) -> str:
    """An answer, what it speaks for, and who says so."""
    spoken = ":material/check:" if reason.met else ":material/remove:"
    mark = ":material/block:" if reason.barred else spoken
    address = reason.source.address
    return (
        f"{mark} {safe(reason.question.text)} **{safe(reason.answer)}.** {safe(reason.because)} "
        f":small[[{safe(reason.source.title)}]({address})]"
    )
