"""The home screen: one question, every approach answers it at the same time."""

import streamlit as st

from backends.types import Query
from ui import lanes
from ui.answer_charts import draw_latency, draw_tokens
from ui.badge import explain_readiness
from ui.controls import applicable, settings_popover
from ui.prompt_drawer import prompt_drawer
from ui.prompt_texts import texts_popover
from ui.recent import recent_popover
from ui.resources import scenarios
from ui.shell import require_shell
from ui.state import ask, ask_example, example_asked, followed_run, prefill
from ui.text import safe, said, shorten

LABEL_CHARS = 70

require_shell()

known, broken = scenarios()
for problem in broken:
    st.warning(said(problem))
if not known:
    st.error("There are no scenarios to ask about. LEVER_SCENARIOS_DIR names the folder that holds them.")
    st.stop()
view = followed_run()
prefill(view, known)
presenter, blind = (bool(st.session_state.get(key, False)) for key in ("presenter", "blind"))

# What is asked, and how
with st.container(
    horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", key="choices"
):
    name = st.pills(
        "Scenario",
        list(known),
        required=True,
        format_func=lambda name: known[name].title,
        key="scenario",
        persist_state="session",
        label_visibility="collapsed",
    )
    scenario = known[name or next(iter(known))]
    # In a container of their own they stay together on a narrow screen.
    with st.container(horizontal=True, vertical_alignment="center", width="content"):
        choices = settings_popover(shown=not presenter)
        texts, older = texts_popover(scenario, shown=not presenter)
        recent_popover(view, blind=blind)
        st.toggle("Blind", key="blind", persist_state="session")
        st.toggle("Presenter", key="presenter", persist_state="session")
st.markdown(safe(scenario.story))
asked_lanes = (*applicable(choices.backends, texts), *older)

with st.form("ask", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
    question = st.text_area(
        "Your question",
        key="question",
        height=76,
        placeholder="Type a question, or take an example",
    )
    asked = st.form_submit_button("Ask", type="primary", icon=":material/send:", help="Ctrl+Enter asks too.")
with st.container(horizontal=True, key="examples", gap="xsmall"):
    for number, example in enumerate(scenario.examples):
        label = safe(shorten(example, LABEL_CHARS))
        st.button(label, key=f"example_{number}", on_click=ask_example, args=(example,), wrap=True)
explain_readiness()

if asked or example_asked():
    query = Query(
        text=question or "",
        scenario=scenario.name,
        sampling=choices.sampling,
        repeats=choices.repeats,
        seed=choices.seed,
        mode=choices.mode,
    )
    view = ask(query, lanes=asked_lanes, texts=texts) or view

# What came back
if view is None:
    st.caption("Ask something: the answers appear here side by side, one column for each approach.")
    lanes.preview(asked_lanes)
    st.stop()
lanes.follow(view, presenter=presenter, blind=blind)
if blind:
    st.caption("Which approach wrote which answer? Switch “Blind” off to see it.")
elif not presenter:
    prompt_drawer(view)
if view.done and not blind:
    if view.query.repeats > 1 and not presenter:
        st.page_link(
            "pages/results.py",
            label="How steady, how fast, how sure: all figures of these answers",
            icon=":material/monitoring:",
            query_params={"run": view.id},
        )
    st.space("small")
    left, right = st.columns(2, gap="large")
    with left:
        draw_latency(view)
    if not presenter:
        with right:
            draw_tokens(view)
