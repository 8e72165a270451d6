"""Every check that a cell may hold, each with an example, behind a fold."""

import streamlit as st

from compare.checks import KINDS

EXAMPLES = {
    "exact": ("exact: Varnholm", "the answer is this text and nothing else"),
    "iexact": ("iexact: varnholm", "the same, upper and lower case alike"),
    "contains_all": ("contains_all: 2-year | hardware", "every text between the bars occurs"),
    "contains_any": ("contains_any: 3:10 | 03:10", "at least one of them occurs"),
    "not_contains": ("not_contains: Plus | Solo", "none of them occurs"),
    "lines": ("lines: Plan = short walks | Follow-up = 5 days", "the line that begins so holds that"),
    "regex": (r"regex: format: ^\[.*\]$", "the pattern is found; “format:” makes it a check of the form"),
    "number": ("number: 49 ± 0.5", "a number of the answer lies within the tolerance"),
    "label": ("label: billing", "this label is the answer, a JSON field, or the only label named"),
    "json": ("json", "the answer is JSON and nothing else"),
    "json_schema": ("json_schema: @schema", "it fits the scenario's schema, or one that is written here"),
    "json_fields": ("json_fields: queue, priority", "these fields equal those of expected"),
    "citation": ("citation", "the gold source is cited, and no passage is invented"),
    "similarity": ("similarity: 0.8", "its meaning is as near to expected (cosine of sentence embeddings)"),
    "rouge_l": ("rouge_l: 0.5", "its wording is as near to expected (ROUGE-L)"),
    "max_words": ("max_words: 40", "it has at most so many words"),
    "voice": ("voice: @voice", "it keeps the scenario's house style"),
}


def check_list() -> None:
    """A table: how it is written, what it asks, whether it is about content or form."""
    with st.expander("Checks that a cell may hold", icon=":material/checklist:"):
        st.caption("One a line, or separated by “;”. All must pass. Without checks, expected must occur.")
        rows = [{"Write": EXAMPLES[kind.name][0], "It passes when": EXAMPLES[kind.name][1]} for kind in KINDS]
        st.table(rows)
