"""The page that decides, over a tiny real model: climbing, the verdict, its terms, what it rests on."""

import pytest
from streamlit.testing.v1 import AppTest

from compare.climbing import climbs
from compare.guidance_answers import keep_answers
from compare.store import store
from tests.screens import app_process, app_settings, open_page, own_data_folder, texts  # noqa: F401

WAIT_S = 300
FACTS, TICKETS = "support-facts", "ticket-routing"


@pytest.fixture
def page() -> AppTest:
    opened = open_page().switch_page("pages/decide.py").run()
    assert not opened.exception
    return opened


def plain(page: AppTest) -> str:
    """What it says, without the signs that keep it from being markup."""
    return texts(page).replace("\\", "").replace("\u2060", "")


def pills(page: AppTest) -> str:
    """The key of the approaches that can be chosen."""
    return next(one.key for one in page.get("button_group") if (one.key or "").startswith("climb_lanes"))


def only(page: AppTest, *lanes: str) -> AppTest:
    """A climb of these approaches alone, to its end."""
    page.session_state[pills(page)] = list(lanes)
    page.run()
    page.button(key="climb_go").click().run()
    assert not page.exception
    climbed()
    page.run()
    assert not page.exception
    return page


def bar(page: AppTest, percent: int) -> None:
    page.slider(key=f"terms_{FACTS}_bar").set_value(percent)
    page.button(key=f"terms_{FACTS}_use").click().run()


def climbed() -> str:
    going = climbs().get(FACTS)
    assert going is not None
    seen = going.wait(WAIT_S)
    assert seen.progress.state == "done", seen
    return seen.run_id


def test_before_the_first_climb_it_says_what_it_does(page: AppTest) -> None:
    assert "names the cheapest one that works" in plain(page)
    assert not page.button(key="climb_go").disabled
    page.selectbox(key="decide_scenario").set_value(TICKETS).run()
    assert "LoRA needs a trained adapter" in plain(page)
    for part in ("Cost", "Claims and measurements", "Before data"):
        page.session_state["decide_part"] = part
        page.run()
        assert not page.exception


def test_a_climb_gives_a_verdict_and_the_same_answers_are_one_look(page: AppTest) -> None:
    only(page, "prompt", "rag")
    run_id = climbed()
    (look,) = store().looks(run_id)
    assert look.sentence.split(". ")[0] in plain(page)
    assert "Look 1 of 3" in plain(page)
    assert bool(page.success) == bool(look.document["meets_bar"])
    ladder = next(frame.value for frame in page.dataframe if "Points gained" in frame.value.columns)
    assert list(ladder["Approach"]) == ["● Prompt", "■ RAG"]
    assert ladder["Set up in"].iloc[0] == "none"
    bar(page, 60)
    assert "The question was first asked with a bar of 80 %" in plain(page)
    assert {one.number for one in store().looks(run_id)} == {1}
    bar(page, 80)

    keep_answers(FACTS, {"size": "more"})
    beside = ("Before data", "Beside the measured verdict")
    for part, said in (("Cost", "1,000 answers"), ("Claims and measurements", "Setup time"), beside):
        page.session_state["decide_part"] = part
        page.run()
        assert not page.exception
        frames = [column for frame in page.dataframe for column in frame.value.columns]
        assert said in plain(page) + "".join(frames)

    page.session_state["decide_part"] = "Verdict"
    page.run()
    only(page, "lora")
    assert climbed() == run_id
    assert "Look 2 of 3" in plain(page)


def test_while_it_climbs_nothing_is_looked_at(page: AppTest) -> None:
    page.toggle(key=f"climb_anew_{FACTS}").set_value(True).run()
    page.session_state[pills(page)] = ["zero_shot", "cot", "oracle"]
    next(one for one in page.number_input if "climb_repeats" in one.key).set_value(4)
    page.run()
    page.button(key="climb_go").click().run()
    going = climbs().get(FACTS)
    assert going is not None
    if not going.seen().progress.ended:  # Else the machine was quicker than the page.
        assert "Asking" in plain(page)
        assert not page.get("success")
    going.cancel()
    seen = going.wait(WAIT_S)
    page.run()
    assert not page.exception
    if seen.progress.state == "stopped":
        assert "Stopped" in plain(page)
        assert not store().looks(seen.run_id)
