"""The editor of a scenario's prompt texts: instructions, worked examples, reasoning, answer form, versions.

What is asked with is kept as a numbered version; an older one can be taken back, compared, or asked beside
the new one as a lane of its own.
"""

import difflib
import json
from collections.abc import Mapping, Sequence

import streamlit as st

from backends.errors import LeverError
from backends.own_scenarios import is_own, keep_texts
from backends.scenario import FewShot, PromptTexts, Scenario, checked_schema
from compare.lanes import MARK
from ui.resources import get_store
from ui.text import safe, said, shorten

EDITOR_PX = 640
SHOWN_VERSIONS = 20
DRAWN = "examples_drawn"
"""The scenario whose table of examples was on the page last."""
Shots = list[dict[str, str | None]]


def texts_popover(scenario: Scenario, *, shown: bool) -> tuple[PromptTexts, tuple[str, ...]]:
    """The texts as edited, and the lanes of older versions that are to answer as well.

    When not shown, what was said last still holds.
    """
    _begin(scenario)
    if shown:
        _keep_examples(scenario)
        with st.popover("Instructions", icon=":material/assignment:", width="content"):
            _editors(scenario)
            _versions(scenario)
    else:
        st.session_state.pop(DRAWN, None)
    answering = st.session_state.get(_key("answering", scenario), [])
    return _edited(scenario), tuple(f"prompt{MARK}{number}" for number in answering)


def _key(part: str, scenario: Scenario) -> str:
    return f"{part}_{scenario.name}"


def _editor(scenario: Scenario) -> str:
    return f"{_key('shots_editor', scenario)}_{st.session_state[_key('fresh', scenario)]}"


def _begin(scenario: Scenario) -> None:
    if _key("shots", scenario) not in st.session_state:
        _put(scenario, scenario.texts)


def _keep_examples(scenario: Scenario) -> None:
    """A table that was not drawn forgets its changes; begin a new one with what it said."""
    state = st.session_state
    if state.get(DRAWN) != scenario.name or _editor(scenario) not in state:  # Another page was looked at.
        state[DRAWN] = scenario.name
        state[_key("shots", scenario)] = state[_key("shots_now", scenario)]
        state[_key("fresh", scenario)] += 1


def _put(scenario: Scenario, texts: PromptTexts) -> None:
    """Load texts into the editors; the table of examples begins anew, as it only knows changes."""
    state = st.session_state
    state[_key("system", scenario)] = texts.system
    state[_key("cot", scenario)] = texts.cot
    state[_key("schema", scenario)] = texts.schema or ""
    shots = texts.few_shot or (FewShot(user="", assistant=""),)  # A table without rows has no columns.
    rows = [{"user": shot.user, "assistant": shot.assistant} for shot in shots]
    state[_key("shots", scenario)] = state[_key("shots_now", scenario)] = rows
    state[_key("fresh", scenario)] = state.get(_key("fresh", scenario), 0) + 1


def _edited(scenario: Scenario) -> PromptTexts:
    state = st.session_state
    shots: Shots = state[_key("shots_now", scenario)]
    return PromptTexts(
        system=str(state[_key("system", scenario)] or ""),
        cot=str(state[_key("cot", scenario)] or "").strip(),
        few_shot=tuple(FewShot(user=user, assistant=said) for user, said in _turns(shots) if user and said),
        schema=str(state[_key("schema", scenario)] or "").strip() or None,
    )


def _turns(shots: Shots) -> list[tuple[str, str]]:
    return [((row.get("user") or "").strip(), (row.get("assistant") or "").strip()) for row in shots]


def _editors(scenario: Scenario) -> None:
    system, shots, cot, schema = st.tabs(["Instructions", "Worked examples", "Reasoning", "Answer form"])
    with system:
        st.caption(
            "All lanes get the same instructions (the system prompt), so that only the approach differs. "
            "Two go without: “Question only” and “LoRA, no instructions”."
        )
        _area("Instructions to the model", "system", scenario)
    with shots:
        st.caption("The lane “Prompt + examples” shows these to the model before the question.")
        _shots(scenario)
    with cot:
        st.caption("The lane “Prompt, reasoning first” adds this to the instructions (chain of thought).")
        _area("How to reason before the answer", "cot", scenario)
    with schema:
        st.caption("The lane “Prompt, held to JSON” can only write what this JSON schema allows.")
        text = _area("JSON schema of the answer", "schema", scenario)
        try:
            checked_schema(text)
        except ValueError as error:
            st.error(f"This is not a JSON schema yet: {safe(str(error))}.")


def _area(label: str, part: str, scenario: Scenario) -> str:
    key = _key(part, scenario)
    return st.text_area(label, key=key, height=180, width=EDITOR_PX, persist_state="session") or ""


def _shots(scenario: Scenario) -> None:
    state = st.session_state
    rows: Shots = st.data_editor(
        state[_key("shots", scenario)],
        num_rows="dynamic",
        column_config={
            "user": st.column_config.TextColumn("Somebody asks", width="medium"),
            "assistant": st.column_config.TextColumn("The right answer", width="medium"),
        },
        column_order=("user", "assistant"),
        hide_index=True,
        width=EDITOR_PX,
        key=_editor(scenario),
    )
    state[_key("shots_now", scenario)] = rows
    if any(bool(user) != bool(said) for user, said in _turns(rows)):
        st.warning("A row with an empty cell is left out.")


def _versions(scenario: Scenario) -> None:
    now, own = _edited(scenario), scenario.texts
    try:
        versions = {v.number: v.texts for v in get_store().texts_versions(scenario.name)}
    except LeverError as error:
        st.error(said(error))
        st.session_state[_key("answering", scenario)] = []
        return
    number = next((number for number, texts in versions.items() if texts == now), None)
    if number is not None:
        st.caption(f"This is version {number}.")
    elif now == own:
        st.caption("The scenario's own texts. The next question or run keeps them as a numbered version.")
    else:
        st.caption(f"Edited. The next question or run keeps it as version {max(versions, default=0) + 1}.")
    if now != own:
        st.button(
            "Back to the scenario's own texts",
            key=_key("own", scenario),
            on_click=_put,
            args=(scenario, own),
        )
        if is_own(scenario):
            st.button(
                "Make these the scenario's own texts",
                key=_key("keep", scenario),
                on_click=_keep,
                args=(scenario, now),
            )
    others = {number: texts for number, texts in versions.items() if texts != now}
    st.session_state[_key("answering", scenario)] = _older(scenario, now, others) if others else []


def _keep(scenario: Scenario, texts: PromptTexts) -> None:
    try:
        keep_texts(scenario, texts)
    except LeverError as error:
        st.toast(said(error))


def _older(scenario: Scenario, now: PromptTexts, versions: Mapping[int, PromptTexts]) -> list[int]:
    """Look at one other version, take it back; gives those that are to answer beside the texts above."""
    newest_first = sorted(versions, reverse=True)[:SHOWN_VERSIONS]
    chosen = st.selectbox(
        "Compare with",
        newest_first,
        index=None,
        placeholder="Choose a version",
        format_func=lambda number: f"Version {number}: {shorten(versions[number].system, 60)}",
        key=_key("looked_at", scenario),
        width=EDITOR_PX,
    )
    if chosen in versions:
        lines = difference(versions[chosen], now)
        st.code("\n".join(lines), language="diff", wrap_lines=True, width=EDITOR_PX)
        st.button(
            f"Take version {chosen} back",
            key=_key("take", scenario),
            on_click=_put,
            args=(scenario, versions[chosen]),
        )
    answering = st.pills(
        "Let older versions answer too, a lane each",
        newest_first,
        selection_mode="multi",
        format_func=lambda number: f"Version {number}",
        key=_key("compared", scenario),
        persist_state="session",
    )
    return [number for number in answering if number in versions]


def difference(old: PromptTexts, new: PromptTexts) -> list[str]:
    """What changed, line by line, with "-" before what was and "+" before what is."""
    before, after = (_lines(texts) for texts in (old, new))
    whole = max(len(before), len(after))
    return list(difflib.unified_diff(before, after, n=whole, lineterm=""))[3:]  # the first three are headers


def _lines(texts: PromptTexts) -> list[str]:
    shots: Sequence[str] = [
        line for shot in texts.few_shot for line in (f"Asked: {shot.user}", f"Answer: {shot.assistant}")
    ]
    schema = ""
    if texts.schema:
        try:
            schema = json.dumps(json.loads(texts.schema), indent=1)
        except (ValueError, RecursionError):
            schema = texts.schema
    parts = (texts.system.replace(". ", ".\n"), *shots, texts.cot.replace(". ", ".\n"), schema)
    return [line for part in parts for line in part.splitlines()]
