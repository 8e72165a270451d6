"""The parts of Pocket's training: batches lose no chat, weights fall where they should, scores are strict."""

from copy import deepcopy
from random import Random

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from backends.pocket.batches import ROW_LIMIT, Row, batches, padded
from backends.pocket.muon import Muon, orthogonal
from backends.pocket.scoring import holds
from backends.pocket.train import schedule


def row(length: int, written: int = 1) -> Row:
    return list(range(1, length + 1)), [False] * (length - written) + [True] * written


@given(st.lists(st.integers(2, ROW_LIMIT + 50), max_size=60), st.integers(256, 8192))
def test_batches_hold_every_row_but_long_ones_and_a_single_last(lengths: list[int], tokens: int) -> None:
    found = batches([row(length) for length in lengths], tokens, Random(0))
    kept = sorted(len(ids) for batch in found for ids, _ in batch)
    short = sorted(length for length in lengths if length <= ROW_LIMIT)
    assert kept in (short, short[:-1])
    assert all(len(batch) >= 2 for batch in found)
    assert all(len(b) == 2 or len(b) * max(len(ids) for ids, _ in b) <= tokens for b in found)


def test_written_tokens_weigh_1_a_quarter_of_the_prompt_01_and_padding_nothing() -> None:
    rows = [row(400, written=30), row(200, written=5)]
    ids, weights = padded(rows, torch.Generator().manual_seed(1))
    assert ids.shape == weights.shape == (2, 400)
    for i, (tokens, written) in enumerate(rows):
        assert ids[i, : len(tokens)].tolist() == tokens
        assert (weights[i, : len(tokens)][torch.tensor(written)] == 1).all()
        prompt = weights[i, : len(tokens)][~torch.tensor(written)]
        assert prompt.unique().tolist() == [0.0, pytest.approx(0.1)]
        assert 0.15 < (prompt > 0).float().mean() < 0.35
        assert not weights[i, len(tokens) :].any()


@pytest.mark.parametrize("shape", [(64, 64), (96, 32), (32, 96)])
def test_an_orthogonalised_matrix_has_singular_values_near_1(shape: tuple[int, int]) -> None:
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(2))
    values = torch.linalg.svdvals(orthogonal(matrix))
    assert values.max() < 1.3
    assert values.median() > 0.6


def test_muon_goes_on_from_its_state_bit_for_bit() -> None:
    def steps(parameter: torch.nn.Parameter, optimizer: Muon, gradients: torch.Tensor) -> None:
        for gradient in gradients:
            parameter.grad = gradient.clone()
            optimizer.step()

    gradients = torch.randn(4, 8, 6, generator=torch.Generator().manual_seed(3))
    one = torch.nn.Parameter(torch.ones(8, 6))
    straight = Muon([one], lr=0.01)
    steps(one, straight, gradients[:2])
    two = torch.nn.Parameter(one.detach().clone())
    resumed = Muon([two], lr=0.5)
    resumed.load_state_dict(deepcopy(straight.state_dict()))
    steps(one, straight, gradients[2:])
    steps(two, resumed, gradients[2:])
    assert torch.equal(one, two)


def test_the_rate_warms_up_stays_and_falls_to_3_percent() -> None:
    rates = [schedule(step, 2000) for step in range(2000)]
    assert rates[0] == 0.01
    assert set(rates[99:1001]) == {1.0}
    assert rates[1000:] == sorted(rates[1000:], reverse=True)
    assert rates[-1] == 0.03


@pytest.mark.parametrize(
    ("answer", "key", "right"),
    [
        ("The trial lasts 14 days.", "14", True),
        ("A 14-day trial [1].", "14", True),
        ("The trial lasts 140 days.", "14", False),
        ("It costs $20.50.", "$20.50", True),
        ("Ask Bral Moton, please.", "Bral Moton", True),
        ("", "14", False),
    ],
)
def test_a_number_counts_as_a_word_of_its_own(answer: str, key: str, right: bool) -> None:
    assert holds(answer, key) is right
