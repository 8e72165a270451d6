import hashlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from backends.base import DEFAULT_BACKENDS, chosen, registry
from backends.engine.local import LocalEngine
from backends.errors import AdapterRefused, BadInput, KnowledgeUnavailable
from backends.scenario import RetrievalSettings, Scenario, load_scenario
from backends.settings import ROOT, Settings
from backends.types import Query
from tests.tiny import build_adapter


class NoEngine:
    """Stands where an engine would; a backend that touches it has no business to."""

    def __getattr__(self, name: str) -> object:
        raise AssertionError(f"touched the engine: {name}")


@pytest.fixture(scope="module")
def own_engine(tiny_settings: Settings) -> Iterator[LocalEngine]:
    """A running engine that these tests may load adapters into."""
    engine = LocalEngine(tiny_settings)
    engine.start()
    assert engine.wait_ready(120).state == "ready"
    yield engine
    engine.stop()


@pytest.fixture
def scenario(tmp_path: Path) -> Scenario:
    """One document of three sections, and no adapters."""
    (tmp_path / "plans" / "knowledge").mkdir(parents=True)
    (tmp_path / "plans" / "knowledge" / "plans.md").write_text(
        "# Warranty\n\nThe Pro plan has a warranty of 2 years.\n\n"
        "# Prices\n\nThe Pro plan costs 49 euros.\n\n# Shipping\n\nParcels travel by train.\n"
    )
    retrieval = RetrievalSettings(k=2, chunk_tokens=64, min_cosine=-1.0)
    return Scenario(
        name="plans",
        path=tmp_path / "plans",
        title="Plans",
        story="",
        system_prompt="Be brief.",
        retrieval=retrieval,
    )


def ask(text: str) -> Query:
    return Query(text=text, scenario="support-facts")


def test_the_registry_lists_the_default_backends_from_cheap_to_dear():
    assert tuple(registry())[:4] == DEFAULT_BACKENDS
    assert all(backend.name == name and backend.title for name, backend in registry().items())


def test_prompt_only_needs_no_engine():
    scenario = load_scenario("support-facts")
    prompt = registry()["prompt"].prepare(ask(" What does Pro cost? "), scenario, NoEngine())
    assert prompt.messages[1].content == "What does Pro cost?"
    assert prompt.adapter is None
    assert prompt.passages == ()


@pytest.mark.parametrize("name", DEFAULT_BACKENDS)
def test_an_empty_question_is_refused_before_any_work(name):
    scenario = load_scenario("support-facts")
    with pytest.raises(BadInput, match="empty"):
        registry()[name].prepare(ask(" \n "), scenario, NoEngine())


@pytest.mark.parametrize("name", ["lora", "hybrid"])
def test_a_missing_adapter_is_named_with_the_command_that_trains_it(name, tmp_path: Path):
    scenario = replace(load_scenario("support-facts"), path=tmp_path)
    with pytest.raises(AdapterRefused, match="python -m compare train support-facts"):
        registry()[name].prepare(ask("What does Pro cost?"), scenario, NoEngine())


@pytest.mark.parametrize("names", [(), ("prompt", "prompt"), ("prompt", "oracle of Delphi")])
def test_no_backend_an_unknown_one_or_one_twice_is_bad_input(names):
    with pytest.raises(BadInput, match="Known are: prompt, rag, lora, hybrid"):
        chosen(names)


def test_chosen_keeps_the_order_that_was_asked_for():
    assert [backend.name for backend in chosen(("rag", "prompt"))] == ["rag", "prompt"]


def test_rag_gives_the_bare_base_the_passages_that_retrieval_found(scenario, own_engine):
    prompt = registry()["rag"].prepare(ask("What warranty does Pro have?"), scenario, own_engine)
    assert prompt.adapter is None
    assert prompt.messages[1].content == (
        f"[1] (plans.md) {prompt.passages[0].text}\n[2] (plans.md) {prompt.passages[1].text}"
        "\n\nQuestion: What warranty does Pro have?"
    )
    assert "2 years" in prompt.passages[0].text
    assert prompt.embed_ms > 0
    assert prompt.retrieve_ms > 0


def test_a_question_like_no_document_gets_the_prompt_of_prompt(scenario, own_engine):
    strict = replace(scenario, retrieval=replace(scenario.retrieval, min_cosine=0.99))
    rag, bare = (registry()[name].prepare(ask("Hello?"), strict, own_engine) for name in ("rag", "prompt"))
    assert (rag.messages, rag.layers, rag.passages) == (bare.messages, bare.layers, ())


def test_a_scenario_without_documents_fails_on_its_retrieving_lanes_only(scenario, own_engine):
    (scenario.path / "knowledge" / "plans.md").unlink()
    with pytest.raises(KnowledgeUnavailable, match="plans has no documents"):
        registry()["rag"].prepare(ask("Hello?"), scenario, own_engine)
    assert registry()["prompt"].prepare(ask("Hello?"), scenario, own_engine).messages


def test_the_default_lanes_share_one_system_text_and_differ_in_passages_and_adapter_only(
    scenario, own_engine, tiny_model
):
    for seed, name in enumerate(("lora", "hybrid"), 1):
        build_adapter(scenario.path / "adapters" / name, tiny_model, seed=seed)
    query = ask("What warranty does Pro have?")
    for system in (None, "Be kind."):
        prompts = {n: registry()[n].prepare(query, scenario, own_engine, system) for n in DEFAULT_BACKENDS}
        assert {p.messages[0].content for p in prompts.values()} == {system or "Be brief."}
        assert prompts["lora"].messages == prompts["prompt"].messages
        assert prompts["hybrid"].messages == prompts["rag"].messages
        assert {n: p.adapter for n, p in prompts.items()} == {
            "prompt": None,
            "rag": None,
            "lora": "plans/lora",
            "hybrid": "plans/hybrid",
        }
    loaded = {adapter.key for adapter in own_engine.status().adapters}
    assert {"plans/lora", "plans/hybrid"} <= loaded


def test_an_adapter_that_was_trained_again_is_what_the_next_question_gets(scenario, own_engine, tiny_model):
    again, folder = replace(scenario, name="again"), scenario.path / "adapters" / "lora"

    def loaded() -> str:
        registry()["lora"].prepare(ask("Hello?"), again, own_engine)
        (adapter,) = (found for found in own_engine.status().adapters if found.key == "again/lora")
        assert adapter.proof == "passed"
        return adapter.hash

    build_adapter(folder, tiny_model, seed=1)
    first = loaded()
    assert own_engine.adapter_is_current("again/lora", str(folder))
    assert loaded() == first
    shutil.rmtree(folder)
    build_adapter(folder, tiny_model, seed=2)
    assert not own_engine.adapter_is_current("again/lora", str(folder))
    weights = (folder / "adapter_model.safetensors").read_bytes()
    assert loaded() == hashlib.sha256(weights).hexdigest() != first
    build_adapter(folder, tiny_model, base_hash="another")
    with pytest.raises(AdapterRefused, match="another base model"):
        loaded()


def test_an_adapter_for_another_base_is_refused_with_the_command_that_trains_it(
    scenario, own_engine, tiny_model
):
    other = replace(scenario, name="others")
    build_adapter(scenario.path / "adapters" / "lora", tiny_model, base_hash="another")
    with pytest.raises(AdapterRefused, match=r"another base model.*python -m compare train others"):
        registry()["lora"].prepare(ask("Hello?"), other, own_engine)


def test_naming_backends_loads_neither_torch_nor_chroma():
    heavy = "{'torch', 'transformers', 'chromadb', 'llama_index', 'peft'} & set(sys.modules)"
    modules = "backends.base, backends.knowledge, backends.training.make, backends.training.examples"
    program = f"import sys, {modules}; backends.base.registry(); print({heavy} or 'light')"
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert ran.stdout.strip() == "light", ran.stdout + ran.stderr
