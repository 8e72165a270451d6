"""A query's way through: real engine on a tiny model with real adapters, real index, real SQLite.

Faults are injected where they would come from: a folder without documents, an adapter for another base, a
database that can't be written, an engine that is stopped in the middle.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from backends.engine.local import LocalEngine
from backends.errors import BadInput
from backends.knowledge import knowledge
from backends.scenario import PromptTexts, Scenario, load_scenario
from backends.settings import Settings, settings
from backends.types import Query, Sampling
from compare import checks, worker
from compare.live import LiveRun, RunView, live_runs
from compare.runner import call_seed, start
from compare.store import Store
from tests.tiny import build_adapter, build_model

WAIT_S = 120
TOML = """
title = "Lamps"
system_prompt = "Answer in one sentence."
[retrieval]
k = 2
min_cosine = -1
"""
CASES = "query,checks,source\nHow long does a lamp last?,contains_all: nine years,lamps.md\n"
QUERY = Query(text="How long does a lamp last?", scenario="lamps", sampling=Sampling(max_tokens=8))
LONG = replace(QUERY, sampling=Sampling(temperature=0, max_tokens=4000))
ALL = ("prompt", "rag", "lora", "hybrid")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with a long context, and scenarios: one whole, one without documents and adapters."""
    folder = tmp_path_factory.mktemp("runner")
    model = build_model(folder / "model", context=8192)
    for name in ("lamps", "bare"):
        (folder / "scenarios" / name).mkdir(parents=True)
        (folder / "scenarios" / name / "scenario.toml").write_text(TOML)
    lamps = folder / "scenarios" / "lamps"
    (lamps / "cases.csv").write_text(CASES)
    (lamps / "knowledge").mkdir()
    (lamps / "knowledge" / "lamps.md").write_text("# Lamps\n\nA lamp lasts nine years.\n")
    for seed, name in enumerate(("lora", "hybrid"), start=1):
        build_adapter(lamps / "adapters" / name, model, seed=seed)
    return folder


@pytest.fixture(autouse=True)
def own_scenarios(folder: Path, own_data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEVER_SCENARIOS_DIR", str(folder / "scenarios"))
    settings.cache_clear()


def new_engine(folder: Path) -> LocalEngine:
    return LocalEngine(
        Settings(
            model=str(folder / "model"),
            device="cpu",
            dtype="float32",
            threads=1,
            scenarios_dir=folder / "scenarios",
        )
    )


@pytest.fixture(scope="module")
def engine(folder: Path) -> Iterator[LocalEngine]:
    running = new_engine(folder)
    running.start()
    status = running.wait_ready(WAIT_S)
    assert status.state == "ready", status.detail
    assert len(status.adapters) == 2
    yield running
    running.stop()


def ended(run: LiveRun) -> RunView:
    view = run.wait(WAIT_S)
    assert view.done
    return view


def statuses(view: RunView) -> dict[str, set[str]]:
    return {backend: {call.status for call in view.lane(backend)} for backend in view.backends}


def every(status: str) -> dict[str, set[str]]:
    return {backend: {status} for backend in ALL}


def test_four_lanes_answer_and_the_store_holds_what_the_screen_shows(
    engine: LocalEngine, kept: Store
) -> None:
    run = start(replace(QUERY, repeats=3, seed=2**64 - 1), store=kept, engine=engine)
    assert live_runs().get(run.id) is run
    assert kept.load_run(run.id).texts_version == 1
    view = ended(run)
    assert statuses(view) == every("done")
    assert len(view.calls) == 12
    stored = kept.load_run(run.id)
    assert replace(stored, version=view.version) == view
    assert [p.source for p in view.calls["rag", 2].prompt.passages] == ["lamps.md"]  # type: ignore[union-attr]
    assert view.calls["prompt", 0].prompt.passages == ()  # type: ignore[union-attr]
    assert view.provenance is not None
    assert view.provenance.proof == "passed"
    assert {adapter.key for adapter in view.provenance.adapters} == {"lamps/lora", "lamps/hybrid"}
    assert "torch" in view.provenance.versions


def test_latency_parts_sum_to_the_whole(engine: LocalEngine, kept: Store) -> None:
    for call in ended(start(QUERY, store=kept, engine=engine)).calls.values():
        assert call.answer is not None
        timing = call.answer.timing
        parts = (
            timing.queued_ms,
            timing.adapter_switch_ms,
            timing.embed_ms,
            timing.retrieve_ms,
            timing.prefill_ms,
            timing.decode_ms,
        )
        assert sum(parts) == pytest.approx(timing.total_ms, rel=0.02)


def test_a_query_that_equals_a_case_gets_its_checks_and_another_gets_none(
    engine: LocalEngine, kept: Store
) -> None:
    asked = ("  how long does a LAMP last?", "How long does a torch last?")
    views = [ended(start(replace(QUERY, text=text), store=kept, engine=engine)) for text in asked]
    assert {check.name for check in views[0].calls["rag", 0].checks} == {"contains_all"}
    assert not any(call.checks for call in views[1].calls.values())
    assert kept.load_run(views[0].id).calls["rag", 0].checks == views[0].calls["rag", 0].checks


def test_bench_and_demo_give_the_same_answers(engine: LocalEngine, kept: Store) -> None:
    asked = replace(QUERY, repeats=2, seed=5)
    demo, bench = (
        ended(start(replace(asked, mode=mode), store=kept, engine=engine))
        for mode in ("demo", "bench")  # type: ignore[arg-type]
    )
    assert statuses(bench) == every("done")
    same = sum(demo.calls[key].text == bench.calls[key].text for key in demo.calls)
    assert same >= 7  # Rounding by batch shape may flip a token.


def test_the_same_seed_gives_the_same_answers_and_another_does_not(engine: LocalEngine, kept: Store) -> None:
    texts = [
        [
            call.text
            for call in ended(start(replace(QUERY, seed=seed), store=kept, engine=engine)).calls.values()
        ]
        for seed in (3, 3, 4)
    ]
    assert texts[0] == texts[1]
    assert texts[0] != texts[2]


def test_an_edited_system_text_is_used_by_all_lanes_and_numbered(engine: LocalEngine, kept: Store) -> None:
    first = ended(start(QUERY, store=kept, engine=engine))
    own = load_scenario(QUERY.scenario).texts
    second = ended(start(QUERY, texts=replace(own, system="Sing it."), store=kept, engine=engine))
    again = ended(start(QUERY, store=kept, engine=engine))
    assert [view.texts_version for view in (first, second, again)] == [1, 2, 1]
    assert all("Sing it." in call.answer.rendered for call in second.calls.values() if call.answer)
    assert kept.load_run(second.id).texts == replace(own, system="Sing it.")


def test_two_versions_of_the_texts_answer_side_by_side(engine: LocalEngine, kept: Store) -> None:
    own = load_scenario(QUERY.scenario).texts
    ended(start(QUERY, backends=("prompt",), store=kept, engine=engine))
    new, names = replace(own, system="Sing it."), ("prompt", "prompt@1", "rag@1")
    view = ended(start(QUERY, backends=names, texts=new, store=kept, engine=engine))
    assert statuses(view) == {name: {"done"} for name in names}
    rendered = {name: call.answer.rendered for (name, _), call in view.calls.items() if call.answer}
    assert "Sing it." in rendered["prompt"]
    assert all(own.system in rendered[name] and "Sing it." not in rendered[name] for name in names[1:])
    assert kept.load_run(view.id).backends == names


def test_an_edited_schema_does_not_move_the_yardstick_of_the_checks(
    engine: LocalEngine, kept: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged: list[str | None] = []

    def judge(case: object, text: str, passages: object, scenario: Scenario, embed: object) -> tuple[()]:
        judged.append(scenario.schema)
        return ()

    monkeypatch.setattr(worker, "run_checks", judge)
    texts = PromptTexts(schema='{"type": "object"}')
    ended(start(QUERY, backends=("prompt",), texts=texts, store=kept, engine=engine))
    assert judged == [load_scenario(QUERY.scenario).schema]


@pytest.mark.parametrize(
    "names",
    [
        ("prompt@7",),
        ("prompt@one",),
        ("prompt@",),
        ("nobody@1",),
        ("rag@1", "rag@1"),
        ("prompt@02",),
        ("prompt@" + "9" * 5000,),
    ],
)
def test_lanes_that_can_not_be_are_refused(names: tuple[str, ...], engine: LocalEngine, kept: Store) -> None:
    with pytest.raises(BadInput, match=r"version|backend"):
        start(QUERY, backends=names, store=kept, engine=engine)


def test_a_schema_that_is_no_json_is_refused_with_the_reason(engine: LocalEngine, kept: Store) -> None:
    with pytest.raises(BadInput, match="The JSON schema can't be used"):
        start(QUERY, texts=PromptTexts(schema="{"), store=kept, engine=engine)


def test_reasoning_first_is_checked_by_what_comes_after_the_reasoning(
    engine: LocalEngine, kept: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged: list[str] = []

    def judge(case: object, text: str, *rest: object) -> tuple[()]:
        judged.append(text)
        return ()

    monkeypatch.setattr(worker, "run_checks", judge)
    monkeypatch.setattr(checks, "final_answer", lambda text: "the end")
    texts = PromptTexts(system="Be brief.", cot="Think.")
    ended(start(QUERY, backends=("cot", "prompt"), texts=texts, store=kept, engine=engine))
    assert len(judged) == 2
    assert judged.count("the end") == 1


def test_a_missing_adapter_and_missing_documents_fail_their_lanes_only(
    engine: LocalEngine, kept: Store
) -> None:
    view = ended(start(replace(QUERY, scenario="bare", repeats=2), store=kept, engine=engine))
    assert statuses(view) == {"prompt": {"done"}, "rag": {"failed"}, "lora": {"failed"}, "hybrid": {"failed"}}
    failures = [call.failure for call in kept.load_run(view.id).calls.values() if call.failure]
    assert {failure.stage for failure in failures} == {"retrieve", "prepare"}
    assert all(failure.message and failure.hint for failure in failures)


def test_an_adapter_for_another_base_fails_its_lane_only(
    engine: LocalEngine, kept: Store, folder: Path
) -> None:
    adapter = folder / "scenarios" / "bare" / "adapters" / "lora"
    build_adapter(adapter, folder / "model", base_hash="0" * 64)
    view = ended(
        start(replace(QUERY, scenario="bare"), backends=("prompt", "lora"), store=kept, engine=engine)
    )
    assert statuses(view) == {"prompt": {"done"}, "lora": {"failed"}}
    assert engine.status().proof == "passed"


def test_stopping_one_lane_keeps_its_text_and_leaves_the_others(engine: LocalEngine, kept: Store) -> None:
    run = start(LONG, backends=("prompt", "rag"), store=kept, engine=engine)
    view = run.snapshot()
    while not all(len(call.text) > 20 for call in view.calls.values()):
        view = run.wait_change(view.version, WAIT_S)
    run.cancel("prompt")
    while not view.calls["prompt", 0].ended:
        view = run.wait_change(view.version, WAIT_S)
    stopped = view.calls["prompt", 0]
    assert stopped.status == "cancelled"
    assert len(stopped.text) > 20
    assert not view.calls["rag", 0].ended
    run.cancel()
    assert statuses(ended(run)) == {"prompt": {"cancelled"}, "rag": {"cancelled"}}
    assert kept.load_run(run.id).calls["prompt", 0] == stopped


def test_lanes_that_need_no_documents_do_not_wait_for_a_slow_index(engine: LocalEngine, kept: Store) -> None:
    with knowledge()._lock:  # as another thread holds it that builds an index
        run = start(QUERY, store=kept, engine=engine)
        view = run.snapshot()
        while not (view.calls["prompt", 0].ended and view.calls["lora", 0].ended):
            view = run.wait_change(view.version, WAIT_S)
        assert statuses(view) == {
            "prompt": {"done"},
            "rag": {"waiting"},
            "lora": {"done"},
            "hybrid": {"waiting"},
        }
    assert statuses(ended(run)) == every("done")
    assert kept.load_run(run.id).calls == run.snapshot().calls


def test_stopping_before_the_model_is_there_ends_at_once(folder: Path, kept: Store) -> None:
    loading = new_engine(folder)
    run = start(LONG, store=kept, engine=loading)
    run.cancel()
    view = ended(run)
    assert statuses(view) == every("cancelled")
    assert kept.load_run(run.id).status == "done"
    loading.stop()


def test_a_stopped_bench_run_starts_no_further_calls(engine: LocalEngine, kept: Store) -> None:
    run = start(replace(LONG, mode="bench", repeats=3), store=kept, engine=engine)
    view = run.snapshot()
    while not any(call.text for call in view.calls.values()):
        view = run.wait_change(view.version, WAIT_S)
    run.cancel()
    assert statuses(ended(run)) == every("cancelled")


def test_an_engine_that_ends_in_the_middle_fails_every_open_call_with_its_reason(
    folder: Path, kept: Store
) -> None:
    dying = new_engine(folder)
    run = start(LONG, store=kept, engine=dying)
    view = run.snapshot()
    while not any(call.text for call in view.calls.values()):
        assert not view.done, [call.failure for call in view.calls.values()]
        view = run.wait_change(view.version, WAIT_S)
    dying.stop()
    view = ended(run)
    assert statuses(view) == every("failed")
    assert all(call.failure and call.failure.message for call in view.calls.values())
    assert any(call.text for call in view.calls.values())


def test_a_missing_model_fails_every_lane_with_the_setting(folder: Path, kept: Store) -> None:
    missing = LocalEngine(Settings(model=str(folder / "nowhere"), device="cpu", dtype="float32"))
    view = ended(start(QUERY, store=kept, engine=missing))
    assert statuses(view) == every("failed")
    assert all("LEVER_MODEL" in f"{call.failure}" for call in view.calls.values())
    missing.stop()


def test_a_store_that_cannot_be_opened_fails_the_lanes_but_keeps_their_text(
    engine: LocalEngine, tmp_path: Path
) -> None:
    (tmp_path / "broken.db").write_bytes(b"this is no database" * 100)
    broken = Store(f"sqlite:///{tmp_path / 'broken.db'}")
    view = ended(start(QUERY, store=broken, engine=engine))
    assert statuses(view) == every("failed")
    for call in view.calls.values():
        assert call.failure is not None
        assert call.failure.stage == "store"
        assert "LEVER_DATABASE_URL" in call.failure.hint
        assert call.answer is not None
        assert call.text == call.answer.text
    assert view.texts_version is None


def test_a_call_that_can_not_be_judged_fails_with_its_reason_and_the_run_ends(
    engine: LocalEngine, kept: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*judged: object) -> None:
        raise RuntimeError("no such check")

    monkeypatch.setattr(worker, "run_checks", broken)
    view = ended(start(replace(QUERY, repeats=2), backends=("prompt",), store=kept, engine=engine))
    assert statuses(view) == {"prompt": {"failed"}}
    assert "no such check" in str(view.calls["prompt", 1].failure)
    assert kept.load_run(view.id).status == "done"


def test_unreadable_cases_do_not_stop_a_free_question_but_are_named_as_unscored(
    engine: LocalEngine, kept: Store, folder: Path
) -> None:
    (folder / "scenarios" / "bare" / "cases.csv").write_text("no,query\n1\n")
    view = ended(start(replace(QUERY, scenario="bare"), backends=("prompt",), store=kept, engine=engine))
    assert view.calls["prompt", 0].status == "done"
    (check,) = view.calls["prompt", 0].checks
    assert check.result == "unscored"
    assert check.reason.startswith("cases.csv can't be read: Line 2 of cases.csv of 'bare'")
    assert kept.load_run(view.id).calls["prompt", 0].checks == (check,)


def test_a_prompt_over_the_context_fails_its_lane_with_both_numbers(engine: LocalEngine, kept: Store) -> None:
    texts = PromptTexts(system="long " * 9000)
    view = ended(start(QUERY, backends=("prompt",), texts=texts, store=kept, engine=engine))
    failure = view.calls["prompt", 0].failure
    assert failure is not None
    assert failure.stage == "prefill"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"text": " \n"}, "question is empty"),
        ({"text": "\udcff"}, "UTF-8"),
        ({"text": "word " * 9000}, "8,192"),
        ({"scenario": "unknown"}, "no scenario called 'unknown'"),
        ({"repeats": 0}, "Repeats"),
        ({"repeats": 10_000}, "Repeats"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**64}, "seed"),
        ({"mode": "race"}, "mode"),
        ({"sampling": Sampling(temperature=-1)}, "temperature"),
        ({"sampling": Sampling(temperature=float("nan"))}, "temperature"),
        ({"sampling": Sampling(top_p=0)}, "Top-p"),
        ({"sampling": Sampling(top_k=-1)}, "Top-k"),
        ({"sampling": Sampling(max_tokens=0)}, "Max tokens"),
    ],
)
def test_bad_input_is_refused_before_any_work(
    change: dict[str, object], sentence: str, engine: LocalEngine, kept: Store
) -> None:
    with pytest.raises(BadInput, match=sentence):
        start(replace(QUERY, **change), store=kept, engine=engine)  # type: ignore[arg-type]
    assert kept.recent_runs() == ()


@pytest.mark.parametrize("names", [(), ("unknown",), ("rag", "rag")])
def test_unknown_backends_are_refused(names: tuple[str, ...], engine: LocalEngine, kept: Store) -> None:
    with pytest.raises(BadInput, match="backend"):
        start(QUERY, backends=names, store=kept, engine=engine)


def test_seeds_differ_by_case_and_repeat_but_not_by_backend(engine: LocalEngine, kept: Store) -> None:
    seeds = {(case, repeat): call_seed(7, case, repeat) for case in (None, "a", "b") for repeat in range(50)}
    assert len(set(seeds.values())) == 150
    assert all(0 <= seed < 2**64 for seed in seeds.values())
    assert call_seed(7, None, 0) == 7
    assert call_seed(7, "a", 0) == 1893588613579909710  # BLAKE2b of "7 a 0", divided by 0x1f
    assert call_seed(8, "a", 0) != call_seed(7, "a", 0)
    view = ended(start(replace(QUERY, repeats=2, seed=7), store=kept, engine=engine))
    assert {call.seed for call in view.lane("rag")} == {call.seed for call in view.lane("prompt")}
