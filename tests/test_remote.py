"""The remote engine against a real server process: same answers, honest gaps, failures as records."""

import json
import logging
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from backends.engine.base import AS_MESSAGES, WENT_FIRST, Done, Engine, Queued, Request, Started, Text
from backends.engine.catalogue import adapter_key_of
from backends.engine.local import LocalEngine
from backends.engine.remote import RemoteEngine
from backends.errors import AdapterRefused, EngineStopped
from backends.registry import registry
from backends.scenario import Scenario, load_scenario
from backends.settings import ROOT, Settings
from backends.types import Prompt, Query, Sampling
from compare.charts.bars import ANSWERING, time_parts
from compare.latency import mean_parts, tokens_per_second, tpot_ms
from tests.calls import GREEDY, Calls, ask, prompt, request, send
from tests.openai_server import CONTEXT, SCENARIO, Running, openai_server
from tests.server import free_port
from tests.test_cli import QUESTION, document, lever

KEY = "sk-secret-of-this-test"
POCKET = str(ROOT / "backends" / "pocket" / "weights")
WAIT_S = 60


@pytest.fixture(scope="module")
def scenarios(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("remote") / "scenarios"
    shutil.copytree(ROOT / "scenarios" / SCENARIO, folder / SCENARIO)
    return folder


@pytest.fixture(scope="module")
def server(scenarios: Path) -> Iterator[Running]:
    with openai_server(scenarios) as running:
        yield running


@pytest.fixture(autouse=True)
def well_behaved(server: Running) -> Iterator[None]:
    yield
    server.behave()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("remote-data")


@pytest.fixture(scope="module")
def known(server: Running, scenarios: Path, data: Path) -> Settings:
    """With the model's folder here, which gives its tokenizer."""
    return Settings(engine_url=server.url, model=POCKET, scenarios_dir=scenarios, data_dir=data)


@pytest.fixture(scope="module")
def remote(known: Settings) -> Iterator[RemoteEngine]:
    engine = started(known)
    yield engine
    engine.stop()


def started(settings: Settings) -> RemoteEngine:
    engine = RemoteEngine(settings)
    engine.start()
    status = engine.wait_ready(WAIT_S)
    assert status.state == "ready", status.detail
    return engine


@pytest.fixture
def fresh(known: Settings) -> Iterator[RemoteEngine]:
    """One that a test may stop or break."""
    engine = started(known)
    yield engine
    engine.stop()


@pytest.fixture
def scenario(scenarios: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> Scenario:
    from backends.settings import settings

    monkeypatch.setenv("LEVER_SCENARIOS_DIR", str(scenarios))
    monkeypatch.setenv("LEVER_DATA_DIR", str(data))
    settings.cache_clear()
    return load_scenario(SCENARIO)


def prompts_of(scenario: Scenario, engine: Engine) -> dict[str, Prompt]:
    query = Query(text=QUESTION, scenario=scenario.name)
    lanes = ("prompt", "rag", "lora", "hybrid")
    return {lane: registry()[lane].prepare(query, scenario, engine) for lane in lanes}


def asked_for(prompts: dict[str, Prompt]) -> list[Request]:
    bare = request("", sampling=replace(GREEDY, max_tokens=32))
    return [replace(bare, id=lane, prompt=found) for lane, found in prompts.items()]


def test_all_lanes_answer_greedily_as_the_local_engine_does(
    remote: RemoteEngine, scenario: Scenario, scenarios: Path
) -> None:
    local = LocalEngine(Settings(threads=1, device="cpu", scenarios_dir=scenarios))
    prompts = prompts_of(scenario, remote)
    local.start()
    there = ask(remote, asked_for(prompts))
    here = ask(local, asked_for(prompts), mode="bench")
    local.stop()
    assert not there.failures
    for lane, answer in here.answers.items():
        found = there.answers[lane]
        assert (found.text, found.finish, found.usage) == (answer.text, answer.finish, answer.usage)
        assert found.rendered == answer.rendered
        assert there.streamed(lane) == found.text
    assert len({answer.text for answer in here.answers.values()}) > 1


def test_the_status_says_what_is_known_and_leaves_the_rest_open(
    remote: RemoteEngine, server: Running
) -> None:
    status = remote.status()
    assert (status.model, status.model_path, status.device) == ("pocket", server.url, "server")
    assert (status.base_hash, status.dtype, status.threads) == ("", "", 0)
    assert status.context_tokens == CONTEXT
    assert {"support-facts/lora", "support-facts/hybrid"} <= {info.key for info in status.adapters}
    assert status.proof == "not run"
    assert "remote server" in status.proof_reason
    assert {info.proof for info in status.adapters} == {"not run"}


def test_events_come_in_order_and_times_that_only_the_server_knows_are_none(remote: RemoteEngine) -> None:
    calls = ask(remote, [replace(request("Hi"), prompt=replace(prompt("Hi"), embed_ms=3.0, retrieve_ms=2.0))])
    kinds = [type(event) for event in calls.events]
    assert kinds[:2] == [Queued, Started]
    assert set(kinds[2:-1]) == {Text}
    assert kinds[-1] is Done
    answer = calls.answers["0"]
    timing = answer.timing
    unknown = (timing.queued_ms, timing.adapter_switch_ms, timing.prefill_ms, timing.decode_ms)
    assert unknown == (None,) * 4
    assert (timing.embed_ms, timing.retrieve_ms, timing.first_token_ms) == (3.0, 2.0, None)
    assert timing.ttft_ms is not None
    assert 0 < timing.ttft_ms < timing.total_ms
    assert tpot_ms(answer) is tokens_per_second(timing, answer.usage) is None
    assert mean_parts([answer]) == {"embed_ms": 3.0, "retrieve_ms": 2.0}
    assert time_parts([timing]) == pytest.approx(
        {"looking up": 0.005, ANSWERING: timing.total_ms / 1000 - 0.005}
    )


def test_a_group_is_asked_side_by_side_and_bench_one_after_another(
    fresh: RemoteEngine, server: Running
) -> None:
    server.behave(fault="silent", most_at_once=0)
    calls = send(fresh, [request("Hi", id=str(i)) for i in range(3)])
    while server.seen()["at_once"] < 3:
        assert not calls.over.is_set()
    server.behave(most_at_once=0)
    calls.wait()
    before = len(server.seen()["asked"])
    bench = ask(fresh, [request("Hi", id=str(i)) for i in range(3)], mode="bench")
    assert len(bench.answers) == 3
    seen = server.seen()
    assert seen["most_at_once"] == 1
    warm_up, measured = seen["asked"][before : before + 2], seen["asked"][before + 2 :]
    assert [len(warm_up), len(measured)] == [2, 3]
    assert all(body["max_tokens"] < GREEDY.max_tokens for body in warm_up)
    ask(fresh, [request("Hi")], mode="bench")
    assert len(server.seen()["asked"]) == before + 6  # It is warm by now.


def test_seed_sampling_and_stop_are_sent_as_servers_take_them(remote: RemoteEngine, server: Running) -> None:
    wanted = Sampling(temperature=0.5, top_p=0.9, top_k=7, max_tokens=3, stop=("\n",))
    ask(remote, [request("Hi", seed=2**64 - 1, sampling=wanted)])
    body = server.seen()["asked"][-1]
    assert (body["temperature"], body["top_p"], body["top_k"], body["max_tokens"]) == (0.5, 0.9, 7, 3)
    assert body["stop"] == ["\n"]
    assert 0 <= body["seed"] < 2**31
    ask(remote, [request("Hi", seed=7)])
    body = server.seen()["asked"][-1]
    assert body["seed"] == 7
    assert not {"stop", "top_k", "response_format"} & body.keys()


def test_an_answer_is_held_to_a_schema_and_a_server_that_cannot_says_so(
    remote: RemoteEngine, server: Running
) -> None:
    schema = '{"enum": ["billing", "shipping"]}'
    held = replace(request("Who?"), prompt=replace(prompt("Who?"), schema=schema))
    assert json.loads(ask(remote, [held]).answers["0"].text) in ("billing", "shipping")
    server.behave(fault="no schema")
    calls = ask(remote, [held, request("Hi", id="free")])
    assert list(calls.answers) == ["free"]
    failure = calls.failures["0"]
    assert failure.stage == "prefill"  # It would fail again: its lane is to blame.
    assert "JSON form" in failure.message
    assert "response_format" in failure.message


def test_a_stopped_answer_keeps_its_text_and_waiting_ones_end_without_any(
    fresh: RemoteEngine, server: Running
) -> None:
    ask(fresh, [request("Hi")], mode="bench")
    server.behave(fault="silent")
    calls = send(fresh, [request("Hi", id=str(i)) for i in range(2)], mode="bench")
    assert calls.first_text.wait(WAIT_S)
    assert calls.job is not None
    calls.job.cancel()
    calls.wait()
    first, second = calls.answers["0"], calls.answers["1"]
    assert (first.finish, second.finish) == ("cancelled", "cancelled")
    assert first.text == calls.streamed("0") != ""
    assert second.text == ""
    assert second.timing.ttft_ms is None
    server.behave()
    assert ask(fresh, [request("Hi")]).answers


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("drop", "broke off"),
        ("500", "trouble (500): out of luck"),
        ("garbage", "can't be understood"),
    ],
)
def test_what_goes_wrong_with_a_call_is_its_failure_and_the_next_one_works(
    fault: str, said: str, remote: RemoteEngine, server: Running
) -> None:
    server.behave(fault=fault)
    failure = ask(remote, [request("Hi")]).failures["0"]
    assert said in failure.message
    assert (failure.stage, bool(failure.hint)) == ("engine", True)
    server.behave()
    assert ask(remote, [request("Hi")]).answers
    assert remote.status().state == "ready"


def test_a_server_that_says_nothing_is_given_up(
    fresh: RemoteEngine, server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backends.engine.server.SILENCE_S", 0.5)
    fresh.stop()
    fresh.start()
    server.behave(fault="silent")
    failure = ask(fresh, [request("Hi")]).failures["0"]
    assert "said nothing for too long" in failure.message


def test_tokens_that_the_server_does_not_count_are_none(remote: RemoteEngine, server: Running) -> None:
    server.behave(fault="no usage")
    answer = ask(remote, [request("Hi")]).answers["0"]
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (None, None)
    assert answer.text
    assert tpot_ms(answer) is None


def test_a_prompt_that_is_too_long_is_refused_by_the_server(remote: RemoteEngine) -> None:
    failure = ask(remote, [request("word " * (2 * CONTEXT))]).failures["0"]
    assert failure.stage == "prefill"
    assert "refuses this (400)" in failure.message


def test_a_server_that_goes_away_ends_all_calls_and_is_found_again(
    fresh: RemoteEngine, server: Running
) -> None:
    assert ask(fresh, [request("Hi")]).answers
    server.go_away()
    calls = ask(fresh, [request("Hi", id=str(i)) for i in range(20)])
    assert len(calls.failures) == 20
    assert all("can't be reached" in failure.message for failure in calls.failures.values())
    status = fresh.wait_ready(WAIT_S)
    assert (status.state, "LEVER_ENGINE_URL" in status.detail) == ("failed", True)
    with pytest.raises(EngineStopped, match="can't be reached"):
        fresh.submit([request("Hi")], lambda event: None, mode="demo")
    server.come_back()
    fresh.start()
    assert fresh.wait_ready(WAIT_S).state == "ready"
    assert ask(fresh, [request("Hi")]).answers


def test_an_unreachable_server_is_one_sentence() -> None:
    engine = RemoteEngine(Settings(engine_url=f"http://127.0.0.1:{free_port()}/v1/"))
    engine.start()
    status = engine.wait_ready(WAIT_S)
    engine.stop()
    assert status.state == "failed"
    assert "can't be reached" in status.detail
    assert not status.model_path.endswith("/v1")


@pytest.mark.parametrize(
    "url", ["localhost:8000", "ftp://host", "http://", "http://me:password@host", "http://["]
)
def test_an_address_that_is_none_is_one_sentence_without_it(url: str) -> None:
    engine = RemoteEngine(Settings(engine_url=url))
    engine.start()
    status = engine.wait_ready(WAIT_S)
    engine.stop()
    assert status.state == "failed"
    assert "LEVER_ENGINE_URL" in status.detail
    assert "password" not in f"{status}"


def test_a_model_that_the_server_has_not_is_named_with_those_that_it_has(known: Settings) -> None:
    engine = RemoteEngine(known.model_copy(update={"model": "org/other"}))
    engine.start()
    status = engine.wait_ready(WAIT_S)
    engine.stop()
    assert status.state == "failed"
    assert "no model org/other" in status.detail
    assert "pocket" in status.detail


def test_a_key_is_sent_and_never_shown(
    known: Settings, server: Running, caplog: pytest.LogCaptureFixture
) -> None:
    server.behave(key=KEY)
    with caplog.at_level(logging.DEBUG):
        keyless = RemoteEngine(known)
        keyless.start()
        assert "wants a key" in keyless.wait_ready(WAIT_S).detail
        keyless.stop()
        own = Settings(**{**known.model_dump(), "engine_key": KEY})
        engine = started(own)
        assert ask(engine, [request("Hi")]).answers
        server.behave(key=KEY, fault="500")
        failed = ask(engine, [request("Hi")]).failures["0"]
        server.behave(key="another")
        refused = ask(engine, [request("Hi")]).failures["0"]
        status = engine.status()
        engine.stop()
    assert "(the key)" in failed.message
    assert "LEVER_ENGINE_KEY" in refused.message
    assert KEY not in f"{failed}{refused}{status}{own}{own!r}{own.model_dump_json()}{caplog.text}"


def test_stopping_fails_what_is_open_and_leaves_no_thread(known: Settings, server: Running) -> None:
    before = set(threading.enumerate())
    engine = started(known)
    engine.embed(["Hi"])
    server.behave(fault="silent")
    calls = send(engine, [request("Hi", id=str(i)) for i in range(20)])
    assert calls.first_text.wait(WAIT_S)
    engine.stop()
    assert len(calls.wait().failures) == 20
    assert all("stopped" in failure.message for failure in calls.failures.values())
    assert set(threading.enumerate()) <= before
    with pytest.raises(EngineStopped):
        engine.embed(["Hi"])


def test_a_group_in_the_background_lets_live_ones_go_first(fresh: RemoteEngine, server: Running) -> None:
    server.behave(fault="silent")
    live = send(fresh, [request("Hi")])
    later = Calls(expected=1)
    fresh.submit([request("Hi", id="later")], later.on_event, mode="demo", background=True)
    assert live.first_text.wait(WAIT_S)
    assert [type(event) for event in later.events] == [Queued]
    server.behave()
    live.wait()
    assert WENT_FIRST in later.wait().answers["later"].marks
    assert WENT_FIRST not in live.answers["0"].marks


def test_without_the_models_folder_the_messages_are_shown_as_they_are_sent(
    known: Settings, server: Running
) -> None:
    engine = started(Settings(engine_url=server.url, scenarios_dir=known.scenarios_dir))
    asked = replace(request("Hi"), prompt=prompt("How long?", system="Be brief."))
    answer = ask(engine, [asked]).answers["0"]
    assert engine.render(asked.prompt) == answer.rendered == "System: Be brief.\n\nUser: How long?"
    assert AS_MESSAGES in answer.marks
    assert engine.status().counted_by == "the embedding model's tokenizer"
    assert engine.count_tokens("two words") == 2
    engine.stop()


def test_an_adapter_is_loaded_while_the_server_runs_and_again_when_it_was_trained_again(
    fresh: RemoteEngine, scenario: Scenario, server: Running
) -> None:
    key, folder = "support-facts/lora_short", scenario.adapter("lora_short")
    assert not fresh.adapter_is_current(key, str(folder))
    server.behave(loads=False)
    with pytest.raises(AdapterRefused, match="--lora-modules support-facts-lora_short="):
        fresh.load_adapter(key, str(folder))
    assert "--enable-lora" in (fresh.adapter_problem(key) or "")
    server.behave()
    info = fresh.load_adapter(key, str(folder))
    assert (info.key, info.proof, len(info.hash)) == (key, "not run", 64)
    assert fresh.adapter_problem(key) is None
    assert fresh.adapter_is_current(key, str(folder))
    card = folder / "card.json"
    card.write_text(card.read_text() + "\n")
    assert not fresh.adapter_is_current(key, str(folder))
    fresh.load_adapter(key, str(folder))
    assert fresh.adapter_is_current(key, str(folder))
    assert ask(fresh, [request("Hi", adapter=key)]).answers


def test_an_adapter_that_would_change_a_base_is_not_sent_to_the_server(
    fresh: RemoteEngine, scenario: Scenario, tmp_path: Path
) -> None:
    folder = shutil.copytree(scenario.adapter("lora"), tmp_path / "other")
    config = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps({**config, "use_dora": True}))
    with pytest.raises(AdapterRefused, match="use_dora"):
        fresh.load_adapter("support-facts/other", str(folder))


def test_an_adapter_of_the_server_needs_no_folder_here(
    remote: RemoteEngine, scenario: Scenario, tmp_path: Path
) -> None:
    bare = replace(scenario, path=tmp_path)
    query = Query(text=QUESTION, scenario=SCENARIO)
    assert registry()["lora"].prepare(query, bare, remote).adapter == "support-facts/lora"


def test_ids_name_adapters_of_the_scenario_that_fits_best() -> None:
    names = ("support", "support-facts")
    assert adapter_key_of("support-facts-lora", names) == "support-facts/lora"
    assert adapter_key_of("support-facts/lora_short", names) == "support-facts/lora_short"
    assert adapter_key_of("support_lora", names) == "support/lora"
    assert adapter_key_of("meta/support-lora", names) == adapter_key_of("support-facts", ()) == ""


def cli(data: Path, server: Running, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return lever(data, *arguments, LEVER_ENGINE_URL=server.url, LEVER_MODEL=POCKET, **more)


def test_the_command_line_asks_over_the_server_and_leaves_gaps_null(
    data: Path, server: Running, scenarios: Path
) -> None:
    server.behave(key=KEY)
    more = {"LEVER_ENGINE_KEY": KEY, "LEVER_SCENARIOS_DIR": str(scenarios)}
    options = ("--scenario", SCENARIO, "--backends", "prompt,lora", "--json")
    asked = cli(data, server, "ask", QUESTION, *options, **more)
    assert asked.returncode == 0, asked.stderr
    found = document(asked)
    assert found["model"] == "pocket"
    assert [call["backend"] for call in found["calls"]] == ["prompt", "lora"]
    for call in found["calls"]:
        assert (call["status"], bool(call["text"])) == ("done", True), call["failure"]
        gaps = {part for part, ms in call["timing"].items() if ms is None}
        assert gaps == {"queued_ms", "adapter_switch_ms", "prefill_ms", "decode_ms"}
        assert call["usage"]["completion_tokens"] > 0
    looked = cli(data, server, "doctor", "--json", **more)
    assert looked.returncode == 0, looked.stderr
    health = document(looked)
    assert (health["model"], health["model_path"], health["device"]) == ("pocket", server.url, "server")
    assert (health["dtype"], health["threads"], health["proof"]) == (None, None, "not run")
    assert {(one["name"], one["hash"], one["proof"]) for one in health["adapters"]} >= {
        ("lora", None, "not run")
    }
    assert health["problems"] == []
    kept = b"".join(file.read_bytes() for file in data.glob("lever.db*"))
    assert found["run_id"].encode() in kept
    assert KEY not in asked.stdout + asked.stderr + looked.stdout + looked.stderr
    assert KEY.encode() not in kept
