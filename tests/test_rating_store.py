"""Judgements in the store and in files: nothing is overwritten, nothing is doubled, nothing is lost."""

import json
from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest

from backends.errors import BadInput
from backends.scenario import load_scenario
from backends.settings import settings
from backends.training.examples import load_examples
from compare.__main__ import main
from compare.case_files import load_cases
from compare.cases import Case
from compare.command import BAD_INPUT, FINE
from compare.plan import Plan
from compare.rating_files import COLUMNS, ratings_csv, ratings_jsonl, read_ratings
from compare.rating_items import TIE, Item, Judgement, items_of, shuffled_lanes
from compare.rating_store import OVERALL
from compare.run_measures import measure
from compare.scenario_run import make_plan
from compare.store import Store, new_run_id, store
from compare.training_set import collect, collected, collected_path, kept_out_of_test, worth_learning
from tests.test_ratings import judged
from tests.test_summary import call, failed, plan, stored

LANES = ("prompt", "rag", "lora")


@pytest.fixture
def run(kept: Store) -> str:
    id_ = new_run_id()
    kept.create_scenario_run(id_, Plan(scenario="s", cases=(Case(id="c", query="q"),), lanes=LANES))
    return id_


BEST = Item(mode="best", case="c", repeat=0, lanes=LANES)


def test_an_order_is_stored_when_it_is_shown_and_is_the_raters_own(kept: Store, run: str) -> None:
    shown = kept.serve(run, "ann", BEST, ("lora", "prompt", "rag"))
    assert kept.serve(run, "ann", BEST, LANES) == shown
    assert shown.lanes == ("lora", "prompt", "rag")
    assert kept.serve(run, "bob", BEST, LANES).id != shown.id
    items = [replace(BEST, case=f"c{n}") for n in range(200)]
    orders = {name: [shuffled_lanes(item, run, name) for item in items] for name in ("ann", "bob")}
    assert orders["ann"] != orders["bob"]
    first = [order[0] for order in orders["ann"]]
    assert all(40 < first.count(lane) < 95 for lane in LANES)


def test_a_second_tab_can_not_overwrite_what_the_first_one_said(kept: Store, run: str) -> None:
    shown = kept.serve(run, "ann", BEST, LANES)
    kept.decide(shown.id, choice="rag", comment="clear", seconds=3.0)
    with pytest.raises(BadInput, match="judged already"):
        kept.decide(shown.id, choice="prompt")
    with pytest.raises(BadInput, match="judged already"):
        kept.skip(shown.id)
    (one,) = kept.judgements(run)
    assert (one.choice, one.comment, one.seconds, one.state) == ("rag", "clear", 3.0, "done")


def test_many_raters_at_once_lose_nothing(kept: Store, run: str) -> None:
    def rate(name: str) -> None:
        for number in range(10):
            item = replace(BEST, case=f"c{number}")
            kept.decide(kept.serve(run, name, item, LANES).id, choice=TIE)

    threads = [Thread(target=rate, args=(f"rater {n}",)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = kept.judgements(run, "best")
    assert len(found) == len({(one.rater, one.item.key) for one in found}) == 60


def test_a_judgement_is_taken_back_until_it_is_revealed(kept: Store, run: str) -> None:
    first = kept.serve(run, "ann", BEST, LANES)
    with pytest.raises(BadInput, match="can't be revealed"):
        kept.reveal(first.id)
    kept.decide(first.id, choice="rag")
    back = kept.take_back(run, "ann", "best")
    assert back is not None
    assert (back.id, back.state, back.choice, back.lanes) == (first.id, "open", "rag", LANES)
    kept.decide(first.id, choice="prompt")
    assert kept.reveal(first.id).revealed
    assert kept.take_back(run, "ann", "best") is None
    assert kept.take_back(run, "bob", "best") is None
    assert kept.judgements(run)[0].choice == "prompt"


def test_what_was_skipped_is_open_again_when_it_is_shown(kept: Store, run: str) -> None:
    shown = kept.serve(run, "ann", BEST, LANES)
    kept.skip(shown.id)
    assert kept.judgements(run)[0].state == "skipped"
    assert kept.serve(run, "ann", BEST, LANES).state == "open"


def test_stars_beside_an_answer_are_replaced_by_later_ones(kept: Store, run: str) -> None:
    item = Item(mode="live", case="", repeat=0, lanes=("rag",))
    kept.rate_call(run, "ann", item, 1)
    kept.rate_call(run, "ann", item, 5)
    (one,) = kept.judgements(run)
    assert one.scores == {OVERALL: 5}
    assert one.revealed


def test_a_deleted_run_takes_its_judgements_along(kept: Store, run: str) -> None:
    shown = kept.serve(run, "ann", BEST, LANES)
    kept.finish_run(run)
    kept.delete_run(run)
    assert kept.judgements(run) == ()
    with pytest.raises(BadInput):
        kept.serve(run, "ann", BEST, LANES)
    with pytest.raises(BadInput, match="no such judgement"):
        kept.decide(shown.id, choice="rag")


HOSTILE = '=HYPERLINK("https://evil.example") <b>, "quoted"\nnext line 🙂'


def test_files_hold_all_and_are_taken_over_once(kept: Store, run: str, tmp_path: Path) -> None:
    stars = kept.serve(run, HOSTILE[:40], Item(mode="stars", case="c", repeat=0, lanes=("rag",)), ("rag",))
    kept.decide(stars.id, scores={"correct": 4, "tone": 1}, comment=HOSTILE, edited=HOSTILE, seconds=2.5)
    best = kept.serve(run, "bob", BEST, ("lora", "rag", "prompt"))
    kept.decide(best.id, choice="lora", gives_away=True)
    kept.reveal(best.id)
    kept.serve(run, "cem", BEST, LANES)  # Open: it says nothing yet.
    said = [one for one in kept.judgements(run) if one.state == "done"]
    here = kept.stored_run(run)
    for data in (ratings_csv(kept.judgements(run), here), ratings_jsonl(kept.judgements(run), here)):
        assert b",=HYPER" not in data
        read = read_ratings(data)
        assert [replace(one, item=said[n].item) for n, one in enumerate(read)] == said
        assert [one.item.key for one in read] == [one.item.key for one in said]
        other = Store(f"sqlite:///{tmp_path / f'other{len(data)}.db'}")
        with pytest.raises(BadInput):
            other.keep_judgements(read)
        other.create_scenario_run(run, Plan(scenario="s", cases=(Case(id="c", query="q"),), lanes=LANES))
        assert other.keep_judgements(read) == (2, 0)
        assert other.keep_judgements(read) == (0, 2)
        assert sorted(one.id for one in other.judgements(run)) == sorted(one.id for one in said)
        other.close()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "The file is empty"),
        (b"\xff\xfe\x00", "no text in UTF-8"),
        (b"a,b\n1,2\n", "no column id"),
        (b"{", "Line 1 is no JSON"),
        (b'{"id": 1}\n', "Line 1 is no judgement"),
        (",".join(COLUMNS).encode() + b"\n1,2,3\n", "Line 2 is no judgement"),
        (ratings_jsonl([judged(scores={"correct": 9})], stored({})), "outside of 1 to 5"),
        (ratings_jsonl([judged()], stored({})).replace(b'"stars"', b'"moons"'), "its mode"),
        (ratings_jsonl([judged(choice="nobody")], stored({})), "none of its lanes"),
    ],
)
def test_what_is_no_file_of_judgements_gets_a_sentence(data: bytes, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        read_ratings(data)


def test_only_finished_answers_are_judged_and_all_raters_see_the_same_repeat() -> None:
    calls = [call(0, repeat, lane=lane) for repeat in range(3) for lane in ("rag", "lora")]
    calls += [call(1, 0, lane="rag"), failed(1, 0)]
    two = stored({}, plan=plan(3, repeats=3, lanes=("rag", "lora")), calls=tuple(calls))
    stars, pairs, best = (items_of(two, mode) for mode in ("stars", "pairs", "best"))
    assert [(item.case, item.lanes) for item in stars] == [
        ("c0", ("rag",)),
        ("c0", ("lora",)),
        ("c1", ("rag",)),
    ]
    assert len({item.repeat for item in stars if item.case == "c0"}) == 1
    assert [item.lanes for item in pairs] == [item.lanes for item in best] == [("rag", "lora")]
    assert items_of(two, "pairs") == pairs


def of(case: int, scores: dict[str, int], **changes: object) -> Judgement:
    return judged(f"c{case}", scores=scores, **changes)  # type: ignore[arg-type]


def test_well_judged_answers_are_learnt_and_their_groups_leave_the_test_split(tmp_path: Path) -> None:
    calls = tuple(call(n, text=f"answer {n}") for n in range(6))
    asked = plan(6)
    cases = tuple(replace(case, query=f"question {n}?", split="test") for n, case in enumerate(asked.cases))
    found = measure(stored({}, plan=replace(asked, cases=cases), calls=calls), {})
    said = [
        of(0, {"correct": 5, "tone": 5}),
        of(1, {"correct": 5, "tone": 2}),
        of(2, {"correct": 1}, edited="  a better one "),
        of(3, {"correct": 5}, rater="ann"),
        of(3, {"correct": 1}, rater="bob"),
        of(4, {"correct": 5}, state="open"),
    ]
    worth = worth_learning(found, said)
    assert [(one.query, one.answer, one.how) for one in worth] == [
        ("question 0?", "answer 0", "rated"),
        ("question 2?", "a better one", "edited"),
    ]
    assert len(worth_learning(found, said, 3.0)) == 4
    assert collect("s", worth) == 2
    assert collect("s", worth) == 0
    assert len(collected("s")) == 2
    examples = load_examples(collected_path("s"))
    assert [(one.query, one.answer) for one in examples] == [(one.query, one.answer) for one in worth]
    sibling = Case(id="x", query="the same fact", group="g0", split="test")
    kept = kept_out_of_test("s", (*cases, sibling))
    assert [case.id for case in kept if case.split == "dev"] == ["c0", "c2", "x"]
    assert kept_out_of_test("other", cases) == cases
    collected_path("s").write_text("no JSON\n" + collected_path("s").read_text())
    assert len(collected("s")) == 2
    with pytest.raises(BadInput, match="can't be read"):
        collect("s", worth)


def test_a_file_holds_what_its_figures_are_computed_from() -> None:
    run = stored({}, calls=(call(0, text="one"), call(0, lane="lora", outcome="fail", text="=two")))
    said = judged("c0", mode="pairs", lanes=("lora", "rag"), choice="rag")
    (line,) = ratings_jsonl([said], run).decode().strip().split("\n")
    found = json.loads(line)
    assert found["answers"] == ["=two", "one"]
    assert found["checked"] == ["fail", "pass"]
    assert (found["group"], found["query"]) == ("g0", "q")


def test_line_separators_inside_answers_split_nothing() -> None:
    found = measure(stored({}, calls=(call(0, text="one\u2028two\x85three"),)), {})
    (example,) = worth_learning(found, [judged("c0", scores={"correct": 5})])
    assert collect("s", [example]) == 1
    assert collected("s") == (example,)
    assert load_examples(collected_path("s"))[0].answer == example.answer
    said = judged(comment=example.answer, scores={"correct": 1})
    assert read_ratings(ratings_jsonl([said], stored({})))[0].comment == example.answer


def test_what_was_revealed_in_one_comparison_is_not_blind_in_the_next(kept: Store, run: str) -> None:
    pairs = [
        Item(mode="pairs", case="c", repeat=0, lanes=lanes) for lanes in (("prompt", "rag"), ("lora", "rag"))
    ]
    first = kept.serve(run, "ann", pairs[0], pairs[0].lanes)
    kept.decide(first.id, choice="rag")
    kept.reveal(first.id)
    second = kept.serve(run, "ann", pairs[1], pairs[1].lanes)
    assert kept.decide(second.id, choice="rag").gives_away
    other = kept.serve(run, "bob", pairs[1], pairs[1].lanes)
    assert not kept.decide(other.id, choice="rag").gives_away


def test_a_judgement_from_elsewhere_fills_what_was_only_looked_at(kept: Store, run: str) -> None:
    shown = kept.serve(run, "ann", BEST, LANES)
    said = replace(shown, id="elsewhere", state="done", choice="rag", decided_at="2026-11-22")
    assert kept.keep_judgements([said]) == (1, 0)
    assert kept.keep_judgements([said]) == (0, 1)
    (one,) = kept.judgements(run)
    assert (one.id, one.choice, one.state) == ("elsewhere", "rag", "done")


def test_a_run_of_the_test_split_leaves_out_what_was_learnt() -> None:
    scenario = load_scenario("support-facts")
    first = next(case for case in load_cases(scenario) if case.split == "test")
    before = make_plan(scenario, ("prompt",), which="test").cases
    found = measure(stored({}, plan=replace(plan(1), cases=(first,)), calls=(call(0, text="x"),)), {})
    example = worth_learning(found, [judged(first.id, scores={"correct": 5}, edited="Two years.")])
    assert collect(scenario.name, example) == 1
    after = make_plan(scenario, ("prompt",), which="test").cases
    assert {case.group for case in before} - {case.group for case in after} == {first.group}
    assert str(collected_path(scenario.name)).startswith(str(settings().data_dir))


def test_the_command_line_sums_up_writes_and_takes_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here = store()
    id_ = new_run_id()
    here.create_scenario_run(id_, Plan(scenario="s", cases=(Case(id="c", query="q"),), lanes=LANES))
    assert main(["ratings", id_]) == FINE
    assert "Nobody has judged" in capsys.readouterr().out
    stars = here.serve(id_, "ann", Item(mode="stars", case="c", repeat=0, lanes=("rag",)), ("rag",))
    here.decide(stars.id, scores={"correct": 4})
    best = here.serve(id_, "ann", BEST, LANES)
    here.decide(best.id, choice="rag")
    out = tmp_path / "ratings.csv"
    assert main(["ratings", id_, "--out", str(out), "--json"]) == FINE
    found = json.loads(capsys.readouterr().out)
    assert found["judgements"] == 2
    assert found["scores"]["rag"]["correct"]["mean"] == 4
    assert found["leaderboard"][0]["backend"] == "rag"
    assert found["leaderboard"][0]["rank"] is None  # One case ranks nobody.
    assert main(["ratings", id_, "--take", str(out)]) == FINE
    assert "0 new judgements, 2 known already" in capsys.readouterr().out
    assert main(["ratings", id_, "--take", str(tmp_path)]) == BAD_INPUT
    assert main(["ratings", "nothing"]) == BAD_INPUT
    assert "Traceback" not in capsys.readouterr().err
