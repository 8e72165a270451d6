"""Try retrieval: a question, and which passages are found for it, by which ranking, with which settings."""

from dataclasses import dataclass, replace

import pandas as pd
import streamlit as st

from backends.engine.base import Engine
from backends.errors import LeverError
from backends.knowledge import knowledge
from backends.knowledge.documents import document_paths, place_of, read_document
from backends.knowledge.ranking import Candidate
from backends.scenario import RetrievalSettings, Scenario
from compare import numbers
from ui.highlight import highlighted
from ui.resources import get_engine
from ui.retrieval_work import keep
from ui.text import safe, said, shorten

QUESTION, FOR = "try_question", "try_for"
K, COSINE, WORDS, VARIETY = "try_k", "try_cosine", "try_words", "try_variety"
MOST_PASSAGES = 20
LABEL_CHARS, TEXT_CHARS = 70, 160
TABLE_PX = 260
TAKEN, TOO_FAR = "✓", "too far off"
COLUMNS = {
    "Place": "In which order the passages answer the question, by these settings.",
    "To the model": f"{TAKEN}: the model gets it. “{TOO_FAR}”: its similarity is below the least one.",
    "Document": "The document that the passage stands in.",
    "Part": "Which passage of its document it is, counted from 1.",
    "Similarity": "How near in meaning to the question it is (cosine, at most 1), and its rank by that.",
    "Same words": "What words in common with the question are worth (BM25), and its rank. –: none.",
    "Both": "What the two ranks are worth together (reciprocal rank fusion). It makes the order.",
    "Text": "How the passage begins. Choose a row to read it in its document.",
}
WIDTHS = {"Place": 55, "To the model": 100, "Part": 50, "Similarity": 115, "Same words": 115, "Both": 70}


@dataclass(frozen=True, kw_only=True)
class Looked:
    """The passages in their order, those below the least similarity last; how many are not below it, and how
    many the model gets.
    """

    passages: tuple[Candidate, ...]
    near: int
    taken: int


def try_retrieval(scenario: Scenario) -> None:
    """A question and its passages."""
    if not document_paths(scenario.knowledge):
        st.info(
            "There is nothing to find yet. Add documents under “Documents”.", icon=":material/folder_open:"
        )
        return
    _begin(scenario)
    question = _question(scenario)
    wanted = _settings(scenario)
    if get_engine().status().state != "ready":
        st.info("Passages come as soon as the model is there.", icon=":material/hourglass_top:")
        return
    if knowledge().current(scenario, get_engine()) is None:
        st.info("Passages come as soon as the index is in step.", icon=":material/hourglass_top:")
        return
    if not question.strip():
        st.info("Type a question to see which passages are found for it.", icon=":material/search:")
        return
    try:
        looked = look_up(replace(scenario, retrieval=wanted), question, get_engine())
        if looked.passages:
            _show(scenario, question, wanted, looked)
        else:
            st.info("No passage was found.")
    except LeverError as error:
        st.error(said(error))


def look_up(scenario: Scenario, question: str, engine: Engine) -> Looked:
    """What the scenario's settings find for a question, and what they leave out as too far off.

    Raises:
        KnowledgeUnavailable: the documents can't be searched.
    """
    near = knowledge().candidates(scenario, question, engine)
    everything = replace(scenario.retrieval, min_cosine=-1.0)
    known = {each.chunk.id for each in near}
    others = knowledge().candidates(replace(scenario, retrieval=everything), question, engine)
    far = sorted((each for each in others if each.chunk.id not in known), key=lambda each: each.cosine_rank)
    return Looked(passages=(*near, *far), near=len(near), taken=min(len(near), scenario.retrieval.k))


def _begin(scenario: Scenario) -> None:
    """Another scenario, or other settings of it, begin with its own question and settings."""
    state = st.session_state
    before = state.get(FOR, ("", None))
    if before[0] != scenario.name or QUESTION not in state:
        state[QUESTION] = scenario.examples[0] if scenario.examples else ""
    if before != (scenario.name, scenario.retrieval) or K not in state:
        _back_to(scenario.retrieval)
    state[FOR] = (scenario.name, scenario.retrieval)


def _back_to(own: RetrievalSettings) -> None:
    state = st.session_state
    state[K], state[COSINE] = own.k, own.min_cosine
    state[WORDS], state[VARIETY] = own.keywords, own.diversity


def _question(scenario: Scenario) -> str:
    question = st.text_input(
        "Question", key=QUESTION, persist_state="session", placeholder="Type a question, or take an example"
    )
    with st.container(horizontal=True, key="try_examples", gap="xsmall"):
        for number, example in enumerate(scenario.examples):
            label = safe(shorten(example, LABEL_CHARS))
            st.button(label, key=f"try_example_{number}", on_click=_take, args=(example,), wrap=True)
    return question or ""


def _take(example: str) -> None:
    st.session_state[QUESTION] = example


def _settings(scenario: Scenario) -> RetrievalSettings:
    """What the widgets say; as long as they are at the scenario's own, exactly those."""
    own = scenario.retrieval
    first, second, third, fourth = st.columns((2, 3, 3, 3), vertical_alignment="center", gap="medium")
    k = first.number_input(
        "Passages", 1, max(MOST_PASSAGES, own.k), key=K, persist_state="session",
        help="How many passages the model gets at most (k).",
    )  # fmt: skip
    cosine = second.slider(
        "Least similarity", min(0.0, own.min_cosine), 1.0, step=0.01, key=COSINE, persist_state="session",
        help="A passage that is less similar to the question (cosine) is left out, however many are wanted.",
    )  # fmt: skip
    words = third.toggle(
        "Words too (BM25)", key=WORDS, persist_state="session",
        help="Passages that share words with the question come first too. Helps with names and numbers.",
    )  # fmt: skip
    variety = fourth.slider(
        "Variety", 0.0, 1.0, step=0.05, key=VARIETY, persist_state="session",
        help="0 takes the most similar passages. More avoids passages that say the same as one taken before.",
    )  # fmt: skip
    wanted = replace(
        own,
        k=int(k),
        min_cosine=_chosen(cosine, own.min_cosine),
        keywords=bool(words),
        diversity=_chosen(variety, own.diversity),
    )
    if wanted != own:
        _keep(scenario, wanted)
    return wanted


def _keep(scenario: Scenario, wanted: RetrievalSettings) -> None:
    """The way to make a trial last, and the way back."""
    with st.container(horizontal=True, vertical_alignment="center", key="try_keep_line"):
        st.caption("These settings are tried here only.", width="content")
        kept = st.button("Keep these settings", icon=":material/save:", key="try_keep")
        st.button(
            "Back to the scenario's", icon=":material/undo:", type="tertiary", key="try_back",
            on_click=_back_to, args=(scenario.retrieval,),
        )  # fmt: skip
    if kept:
        keep(scenario, wanted, "Kept: the scenario finds with these settings from now on.")


def _show(scenario: Scenario, question: str, wanted: RetrievalSettings, looked: Looked) -> None:
    """The verdict in a sentence, the passages, and the chosen one in its document."""
    st.markdown(f"**{safe(verdict(looked))}**")
    rows = [_row(place, each, looked, wanted) for place, each in enumerate(looked.passages, 1)]
    help = {
        name: st.column_config.Column(help=text, width=WIDTHS.get(name))  # type: ignore[arg-type]
        for name, text in COLUMNS.items()
    }
    chosen = st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        key=f"try_table_{hash((scenario.name, question, wanted))}",  # Another question begins at its first.
        on_select="rerun",
        selection_mode="single-row-required",
        column_config=help,
        height=TABLE_PX,
        alt="The passages in their order, with their scores",
    )
    picked = chosen["selection"]["rows"]
    place = picked[0] if picked and picked[0] < len(looked.passages) else 0
    _in_document(scenario, looked.passages[place])


def verdict(looked: Looked) -> str:
    """How many passages the model gets, and how near the nearest is."""
    best = max(looked.passages, key=lambda each: each.cosine)
    nearest = f"{best.chunk.source} with {numbers.coefficient(best.cosine)}"
    if not looked.taken:
        return f"The model gets no passage: all are too far off. The closest is {nearest}."
    many = f"{numbers.count(looked.taken)} of {numbers.plural(len(looked.passages), 'passage')}"
    return f"{many} looked at {'goes' if looked.taken == 1 else 'go'} to the model; the closest is {nearest}."


def _row(place: int, found: Candidate, looked: Looked, wanted: RetrievalSettings) -> dict[str, object]:
    fate = TAKEN if place <= looked.taken else TOO_FAR if place > looked.near else ""
    words = f"{numbers.score(found.bm25)} (rank {found.bm25_rank})" if found.bm25_rank else numbers.ABSENT
    return {
        "Place": place,
        "To the model": fate,
        "Document": found.chunk.source,
        "Part": number_of(found.chunk.id),
        "Similarity": f"{numbers.coefficient(found.cosine)} (rank {found.cosine_rank})",
        "Same words": words,
        **({"Both": numbers.fused(found.fused)} if wanted.keywords else {}),
        "Text": shorten(found.chunk.text, TEXT_CHARS),
    }


def number_of(chunk_id: str) -> str:
    """Which passage of its document a chunk is, counted from 1."""
    return chunk_id.rpartition("#")[2]


def _in_document(scenario: Scenario, found: Candidate) -> None:
    """The chunk where it stands, or alone when it doesn't stand there word by word."""
    chunk = found.chunk
    document = read_document(scenario.knowledge / chunk.source)
    place = place_of(chunk.text, document.text)
    with st.container(border=True, key="try_document"):
        st.markdown(f"**{safe(chunk.source)}** :gray[· part {safe(number_of(chunk.id))}]")
        if place is not None:
            st.markdown(highlighted(document.text, place))
        else:
            st.markdown(f":green-background[{safe(chunk.text)}]")
            st.caption("It is put together from a table's row, so it stands in the document in other words.")


def _chosen(value: float, own: float) -> float:
    return own if abs(value - own) < 0.005 else round(value, 2)
