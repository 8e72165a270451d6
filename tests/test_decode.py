from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, MistralConfig, MistralForCausalLM, Qwen3Config

from backends.engine.cache import mergeable
from backends.engine.local import LocalEngine
from backends.engine.text import TextStream
from backends.settings import Settings
from backends.types import Sampling
from tests.calls import GREEDY, ask, request
from tests.tiny import build_tokenizer

QUERIES = ("What warranty does the Pro plan include?", "Hi", "Refunds take how many days? 14, 20 or 30?")
HOT = Sampling(temperature=0.9, top_p=0.95, max_tokens=32)


@pytest.fixture(scope="module")
def tokenizer(tiny_model: Path):
    return AutoTokenizer.from_pretrained(tiny_model)


def generated(model_folder: Path, rendered: str, new_tokens: int) -> tuple[int, ...]:
    """What transformers' own ``generate`` answers, greedily and alone."""
    tokenizer = AutoTokenizer.from_pretrained(model_folder)
    model = AutoModelForCausalLM.from_pretrained(model_folder)
    ids = tokenizer(rendered, return_tensors="pt", add_special_tokens=False)
    out = model.generate(**ids, max_new_tokens=new_tokens, do_sample=False)
    return tuple(out[0, ids["input_ids"].shape[1] :].tolist())


def test_greedy_tokens_equal_generate_alone_and_merged(ready_engine: LocalEngine, tiny_model: Path) -> None:
    requests = [request(text, id=text) for text in QUERIES]
    merged = ask(ready_engine, requests).answers
    for text in QUERIES:
        alone = ask(ready_engine, [request(text, id=text)], mode="bench").answers[text]
        oracle = generated(tiny_model, alone.rendered, GREEDY.max_tokens)
        assert alone.token_ids == oracle
        assert merged[text].token_ids == oracle


def test_greedy_repeats_of_one_prompt_are_identical(ready_engine: LocalEngine) -> None:
    answers = ask(ready_engine, [request(QUERIES[0], id=str(i), seed=i) for i in range(5)]).answers
    assert len({a.token_ids for a in answers.values()}) == 1


def test_the_same_seed_draws_the_same_text_whatever_else_is_in_the_batch(ready_engine: LocalEngine) -> None:
    """Rounding by batch shape may flip a token now and then: at most 1 of 20 sequences here."""
    requests = [request(QUERIES[i % 3], id=str(i), seed=100 + i, sampling=HOT) for i in range(20)]
    merged = ask(ready_engine, requests).answers
    alone = {r.id: ask(ready_engine, [r]).answers[r.id] for r in requests}
    flips = sum(merged[r.id].token_ids != alone[r.id].token_ids for r in requests)
    print(f"flip rate {flips}/20")
    assert flips <= 1
    assert len({a.text for a in alone.values()}) > 15


def test_rows_end_at_their_own_max_tokens(ready_engine: LocalEngine) -> None:
    limits = [1, 2, 7, 30]
    requests = [
        request(QUERIES[i % 2], id=str(n), seed=i, sampling=Sampling(temperature=2.0, max_tokens=n))
        for i, n in enumerate(limits)
    ]
    for n, answer in ((int(k), a) for k, a in ask(ready_engine, requests).answers.items()):
        assert answer.usage.completion_tokens == len(answer.token_ids) <= n
        assert answer.finish == "end" or len(answer.token_ids) == n


def test_deltas_joined_are_the_answer_and_the_decoded_tokens(ready_engine: LocalEngine, tokenizer) -> None:
    requests = [request(QUERIES[i % 3], id=str(i), seed=i, sampling=HOT) for i in range(8)]
    calls = ask(ready_engine, requests)
    for id, answer in calls.answers.items():
        assert calls.streamed(id) == answer.text
        whole = tokenizer.decode(answer.token_ids, skip_special_tokens=True)
        assert whole.startswith(answer.text)
        assert set(whole[len(answer.text) :]) <= {"\ufffd"}


def test_stop_string_ends_the_answer_before_it_and_never_shows(ready_engine: LocalEngine) -> None:
    plain = ask(ready_engine, [request(QUERIES[0])]).answers["0"]
    stop = plain.text[6:9]
    sampling = Sampling(temperature=0, max_tokens=24, stop=(stop, "never"))
    calls = ask(ready_engine, [request(QUERIES[0], sampling=sampling)])
    answer = calls.answers["0"]
    assert answer.finish == "stop"
    assert answer.text == plain.text[: plain.text.index(stop)] == calls.streamed("0")


@pytest.mark.parametrize("stop", [("END",), ("ab", "abc"), ("\n\n",)])
def test_held_back_text_comes_out_when_no_stop_string_follows(tokenizer, stop: tuple[str, ...]) -> None:
    stream = TextStream(tokenizer, stop)
    text = "E EN a b \n x EN"
    shown = "".join(stream.push(i) for i in tokenizer(text, add_special_tokens=False)["input_ids"])
    assert shown + stream.finish() == text == stream.text


def test_no_half_characters_are_shown(tokenizer) -> None:
    stream = TextStream(tokenizer)
    pieces = [stream.push(i) for i in tokenizer("Zażółć 東京 😀!", add_special_tokens=False)["input_ids"]]
    assert "\ufffd" not in "".join(pieces)
    assert "".join(pieces) + stream.finish() == "Zażółć 東京 😀!"


def test_bytes_that_are_no_text_do_not_break_the_stream(tokenizer) -> None:
    ids = range(6, 262)
    stream = TextStream(tokenizer)
    assert "".join(stream.push(i) for i in reversed(ids)) + stream.finish() == stream.text


def test_sliding_window_models_are_not_merged_and_still_equal_generate(tmp_path: Path) -> None:
    folder = tmp_path / "tiny-mistral"
    folder.mkdir()
    size = build_tokenizer(folder)
    torch.manual_seed(0)
    config = MistralConfig(
        vocab_size=size, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, sliding_window=16, initializer_range=0.3,
        bos_token_id=1, eos_token_id=2, pad_token_id=0,
    )  # fmt: skip
    MistralForCausalLM(config).save_pretrained(folder)
    engine = LocalEngine(Settings(model=str(folder), device="cpu", threads=1, scenarios_dir=tmp_path))
    engine.start()
    assert engine.wait_ready(60).state == "ready"
    try:
        requests = [request(QUERIES[i % 3], id=str(i)) for i in range(6)]
        answers = ask(engine, requests).answers
        for i in range(6):
            assert answers[str(i)].token_ids == generated(folder, answers[str(i)].rendered, GREEDY.max_tokens)
    finally:
        engine.stop()


def test_what_may_be_merged_is_decided_by_layer_types(tiny_model: Path) -> None:
    assert mergeable(AutoModelForCausalLM.from_pretrained(tiny_model).config)
    assert mergeable(Qwen3Config())
    assert not mergeable(MistralConfig(sliding_window=16))
