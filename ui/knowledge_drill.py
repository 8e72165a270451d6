"""When a fact changes: edit one, and see which approach is right again, after how long, at what cost."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from backends.base import DEFAULT_BACKENDS, missing
from backends.errors import LeverError
from backends.knowledge.documents import WRITTEN, document_paths, read_document
from backends.registry import registry
from backends.scenario import Scenario
from compare import numbers
from compare.case_files import load_cases
from compare.drill import DrillPlan, plan_drill
from compare.drill_undo import put_back, to_put_back
from compare.drills import drills
from compare.knowledge_change import Change, Touched, scripted_change, touched_cases, with_answer
from compare.lane_names import lane_title
from ui.knowledge_drill_view import follow
from ui.resources import get_engine, get_store
from ui.text import safe, said

SCRIPTED, OWN = "The prepared change", "A change of your own"
PUT_BACK = "drill_put_back"
"""What putting back said, until it is shown."""


def drill(scenario: Scenario) -> None:
    """Plan one, follow it, read what it found, put everything back."""
    if PUT_BACK in st.session_state:
        st.success(safe(st.session_state.pop(PUT_BACK)), icon=":material/check_circle:")
    going = drills().get(scenario.name)
    if going is not None:
        follow(going)
        if not going.view().ended:
            return
    if document := to_put_back(scenario):
        st.info(
            f"The drill changed {safe(document)}. Ask about it on the first page, or put everything back."
        )
        st.button(
            "Put everything back", type="primary", icon=":material/undo:", key="put_back_drill",
            on_click=_put_back, args=(scenario,),
        )  # fmt: skip
        return
    if going is not None:
        st.button(
            "Start over", icon=":material/refresh:", key="drill_again",
            on_click=drills().forget, args=(scenario.name,),
        )  # fmt: skip
        return
    st.markdown(
        "Change one fact in a document. Lever asks the cases about it before and after, brings the index in "
        "step, and shows who is right again, and after how long. Everything can be put back."
    )
    change = _change(scenario)
    if change is not None:
        _planned(scenario, change)


def _change(scenario: Scenario) -> Change | None:
    """What the person changes; None as long as nothing is changed."""
    found = document_paths(scenario.knowledge)
    paths = {path.name: path for path in found if path.suffix.lower() in WRITTEN}
    if not paths:
        st.info("There is no document to change. Add some under “Documents”.")
        return None
    kinds = [SCRIPTED, OWN] if scenario.drill is not None else [OWN]
    kind = st.segmented_control(
        "Change", kinds, default=kinds[0], required=True, key=f"drill_kind_{scenario.name}",
        label_visibility="collapsed",
    )  # fmt: skip
    try:
        if kind == SCRIPTED and scenario.drill is not None:
            change = scripted_change(scenario, read_document(paths[scenario.drill.document]).text)
        else:
            name = st.selectbox("Document", list(paths), key=f"drill_document_{scenario.name}")
            before = read_document(paths[name]).text
            key = f"drill_text_{scenario.name}_{name}"
            after = st.text_area("Change a fact in it", before, height=260, key=key)
            change = Change(document=name, before=before, after=after)
    except (LeverError, KeyError) as error:
        st.warning(said(error) if isinstance(error, LeverError) else "The document of the drill is gone.")
        return None
    if not change.removed and not change.added:
        st.caption("Nothing is changed yet.")
        return None
    st.markdown(
        f"**{safe(change.document)}**  \n"
        f":red-background[:material/remove: {safe(change.removed) or 'nothing goes'}]  \n"
        f":green-background[:material/add: {safe(change.added) or 'nothing comes'}]"
    )
    return change


def _planned(scenario: Scenario, change: Change) -> None:
    try:
        touched = touched_cases(load_cases(scenario), change, scenario)
    except LeverError as error:
        st.error(said(error))
        return
    if not touched:
        st.warning(
            "No case asks for what you changed: its checks would have to accept the old text and refuse the "
            "new one. Change a fact that a case checks."
        )
        return
    touched = _answers_now(touched, scenario)
    known = registry()
    able = [
        name
        for name in known
        if name != "shuffled" and not missing(known[name], scenario, scenario.texts, get_engine())
    ]
    lanes = st.pills(
        "Approaches", able, selection_mode="multi", format_func=lane_title,
        default=[name for name in DEFAULT_BACKENDS if name in able], key=f"drill_lanes_{scenario.name}",
    )  # fmt: skip
    first, second = st.columns((1, 3), vertical_alignment="bottom")
    repeats = first.number_input("How often each question", 1, 50, 3, key="drill_repeats")
    retrain = second.toggle(
        "Train LoRA again on the changed examples", key="drill_retrain",
        help="The last step: what it takes until an adapter knows the new fact. That is minutes.",
    )  # fmt: skip
    ready = get_engine().status().state == "ready"
    if st.button(
        "Start the drill", type="primary", icon=":material/play_arrow:", key="start_drill",
        disabled=not ready or not lanes,
    ):  # fmt: skip
        _start(scenario, change, touched, lanes, repeats=repeats, retrain=retrain)


def _answers_now(touched: Sequence[Touched], scenario: Scenario) -> tuple[Touched, ...]:
    """The touched cases with what is right after the change, which can be corrected here."""
    many = numbers.plural(len(touched), "case asks", "cases ask")
    with st.expander(f"{many} for this fact", icon=":material/checklist:", expanded=True):
        table = pd.DataFrame(
            {
                "Question": [one.before.query for one in touched],
                "Right before": [one.before.expected or one.before.checks for one in touched],
                "Right after": [one.after.expected if one.after else "" for one in touched],
            }
        )
        edited = st.data_editor(
            table, hide_index=True, disabled=["Question", "Right before"], num_rows="fixed",
            key=f"drill_cases_{hash(repr(touched))}",
        )  # fmt: skip
        answers = [str(text or "") for text in edited["Right after"]]
        unknown = sum(not text.strip() for text in answers)
        if unknown:
            st.caption(
                f"{numbers.plural(unknown, 'case is', 'cases are')} left out: say what is right after."
            )
    return tuple(
        one if one.after and text == one.after.expected else with_answer(one, text, scenario)
        for one, text in zip(touched, answers, strict=True)
    )


def _start(
    scenario: Scenario,
    change: Change,
    touched: Sequence[Touched],
    lanes: Sequence[str],
    *,
    repeats: int,
    retrain: bool,
) -> None:
    try:
        plan: DrillPlan = plan_drill(scenario, change, lanes, cases=touched, repeats=repeats, retrain=retrain)
        drills().start(plan, store=get_store(), engine=get_engine())
    except LeverError as error:
        st.error(said(error))
        return
    st.rerun()


def _put_back(scenario: Scenario) -> None:
    try:
        put_back(scenario)
        st.session_state[PUT_BACK] = "Everything is as it was before the drill."
    except (LeverError, OSError) as error:
        st.session_state[PUT_BACK] = str(error)
    if not to_put_back(scenario):
        drills().forget(scenario.name)
