"""The shell around every page: settings, navigation, header, and the start of the model's warm-up."""

import streamlit as st

from backends.settings import ROOT
from ui.access import let_in, may_enter, signed_in_badge
from ui.badge import model_badge
from ui.resources import warm_up
from ui.shell import shell

st.set_page_config(page_title="Lever", page_icon="⚖️", layout="wide")
warm_up()

HOME = ROOT / "pages" / "side_by_side.py"
page = st.navigation(
    [
        st.Page(
            HOME,
            title="Side by side",
            icon=":material/view_column:",
            url_path="home",
            default=True,
            help="Ask one question and watch every approach answer it at the same time.",
        ),
        st.Page(
            ROOT / "pages" / "scenarios.py",
            title="Scenarios",
            icon=":material/checklist:",
            help="Ask all cases of a scenario, or of a file of yours, in the background.",
        ),
        st.Page(
            ROOT / "pages" / "results.py",
            title="Results",
            icon=":material/monitoring:",
            help="What stored runs say: who is right, how steady, how fast, and how sure that is.",
        ),
        st.Page(
            ROOT / "pages" / "rate.py",
            title="Rate",
            icon=":material/thumbs_up_down:",
            help="Judge answers without knowing which approach wrote them.",
        ),
        st.Page(
            ROOT / "pages" / "knowledge.py",
            title="Knowledge",
            icon=":material/menu_book:",
            help="What retrieval knows: documents in and out, how well they are found, what a change does.",
        ),
        st.Page(
            ROOT / "pages" / "adapters.py",
            title="Adapters",
            icon=":material/model_training:",
            help="Fine-tuning: train adapters, choose which one answers, and see whether it helped.",
        ),
        st.Page(
            ROOT / "pages" / "decide.py",
            title="Decide",
            icon=":material/balance:",
            help="The cheapest approach that works, or that it can't be told yet: reasons, cost and doubt.",
        ),
        # The default page answers at "/" only; this one keeps its own address working.
        st.Page(HOME, title="Side by side", url_path=HOME.stem, visibility="hidden"),
    ],
    position="top",
)

with st.container(horizontal=True, vertical_alignment="center", key="header"):
    st.markdown("**Lever** :gray[· better prompt, retrieval or fine-tuning?]", width="stretch")
    if may_enter():
        model_badge()
        signed_in_badge()

let_in()
with shell():
    page.run()
