"""Better retrieval settings: chunk sizes and k tried on the tuning cases, and one of them taken over."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import streamlit as st

from backends.knowledge.trial import resized
from backends.scenario import Scenario
from compare import numbers
from compare.cases import Case
from compare.charts.retrieval import sweep_figure
from compare.retrieval_choice import Recommendation, recommend
from compare.retrieval_lookup import named, setting_of, sweep
from compare.retrieval_sweep import SWEEP_KS, Setting, SweepPoint, chunk_sizes, dev_only
from compare.retrieval_takeaways import of_setting
from ui.drawing import draw
from ui.resources import get_engine
from ui.retrieval_work import Key, Say, Works, keep, key_of

HIT = (
    "Found means: the passage with the expected answer in it, where the document says that answer word for "
    "word; for other questions any passage of the right document."
)


@dataclass(frozen=True, kw_only=True)
class Swept:
    """The settings that were tried, and which to use."""

    points: tuple[SweepPoint, ...]
    advice: Recommendation


_swept: Works[Swept] = Works("swept")


def better_settings(scenario: Scenario, cases: Sequence[Case]) -> None:
    """The button, how far it is, and what was found.

    Raises:
        KnowledgeUnavailable: a document can't be read.
    """
    asked, present = named(dev_only(cases)), setting_of(scenario.retrieval)
    st.markdown("**Would other passages be found better?**")
    if not asked:
        st.caption(
            "Settings are tried on the questions for tuning (split “dev”) only, and none of them names the "
            "document that answers it."
        )
        return
    st.caption(_explained(len(asked), present))
    key = key_of(scenario, asked)
    work = _swept.of(key)
    if work is None or work.problem:
        help = "Embeds all documents once for each length; it goes on when you look elsewhere."
        st.button(
            "Look for better settings", icon=":material/tune:", key="sweep", help=help,
            on_click=_begin, args=(scenario, asked, key),
        )  # fmt: skip
    found = _swept.follow(key)
    if found is not None:
        draw(sweep_figure(found.points, present, found.advice))
        st.caption(HIT)
        _use(scenario, found.advice)


def _explained(questions: int, present: Setting) -> str:
    sizes = ", ".join(numbers.count(size) for size in chunk_sizes(present))
    most = numbers.count(max(*SWEEP_KS, present.k))
    return (
        f"Passages of up to {sizes} tokens, at most {most} of them and a tenth of all, are tried on the "
        f"{numbers.plural(questions, 'question')} for tuning only (split “dev”). Those for verdicts stay "
        f"unseen, to say afterwards what a choice is worth. Now: {of_setting(present)}."
    )


def _begin(scenario: Scenario, cases: Sequence[Case], key: Key) -> None:
    engine, present = get_engine(), setting_of(scenario.retrieval)

    def work(say: Say) -> Swept:
        def report(size: int, share: float) -> None:
            say(share, f"Trying passages of up to {numbers.count(size)} tokens")

        points = sweep(scenario, cases, engine, report)
        say(1.0, "Comparing the settings")
        return Swept(points=tuple(points), advice=recommend(points, present))

    _swept.begin(scenario, key, work)


def _use(scenario: Scenario, advice: Recommendation) -> None:
    """The way to take the recommended setting over, when it is another one."""
    wanted = replace(resized(scenario.retrieval, advice.setting.chunk_tokens), k=advice.setting.k)
    if advice.kind != "change" or wanted == scenario.retrieval:
        return
    help = "The documents are cut and embedded anew for it."
    if not st.button("Use this setting", type="primary", icon=":material/check:", key="use", help=help):
        return
    keep(scenario, wanted, f"From now on: {of_setting(advice.setting)}.")
