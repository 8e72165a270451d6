"""The rating page: blind until the judgement stands, kept at once, and a sentence for whatever is odd."""

from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

from backends.errors import BadInput
from backends.registry import registry
from backends.settings import ROOT
from compare.rating_items import ALL_BAD, TIE
from compare.rating_store import OVERALL
from compare.store import store
from tests.screens import (
    app_process,  # noqa: F401
    app_settings,  # noqa: F401
    ask,
    followed,
    open_page,
    own_data_folder,  # noqa: F401
    texts,
)
from tests.test_page_results import kept, look, open_results
from ui import rate_item
from ui.results import _measured

LANES = ("prompt", "rag", "lora", "hybrid")
SECRETS = {name for name in registry() if name not in ("prompt", "rag")} | {"RAG", "LoRA", *"●■▲◆"}
"""What would tell; "prompt" and "rag" are parts of other words."""


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every test has a store without runs, and reads quickly."""
    monkeypatch.setattr(rate_item, "LEAST_S", 0.0)
    yield
    for line in store().measured_runs(1000):
        store().delete_run(line.id)
    _measured.clear()


def open_rate(run: str, name: str = "Ann", how: str = "stars") -> AppTest:
    """A rater's session on the page."""
    page = open_page().switch_page("pages/rate.py")
    page.query_params["run"] = run
    page.session_state["how"] = how
    page.run()
    assert not page.exception
    if name:
        page.text_input(key="rater").set_value(name).run()
        assert not page.exception
    return page


def press(page: AppTest, *keys: str) -> AppTest:
    """Click buttons one after another, as their keys do."""
    for key in keys:
        page.button(key=key).click().run()
        assert not page.exception
    return page


def sent(page: AppTest) -> str:
    """Everything that is sent to the browser of the page, below the header."""
    blocks = list(page.main.children.values())
    return "\n".join(str(element.proto) for block in blocks for element in _flat(block))


def _flat(block: object) -> Iterator[object]:
    children = getattr(block, "children", None)
    if children is None:
        yield block
        return
    for child in children.values():
        yield from _flat(child)


def test_a_name_is_asked_for_first() -> None:
    page = open_rate(kept(), name="")
    assert "Give a name first" in texts(page)
    page.text_input(key="rater").set_value(" \t ").run()
    assert "Give a name first" in texts(page)
    page.text_input(key="rater").set_value("x" * 500).run()
    assert not page.exception
    assert "0 of 40 judged" in _progress(page)


def _progress(page: AppTest) -> str:
    return " ".join(bar.proto.text for bar in page.get("progress"))


@pytest.mark.parametrize("how", ["stars", "pairs", "best"])
def test_nothing_tells_which_approach_wrote_an_answer_before_the_vote(how: str) -> None:
    page = open_rate(kept(lanes=LANES, cases=4), how=how)
    before = sent(page)
    assert "Question" in before
    assert not [secret for secret in SECRETS if secret in before]
    if how == "stars":
        press(page, "score_5", "rate_save")
    else:
        (one,) = [one for one in store().judgements(store().measured_runs()[0].id) if one.state == "open"]
        assert set(one.lanes) <= set(LANES)
        press(page, "choose_tie")
    assert not [secret for secret in SECRETS if secret in sent(page)]
    press(page, "rate_reveal")
    assert "it stands now" in texts(page)
    assert any(shape in sent(page) for shape in "●■▲◆")


def test_scores_are_kept_by_criterion_and_the_next_answer_appears() -> None:
    id_ = kept(cases=3)
    page = open_rate(id_)
    press(page, "rate_save")
    assert "Give at least one score first" in texts(page)
    press(page, "score_5", "score_4")
    labels = [button.label for button in page.button]
    assert "Correct: very good" in labels
    assert "Format: good" in labels
    press(page, "rate_Up", "score_2", "score_1", "rate_save")
    (done,) = [one for one in store().judgements(id_) if one.state == "done"]
    assert dict(done.scores) == {"correct": 5, "format": 2, "tone": 1}
    assert done.rater == "ann"
    assert done.seconds is not None
    assert "1 of 6 judged" in _progress(page)
    assert not [button for button in page.button if button.proto.type == "primary"]


def test_a_key_pressed_twice_does_not_judge_the_next_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_item, "LEAST_S", 60.0)
    id_ = kept(cases=2)
    page = press(open_rate(id_, how="pairs"), "choose_tie")
    assert "quicker than anybody reads" in texts(page)
    assert not [one for one in store().judgements(id_) if one.state == "done"]


def test_a_comment_and_a_better_answer_are_kept_with_the_vote() -> None:
    id_ = kept(cases=2)
    page = open_rate(id_, how="pairs")
    (shown,) = store().judgements(id_)
    page.text_area(key=f"comment_{shown.id}").set_value(" <b>too long</b> ").run()
    page.text_area(key=f"edited_{shown.id}").set_value("Two years.").run()
    page.checkbox(key=f"gives_{shown.id}").check().run()
    press(page, "choose_bad")
    done = next(one for one in store().judgements(id_) if one.state == "done")
    assert (done.choice, done.comment, done.edited, done.gives_away) == (
        ALL_BAD, "<b>too long</b>", "Two years.", True,
    )  # fmt: skip


def test_equal_answers_are_offered_as_a_tie_and_counted_apart() -> None:
    id_ = kept(cases=1, lanes=LANES)
    page = open_rate(id_, how="best")
    assert "All answers are the same" in texts(page)
    assert not [button for button in page.button if (button.key or "").startswith("choose_0")]
    press(page, "choose_tie")
    done = store().judgements(id_)[0]
    assert (done.choice, done.same) == (TIE, True)
    assert "Nothing is left for you" in texts(page)


def test_undo_skip_and_reveal() -> None:
    id_ = kept(cases=2)
    page = open_rate(id_, how="pairs")
    press(page, "rate_undo")
    assert "nothing to take back" in texts(page)
    press(page, "rate_skip", "choose_tie")
    first = next(one for one in store().judgements(id_) if one.state == "done")
    press(page, "rate_undo")
    assert store().judgements(id_, "pairs")[-1].state == "open" or first.id
    press(page, "choose_bad")
    assert {one.choice for one in store().judgements(id_) if one.state == "done"} == {ALL_BAD}
    press(page, "rate_reveal", "rate_undo")
    assert "what was revealed stands" in texts(page)
    press(page, "choose_tie")  # What was skipped came back.
    assert "Nothing is left for you" in texts(page)
    assert "Ratings" in page.get("page_link")[0].proto.query_string


def test_two_tabs_of_one_rater_never_overwrite_each_other() -> None:
    id_ = kept(cases=1)
    first, second = open_rate(id_, how="pairs"), open_rate(id_, "ANN ", how="pairs")
    press(first, "choose_tie")
    press(second, "choose_bad")
    assert "judged already" in texts(second)
    (done,) = store().judgements(id_)
    assert done.choice == TIE


def test_raters_see_nothing_of_each_other_and_disputes_come_up_again() -> None:
    id_ = kept(cases=1)
    press(open_rate(id_, "Ann", how="pairs"), "choose_tie")
    bob = open_rate(id_, "Bob", how="pairs")
    assert "Nothing is left for you" in texts(bob)
    bob.number_input(key="rate_target").set_value(2).run()
    assert "Judged last" not in texts(bob)
    press(bob, "choose_bad")
    cem = open_rate(id_, "Cem", how="pairs")
    assert "0 of 1 judged" in _progress(cem)
    assert cem.button(key="choose_tie")


@pytest.mark.parametrize(
    ("made", "how", "said"),
    [
        ({"lanes": ("rag",)}, "pairs", "No case of this run has two finished answers"),
        ({"lanes": ("rag",)}, "best", "No case of this run has two finished answers"),
        ({"lanes": ("rag",)}, "stars", "Question"),
        ({"statuses": ("failed",)}, "stars", "No answer of this run is finished"),
        ({"statuses": ("done", "failed")}, "best", "No case of this run has two finished answers"),
        ({"text": ""}, "stars", "This answer is empty"),
        ({"text": "![x](https://evil.example/x.png) :red[x] <script>" * 300}, "stars", "evil.example"),
    ],
)
def test_odd_runs_get_a_sentence(made: dict[str, object], how: str, said: str) -> None:
    page = open_rate(kept(cases=2, **made), how=how)  # type: ignore[arg-type]
    assert said in texts(page)


def test_a_run_that_goes_on_can_be_judged() -> None:
    id_ = kept(cases=2, of=5)
    from sqlalchemy import update

    from compare.owner import this_process
    from compare.tables import RunRow

    with store()._write() as session:
        session.execute(update(RunRow).values(status="running", owner=this_process()))
    assert "still going on" in texts(open_rate(id_))
    store().finish_run(id_)


def test_without_runs_the_page_says_what_to_do_next() -> None:
    page = open_page().switch_page("pages/rate.py").run()
    assert not page.exception
    assert "Nothing has been run yet" in texts(page)


def test_the_results_say_what_people_said() -> None:
    id_ = kept(("done", "done", "done", "failed"), cases=9, check="pass")
    page = look(open_results(run=id_), "ratings")
    assert "Nobody has judged this run yet" in texts(page)
    for rater, shift in (("ann", 0), ("bob", -2)):
        page = open_rate(id_, rater)
        page.number_input(key="rate_target").set_value(2).run()
        for number in range(12):
            score = 3 + number % 3 + (shift if number % 2 else 0)
            press(page, f"score_{score}", "rate_save")
    page = open_rate(id_, "ann", how="pairs")
    press(page, *["choose_tie"] * 4)
    page = look(open_results(run=id_), "ratings")
    said = texts(page).replace("\\", "")
    assert "28 judgements by 2 raters" in said
    assert "comparisons of equal answers count apart" in said
    assert "Krippendorff" in said
    means = next(frame.value for frame in page.dataframe if "Correct" in frame.value.columns)
    assert len(means) == 2
    checks = next(frame.value for frame in page.dataframe if "Checks of the" in frame.value.columns)
    assert list(checks["Checks of the"]) == ["content"]


def test_a_leaderboard_is_drawn_and_examples_are_collected() -> None:
    id_ = kept(("done",), cases=30)
    from compare.rating_items import items_of

    run = store().stored_run(id_)
    for number, item in enumerate(items_of(run, "pairs")):
        one = store().serve(id_, "ann", item, item.lanes)
        store().decide(
            one.id, choice="rag" if number % 5 else "prompt", edited="Better." if number < 2 else ""
        )
    page = look(open_results(run=id_), "ratings")
    said = texts(page)
    assert "RAG is preferred in" in said
    assert "more often than any other" in said
    board = next(frame.value for frame in page.dataframe if "Rank" in frame.value.columns)
    assert list(board["Rank"]) == ["1", "2"]
    assert list(board["Won"]) == ["24", "6"]
    assert "2 examples" in said
    press(page, "collect")
    assert "2 new examples" in texts(page)
    with pytest.raises(BadInput):
        store().stored_run("nothing")


def test_stars_beside_a_live_answer_are_kept_and_come_back() -> None:
    page = ask(open_page())
    view = followed(page)
    call = view.lane("rag")[0]
    key = f"stars_{view.id}_rag_{call.repeat}"
    stars = next(widget for widget in page.feedback if widget.key == key)
    stars.set_value(0).run()
    assert not page.exception
    (one,) = store().judgements(view.id)
    assert (one.lanes, dict(one.scores), one.rater)[:2] == (("rag",), {OVERALL: 1})
    assert one.rater.startswith("guest ")
    named = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    named.session_state["rater"] = one.rater
    named.query_params["run"] = view.id
    named.run()
    assert next(widget for widget in named.feedback if widget.key == key).value == 0
