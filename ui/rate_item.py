"""One thing to judge on the screen: its answers under letters, and every way to say what they are worth.

Nothing that is sent to the browser before a judgement says which approach wrote an answer: answers go by
letters, in an order that is the rater's own, and what each lane read or took is not shown.
"""

import time
from collections.abc import Mapping, Sequence

import streamlit as st

from backends.errors import LeverError
from compare.cases import Case
from compare.rating_items import ALL_BAD, HIGHEST, LOWEST, TIE, Judgement, answers_to
from compare.run_measures import Measured
from ui.resources import get_store
from ui.text import safe, said

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
SCORES, AT, SHOWN_AT, MISSED = "rate_scores", "rate_at", "rate_shown_at", "rate_missed"
"""Scores so far by criterion, the criterion that a digit is for, when the item was shown, what went wrong."""
BESIDE = 4
LEAST_S = 0.2
"""A judgement that comes sooner was a key pressed twice, and meant for the item before."""
HELD = {1: "Bad", 2: "Poor", 3: "Fair", 4: "Good", 5: "Very good"}
"""What the scores 1 to 5 mean."""


def draw_item(found: Measured, judgement: Judgement, criteria: Sequence[str]) -> None:
    """The question, the answers, and the buttons with their keys."""
    case = next(case for case in found.run.plan.cases if case.id == judgement.item.case)
    calls = answers_to(judgement.item, found.places)
    texts = [calls[lane].text if lane in calls else "" for lane in judgement.lanes]
    _begin(judgement)
    _question(case)
    same = len(texts) > 1 and len({" ".join(text.split()) for text in texts}) == 1
    if same:
        st.info("All answers are the same. One key says so: it is counted apart, as a tie.")
        _one(texts[0], "The answer of all")
    else:
        for first in range(0, len(texts), BESIDE):
            row = texts[first : first + BESIDE]
            for column, (number, text) in zip(st.columns(len(row)), enumerate(row, first), strict=True):
                with column:
                    _one(text, f"Answer {LETTERS[number]}" if len(texts) > 1 else "The answer")
    if judgement.item.mode == "stars":
        _stars(judgement, criteria)
    else:
        _choices(judgement, len(texts), same=same)
    _extras(judgement, texts)


def _begin(judgement: Judgement) -> None:
    """A new item begins anew, or with what was said of it before it was taken back."""
    state = st.session_state
    if state.get(SHOWN_AT, ("",))[0] != judgement.id:
        state[SHOWN_AT] = (judgement.id, time.monotonic())
        state[SCORES], state[AT] = dict(judgement.scores), 0


def _question(case: Case) -> None:
    with st.container(border=True):
        st.markdown(f"**{safe(case.query)}**")
        if case.context:
            st.text(case.context)
        if case.expected:
            st.caption(f"Expected: {safe(case.expected)}")


def _one(text: str, title: str) -> None:
    with st.container(border=True):
        st.caption(title)
        if text.strip():
            st.text(text, width="stretch")
        else:
            st.caption("This answer is empty.")


def _stars(judgement: Judgement, criteria: Sequence[str]) -> None:
    """One row of scores for the marked criterion; a score goes on to the next one.

    The five buttons stay what they are, whatever is marked: keys typed ahead hit the right criterion.
    """
    scores, at = st.session_state[SCORES], min(st.session_state[AT], len(criteria) - 1)
    with st.container(horizontal=True, vertical_alignment="center"):
        for number, criterion in enumerate(criteria):
            given = scores.get(criterion)
            st.button(
                f"{criterion.capitalize()}: {HELD[given].lower() if given else 'not scored yet'}",
                key=f"criterion_{number}",
                icon=":material/arrow_right:" if number == at else ":material/check:" if given else None,
                type="secondary" if number == at else "tertiary",
                on_click=_go_to,
                args=(number,),
            )
    with st.container(horizontal=True, vertical_alignment="center"):
        for score in range(LOWEST, HIGHEST + 1):
            st.button(
                HELD[score], key=f"score_{score}", shortcut=str(score), on_click=_score,
                args=(tuple(criteria), score),
                type="primary" if scores.get(criteria[at]) == score else "secondary",
            )  # fmt: skip
        _move("Up", at - 1, len(criteria))
        _move("Down", at + 1, len(criteria))
    complete = all(criterion in scores for criterion in criteria)
    st.button(
        "Save and next",
        type="primary" if complete else "secondary",
        icon=":material/check:",
        key="rate_save",
        shortcut="Enter",
        on_click=_save_stars,
        args=(judgement.id, tuple(criteria)),
    )


def _move(key: str, to: int, many: int) -> None:
    icon = ":material/arrow_back:" if key == "Up" else ":material/arrow_forward:"
    st.button(
        "", icon=icon, key=f"rate_{key}", shortcut=key, type="tertiary", disabled=not 0 <= to < many,
        help="The criterion before" if key == "Up" else "The next criterion",
        on_click=_go_to, args=(to,),
    )  # fmt: skip


def _choices(judgement: Judgement, many: int, *, same: bool) -> None:
    with st.container(horizontal=True):
        if not same:
            for number in range(many):
                better = "best" if many > 2 else "better"
                st.button(
                    f"{LETTERS[number]} is {better}",
                    key=f"choose_{number}",
                    shortcut=str(number + 1),
                    on_click=_choose,
                    args=(judgement.id, judgement.lanes[number], False),
                )
        bad, tie = "All are bad" if many > 2 else "Both are bad", "They are the same" if same else "A tie"
        look = "primary" if same else "secondary"
        st.button(
            tie, key="choose_tie", shortcut="T", type=look, on_click=_choose, args=(judgement.id, TIE, same)
        )
        st.button(bad, key="choose_bad", shortcut="0", on_click=_choose, args=(judgement.id, ALL_BAD, same))


def _extras(judgement: Judgement, texts: Sequence[str]) -> None:
    with st.expander("Comment, or a better answer", icon=":material/edit_note:"):
        st.text_area("Comment", value=judgement.comment, key=f"comment_{judgement.id}", height=68)
        st.text_area(
            "A better answer, in your words",
            value=judgement.edited,
            key=f"edited_{judgement.id}",
            height=100,
            help="It can become a training example.",
        )
        st.checkbox(
            "An answer's text tells which approach wrote it",
            value=judgement.gives_away,
            key=f"gives_{judgement.id}",
            help="Then this judgement is not a blind one, and is left out of the figures.",
        )


def _score(criteria: Sequence[str], score: int) -> None:
    state = st.session_state
    at = min(state[AT], len(criteria) - 1)
    state[SCORES], state[AT] = {**state[SCORES], criteria[at]: score}, at + 1


def _go_to(number: int) -> None:
    st.session_state[AT] = number


def _save_stars(judgement_id: str, criteria: Sequence[str]) -> None:
    scores: Mapping[str, int] = st.session_state[SCORES]
    if not any(criterion in scores for criterion in criteria):
        st.session_state[MISSED] = "Give at least one score first: a digit from 1 to 5. Or skip it."
        return
    _decide(judgement_id, scores={name: scores[name] for name in criteria if name in scores})


def _choose(judgement_id: str, choice: str, same: bool) -> None:
    _decide(judgement_id, choice=choice, same=same)


def _decide(judgement_id: str, **verdict: object) -> None:
    state = st.session_state
    seconds = time.monotonic() - state[SHOWN_AT][1]
    if seconds < LEAST_S:
        state[MISSED] = "That was quicker than anybody reads, so it was not counted. Say it again."
        return
    try:
        get_store().decide(
            judgement_id,
            comment=str(state.get(f"comment_{judgement_id}") or "").strip(),
            edited=str(state.get(f"edited_{judgement_id}") or "").strip(),
            gives_away=bool(state.get(f"gives_{judgement_id}")),
            seconds=seconds,
            **verdict,  # type: ignore[arg-type]
        )
    except LeverError as error:
        state[MISSED] = said(error)
