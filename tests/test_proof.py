from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
import torch

from backends.engine.local import LocalEngine
from backends.engine.router import Router
from backends.errors import EngineStopped
from backends.proof import PROMPTS, check, take_reference
from backends.settings import Settings
from tests.calls import request
from tests.tiny import build_adapter


class LeakyRouter(Router):
    """Routes the first adapter also to the first row that has none."""

    def route(self, adapters: Sequence[str | None]) -> AbstractContextManager[None]:
        leaked = list(adapters)
        used = next((name for name in leaked if name), None)
        if used is not None and None in leaked:
            leaked[leaked.index(None)] = used
        return super().route(leaked)


@pytest.fixture
def engine(tiny_model: Path, tmp_path: Path) -> Iterator[LocalEngine]:
    """An engine with one adapter, of the test's own, to be sabotaged."""
    build_adapter(tmp_path / "scenarios" / "shop" / "adapters" / "lora", tiny_model, seed=1)
    build_adapter(tmp_path / "other", tiny_model, seed=2)
    engine = LocalEngine(Settings(model=str(tiny_model), threads=1, scenarios_dir=tmp_path / "scenarios"))
    engine.start()
    assert engine.wait_ready(120).proof == "passed"
    yield engine
    engine.stop()


def refused(engine: LocalEngine) -> str:
    with pytest.raises(EngineStopped) as caught:
        engine.submit([request("Hi")], lambda event: None, mode="demo")
    return caught.value.message


def change_one_weight(engine: LocalEngine) -> str:
    worker = engine._worker
    assert worker is not None
    weights = worker.base.model.named_parameters()
    name, weight = next((n, p) for n, p in weights if "down_proj.base_layer" in n)
    with torch.no_grad():
        weight[3, 5] = torch.nextafter(weight[3, 5], torch.tensor(9.0))
    return name.replace(".base_layer", "")


def test_there_are_eight_different_prompts() -> None:
    assert len(set(PROMPTS)) == 8


def test_one_changed_base_weight_fails_the_proof_and_blocks_runs_with_the_reason(
    engine: LocalEngine, tmp_path: Path
) -> None:
    name = change_one_weight(engine)
    with pytest.raises(EngineStopped, match=name):
        engine.load_adapter("shop/other", str(tmp_path / "other"))
    assert name in refused(engine)
    status = engine.status()
    assert (status.state, status.proof) == ("failed", "failed")
    assert name in status.proof_reason
    assert name in status.detail
    assert [a.proof for a in status.adapters] == ["failed", "failed"]


def test_changed_logits_fail_the_proof_even_when_all_weights_are_the_same(engine: LocalEngine) -> None:
    worker = engine._worker
    assert worker is not None
    model = worker.base.model
    arguments = (model, worker.router, worker.chat, worker._reference, worker.adapters.peft_names())
    assert check(*arguments) == ""
    hook = model.model.layers[0].register_forward_hook(lambda module, args, output: output * (1 + 1e-6))
    assert "computes something else" in check(*arguments)
    hook.remove()
    assert check(*arguments) == ""


def test_a_router_that_leaks_an_adapter_to_one_row_fails_the_proof_and_blocks_runs_with_the_reason(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_adapter(tmp_path / "scenarios" / "shop" / "adapters" / "lora", tiny_model, seed=1)
    monkeypatch.setattr("backends.engine.router.Router", LeakyRouter)
    engine = LocalEngine(Settings(model=str(tiny_model), threads=1, scenarios_dir=tmp_path / "scenarios"))
    engine.start()
    status = engine.wait_ready(120)
    assert (status.state, status.proof) == ("failed", "failed")
    assert "row 0 has no adapter" in status.proof_reason
    assert "row 0 has no adapter" in refused(engine)
    engine.stop()


def test_the_reference_is_taken_of_the_bare_base(engine: LocalEngine, tiny_model: Path) -> None:
    from transformers import AutoModelForCausalLM

    worker = engine._worker
    assert worker is not None
    bare = take_reference(AutoModelForCausalLM.from_pretrained(tiny_model), worker.chat)
    assert bare.weights == worker._reference.weights
    assert all(torch.equal(a, b) for a, b in zip(bare.logits, worker._reference.logits, strict=True))
