"""The adapters of a scenario: which one answers, how each was made, in and out as files."""

import pandas as pd
import streamlit as st

from backends.adapter_zip import export_zip, import_zip
from backends.adapters import Registered, delete, registered, use
from backends.engine.base import Engine
from backends.errors import LeverError
from backends.registry import registry
from backends.scenario import Scenario
from backends.settings import settings
from backends.training import ADAPTERS
from compare import numbers
from compare.charts.look import Figure
from compare.charts.training import epochs_chart
from ui.drawing import draw
from ui.resources import get_engine
from ui.text import safe

SAID = "adapters_said"
"""What the last change said (icon, sentence), until it is shown."""


def adapters(scenario: Scenario) -> None:
    """The list; below it the chosen one's card, or two of them side by side; and the way in."""
    for icon, sentence in st.session_state.pop(SAID, ()):
        (st.error if icon == "error" else st.success)(safe(sentence), icon=f":material/{icon}:")
    found = registered(scenario)
    if not found:
        st.info("There is no adapter yet. Train one under “Train”, or bring one below.")
    else:
        chosen = _listed(found)
        if not chosen:
            st.caption("Choose one to see how it was made and to use, export or delete it; two to compare.")
        elif len(chosen) > 2:
            st.caption("At most two stand beside each other.")
        else:
            for column, one in zip(st.columns(len(chosen)), chosen, strict=True):
                with column, st.container(border=True, key=f"card_{one.kind}_{one.number}"):
                    _card(scenario, one)
    _bring(scenario)


def _listed(found: tuple[Registered, ...]) -> list[Registered]:
    """All adapters; gives the chosen ones."""
    loaded = {one.key for one in get_engine().status().adapters}
    table = pd.DataFrame(
        {
            "adapter": [_name(one) for one in found],
            "for": [registry()[one.kind].title if one.kind in registry() else one.kind for one in found],
            "answers now": [one.in_use for one in found],
            "loaded": [one.key in loaded for one in found],
            "held-out loss": [numbers.loss(one.card.held_out_loss) for one in found],
            "examples": [numbers.count(one.card.examples.get("file")) for one in found],
            "size": [numbers.size(one.card.size_bytes) for one in found],
            "trained": [_when(one) for one in found],
            "note": [one.problem or one.card.note for one in found],
        }
    )
    chosen = st.dataframe(
        table, hide_index=True, on_select="rerun", selection_mode="multi-row", key="adapters_table"
    )
    return [found[row] for row in chosen.selection.rows if row < len(found)]  # type: ignore[attr-defined]


def _card(scenario: Scenario, one: Registered) -> None:
    """How it was made, and what can be done with it."""
    card, engine = one.card, get_engine()
    title = registry()[one.kind].title if one.kind in registry() else one.kind
    st.markdown(f"**{safe(_name(one))}** for {safe(title)}")
    if one.problem:
        st.error(f"It can't be used: it {safe(one.problem)}.", icon=":material/error:")
    status = engine.status()
    if card.base_hash and status.base_hash and card.base_hash != status.base_hash:
        st.warning(
            f"It was trained for another base model ({safe(card.base_model) or 'unknown'}). "
            "Train it again under “Train” to use it with this one."
        )
    facts = {
        "Base model": card.base_model,
        "Base weights": card.base_hash[:12],
        "Examples": _examples(one),
        "Data": card.data_hash[:12],
        "Settings": _settings(one),
        "Held-out loss": f"{numbers.loss(card.held_out_loss)}, after epoch {card.kept_epoch:g}"
        if card.kept_epoch is not None
        else numbers.loss(card.held_out_loss),
        "Training": _cost(one),
        "Size": numbers.size(card.size_bytes),
        "Trained": " by ".join(
            part for part in (card.trained_at[:16].replace("T", " "), card.trained_by) if part
        ),
        "Versions": ", ".join(f"{name} {version}" for name, version in card.versions.items()),
        "Note": card.note,
    }
    rows = [(name, value) for name, value in facts.items() if value and value != numbers.ABSENT]
    st.table(pd.DataFrame(rows, columns=["", " "]).set_index(""), border="horizontal")
    if len(card.epochs) > 1:
        draw(
            Figure(
                key=f"losses_{one.kind}_{one.number}",
                chart=epochs_chart(card.epochs),
                alt="Training loss and held-out loss after each epoch",
            )
        )
    _actions(scenario, one, engine)


def _actions(scenario: Scenario, one: Registered, engine: Engine) -> None:
    key, place = f"{one.kind}_{one.number}", (scenario, one)
    loaded = any(known.key == one.key for known in engine.status().adapters)
    with st.container(horizontal=True):
        if not one.in_use:
            st.button(
                "Answer with this one", type="primary", icon=":material/check:", key=f"use_{key}",
                on_click=_use, args=place, disabled=bool(one.problem),
            )  # fmt: skip
        if loaded:
            st.button("Unload", icon=":material/eject:", key=f"unload_{key}", on_click=_unload, args=(one,))
        elif engine.status().state == "ready":
            st.button(
                "Load", icon=":material/download:", key=f"load_{key}", on_click=_load, args=(one,),
                disabled=bool(one.problem),
            )  # fmt: skip
        st.download_button(
            "Export", lambda: export_zip(one), f"{one.scenario}-{one.kind}-{one.number}.zip",
            mime="application/zip", icon=":material/archive:", key=f"export_{key}",
        )  # fmt: skip
        if one.number:
            with st.popover("Delete", icon=":material/delete:"):
                st.markdown(f"Delete {safe(_name(one))}? Its stored answers stay.")
                st.button("Delete it", type="primary", key=f"delete_{key}", on_click=_delete, args=place)


def _bring(scenario: Scenario) -> None:
    """An adapter from a file, vetted before anything of it is used."""
    with st.expander("Bring an adapter", icon=":material/upload:"):
        st.caption(
            "A zip file that Lever exported, or one with adapter_config.json and adapter_model.safetensors. "
            "Only plain LoRA weights for this base model are taken."
        )
        file = st.file_uploader("Zip file", type=["zip"], key=f"bring_{scenario.name}")
        kind = st.selectbox(
            "Which approach it is for, where the file does not say it", ADAPTERS,
            format_func=lambda name: registry()[name].title, key=f"bring_kind_{scenario.name}",
        )  # fmt: skip
        vouched = st.checkbox(
            "It was trained for this base model, as I know", key=f"bring_vouched_{scenario.name}",
            help="Asked only of files that don't say it.",
        )  # fmt: skip
        st.button(
            "Take it in", icon=":material/upload:", key="bring", disabled=file is None, on_click=_import,
            args=(scenario, b"" if file is None else file.getvalue(), kind, vouched),
        )  # fmt: skip


def _name(one: Registered) -> str:
    return f"Adapter {one.number}" if one.number else "As shipped"


def _when(one: Registered) -> str:
    return one.card.trained_at[:16].replace("T", " ")


def _examples(one: Registered) -> str:
    said = one.card.examples
    parts = [f"{numbers.count(said[key])} {what}" for key, what in
             (("training", "learnt from"), ("held_out", "held out")) if key in said]  # fmt: skip
    return ", ".join(parts)


def _settings(one: Registered) -> str:
    recipe = one.card.recipe
    known = {
        "epochs": "epochs", "learning_rate": "learning rate", "batch_size": "batch", "rank": "rank",
        "alpha": "alpha", "dropout": "dropout", "seed": "seed",
    }  # fmt: skip
    said = [
        f"{title} {recipe[key]:g}" for key, title in known.items() if isinstance(recipe.get(key), int | float)
    ]
    return ", ".join(said)


def _cost(one: Registered) -> str:
    card = one.card
    if card.seconds is None:
        return ""
    speed = f", {numbers.count(card.tokens_per_second)} tokens a second" if card.tokens_per_second else ""
    return f"{numbers.seconds(1000 * card.seconds)}{speed}"


def _told(icon: str, sentence: str) -> None:
    st.session_state.setdefault(SAID, []).append((icon, sentence))


def _use(scenario: Scenario, one: Registered) -> None:
    try:
        use(scenario, one.kind, one.number)
        _told("check_circle", f"{registry()[one.kind].title} answers with {_name(one).lower()} from now on.")
    except LeverError as error:
        _told("error", str(error))


def _load(one: Registered) -> None:
    try:
        info = get_engine().load_adapter(one.key, str(one.folder))
        _told(
            "check_circle", f"{_name(one)} is loaded; the check that it leaves the rest alone {info.proof}."
        )
    except LeverError as error:
        _told("error", str(error))


def _unload(one: Registered) -> None:
    try:
        get_engine().unload_adapter(one.key)
        _told("check_circle", f"{_name(one)} is unloaded; the next question that needs it loads it again.")
    except LeverError as error:
        _told("error", str(error))


def _delete(scenario: Scenario, one: Registered) -> None:
    try:
        _told("check_circle", delete(scenario, one.number))
        get_engine().unload_adapter(one.key)
    except LeverError as error:
        _told("error", str(error))


def _import(scenario: Scenario, data: bytes, kind: str, vouched: bool) -> None:
    if len(data) > settings().max_upload_mb * 1_000_000:
        _told("error", f"The file is larger than {settings().max_upload_mb} MB.")
        return
    try:
        one = import_zip(scenario, data, engine=get_engine(), kind=kind, vouched=vouched)
        _told("check_circle", f"It is {_name(one).lower()} now, loaded and checked. Put it in use above.")
    except LeverError as error:
        _told("error", str(error))
