"""An uploaded or pasted file of cases on the page: which column is which, what can't be used, and why."""

import csv
import hashlib
import io
from collections.abc import Mapping

import pandas as pd
import streamlit as st

from backends.errors import BadInput
from backends.settings import ROOT, settings
from compare import numbers
from compare.cases import Case
from compare.csv_export import cases_csv, masked
from compare.csv_import import Imported, read_rows
from compare.csv_mapping import MEANINGS, TARGETS
from compare.csv_rows import MOST_ROWS, Preview, preview
from ui.case_editor import editing, edits_of
from ui.text import safe, said

BESIDE = "keep beside"
SHOWN_ROWS, SHOWN_PROBLEMS = 5, 500
ACROSS = 4
FILE, PASTED, READ = "case_file", "case_text", "cases_read"


def choose_cases() -> tuple[Case, ...] | None:
    """The usable cases of what was uploaded or pasted; None until there are any."""
    data = _given()
    if data is None:
        return None
    try:
        seen = preview(data)
    except BadInput as error:
        st.error(said(error))
        return None
    digest = hashlib.sha256(data).hexdigest()[:16]
    mapping = _mapping(seen, digest)
    if "query" not in mapping:
        st.warning("Say which column holds the questions: set one of them to “query”.")
        return None
    found = _read(seen, mapping, digest)
    _summary(seen, found)
    editing(seen, found, digest)
    return tuple(found.cases) or None


def _given() -> bytes | None:
    uploaded = st.file_uploader(
        "A file of cases",
        type=["csv", "tsv", "txt"],
        key=FILE,
        help="CSV with a header line; query is enough.",
        max_upload_size=settings().max_upload_mb,
    )
    left, right = st.columns((3, 1), vertical_alignment="bottom")
    with left, st.expander("Or paste rows", icon=":material/content_paste:"):
        pasted = st.text_area(
            "Rows with a header line", key=PASTED, height=120, placeholder="query,expected\nHow long?,2 years"
        )
    right.download_button(
        "Template",
        (ROOT / "scenarios" / "template.csv").read_bytes,
        file_name="cases.csv",
        mime="text/csv",
        icon=":material/download:",
        key="template",
        on_click="ignore",
        help="A file with an example of every check.",
    )
    if uploaded is not None:
        return uploaded.getvalue()
    return pasted.encode("utf-8", "replace") if pasted and pasted.strip() else None


def _mapping(seen: Preview, digest: str) -> dict[str, str]:
    """What each column is: as proposed, until somebody says something else."""
    proposed = {header: target for target, header in seen.mapping.items()}
    st.markdown("**Which column is which?** This is a proposal; change what is wrong.")
    chosen: dict[str, str] = {}
    for first in range(0, len(seen.headers), ACROSS):
        columns = st.columns(ACROSS)
        for column, (place, header) in zip(
            columns, list(enumerate(seen.headers))[first : first + ACROSS], strict=False
        ):
            options = (BESIDE, *TARGETS)
            target = column.selectbox(
                safe(header),
                options,
                index=options.index(proposed.get(header, BESIDE)),
                key=f"column_{digest}_{place}",
                help="  \n".join(f"**{name}**: {meaning}" for name, meaning in MEANINGS.items()),
            )
            if target != BESIDE and target in chosen:
                column.warning(f"{target} is chosen already; the first column counts.")
            elif target != BESIDE:
                chosen[target] = header
    rows = [dict(zip(seen.headers, row, strict=False)) for row in seen.sample[:SHOWN_ROWS]]
    st.dataframe(
        pd.DataFrame(rows, columns=list(seen.headers)), hide_index=True, alt="The first rows of the file"
    )
    return {target: chosen[target] for target in TARGETS if target in chosen}


def _read(seen: Preview, mapping: Mapping[str, str], digest: str) -> Imported:
    """The whole file, read once for a mapping, with a progress bar."""
    edits = edits_of(digest)
    key = (digest, tuple(mapping.items()), edits.version if edits else 0)
    kept = st.session_state.get(READ)
    if kept is not None and kept[0] == key:
        found: Imported = kept[1]
        return found
    bar = st.progress(0.0, "Reading the rows …")
    lines = max(1, min(seen.table.text.count("\n"), MOST_ROWS))
    found = Imported()
    for growing in read_rows(seen, mapping, found, edits.rows if edits else None):
        bar.progress(min(1.0, growing.rows / lines), f"{growing.rows:,} rows read")
    bar.empty()
    st.session_state[READ] = (key, found)
    return found


def _summary(seen: Preview, found: Imported) -> None:
    good = numbers.plural(len(found.cases), "case")
    read = f"{numbers.plural(found.rows, 'row')} read as {seen.table.encoding}"
    if not found.n_problems:
        st.success(f"{good} can be asked. {read}.", icon=":material/check_circle:")
        return
    many = numbers.plural(found.n_problems, "problem")
    look = st.warning if found.cases else st.error
    look(f"{good} can be asked; {many} in the others. {read}.", icon=":material/rule:")
    with st.expander(f"Show the {many}"):
        shown = [vars(problem) for problem in found.problems[:SHOWN_PROBLEMS]]
        table = pd.DataFrame(shown).rename(columns=str.capitalize)
        st.dataframe(table, hide_index=True, key="problems", alt="Rows that can't be used, and why")
        with st.container(horizontal=True):
            st.download_button(
                "Problems as a file",
                lambda: _problems_csv(found),
                file_name="problems.csv",
                mime="text/csv",
                icon=":material/download:",
                key="problems_file",
                on_click="ignore",
            )
            if found.cases:
                st.download_button(
                    "The good rows as a file",
                    lambda: cases_csv(found.cases),
                    file_name="good_rows.csv",
                    mime="text/csv",
                    icon=":material/download:",
                    key="good_rows",
                    on_click="ignore",
                )


def _problems_csv(found: Imported) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(("line", "column", "reason", "fix"))
    for problem in found.problems:
        writer.writerow(masked(str(cell)) for cell in vars(problem).values())
    return out.getvalue().encode("utf-8-sig")
