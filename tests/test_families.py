"""Models of other families, tiny and with random weights: each must do all that the embedded one does."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    Gemma3ForCausalLM,
    Gemma3TextConfig,
    GenerationConfig,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    PreTrainedModel,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from backends.engine.base import Request
from backends.engine.chat import PLAIN_TEMPLATE
from backends.engine.local import LocalEngine
from backends.prompts import build_prompt
from backends.scenario import Scenario
from backends.settings import Settings
from backends.training import Recipe
from backends.training.__main__ import Lines
from backends.training.make import make_adapter
from tests.calls import GREEDY, ask
from tests.tiny import build_tokenizer

SIZES = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "max_position_embeddings": 512,
    "initializer_range": 0.3,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 0,
}
NO_SYSTEM = (
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('No system') }}{% endif %}"
    "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
QUESTIONS = ("How long is the warranty?", "Hi", "What does the Pro plan cost, and who pays for the shipping?")


def llama(vocabulary: int) -> PreTrainedModel:
    return LlamaForCausalLM(LlamaConfig(vocab_size=vocabulary, tie_word_embeddings=False, **SIZES))


def qwen3(vocabulary: int) -> PreTrainedModel:
    return Qwen3ForCausalLM(Qwen3Config(vocab_size=vocabulary, tie_word_embeddings=True, **SIZES))


def mistral(vocabulary: int) -> PreTrainedModel:
    return MistralForCausalLM(MistralConfig(vocab_size=vocabulary, sliding_window=16, **SIZES))


def gemma3(vocabulary: int) -> PreTrainedModel:
    layers = ["sliding_attention", "sliding_attention", "full_attention"]
    config = Gemma3TextConfig(vocab_size=vocabulary, sliding_window=16, layer_types=layers, **SIZES)
    return Gemma3ForCausalLM(config)


@dataclass(frozen=True, kw_only=True)
class Family:
    """How to build one, whether its prompts share a batch, and its chat template (None: it has none)."""

    build: Callable[[int], PreTrainedModel]
    merges: bool
    template: str | None = "its own"
    pads: bool = True


FAMILIES = {
    "llama": Family(build=llama, merges=True, pads=False),
    "qwen3": Family(build=qwen3, merges=True, template=None),
    "mistral": Family(build=mistral, merges=False),
    "gemma3": Family(build=gemma3, merges=False, template=NO_SYSTEM),
}


@dataclass(frozen=True, kw_only=True)
class Running:
    """A family's model in an engine, with an adapter that was trained on it for 20 steps."""

    family: Family
    folder: Path
    engine: LocalEngine
    scenario: Scenario

    def oracle(self, rendered: str) -> tuple[int, ...]:
        """What transformers' own ``generate`` answers, greedily and alone, without any adapter."""
        tokenizer = AutoTokenizer.from_pretrained(self.folder)
        model = AutoModelForCausalLM.from_pretrained(self.folder)
        ids = tokenizer(rendered, return_tensors="pt", add_special_tokens=False)
        out = model.generate(**ids, max_new_tokens=GREEDY.max_tokens, do_sample=False, pad_token_id=0)
        return tuple(out[0, ids["input_ids"].shape[1] :].tolist())

    def request(self, question: str, adapter: str | None = None) -> Request:
        """A greedy request under the scenario's system text."""
        prompt = build_prompt(self.scenario, question, adapter=adapter)
        id = f"{question}/{adapter}"
        return Request(id=id, prompt=prompt, sampling=GREEDY, seed=0, submitted_at=time.perf_counter())


@pytest.fixture(scope="module", params=list(FAMILIES))
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    family, root = FAMILIES[request.param], tmp_path_factory.mktemp(request.param)
    folder = root / "model"
    folder.mkdir()
    vocabulary = build_tokenizer(folder)
    _change_tokenizer(folder, family)
    torch.manual_seed(0)
    model = family.build(vocabulary)
    model.get_input_embeddings().weight.data[2] *= 0.1  # answers that seldom end by themselves
    model.generation_config = GenerationConfig(bos_token_id=1, eos_token_id=2, pad_token_id=0)
    model.save_pretrained(folder)
    path = root / "scenarios" / "plans"
    path.mkdir(parents=True)
    (path / "scenario.toml").write_text('system_prompt = "Be brief."\n')
    turns = [(f"How long is {n}?", f"{n} years.") for n in range(9)]
    rows = [[{"role": "user", "content": q}, {"role": "assistant", "content": a}] for q, a in turns]
    (path / "examples.jsonl").write_text("".join(json.dumps({"messages": row}) + "\n" for row in rows))
    scenario = Scenario(name="plans", path=path, title="Plans", story="", system_prompt="Be brief.")
    settings = Settings(model=str(folder), device="cpu", threads=1, scenarios_dir=path.parent)
    recipe = Recipe(epochs=20, max_steps=20, batch_size=4, learning_rate=5e-3, rank=8, alpha=16, held_out=0.2)
    card = make_adapter(scenario, "lora", recipe, settings, Lines())
    assert card["steps"] == 20
    engine = LocalEngine(settings)
    engine.start()
    status = engine.wait_ready(120)
    assert status.state == "ready", status.detail
    yield Running(family=family, folder=folder, engine=engine, scenario=scenario)
    engine.stop()


def _change_tokenizer(folder: Path, family: Family) -> None:
    path = folder / "tokenizer_config.json"
    config = json.loads(path.read_text())
    if not family.pads:
        del config["pad_token"]
    if family.template != "its own":
        config.pop("chat_template", None)
        (folder / "chat_template.jinja").unlink(missing_ok=True)
        if family.template:
            (folder / "chat_template.jinja").write_text(family.template)
    path.write_text(json.dumps(config))


def test_greedy_answers_equal_generate_alone_and_together(running: Running) -> None:
    requests = [running.request(question) for question in QUESTIONS]
    together = ask(running.engine, requests).answers
    for request in requests:
        alone = ask(running.engine, [request], mode="bench").answers[request.id]
        assert alone.token_ids == together[request.id].token_ids == running.oracle(alone.rendered)


def test_the_proof_passes_and_prompts_are_merged_only_where_all_layers_see_everything(
    running: Running,
) -> None:
    status = running.engine.status()
    assert (status.proof, status.proof_reason) == ("passed", "")
    assert [adapter.proof for adapter in status.adapters] == ["passed"]
    worker = running.engine._worker
    assert worker is not None
    assert worker.decoder.merges == running.family.merges


def test_a_trained_adapter_answers_beside_the_bare_base(running: Running) -> None:
    bare = [running.request(question) for question in QUESTIONS]
    adapted = [running.request(question, "plans/lora") for question in QUESTIONS]
    answers = ask(running.engine, [call for pair in zip(bare, adapted, strict=True) for call in pair]).answers
    for plain, trained in zip(bare, adapted, strict=True):
        assert answers[plain.id].token_ids == running.oracle(answers[plain.id].rendered)
        assert answers[plain.id].rendered == answers[trained.id].rendered
        alone = ask(running.engine, [trained]).answers[trained.id]
        assert alone.token_ids == answers[trained.id].token_ids
    assert any(answers[p.id].token_ids != answers[t.id].token_ids for p, t in zip(bare, adapted, strict=True))


def test_the_instructions_reach_every_model(running: Running) -> None:
    rendered = running.engine.render(build_prompt(running.scenario, "Hi"))
    assert rendered.index("Be brief.") < rendered.index("Hi")
    if running.family.template is None:
        assert rendered.endswith("System: Be brief.\n\nUser: Hi\n\nAssistant:")
        assert "Assistant:" in PLAIN_TEMPLATE
    if running.family.template == NO_SYSTEM:
        assert "<|user|>Be brief.\n\nHi<|end|>" in rendered
