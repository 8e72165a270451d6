"""A stored run as a file to save: made when somebody asks for it, from the store alone."""

import re

import streamlit as st

from compare.run_export import FORMATS, Format, export
from compare.run_html import title_of
from compare.run_measures import Measured
from ui.resources import get_store

WHAT: dict[Format, tuple[str, str]] = {
    "html": ("One page to read", "Figures, charts and cases in one file that opens anywhere, also offline."),
    "csv": ("Table of cases (CSV)", "For a spreadsheet: a row a case. It can be uploaded here again."),
    "jsonl": ("Every answer (JSONL)", "For programs: one line an answer, with prompt, times and checks."),
}


def save_as(found: Measured) -> None:
    """A button that opens the list of formats."""
    with st.popover("Save as", icon=":material/download:", key="save_as"):
        for form, (label, meaning) in WHAT.items():
            st.download_button(
                label,
                lambda form=form: _file(found, form),
                file_name=f"{_name(found)}.{form}",
                mime=FORMATS[form],
                key=f"save_{form}",
                on_click="ignore",
                width="stretch",
            )
            st.caption(meaning)


def _file(found: Measured, form: Format) -> bytes:
    return b"".join(export(found, get_store(), form))


def _name(found: Measured) -> str:
    """A name that every file system takes."""
    plain = re.sub(r"[^A-Za-z0-9]+", "-", title_of(found).rsplit(".csv", 1)[0]).strip("-").lower()
    return f"lever-{plain[:40] or 'run'}-{found.run.id[:6]}"
