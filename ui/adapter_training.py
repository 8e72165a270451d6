"""Train an adapter: from which examples, with what wrong in them, how hard."""

from dataclasses import replace

import pandas as pd
import streamlit as st

from backends.engine.loading import why_not_four_bit
from backends.errors import LeverError
from backends.registry import registry
from backends.scenario import Scenario
from backends.training import ADAPTERS, Recipe
from backends.training.jobs import is_running, jobs
from backends.training.recipes import PRESETS, STANDARD
from compare import numbers
from compare.case_files import load_cases
from compare.training_data import TrainingDataReport
from compare.training_findings import Finding
from compare.training_plan import (
    Examples,
    Source,
    checked,
    planned,
    read,
    recipe_of,
    sources,
    stored_examples,
)
from compare.trainings import start_training
from ui.adapter_progress import FOLLOWED, trainings
from ui.rater import rater_here
from ui.resources import get_engine
from ui.text import safe, said

SOURCES: dict[Source, str] = {
    "scenario": "The scenario's examples",
    "ratings": "Made from ratings and runs",
    "file": "A file of yours",
}
ICONS = {"refuses": ":material/block:", "warns": ":material/warning:", "notes": ":material/info:"}
NEEDS = {
    "lora": "Learns the task from questions and answers.",
    "lora_short": "The same without the instructions: a long prompt becomes part of the adapter.",
    "hybrid": "Learns to answer from the passages that retrieval finds now.",
}
MOST_NOTE = 120


def train(scenario: Scenario) -> None:
    """What goes on first; then the examples with what is wrong in them, beside how to train."""
    trainings(scenario)
    left, right = st.columns(2, gap="medium")
    with left:
        st.subheader("What it learns from")
        examples = _examples(scenario)
        if examples is not None:
            report = _report(scenario, examples)
            _findings(examples, report)
    with right:
        st.subheader("How to train")
        if examples is None:
            st.info("First give a file with questions and answers, on the left.")
            return
        without = _left_out(scenario, report)
        if without:
            left_over = tuple(one for one in examples.examples if one.line not in without)
            report = _report(scenario, replace(examples, examples=left_over))
            if report.refuses:
                st.error(" ".join(safe(one.sentence) for one in report.findings if one.severity == "refuses"))
        _begin(scenario, examples, report.refuses, without)


def _left_out(scenario: Scenario, report: TrainingDataReport) -> frozenset[int]:
    """The lines that are not to be learnt from."""
    rows = numbers.plural(len(report.flagged), "row")
    if report.flagged and st.toggle(
        f"Leave out the {rows} with something wrong", value=True, key=f"train_clean_{scenario.name}"
    ):
        return report.flagged
    return frozenset()


def _examples(scenario: Scenario) -> Examples | None:
    """The chosen examples; None when there are none yet."""
    there = sources(scenario)
    source = st.segmented_control(
        "Examples", there, format_func=SOURCES.get, default=there[0], required=True,
        key=f"train_source_{scenario.name}", label_visibility="collapsed",
    )  # fmt: skip
    try:
        if source != "file":
            found = stored_examples(scenario, source)
        else:
            file = st.file_uploader(
                "Questions and answers", type=["jsonl", "json", "csv", "tsv", "txt"],
                key=f"train_file_{scenario.name}",
                help='A line like {"messages": [{"role": "user", "content": "…"}, '
                '{"role": "assistant", "content": "…"}]}, or a table with the columns question and response.',
            )  # fmt: skip
            if file is None:
                return None
            found = _read(file.getvalue(), file.name)
    except LeverError as error:
        st.error(said(error), icon=":material/error:")
        return None
    st.markdown(f"**{numbers.plural(len(found.examples), 'example')}**")
    table = pd.DataFrame(
        {
            "line": [example.line for example in found.examples],
            "question": [example.query for example in found.examples],
            "answer": [example.answer for example in found.examples],
        }
    )
    widths = {"line": 60, "question": 300, "answer": 180}
    config = {name: st.column_config.Column(width=width) for name, width in widths.items()}
    st.dataframe(table, hide_index=True, height=248, column_config=config, key="train_examples")
    return found


@st.cache_data(show_spinner="Reading the file …", max_entries=4)
def _read(data: bytes, name: str) -> Examples:
    return read(data, name)


def _report(scenario: Scenario, examples: Examples) -> TrainingDataReport:
    status = get_engine().status()
    ready = status.state == "ready"
    depends_on = f"{scenario.texts}{load_cases(scenario)}{status.base_hash}"
    return _checked(scenario, examples, depends_on, status.context_tokens if ready else 0)


@st.cache_data(
    show_spinner="Checking the examples …",
    max_entries=8,
    hash_funcs={
        Scenario: lambda one: one.name,
        Examples: lambda one: (one.data, [example.line for example in one.examples]),
    },
)
def _checked(scenario: Scenario, examples: Examples, depends_on: str, room_tokens: int) -> TrainingDataReport:
    """``depends_on`` is part of the key: what changed is checked again."""
    count = get_engine().count_tokens if room_tokens else None
    return checked(scenario, examples.examples, count_tokens=count, room_tokens=room_tokens)


def _findings(examples: Examples, report: TrainingDataReport) -> None:
    if examples.problems:
        with st.expander(
            f"{numbers.plural(len(examples.problems), 'row')} that can't be used", icon=":material/block:"
        ):
            rows = [(one.line, one.column, one.reason, one.fix) for one in examples.problems]
            table = pd.DataFrame(rows, columns=["line", "column", "what is wrong", "what to do"])
            st.dataframe(table, hide_index=True)
    if not examples.problems and all(one.severity == "notes" for one in report.findings):
        st.success("The check found nothing wrong with them.", icon=":material/check_circle:")
    for one in report.findings:
        _finding(one)


def _finding(one: Finding) -> None:
    if not one.rows:
        if one.severity == "notes":
            st.caption(safe(one.sentence))
        else:
            show = st.error if one.severity == "refuses" else st.warning
            show(safe(one.sentence), icon=ICONS[one.severity])
        return
    with st.expander(safe(one.sentence), icon=ICONS[one.severity]):
        table = pd.DataFrame(
            {
                "line": [row.line for row in one.rows],
                "example": [row.excerpt for row in one.rows],
                "why": [row.why for row in one.rows],
                "like line": [row.other or None for row in one.rows],
                "like case": [row.case or None for row in one.rows],
            }
        ).dropna(axis=1, how="all")
        st.dataframe(table.loc[:, (table != "").any()], hide_index=True)


def _begin(scenario: Scenario, examples: Examples, refused: bool, without: frozenset[int]) -> None:
    known = registry()
    kind = st.segmented_control(
        "Which approach it is for", ADAPTERS, format_func=lambda name: known[name].title, default="lora",
        required=True, key=f"train_kind_{scenario.name}",
    )  # fmt: skip
    st.caption(NEEDS[kind])
    preset = st.segmented_control(
        "How hard", list(PRESETS), format_func=lambda name: PRESETS[name].title, default=STANDARD,
        required=True, key=f"train_preset_{scenario.name}",
    )  # fmt: skip
    st.caption(PRESETS[preset].says)
    try:
        recipe = recipe_of(scenario, kind, preset, {})
    except LeverError as error:
        st.error(said(error))
        return
    recipe = _advanced(recipe, f"{scenario.name}_{kind}_{preset}")
    note = st.text_input("Note for its card", max_chars=MOST_NOTE, key=f"train_note_{scenario.name}")
    use = st.toggle("Answer with it as soon as it is trained", value=True, key=f"train_use_{scenario.name}")
    insisted = refused and st.checkbox("Train all the same", key=f"train_force_{scenario.name}")
    goes_on = any(is_running(job) for job in jobs(scenario.name))
    if goes_on:
        st.caption("A training goes on already; two at once slow each other.")
    st.button(
        "Train", type="primary", icon=":material/model_training:", key="train", on_click=_start,
        args=(scenario, kind, examples.to_train_on(without), preset, recipe, use, note),
        disabled=goes_on or (refused and not insisted),
    )  # fmt: skip


def _advanced(recipe: Recipe, key: str) -> Recipe:
    """The recipe, with each of its settings where people who know them can change it."""
    with st.expander("Advanced settings", icon=":material/tune:"):
        one, two, three = st.columns(3)
        epochs = one.number_input("Epochs", 1, 200, recipe.epochs, key=f"epochs_{key}")
        batch = one.number_input("Batch size", 1, 256, recipe.batch_size, key=f"batch_{key}")
        rate = one.number_input(
            "Learning rate",
            1e-6,
            0.999,
            float(recipe.learning_rate),
            step=1e-4,
            format="%g",
            key=f"rate_{key}",
        )
        rank = two.number_input("Rank (r)", 1, 256, recipe.rank, key=f"rank_{key}")
        alpha = two.number_input("Alpha", 1, 1024, recipe.alpha, key=f"alpha_{key}")
        dropout = two.number_input(
            "Dropout", 0.0, 0.99, float(recipe.dropout), step=0.05, key=f"dropout_{key}"
        )
        layers = three.selectbox(
            "Layers that learn", ("all", "attention"), format_func={"all": "All linear layers",
            "attention": "Attention only"}.get, key=f"layers_{key}",
        )  # fmt: skip
        held_out = three.number_input(
            "Share held out", 0.0, 0.9, float(recipe.held_out), step=0.05, key=f"held_out_{key}"
        )
        seed = three.number_input("Seed", 0, 2**31 - 1, recipe.seed, key=f"seed_{key}")
        rslora = one.toggle("rsLoRA scaling", recipe.rslora, key=f"rslora_{key}")
        why_not = why_not_four_bit(get_engine().status().device)
        four_bit = two.toggle(
            "4-bit base (QLoRA)", recipe.four_bit and not why_not, disabled=bool(why_not), key=f"four_{key}"
        )
        if why_not:
            two.caption(f"Not here: {why_not}.")
    return replace(
        recipe, epochs=int(epochs), batch_size=int(batch), learning_rate=rate, rank=int(rank),
        alpha=int(alpha), dropout=dropout, layers=layers, held_out=held_out, seed=int(seed), rslora=rslora,
        four_bit=four_bit,
    )  # fmt: skip


def _start(
    scenario: Scenario, kind: str, data: bytes, preset: str, recipe: Recipe, use: bool, note: str
) -> None:
    try:
        job = planned(
            scenario,
            kind,
            data,
            preset=preset,
            changes=vars(recipe),
            use=use,
            by=rater_here(),
            note=note.strip(),
        )
        st.session_state[FOLLOWED] = job.id
        start_training(job)
    except LeverError as error:
        st.toast(said(error), icon=":material/error:")
