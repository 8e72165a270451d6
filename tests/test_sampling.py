import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from backends.engine.sampling import Sampler, uniforms
from backends.types import Sampling

CPU = torch.device("cpu")


def draw_all(logits: torch.Tensor, sampling: Sampling, steps: int, seed: int = 0) -> np.ndarray:
    sampler = Sampler([sampling], [seed], CPU, steps=steps)
    return np.array([int(sampler.draw(logits[None], step)) for step in range(steps)])


def reference_set(logits: torch.Tensor, sampling: Sampling) -> set[int]:
    """The kept tokens by transformers' own warpers."""
    from transformers import TopKLogitsWarper, TopPLogitsWarper

    scores = logits[None] / sampling.temperature
    if sampling.top_k:
        scores = TopKLogitsWarper(sampling.top_k)(None, scores)
    if sampling.top_p < 1:
        scores = TopPLogitsWarper(sampling.top_p)(None, scores)
    return set(torch.isfinite(scores[0]).nonzero().flatten().tolist())


@given(seed=st.integers(0, 2**64 - 1), step=st.integers(0, 40))
@settings(max_examples=30)
def test_a_step_has_the_uniform_of_its_own_philox_counter(seed: int, step: int) -> None:
    direct = np.random.Generator(np.random.Philox(key=seed, counter=step)).random()
    assert uniforms(seed, step + 1)[step] == direct


def test_temperature_zero_is_the_likeliest_token() -> None:
    logits = torch.randn(5, 300, generator=torch.Generator().manual_seed(0))
    sampler = Sampler([Sampling(temperature=0)] * 5, range(5), CPU, steps=1)
    assert torch.equal(sampler.draw(logits, 0), logits.argmax(-1))


@pytest.mark.parametrize("temperature", [1e-300, 1e-40, 1e-12, 1e-4])
@pytest.mark.parametrize("top_p", [0.9, 1.0])
def test_a_temperature_close_to_zero_is_the_likeliest_token_too(temperature: float, top_p: float) -> None:
    logits = torch.randn(300, generator=torch.Generator().manual_seed(0)) * 20
    drawn = draw_all(logits, Sampling(temperature=temperature, top_p=top_p), 20)
    assert set(drawn) == {int(logits.argmax())}


@pytest.mark.parametrize("top_p", [0.1, 0.5, 0.95, 1.0])
@pytest.mark.parametrize("top_k", [0, 1, 5, 100, 5000])
@pytest.mark.parametrize("spread", [0.5, 4.0])
def test_only_tokens_that_transformers_keeps_are_drawn_and_the_likeliest_is_one(
    top_p: float, top_k: int, spread: float
) -> None:
    logits = torch.randn(1000, generator=torch.Generator().manual_seed(3)) * spread
    sampling = Sampling(temperature=0.8, top_p=top_p, top_k=top_k)
    drawn = set(draw_all(logits, sampling, 300).tolist())
    kept = reference_set(logits, Sampling(temperature=0.8, top_p=top_p, top_k=min(top_k, 1000)))
    assert drawn <= kept
    assert len(kept) > 1 or drawn == {int(logits.argmax())}


@pytest.mark.parametrize(
    "sampling", [Sampling(temperature=1.3, top_p=1), Sampling(temperature=0.6, top_p=0.9)]
)
def test_draws_follow_the_models_own_probabilities(sampling: Sampling) -> None:
    logits = torch.randn(12, generator=torch.Generator().manual_seed(1)) * 1.5
    counts = np.bincount(draw_all(logits, sampling, 4000, seed=11), minlength=12)
    kept = sorted(reference_set(logits, sampling)) if sampling.top_p < 1 else list(range(12))
    expected = torch.softmax(logits[kept].double() / sampling.temperature, -1).numpy() * 4000
    assert counts.sum() == counts[kept].sum()
    assert chisquare(counts[kept], expected).pvalue > 1e-4


@given(
    rows=st.lists(
        st.tuples(*(st.sampled_from(v) for v in ([0.0, 0.3, 1.0, 2.0], [0.3, 0.9, 1.0], [0, 3, 80]))),
        min_size=2,
        max_size=12,
    ),
    spread=st.sampled_from([0.01, 1.0, 8.0]),
)
@settings(max_examples=40)
def test_a_rows_draw_does_not_depend_on_the_other_rows(rows: list[tuple], spread: float) -> None:
    logits = torch.randn(len(rows), 400, generator=torch.Generator().manual_seed(5)) * spread
    each = [Sampling(temperature=t, top_p=p, top_k=k) for t, p, k in rows]
    seeds = list(range(len(rows)))
    together = Sampler(each, seeds, CPU, steps=4)
    for step in range(4):
        alone = [
            int(Sampler([s], [i], CPU, steps=4).draw(logits[i : i + 1], step)) for i, s in enumerate(each)
        ]
        assert together.draw(logits, step).tolist() == alone


def test_selected_rows_draw_what_they_would_have_drawn() -> None:
    logits = torch.randn(6, 200, generator=torch.Generator().manual_seed(2))
    sampler = Sampler([Sampling(temperature=0.5 + i / 5) for i in range(6)], range(6), CPU, steps=8)
    assert sampler.select([4, 1]).draw(logits[[4, 1]], 7).tolist() == sampler.draw(logits, 7)[[4, 1]].tolist()


def test_other_seeds_and_other_steps_draw_otherwise() -> None:
    logits = torch.zeros(50)
    assert len({tuple(draw_all(logits, Sampling(top_p=1.0), 20, seed=s)) for s in range(20)}) == 20
