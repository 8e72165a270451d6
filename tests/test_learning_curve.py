"""Learning curves: figures worked by hand, and one that is really trained, paused, taken up and asked."""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from math import hypot, sqrt
from pathlib import Path

import pytest

from backends.adapters import registered, use
from backends.engine.local import LocalEngine
from backends.errors import BadInput
from backends.scenario import load_scenario
from backends.settings import Settings, settings
from backends.training.examples import Example
from backends.training.jobs import jobs
from compare.comparing import scores_of_answering
from compare.curve_figures import curve_figures, over_seeds
from compare.curve_state import (
    Curve,
    CurveRound,
    CurveTraining,
    carried_out,
    curves,
    forget_curve,
    is_carried_out,
    load_curve,
    save_curve,
)
from compare.curve_work import STOPPED, LearningCurve
from compare.curves_going import LearningCurves
from compare.judged import JudgedCall
from compare.learning_curve import delete_adapters, part_of, plan_curve
from compare.statistics import CaseScores, difference, rate
from compare.store import Store
from compare.training_plan import read
from tests.tiny import build_model

WAIT_S = 300
CASES = 40


def scores(right: int, of: int = CASES) -> tuple[CaseScores, ...]:
    return tuple(CaseScores(case=f"c{n}", group=f"c{n}", scores=(float(n < right),)) for n in range(of))


def curve_of(*rounds: Sequence[int], asked: bool = True, of: int = CASES) -> Curve:
    """Each round's right answers by size: 10, 20, 40, ... examples."""
    sizes = tuple(10 * 2**n for n in range(len(rounds[0])))
    return Curve(
        id="c", scenario="plans", kind="lora", sizes=sizes, repeats=1, preset="standard",
        rounds=tuple(
            CurveRound(
                seed=seed,
                asked=asked,
                bare=scores(0, of),
                trainings=tuple(
                    CurveTraining(size=size, scores=scores(many, of), held_out=1 / size + seed)
                    for size, many in zip(sizes, right, strict=True)
                ),
            )
            for seed, right in enumerate(rounds)
        ),
    )  # fmt: skip


def test_rates_pool_the_seeds_and_their_spread_widens_the_interval() -> None:
    found = curve_figures(curve_of([10, 20], [14, 28], [12, 24]))
    first = found.sizes[0]
    assert first.passes is not None
    assert first.passes.value == pytest.approx(12 / 40)
    assert first.by_seed == (10 / 40, 14 / 40, 12 / 40)
    assert first.held_out == pytest.approx(1 / 10 + 1)  # Mean of 0.1, 1.1, 2.1.
    pooled = [
        CaseScores(case=f"c{n}", group=f"c{n}", scores=(float(n < 10), float(n < 14), float(n < 12)))
        for n in range(40)
    ]
    cases = rate(pooled)
    assert cases is not None
    # The means are 0.25, 0.35, 0.3 and 0.5, 0.7, 0.6: variances 0.0025 and 0.01, pooled 0.00625. Student's t
    # for 2 + 2 degrees of freedom is 2.776.
    reach = 2.776445 * sqrt(0.00625 / 3)
    assert first.passes.low == pytest.approx(max(0, 0.3 - hypot(0.3 - cases.low, reach)))
    assert first.passes.high == pytest.approx(0.3 + hypot(cases.high - 0.3, reach))
    assert found.seeds == 3
    assert found.bare is not None
    assert found.bare.value == 0


def test_one_seed_leaves_the_interval_as_it_is() -> None:
    gain = difference(scores(30), scores(10))
    assert gain is not None
    assert over_seeds(gain, [[0.5], [0.2]], 1) is gain
    wide = over_seeds(gain, [[0.0, 1.0]], 2)
    assert wide is not None
    assert (wide.low, wide.high) == (-1, 1)


@pytest.mark.parametrize(
    ("rounds", "kind", "enough", "said"),
    [
        ([[0, 390, 390, 390]], "stopped", 20, "20 examples are enough: all 80 add less than 5 points"),
        ([[0, 100, 200, 390]], "rising", None, "Still rising: 80 examples in place of 40 add +48 points"),
        ([[0, 100, 370, 390]], "rising", None, "Still rising"),
        ([[200, 200, 210, 200], [210, 150, 150, 200]], "cannot_tell", None, "Can't tell yet"),
    ],
)
def test_where_more_stopped_helping(
    rounds: list[list[int]], kind: str, enough: int | None, said: str
) -> None:
    found = curve_figures(curve_of(*rounds, of=400))
    assert (found.kind, found.enough) == (kind, enough)
    assert said in found.sentence


def test_a_size_is_enough_only_when_all_larger_ones_are() -> None:
    found = curve_figures(curve_of([390, 100, 390, 390], of=400))
    assert (found.kind, found.enough) == ("stopped", 40)


def test_few_cases_and_rounds_that_were_not_asked_tell_nothing() -> None:
    few = curve_figures(curve_of([1, 5], of=6))
    assert few.kind == "cannot_tell"
    assert "too few to say more" in few.sentence
    none = curve_figures(curve_of([1, 5], asked=False))
    assert (none.kind, none.seeds) == ("nothing", 0)
    assert "Nothing can be told yet" in none.sentence


def test_parts_are_nested_and_equal_questions_stay_together() -> None:
    examples = [Example(line=n, query=f"Q{n // 2}?", answer=str(n)) for n in range(40)]
    for seed in range(5):
        parts = [set(part_of(examples, size, seed)) for size in (4, 10, 20, 40)]
        assert all(small < large for small, large in pairwise(parts))
        assert [len(part) for part in parts] == [4, 10, 20, 40]
        assert all({one.query for one in part} & {one.query for one in set(examples) - part} == set()
                   for part in parts)  # fmt: skip
    assert part_of(examples, 10, 0) != part_of(examples, 10, 1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("curves")
    build_model(folder / "model")
    plans = folder / "scenarios" / "plans"
    plans.mkdir(parents=True)
    (plans / "scenario.toml").write_text(
        'system_prompt = "Be brief."\n[training.lora]\nepochs = 1\nbatch_size = 2\nrank = 2\nalpha = 4\n'
    )
    rows = "".join(f"How long is plan {n}?,contains_any: a | e,test\n" for n in range(4))
    (plans / "cases.csv").write_text(f"query,checks,split\n{rows}")
    return folder


@pytest.fixture(autouse=True)
def own_scenarios(folder: Path, own_data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "SCENARIOS_DIR": folder / "scenarios",
        "MODEL": folder / "model",
        "DEVICE": "cpu",
    }.items():
        monkeypatch.setenv(f"LEVER_{name}", str(value))
    monkeypatch.setenv("LEVER_THREADS", "1")
    settings.cache_clear()


@pytest.fixture
def engine(folder: Path) -> Iterator[LocalEngine]:
    told = Settings(
        model=str(folder / "model"), device="cpu", threads=1, scenarios_dir=folder / "scenarios"
    )  # fmt: skip
    running = LocalEngine(told)
    running.start()
    assert running.wait_ready(WAIT_S).state == "ready"
    yield running
    running.stop()


def data(many: int = 12) -> bytes:
    turns = (("user", "What is {}?"), ("assistant", "It is {}."))
    rows = [
        {"messages": [{"role": role, "content": text.format(n)} for role, text in turns]} for n in range(many)
    ]
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def planned(keep: bool = False) -> Curve:
    return plan_curve(
        load_scenario("plans"), "lora", read(data(), "examples.jsonl"), sizes=(4, 50), seeds=2, keep=keep
    )


def test_a_curve_that_was_stopped_goes_on_with_what_is_missing(engine: LocalEngine, kept: Store) -> None:
    curve = planned()
    assert curve.sizes == (4, 12)
    first = LearningCurve(curve, store=kept, engine=engine)
    first.begin()
    while not load_curve(curve.id).rounds[0].trainings[0].adapter:
        assert first.view().going, first.view()
    assert is_carried_out(curve)
    first.pause()
    stopped = first.wait(WAIT_S)
    assert (stopped.going, stopped.problem) == (False, STOPPED)
    assert 0 < stopped.share < 1
    assert not is_carried_out(curve)
    trained = load_curve(curve.id).rounds[0].trainings[0]
    assert trained.examples == 4

    again = LearningCurve(load_curve(curve.id), store=kept, engine=engine)
    again.begin()
    ended = again.wait(WAIT_S)
    assert ended.problem == ""
    (found,) = curves("plans")
    assert found == ended.curve
    assert (found.ended, ended.share) == ("done", 1)
    assert found.rounds[0].trainings[0].job == trained.job
    assert [one.examples for round in found.rounds for one in round.trainings] == [4, 12, 4, 12]
    for round in found.rounds:
        run = kept.stored_run(round.run)
        assert run.status == "done"
        assert run.name == f"Learning curve, seed {round.seed + 1}"
        assert run.plan.seed == round.seed
        assert {call.status for call in run.calls} == {"done"}
        assert len(run.calls) == 4 * 3
    figures = curve_figures(found)
    assert figures.seeds == 2
    assert all(one.passes and one.passes.cases == 4 and one.held_out for one in figures.sizes)
    # The adapters are gone, from the registry and the engine, the figures stay.
    assert registered(load_scenario("plans")) == ()
    assert jobs("plans") == ()
    end = time.monotonic() + WAIT_S
    while engine.status().adapters:  # It lets go behind all that waits.
        assert time.monotonic() < end
    with pytest.raises(BadInput, match="is done"):
        LearningCurves().start(found, store=kept, engine=engine)
    forget_curve(found)
    assert curves("plans") == ()


def test_adapters_can_be_kept_and_deleted_later_but_for_one_in_use(engine: LocalEngine, kept: Store) -> None:
    curve = planned(keep=True)
    save_curve(curve := replace(curve, rounds=curve.rounds[:1]))
    works = LearningCurves()
    work = works.start(curve, store=kept, engine=engine)
    with pytest.raises(BadInput, match="goes on already"):
        works.start(curve, store=kept, engine=engine)
    ended = work.wait(WAIT_S)
    assert ended.problem == ""
    scenario = load_scenario("plans")
    assert ended.curve.adapters == (1, 2)
    assert "learning curve: 4 examples, seed 1" in {one.card.note for one in registered(scenario)}
    assert not any(one.in_use for one in registered(scenario))
    use(scenario, "lora", 2)
    assert delete_adapters(ended.curve, engine) == 1
    assert ended.curve.adapters == (2,)


def test_what_cannot_be_planned_or_read_is_said() -> None:
    scenario = load_scenario("plans")
    with pytest.raises(BadInput, match="12 examples are too few"):
        plan_curve(scenario, "lora", read(data(), "e.jsonl"), sizes=(25, 50))
    with pytest.raises(BadInput, match="at least one seed"):
        plan_curve(scenario, "lora", read(data(), "e.jsonl"), sizes=(4,), seeds=0)
    with pytest.raises(BadInput, match="no kind of adapter"):
        plan_curve(scenario, "nothing", read(data(), "e.jsonl"), sizes=(4,))
    curve = planned()
    with carried_out(curve), pytest.raises(BadInput, match="goes on already"):
        forget_curve(curve)
    (curve.folder / "curve.json").write_text("{")
    assert curves("plans") == ()
    with pytest.raises(BadInput, match="can't be read"):
        load_curve(curve.id)
    with pytest.raises(BadInput, match="no learning curve"):
        load_curve("../x")


def test_a_lane_that_answered_nothing_has_no_scores() -> None:
    right = JudgedCall(
        case_id="a", group="a", lane="prompt", repeat=0, status="done", text="", timing=None, usage=None,
        checks=(("content", "pass"),),
    )  # fmt: skip
    refused = replace(right, lane="lora+1", status="failed", checks=(), failure_stage="prepare")
    found = scores_of_answering({"prompt": [right], "lora+1": [refused]})
    assert [case.scores for case in found["prompt"]] == [(1.0,)]
    assert found["lora+1"] == ()


def test_a_curve_goes_on_only_with_the_base_that_it_began_with(engine: LocalEngine, kept: Store) -> None:
    curve = planned()
    work = LearningCurve(curve, store=kept, engine=engine)
    work.pause()
    work.work()
    assert load_curve(curve.id).base_hash == engine.status().base_hash
    save_curve(replace(curve, base_hash="another"))
    work = LearningCurve(curve, store=kept, engine=engine)
    work.pause()
    work.work()
    assert "begun with another base model" in work.view().problem
    assert load_curve(curve.id).base_hash == "another"


def test_a_page_that_is_out_of_date_changes_nothing(engine: LocalEngine, kept: Store) -> None:
    stale = planned()
    done = replace(stale, ended="done")
    save_curve(done)
    work = LearningCurve(stale, store=kept, engine=engine)
    work.work()
    assert "is done" in work.view().problem
    assert work.view().curve == load_curve(stale.id) == done
    with carried_out(stale), pytest.raises(BadInput, match="goes on already"):
        delete_adapters(stale)
    forget_curve(stale)
    with pytest.raises(BadInput, match="no learning curve"):
        delete_adapters(stale)


def test_who_only_looks_does_not_keep_a_curve_from_going_on(engine: LocalEngine, kept: Store) -> None:
    work = LearningCurve(planned(), store=kept, engine=engine)
    work.pause()
    with carried_out(work.view().curve):
        work.begin()
        assert work.wait(1).going
    assert work.wait(WAIT_S).problem == STOPPED


def test_a_run_that_lacks_an_adapter_trained_again_is_not_taken_up(engine: LocalEngine, kept: Store) -> None:
    curve = planned(keep=True)
    first = replace(curve.rounds[0].trainings[0], job="gone", adapter=99)
    rest = replace(curve.rounds[0], run="begun", trainings=(first, *curve.rounds[0].trainings[1:]))
    save_curve(curve.with_round(rest))
    work = LearningCurve(curve, store=kept, engine=engine)
    work.begin()
    while load_curve(curve.id).rounds[0].trainings[0].job == "gone":
        assert work.view().going, work.view()
    work.pause()
    assert work.wait(WAIT_S).problem == STOPPED
    assert load_curve(curve.id).rounds[0].run == ""
