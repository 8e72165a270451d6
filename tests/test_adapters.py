import json
import shutil
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import SimpleQueue

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from backends.engine.base import Done, Event, Failed
from backends.engine.loading import weights_hash
from backends.engine.local import LocalEngine
from backends.engine.vetting import config_problem, vet
from backends.errors import AdapterRefused
from backends.settings import Settings
from tests.calls import ask, request, unload
from tests.tiny import build_adapter

QUESTION = "What warranty does the Pro plan include?"


@pytest.fixture(scope="session")
def adapter_settings(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Two good adapters and a refused one in a scenario's folder."""
    scenarios = tmp_path_factory.mktemp("scenarios")
    folder = scenarios / "shop" / "adapters"
    build_adapter(folder / "lora", tiny_model, seed=1)
    build_adapter(folder / "hybrid", tiny_model, seed=2, target_modules=["q_proj", "v_proj"])
    build_adapter(folder / "foreign", tiny_model, seed=3, base_hash="0" * 64)
    return Settings(model=str(tiny_model), device="cpu", dtype="float32", threads=1, scenarios_dir=scenarios)


@pytest.fixture(scope="session")
def adapter_engine(adapter_settings: Settings) -> Iterator[LocalEngine]:
    engine = LocalEngine(adapter_settings)
    engine.start()
    status = engine.wait_ready(120)
    assert status.state == "ready", status.detail
    yield engine
    engine.stop()


@pytest.fixture(scope="module")
def misfit_engine(tiny_settings: Settings) -> Iterator[LocalEngine]:
    """A running engine that no adapter ever gets into."""
    engine = LocalEngine(tiny_settings)
    engine.start()
    assert engine.wait_ready(120).state == "ready"
    yield engine
    engine.stop()


def peft_answer(model_folder: Path, adapter: Path | None, rendered: str, new_tokens: int) -> tuple[int, ...]:
    """What ``generate`` answers with PEFT's own way of using an adapter."""
    from peft import PeftModel

    model = AutoModelForCausalLM.from_pretrained(model_folder)
    if adapter is not None:
        warnings.filterwarnings("ignore", message=".*is_gradient_checkpointing", category=FutureWarning)
        model = PeftModel.from_pretrained(model, adapter)
    ids = AutoTokenizer.from_pretrained(model_folder)(rendered, return_tensors="pt", add_special_tokens=False)
    out = model.generate(**ids, max_new_tokens=new_tokens, do_sample=False)
    return tuple(out[0, ids["input_ids"].shape[1] :].tolist())


def test_adapters_of_all_scenarios_are_loaded_and_proven_at_start(adapter_engine: LocalEngine) -> None:
    status = adapter_engine.status()
    assert [(a.key, a.scenario, a.name, a.proof) for a in status.adapters] == [
        ("shop/hybrid", "shop", "hybrid", "passed"),
        ("shop/lora", "shop", "lora", "passed"),
    ]
    assert status.proof == "passed"
    assert adapter_engine.adapter_problem("shop/lora") is None


def test_a_refused_adapter_fails_only_its_own_calls_with_its_reason(adapter_engine: LocalEngine) -> None:
    problem = adapter_engine.adapter_problem("shop/foreign")
    assert problem is not None
    assert "another base" in problem
    assert "python -m compare train shop" in problem
    calls = ask(
        adapter_engine,
        [
            request(QUESTION, id="base"),
            request(QUESTION, id="foreign", adapter="shop/foreign"),
            request(QUESTION, id="unknown", adapter="shop/unknown"),
        ],
    )
    assert set(calls.answers) == {"base"}
    assert "another base" in calls.failures["foreign"].message
    assert "no adapter called unknown" in calls.failures["unknown"].message
    assert "compare train shop" in calls.failures["unknown"].hint


def test_merged_rows_answer_as_generate_does_with_their_own_adapter(
    adapter_engine: LocalEngine, adapter_settings: Settings, tiny_model: Path
) -> None:
    keys = [None, "shop/lora", "shop/hybrid", None, "shop/lora", "shop/hybrid"]
    texts = [QUESTION, QUESTION, QUESTION, "Hello there", "Hello there", "Hello there"]
    requests = [request(t, id=str(i), adapter=k) for i, (t, k) in enumerate(zip(texts, keys, strict=True))]
    answers = ask(adapter_engine, requests).answers
    folder = adapter_settings.scenarios_dir / "shop" / "adapters"
    for i, key in enumerate(keys):
        answer = answers[str(i)]
        adapter = None if key is None else folder / key.split("/")[1]
        assert answer.token_ids == peft_answer(tiny_model, adapter, answer.rendered, 24), key
    assert len({answers[str(i)].token_ids for i in range(6)}) == 6


def test_prompt_lane_is_bit_identical_to_the_bare_base(adapter_engine: LocalEngine, tiny_model: Path) -> None:
    worker = adapter_engine._worker
    assert worker is not None
    bare = AutoModelForCausalLM.from_pretrained(tiny_model, attn_implementation="sdpa")
    ids = torch.tensor([worker.chat.encode(request(QUESTION).prompt)[1]])
    with torch.inference_mode(), worker.router.route([None]):
        assert torch.equal(worker.base.model(ids).logits, bare(ids).logits)


def test_the_router_computes_exactly_what_pefts_own_routing_does(adapter_engine: LocalEngine) -> None:
    worker = adapter_engine._worker
    assert worker is not None
    names: list[str | None] = [None, None, *worker.adapters.peft_names(), None]
    ids = torch.randint(6, 300, (len(names), 9), generator=torch.Generator().manual_seed(0))
    from peft.tuners.lora import LoraLayer

    layers = [m for m in worker.base.model.modules() if isinstance(m, LoraLayer)]
    with torch.inference_mode():
        with worker.router.route(names):
            ours = worker.base.model(ids).logits
        plain = [name or "__base__" for name in names]
        hooks = [
            layer.register_forward_pre_hook(
                lambda layer, args, kwargs: (args, {**kwargs, "adapter_names": plain}), with_kwargs=True
            )
            for layer in layers
        ]
        for layer in layers:
            layer._disable_adapters = False
        theirs = worker.base.model(ids).logits
        for layer, hook in zip(layers, hooks, strict=True):
            layer._disable_adapters = True
            hook.remove()
    assert torch.equal(ours, theirs)


def test_every_adapter_layer_has_one_hook_however_many_calls_and_errors(adapter_engine: LocalEngine) -> None:
    from peft.tuners.lora import LoraLayer

    worker = adapter_engine._worker
    assert worker is not None
    layers = [m for m in worker.base.model.modules() if isinstance(m, LoraLayer)]

    def hooks() -> list[int]:
        return [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in worker.base.model.modules()]

    before = hooks()
    assert worker.router.hooks == len(layers) == sum(before) > 0
    ask(adapter_engine, [request(QUESTION, id=str(i), adapter="shop/lora") for i in range(3)])
    with pytest.raises(ValueError, match="inside"), worker.router.route(["x"]):
        raise ValueError("inside")
    assert worker.router._spans == ()
    worker.router.attach(worker.base.model)
    assert hooks() == before


def test_a_new_adapter_takes_its_keys_place_and_gets_hooks(tiny_model: Path, tmp_path: Path) -> None:
    from peft.tuners.lora import LoraLayer

    engine = LocalEngine(Settings(model=str(tiny_model), threads=1, scenarios_dir=tmp_path / "none"))
    few = build_adapter(tmp_path / "few", tiny_model, seed=5, target_modules=["q_proj"])
    more = build_adapter(tmp_path / "more", tiny_model, seed=6)
    engine.start()  # only now: transformers can't load two models at once from two threads
    base = ask(engine, [request(QUESTION)]).answers["0"].token_ids
    first = engine.load_adapter("shop/lora", str(few))
    one = ask(engine, [request(QUESTION, adapter="shop/lora")]).answers["0"].token_ids
    second = engine.load_adapter("shop/lora", str(more))
    two = ask(engine, [request(QUESTION, adapter="shop/lora")]).answers["0"].token_ids
    assert first.proof == second.proof == "passed"
    assert first.hash != second.hash
    assert [a.hash for a in engine.status().adapters] == [second.hash]
    assert one == peft_answer(tiny_model, few, ask(engine, [request(QUESTION)]).answers["0"].rendered, 24)
    assert len({base, one, two}) == 3
    worker = engine._worker
    assert worker is not None
    assert worker.router.hooks == sum(isinstance(m, LoraLayer) for m in worker.base.model.modules()) == 14
    with pytest.raises(AdapterRefused, match=r"adapter_model\.safetensors"):
        engine.load_adapter("shop/lora", str(tmp_path / "none"))
    engine.stop()


def test_unloading_an_adapter_leaves_the_base_and_the_others_as_before(
    tiny_model: Path, tmp_path: Path
) -> None:
    few = build_adapter(tmp_path / "few", tiny_model, seed=5, target_modules=["q_proj"])
    more = build_adapter(tmp_path / "more", tiny_model, seed=6)
    engine = LocalEngine(Settings(model=str(tiny_model), threads=1, scenarios_dir=tmp_path / "none"))
    engine.start()
    assert engine.wait_ready(120).state == "ready"
    worker = engine._worker
    assert worker is not None

    def laid_out() -> tuple[list[tuple[str, str, int]], int]:
        modules = worker.base.model.named_modules()
        return [(name, str(type(m)), len(m._forward_hooks)) for name, m in modules], worker.router.hooks

    bare = laid_out()
    base = ask(engine, [request(QUESTION)]).answers["0"]
    engine.load_adapter("shop/lora+1", str(few))
    one = ask(engine, [request(QUESTION, adapter="shop/lora+1")]).answers["0"].token_ids
    with_few = laid_out()
    engine.load_adapter("shop/lora+3", str(more))
    assert laid_out() != with_few
    waiting = ask(engine, [request(QUESTION, id=key, adapter=key) for key in ("shop/lora+1", "shop/lora+3")])
    assert waiting.answers["shop/lora+1"].token_ids == one != waiting.answers["shop/lora+3"].token_ids
    unload(engine, "shop/lora+3")
    assert laid_out() == with_few
    assert [(info.key, info.proof) for info in engine.status().adapters] == [("shop/lora+1", "passed")]
    calls = ask(
        engine, [request(QUESTION, id=str(key), adapter=key) for key in (None, "shop/lora+1", "shop/lora+3")]
    )
    assert calls.answers["None"].token_ids == base.token_ids
    assert calls.answers["shop/lora+1"].token_ids == one
    assert "no adapter called lora+3" in calls.failures["shop/lora+3"].message
    unload(engine, "shop/lora+1")
    unload(engine, "shop/lora+1")  # One that is not loaded is no error.
    assert laid_out() == bare
    assert engine.status().proof == "passed"
    ids = torch.tensor([worker.chat.encode(request(QUESTION).prompt)[1]])
    alone = AutoModelForCausalLM.from_pretrained(tiny_model, attn_implementation="sdpa")
    with torch.inference_mode():
        assert torch.equal(worker.base.model(ids).logits, alone(ids).logits)
    engine.load_adapter("shop/lora", str(few))
    assert ask(engine, [request(QUESTION, adapter="shop/lora")]).answers["0"].token_ids == one
    assert [hooks for _, _, hooks in laid_out()[0]] == [hooks for _, _, hooks in with_few[0]]
    engine.stop()


def test_an_adapter_goes_only_when_nothing_that_waits_needs_it(tiny_model: Path, tmp_path: Path) -> None:
    folder = build_adapter(tmp_path / "lora", tiny_model)
    engine = LocalEngine(Settings(model=str(tiny_model), threads=1, scenarios_dir=tmp_path / "none"))
    engine.start()
    engine.load_adapter("shop/lora+1", str(folder))
    ends: SimpleQueue[Done | Failed] = SimpleQueue()

    def note(event: Event) -> None:
        if isinstance(event, Done | Failed):
            ends.put(event)

    asked = [request(QUESTION, id=str(i), adapter="shop/lora+1") for i in range(3)]
    for one, background in zip(asked, (True, False, True), strict=True):
        engine.submit([one], note, mode="demo", background=background)
    unload(engine, "shop/lora+1")
    assert [type(ends.get_nowait()) for _ in asked] == [Done, Done, Done]
    assert engine.status().adapters == ()
    engine.stop()


def test_the_same_weights_with_another_scale_are_another_adapter(tiny_model: Path, tmp_path: Path) -> None:
    once = build_adapter(tmp_path / "once", tiny_model, seed=5)
    more = shutil.copytree(once, tmp_path / "more")
    config = json.loads((more / "adapter_config.json").read_text())
    (more / "adapter_config.json").write_text(json.dumps(config | {"lora_alpha": 64}))
    engine = LocalEngine(Settings(model=str(tiny_model), threads=1, scenarios_dir=tmp_path / "none"))
    engine.start()
    engine.load_adapter("shop/lora", str(once))
    engine.load_adapter("shop/hybrid", str(more))
    calls = ask(engine, [request(QUESTION, id=key, adapter=f"shop/{key}") for key in ("lora", "hybrid")])
    assert calls.answers["lora"].token_ids != calls.answers["hybrid"].token_ids
    engine.stop()


def test_an_adapter_that_is_being_trained_is_left_alone(tiny_model: Path, tmp_path: Path) -> None:
    """Training works in a hidden folder beside the adapters; one that was killed leaves it there."""
    build_adapter(tmp_path / "shop" / "adapters" / ".training-x" / "lora", tiny_model)
    build_adapter(tmp_path / "shop" / "adapters" / "lora", tiny_model)
    engine = LocalEngine(Settings(model=str(tiny_model), threads=1, scenarios_dir=tmp_path))
    engine.start()
    assert [adapter.key for adapter in engine.wait_ready(120).adapters] == ["shop/lora"]
    assert engine.adapter_problem("shop/.training-x") is None
    engine.stop()


def _without_one(weights: dict[str, torch.Tensor], name: str) -> None:
    del weights[name]


def _of_another_width(weights: dict[str, torch.Tensor], name: str) -> None:
    weights[name] = torch.zeros(4, 32)


def _of_another_rank(weights: dict[str, torch.Tensor], name: str) -> None:
    weights[name] = torch.zeros(8, 64)


def _for_a_third_layer(weights: dict[str, torch.Tensor], name: str) -> None:
    weights[name.replace("layers.0", "layers.2")] = torch.zeros(4, 64)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_without_one, "is missing"),
        (_of_another_width, "is 4 x 32, but the base model needs 4 x 64"),
        (_of_another_rank, "is 8 x 64, but the base model needs 4 x 64"),
        (_for_a_third_layer, "layers.2.self_attn.q_proj.lora_A.weight has no place in the base model"),
        (None, "does not suit the base model"),
    ],
)
def test_an_adapter_that_does_not_fit_is_refused_before_it_touches_the_base(
    change: Callable[[dict[str, torch.Tensor], str], None] | None,
    words: str,
    misfit_engine: LocalEngine,
    tiny_model: Path,
    tmp_path: Path,
) -> None:
    folder = build_adapter(tmp_path / "lora", tiny_model, target_modules=["q_proj"])
    if change is None:
        config = json.loads((folder / "adapter_config.json").read_text())
        (folder / "adapter_config.json").write_text(json.dumps(config | {"target_modules": ["no_proj"]}))
    else:
        weights = load_file(folder / "adapter_model.safetensors")
        change(weights, "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight")
        save_file(weights, folder / "adapter_model.safetensors")
    worker = misfit_engine._worker
    assert worker is not None
    before = [name for name, _ in worker.base.model.named_modules()]
    with pytest.raises(AdapterRefused) as caught:
        misfit_engine.load_adapter("shop/lora", str(folder))
    assert words in caught.value.message
    assert "python -m compare train shop" in caught.value.hint
    assert [name for name, _ in worker.base.model.named_modules()] == before
    assert worker.router.hooks == 0
    assert misfit_engine.status().state == "ready"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"peft_type": "IA3"}, "IA3"),
        ({"use_dora": True}, "use_dora"),
        ({"bias": "all"}, "biases"),
        ({"lora_bias": True}, "lora_bias"),
        ({"modules_to_save": ["lm_head"]}, "modules_to_save"),
        ({"trainable_token_indices": [1]}, "trainable_token_indices"),
        ({"target_parameters": ["x"]}, "target_parameters"),
        ({"layer_replication": [[0, 2]]}, "layer_replication"),
        ({"init_lora_weights": "pissa_niter_4"}, "pissa"),
        ({"init_lora_weights": "olora"}, "olora"),
        ({"init_lora_weights": "corda"}, "corda"),
        ({"init_lora_weights": "loftq"}, "loftq"),
        ({"init_lora_weights": "kasa"}, "kasa"),
        ({"r": 100_000}, "rank"),
        ({"rank_pattern": {"q_proj": 0}}, "rank"),
        ({"target_modules": "x+$"}, "only plain names"),
        ({"exclude_modules": ["q_proj", ".*"]}, "only plain names"),
        ({"alpha_pattern": {"^q": 4}}, "only plain names"),
    ],
)
def test_kinds_that_could_change_the_base_are_refused(change: dict[str, object], words: str) -> None:
    assert config_problem({"peft_type": "LORA", "bias": "none", "r": 8}) == ""
    assert words in config_problem({"peft_type": "LORA", "bias": "none", "r": 8} | change)


def test_incomplete_pickled_and_foreign_adapters_are_refused(tiny_model: Path, tmp_path: Path) -> None:
    base = weights_hash(tiny_model)
    good = build_adapter(tmp_path / "lora", tiny_model)
    assert len(vet(good, "shop", base)) == 64

    def refused(base_hash: str = base, template: str | None = None) -> str:
        with pytest.raises(AdapterRefused) as caught:
            vet(good, "shop", base_hash, template)
        assert "python -m compare train shop" in caught.value.hint
        return caught.value.message

    assert "another base" in refused("f" * 64)
    card = json.loads((good / "card.json").read_text())
    (good / "card.json").write_text(json.dumps(card | {"template_hash": "a"}))
    assert "chat template" in refused(template="b")
    (good / "card.json").unlink()
    assert "card.json" in refused()
    (good / "card.json").write_text("not json")
    assert "card.json" in refused()
    (good / "card.json").write_text(json.dumps(card))
    weights = (good / "adapter_model.safetensors").read_bytes()
    (good / "adapter_model.safetensors").write_bytes(weights[:50])
    assert "can't be read" in refused()
    (good / "adapter_model.safetensors").unlink()
    assert "no adapter_model.safetensors" in refused()
    (good / "adapter_model.bin").write_bytes(b"pickle")
    assert "pickle" in refused()


def test_weights_that_changed_since_they_were_registered_are_refused(
    tiny_model: Path, tmp_path: Path
) -> None:
    good, base = build_adapter(tmp_path / "lora", tiny_model), weights_hash(tiny_model)
    weights = (good / "adapter_model.safetensors").read_bytes()
    card = json.loads((good / "card.json").read_text())
    card["weights_sha256"] = vet(good, "shop/lora", base)
    (good / "card.json").write_text(json.dumps(card))
    assert vet(good, "shop/lora", base) == card["weights_sha256"]
    other = build_adapter(tmp_path / "other", tiny_model, seed=9) / "adapter_model.safetensors"
    one_bit = bytes([*weights[:-1], weights[-1] ^ 1])
    header = bytes([*weights[:9], weights[9] ^ 1, *weights[10:]])
    told = (
        (one_bit, "other weights than when"),
        (other.read_bytes(), "other weights than when"),
        (header, ""),
    )
    for tampered, words in told:
        (good / "adapter_model.safetensors").write_bytes(tampered)
        with pytest.raises(AdapterRefused, match=f"The adapter shop/lora .*{words}"):
            vet(good, "shop/lora", base)


def test_weights_besides_lora_matrices_are_refused(tiny_model: Path, tmp_path: Path) -> None:
    good = build_adapter(tmp_path / "lora", tiny_model)
    weights = load_file(good / "adapter_model.safetensors")
    weights["base_model.model.lm_head.weight"] = torch.zeros(2)
    save_file(weights, good / "adapter_model.safetensors")
    with pytest.raises(AdapterRefused, match="lm_head"):
        vet(good, "shop", weights_hash(tiny_model))
