"""The results page: any stored run, from figures to cases, and never a traceback."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from backends.engine.factory import engine
from backends.errors import BadInput
from backends.scenario import load_scenario
from backends.types import Answer, Failure, Message, Passage, Prompt, Query, Sampling, Timing, Usage
from compare.cases import Case
from compare.checks import CheckResult
from compare.leakage import Leak
from compare.live import CallStatus, LiveAnswer
from compare.plan import Plan
from compare.run_leakage import RunLeakage, TrainedOn
from compare.runner import start
from compare.scenario_run import make_plan, start_scenario_run
from compare.store import new_run_id, store
from tests.cited_run import keep_cited_run
from tests.screens import app_process, app_settings, open_page, own_data_folder, texts  # noqa: F401
from ui.matrix import ROWS
from ui.results import _measured
from ui.text import safe

LANES = ("prompt", "rag", "lora", "hybrid")
WAIT_S = 120
VIEWS = ("right", "steady", "speed", "cases", "change")


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """Every test has a store without runs."""
    yield
    for line in store().measured_runs(1000):
        store().delete_run(line.id)
    _measured.clear()


def open_results(**query: str) -> AppTest:
    """A session that goes to the results page."""
    page = open_page().switch_page("pages/results.py")
    for name, value in query.items():
        page.query_params[name] = value
    page.run()
    assert not page.exception
    return page


def look(page: AppTest, view: str) -> AppTest:
    """Switch to a view."""
    page.session_state["view"] = view
    page.run()
    assert not page.exception
    return page


def titles(page: AppTest) -> list[str]:
    """Of the charts on the page, whose specs are sound as they were built."""
    specs = [json.loads(chart.proto.spec) for chart in page.get("vega_lite_chart")]
    return [spec["title"] if isinstance(spec["title"], str) else spec["title"]["text"] for spec in specs]


def ran(cases: int = 16, repeats: int = 3, **changes: object) -> str:
    """The id of a run of the real (tiny) model."""
    sampling = Sampling(max_tokens=6)
    plan = make_plan(
        load_scenario("support-facts"), LANES, first=cases, repeats=repeats, sampling=sampling, **changes  # type: ignore[arg-type]
    )  # fmt: skip
    run = start_scenario_run(plan, store=store(), engine=engine())
    progress = run.wait(WAIT_S)
    assert progress.state == "done", progress
    return run.id


TIMING = Timing(
    queued_ms=1, adapter_switch_ms=0, embed_ms=0, retrieve_ms=0, prefill_ms=9, decode_ms=90, total_ms=100,
    ttft_ms=12, first_token_ms=10,
)  # fmt: skip


def kept(
    statuses: Sequence[CallStatus] = ("done",),
    *,
    cases: int = 20,
    of: int | None = None,
    repeats: int = 1,
    text: str = "Yes.",
    check: str = "pass",
    lanes: Sequence[str] = ("prompt", "rag"),
    temperature: float = 0.7,
    passages: Sequence[Passage] = (),
) -> str:
    """The id of a finished run of calls as they are given, in turn."""
    plan = Plan(
        scenario="support-facts",
        cases=tuple(
            Case(id=f"c{n}", query=f"Question {n}?", group=f"c{n}", source="warranty.md")
            for n in range(of or cases)
        ),
        lanes=tuple(lanes),
        repeats=repeats,
        sampling=Sampling(temperature=temperature),
    )
    id_ = new_run_id()
    store().create_scenario_run(id_, plan)
    place = 0
    for number in range(cases):
        calls = []
        for lane in lanes:
            for repeat in range(repeats):
                status, place = statuses[place % len(statuses)], place + 1
                call = LiveAnswer(backend=lane, repeat=repeat, seed=repeat, status=status)
                if status == "failed":
                    call = replace(call, failure=Failure(stage="decode", message="It broke."))
                if status == "done":
                    usage = Usage(prompt_tokens=5, completion_tokens=2)
                    answer = Answer(
                        text=text, timing=TIMING, usage=usage, finish="end", rendered="", token_ids=()
                    )
                    result = CheckResult(name="exact", kind="content", result=check, reason="so")  # type: ignore[arg-type]
                    call = replace(call, text=text, answer=answer, checks=(result,) if check else ())
                    given = tuple(passages) if lane == "rag" else ()
                    asked = Message(role="user", content=f"{lane} {number}")
                    call = replace(call, prompt=Prompt(messages=(asked,), passages=given))
                calls.append((f"c{number}", call))
        store().save_calls(id_, calls)
    store().finish_run(id_)
    return id_


def test_without_runs_the_page_says_what_to_do_next() -> None:
    page = open_results()
    assert "Nothing has been run yet" in texts(page)
    assert "python -m compare run" in texts(page)


def test_a_real_run_is_summed_up_charted_and_said_in_words() -> None:
    page = open_results(run=ran())
    said = texts(page)
    assert "proof that adapters leave the base alone" in said.replace("\\", "")
    assert "Controlled" in page.expander[0].label
    table = page.dataframe[0].value
    assert list(table["Approach"]) == ["● Prompt", "■ RAG", "▲ LoRA", "◆ RAG + LoRA"]
    assert list(table["Answers"]) == ["48"] * 4
    assert "Failed" not in table.columns
    shown = {view: titles(look(page, view)) for view in VIEWS}
    assert "How often right" in shown["right"]
    assert any(title.startswith("How much more often right than") for title in shown["right"])
    assert "How alike the answers are" in shown["steady"]
    assert "Over the repeats" in shown["steady"]
    assert {"Where the time went", "What longer prompts cost"} <= set(shown["speed"])
    assert shown["cases"] == shown["change"] == []
    assert "no other run of the same" in texts(page)


def test_figures_on_the_page_are_those_of_the_command_line() -> None:
    id_ = ran(cases=18, repeats=2)
    from compare.command_results import outcome_of

    stored = store().stored_run(id_)
    document = outcome_of(stored, store().vectors(stored), calls=False).document["backends"]
    assert isinstance(document, dict)
    table = open_results(run=id_).dataframe[0].value
    for row, lane in zip(table.to_dict("records"), LANES, strict=True):
        figures = document[lane]
        assert row["Tokens read"] == str(round(figures["prompt_tokens_mean"]))
        assert row["Says the same again"].removesuffix(" %") == f"{100 * figures['modal_share']:.0f}"


def test_a_live_question_that_was_repeated_is_measured_for_itself_alone() -> None:
    query = Query(
        text="What warranty does the Pro plan include?",
        scenario="support-facts",
        repeats=4,
        sampling=Sampling(max_tokens=6),
    )
    run = start(query, backends=LANES, store=store(), engine=engine())
    assert run.wait(WAIT_S).done
    page = open_results(run=run.id)
    assert "Of other questions this says nothing" in texts(page)
    for view in VIEWS:
        look(page, view)


def test_a_link_leads_to_its_run_and_the_choice_goes_into_the_link() -> None:
    first, second = kept(), kept(cases=17)
    page = open_results(run=first)
    assert page.selectbox(key="results_run").value == first
    page.selectbox(key="results_run").set_value(second).run()
    assert page.query_params["run"] in (second, [second])
    page.query_params["run"] = first
    page.run()
    assert page.selectbox(key="results_run").value == first


def test_a_link_to_nothing_says_so_and_shows_what_there_is() -> None:
    id_ = kept()
    page = open_results(run="0123456789abcdef")
    assert "not stored here" in texts(page)
    assert page.selectbox(key="results_run").value == id_


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ({"statuses": ("failed",)}, "No answer was judged"),
        ({"statuses": ("cancelled",)}, "No answer was judged"),
        ({"statuses": ("done", "failed")}, "RAG: 20 of 20 answers failed"),
        ({"statuses": ("done", "failed")}, "Prompt is right on 20 of 20 cases"),
        ({"check": ""}, "No answer was judged"),
        ({"check": "unscored"}, "No answer was judged"),
        ({"text": ""}, "whether it is the best"),
        ({"repeats": 3}, "whether it is the best"),
        ({"repeats": 3, "check": "fail", "temperature": 0.0}, "whether it is the best"),
        ({"repeats": 2, "text": "NaN"}, "whether it is the best"),
        ({"cases": 1}, "say"),
        ({"cases": 5}, "too few to say more than counts"),
        ({"cases": 7, "of": 20}, "14 of 40 answers are there"),
        ({"lanes": ("rag",)}, "RAG is right on 20 of 20 cases"),
        ({"lanes": ("prompt", "hybrid")}, "Prompt"),
    ],
)  # fmt: skip
def test_whatever_came_back_no_view_breaks_or_invents_a_figure(made: dict[str, object], said: str) -> None:
    page = open_results(run=kept(**made))  # type: ignore[arg-type]
    assert said in texts(page).replace("\\", "").replace("\u2060", "")
    for view in VIEWS:
        look(page, view)
    if made.get("statuses") == ("failed",):
        table = page.dataframe[0].value
        assert list(table["Right"]) == ["nothing judged"] * 2
        assert list(table["Failed"]) == ["20", "20"]
        assert list(table["Half done within"]) == ["–", "–"]


def test_a_run_without_any_answer_says_so() -> None:
    id_ = new_run_id()
    store().create_scenario_run(id_, make_plan(load_scenario("support-facts"), ("prompt",), first=3))
    store().interrupt_run(id_)
    assert "No answer of this run is stored" in texts(open_results(run=id_))


def test_an_interrupted_run_says_how_to_go_on() -> None:
    id_ = kept(cases=5, of=9)
    store().interrupt_run(id_)
    said = texts(open_results(run=id_))
    assert "ended early" in said
    assert f"--resume {id_}" in said


def test_the_matrix_has_pages_and_folds_repeats() -> None:
    id_ = kept(cases=ROWS + 3, repeats=5, check="fail")
    page = look(open_results(run=id_), "cases")
    table = page.dataframe[-1].value
    assert len(table) == ROWS
    assert table["■ RAG"][0] == "✗ 0 of 5 · Yes."
    page.session_state["page"] = 2
    page.run()
    assert not page.exception
    assert list(page.dataframe[-1].value["Question"]) == [f"Question {ROWS + n}?" for n in range(3)]


def test_a_run_that_grows_is_read_again() -> None:
    id_ = kept(cases=3, of=4)
    page = open_results(run=id_)
    assert list(page.dataframe[0].value["Answers"]) == ["3", "3"]
    call = LiveAnswer(
        backend="rag", repeat=0, seed=0, status="failed", failure=Failure(stage="decode", message="!")
    )
    store().save_calls(id_, [("c3", call)])
    page.run()
    assert list(page.dataframe[0].value["Answers"]) == ["3", "4"]


def test_a_run_deleted_meanwhile_gives_a_sentence() -> None:
    id_, other = kept(), kept()
    page = open_results(run=id_)
    store().delete_run(id_)
    page.run()
    assert not page.exception
    assert page.selectbox(key="results_run").value == other
    with pytest.raises(BadInput):
        store().stored_run(id_)


def test_the_matrix_is_filtered_and_searched() -> None:
    id_ = kept(("done", "failed", "done", "done"), cases=6, check="fail")
    page = look(open_results(run=id_), "cases")
    assert len(page.dataframe[-1].value) == 6
    page.session_state["show"] = "failed"
    page.run()
    assert len(page.dataframe[-1].value) == 3
    page.session_state["show"] = "unsteady"
    page.run()
    assert "No case of this run is like that" in texts(page)
    page.session_state["show"] = "wrong"
    page.text_input(key="search").set_value("question 4").run()
    assert list(page.dataframe[-1].value["Question"]) == ["Question 4?"]
    assert not page.exception


def test_a_run_is_compared_with_another_one_of_the_same() -> None:
    before = kept(cases=18, check="fail")
    after = kept(("done", "done", "done", "failed"), cases=18)
    page = look(open_results(run=after, against=before), "change")
    said = texts(page).replace("\\", "")
    assert page.selectbox(key="against_run").value == before
    assert "is right 100 points more often" in said
    table = next(frame.value for frame in page.dataframe if "Better" in frame.value.columns)
    assert list(table["Better"]) == ["18", "9"]
    assert titles(page) == ["How much more often right than there"]
    page.session_state["changed"] = "better"
    page.run()
    cases = page.dataframe[-1].value
    assert (len(cases), cases["There"][0], cases["Here"][0]) == (27, "✗ Yes.", "✓ Yes.")
    page.session_state["changed"] = "worse"
    page.run()
    assert "No answer is worse" in texts(page)


def test_another_run_can_be_chosen_to_compare_with() -> None:
    first, second, here = kept(cases=18, check="fail"), kept(cases=18), kept(cases=18)
    page = look(open_results(run=here, against=first), "change")
    page.selectbox(key="against_run").set_value(second).run()
    assert not page.exception
    assert page.selectbox(key="against_run").value == second
    assert page.query_params["against"] in (second, [second])
    assert "cannot tell whether anything changed" in texts(page)


def test_facets_narrow_the_matrix_and_the_search_reads_every_answer() -> None:
    page = look(open_results(run=ran(cases=20, repeats=2)), "cases")
    whole = page.dataframe[-1].value
    options = page.multiselect(key="only").options
    assert any(option.startswith("tag: ") for option in options)
    page.multiselect(key="only").set_value(
        [page.multiselect(key="only").options[0].rpartition(" (")[0]]
    ).run()
    assert not page.exception
    assert 0 < len(page.dataframe[-1].value) <= len(whole)
    page.text_input(key="search").set_value("no answer says this").run()
    assert "No case of this run is like that" in texts(page)


def test_a_link_opens_a_case_and_steps_lead_to_the_next() -> None:
    id_ = kept(cases=4, repeats=3)
    page = open_results(run=id_, view="Cases", case="c1")
    said = texts(page)
    assert "Question 1?" in said.replace("\\", "")
    assert "2 of 4 that are shown" in said
    page.button(key="case_Next").click().run()
    assert not page.exception
    assert page.query_params["case"] in ("c2", ["c2"])
    assert "Question 2?" in texts(page).replace("\\", "")
    rows = next(frame.value for frame in page.dataframe if "No." in frame.value.columns)
    assert list(rows["No."]) == ["1", "2", "3"]


def test_a_link_to_a_case_that_is_not_there_opens_nothing() -> None:
    page = open_results(run=kept(cases=4), view="Cases", case="nothing")
    assert not [button for button in page.button if button.key == "case_Next"]


WARRANTY = Passage(number=1, source="warranty.md", chunk_id="w", text="It lasts 2 years.", cosine=0.5)


def test_citations_are_counted_where_a_lane_was_given_passages() -> None:
    page = open_results(run=kept(cases=20, text="It lasts 2 years [1].", passages=(WARRANTY,)))
    (table,) = (frame.value for frame in page.dataframe if "Invented" in frame.value.columns)
    prompt, rag = table.to_dict("records")
    assert (rag["Right document cited"], rag["Right of what is cited"]) == ("100 % (84 to 100 %)",) * 2
    assert (rag["Invented"], rag["Not said there"]) == ("0 of 20", "0 of 20")
    assert (prompt["Invented"], prompt["Right document cited"]) == ("20 of 20", "–")
    said = texts(page).replace("\\", "")
    assert "RAG cites the right document on 20 of 20 cases (95 % interval 84 to 100 %)" in said
    assert "of all 40 citations 20 name no passage, and 0 name one that does not say so" in said


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ({"text": "It lasts 3 years [1].", "cases": 5}, "on 5 of 5 cases (fewer than 15 different cases"),
        ({"text": "It lasts 3 years [1].", "repeats": 2}, "20 cases (95 % interval"),
        ({"text": "It lasts."}, "No answer cites a passage"),
    ],
)
def test_few_cases_or_no_citation_are_said_to_be(made: dict[str, object], said: str) -> None:
    page = open_results(run=kept(passages=(WARRANTY,), **made))  # type: ignore[arg-type]
    assert said in texts(page).replace("\\", "")


def test_without_passages_there_is_nothing_about_citations() -> None:
    page = open_results(run=kept(text="It lasts 2 years [1]."))
    assert not [frame for frame in page.dataframe if "Invented" in frame.value.columns]
    assert "Citations" not in texts(page)


def test_the_case_drawer_shows_what_is_cited_and_says_what_is_wrong() -> None:
    id_ = kept(cases=2, repeats=2, text="It lasts 3 years [1].", passages=(WARRANTY,))
    page = open_results(run=id_, view="Cases", case="c1")
    said = texts(page).replace("\\", "")
    assert "It lasts 3 years :orange[[1]]." in said
    buttons = [button.proto.popover.label.replace("\\", "") for button in page.get("popover")]
    assert buttons.count("[1] warranty.md") == 1
    assert "[1] does not say “3”" in said
    assert "[1] is no passage" in said


def test_a_live_question_has_citations_without_a_right_document() -> None:
    page = open_results(run=keep_cited_run(store(), new_run_id()))
    assert "These cases name no document to cite; of all 5 citations 2 name no passage" in texts(
        page
    ).replace("\\", "")


def test_cases_that_were_learnt_from_are_listed_with_the_rates_without_them() -> None:
    id_ = kept(("done", "done"), cases=20, check="pass")
    page = open_results(run=id_)
    assert "learnt" not in str(texts(page))  # No lane has an adapter.
    trained = kept(lanes=("prompt", "lora"))
    leak = Leak(case="c3", kind="near", where="training", text="Question *3*", likeness=0.93, line=7)
    file = TrainedOn(adapters=("support-facts/lora",), examples=330, leaks=(leak,))
    store().set_leakage(trained, RunLeakage(trained_on=(file,)))
    page = open_results(run=trained)
    assert [one.label for one in page.expander if "training examples of" in one.label] == [
        safe("1 of 20 cases stands among the 330 training examples of the adapters.")
    ]
    tables = [table.value for table in page.dataframe if "Learnt by" in table.value]
    assert tables[0].to_dict("records") == [
        {"Case": "c3", "Question": "Question 3?", "Is": "nearly the same question", "Likeness": "93 %",
         "Example": "Question *3*", "Line": "7", "Learnt by": "support-facts/lora"}
    ]  # fmt: skip
    (rates,) = [table.value for table in page.dataframe if "Right, without these" in table.value]
    assert len(rates) == 2
    store().set_leakage(trained, RunLeakage(trained_on=(replace(file, leaks=()),), note="Letters only."))
    _measured.clear()
    page = open_results(run=trained)
    told = safe("No case stands among the 330 training examples of the adapters. Letters only.")
    assert told in texts(page)
