import json
from dataclasses import replace

import pytest
import torch
from jsonschema import validate

from backends.engine.base import Request
from backends.engine.constraint import Grammars, only_allowed, reason_of
from backends.engine.local import LocalEngine
from backends.engine.worker import Worker
from backends.errors import BadInput
from backends.types import Sampling
from tests.calls import GREEDY, ask, request

SCHEMA = {
    "type": "object",
    "properties": {
        "queue": {"enum": ["billing", "übrige", 'say "hi"']},
        "level": {"type": "integer", "minimum": 1, "maximum": 99},
    },
    "required": ["queue", "level"],
    "additionalProperties": False,
}
HOT = Sampling(temperature=1.5, top_p=0.95, max_tokens=80)


def constrained(call: Request, schema: object = SCHEMA) -> Request:
    return replace(call, prompt=replace(call.prompt, schema=json.dumps(schema)))


@pytest.fixture
def grammars(ready_engine: LocalEngine) -> Grammars:
    assert isinstance(ready_engine._worker, Worker)
    return ready_engine._worker.grammars


@pytest.mark.parametrize("mode", ["demo", "bench"])
def test_every_answer_in_json_mode_is_json_of_the_schema_even_from_random_weights(
    ready_engine: LocalEngine, mode: str
) -> None:
    calls = [constrained(request("Hi", id=str(i), seed=i, sampling=HOT)) for i in range(12)]
    answers = ask(ready_engine, calls, mode=mode).answers  # type: ignore[arg-type]
    for answer in answers.values():
        assert answer.finish == "end"
        validate(json.loads(answer.text), SCHEMA)
    assert len({answer.text for answer in answers.values()}) > 1


def test_rows_without_a_schema_write_what_they_write_alone(ready_engine: LocalEngine) -> None:
    free = [request(text, id=text) for text in ("Hi", "Refunds take how many days?")]
    alone = ask(ready_engine, free).answers
    together = ask(ready_engine, [*free, constrained(request("Hi", id="json"))])
    assert {call.id: together.answers[call.id].token_ids for call in free} == {
        id: answer.token_ids for id, answer in alone.items()
    }
    validate(json.loads(together.answers["json"].text), SCHEMA)
    assert together.streamed("json") == together.answers["json"].text


def test_json_mode_is_repeatable_and_an_answer_cut_short_is_cut_short(ready_engine: LocalEngine) -> None:
    call = constrained(request("Hi", seed=5, sampling=HOT))
    first, again = (ask(ready_engine, [call]).answers["0"] for _ in range(2))
    assert first.token_ids == again.token_ids
    cut = replace(call, sampling=replace(HOT, max_tokens=3))
    short = ask(ready_engine, [cut]).answers["0"]
    assert short.finish == "length"
    assert short.token_ids == first.token_ids[:3]


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ({"type": "objec"}, "Invalid type"),
        ({"enum": []}, "Unsatisfiable"),
        ({"type": "string", "pattern": "(?<=a)b"}, "look-around"),
        ({"properties": {"a": {"$ref": "http://x/y"}}}, "http://x/y"),
    ],
)
def test_a_schema_that_cannot_be_compiled_fails_its_calls_with_the_reason(
    ready_engine: LocalEngine, schema: object, reason: str
) -> None:
    calls = ask(ready_engine, [constrained(request("Hi", id="bad"), schema), request("Hi", id="good")])
    assert reason in calls.failures["bad"].message
    assert calls.failures["bad"].message.count("\n") == 0
    assert calls.answers["good"].token_ids


MANY = {"type": "object", "properties": {f"p{i}": {"type": "string"} for i in range(900)}}
HARD = {"type": "string", "pattern": "^(a?){2000}a{2000}$"}


@pytest.mark.parametrize("schema", [MANY, HARD])
def test_a_schema_that_is_too_much_work_fails_its_own_calls_only(
    ready_engine: LocalEngine, schema: object
) -> None:
    calls = [constrained(request("Hi", id=f"hard {i}", seed=i), schema) for i in range(2)]
    ended = ask(ready_engine, [*calls, request("Hi", id="good")])
    assert ended.answers["good"].token_ids == ask(ready_engine, [request("Hi")]).answers["0"].token_ids
    for call in calls:
        sentence = ended.failures[call.id].message
        assert "JSON schema" in sentence
        assert len(sentence) < 400
        assert "\n" not in sentence


def test_a_matcher_that_gives_up_in_the_middle_ends_its_row_only(
    ready_engine: LocalEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = ready_engine._worker
    assert isinstance(worker, Worker)
    real = worker.grammars.matcher

    class GivesUp:
        """A real matcher that refuses its third token."""

        def __init__(self, schema: str) -> None:
            self.inner, self.count = real(schema), 0

        def __getattr__(self, name: str) -> object:
            return getattr(self.inner, name)

        def consume_token(self, token: int) -> bool:
            self.count += 1
            return self.count < 3 and self.inner.consume_token(token)

    monkeypatch.setattr(worker.grammars, "matcher", GivesUp)
    ended = ask(ready_engine, [constrained(request("Hi", id="json")), request("Hi", id="good")])
    assert ended.failures["json"].stage == "decode"
    assert "too much work" in ended.failures["json"].message
    assert ended.answers["good"].finish in ("end", "length")


def test_a_schema_that_is_no_json_is_refused(grammars: Grammars) -> None:
    with pytest.raises(BadInput, match="The JSON schema can't be used"):
        grammars.matcher("{")


def test_the_mask_forbids_all_but_what_may_follow_and_leaves_free_rows_alone(grammars: Grammars) -> None:
    matcher = grammars.matcher('{"const": true}')
    logits = torch.zeros(2, grammars._vocabulary)
    masked = only_allowed(logits, [None, matcher])
    assert (masked[0] == 0).all()
    allowed = {grammars._tokenizer.decode([i]) for i in (masked[1] == 0).nonzero().flatten().tolist()}
    assert "t" in allowed
    assert all("true".startswith(text) for text in allowed)
    assert only_allowed(logits, [None, None]) is logits
    forbidden = int((masked[1] != 0).nonzero()[0])
    assert not matcher.consume_token(forbidden)
    assert "\n" not in reason_of(matcher)


def test_a_retry_after_out_of_memory_begins_the_json_anew(ready_engine: LocalEngine) -> None:
    worker = ready_engine._worker
    assert isinstance(worker, Worker)
    calls = [constrained(request("Hi", id=str(i), seed=i, sampling=HOT)) for i in range(4)]
    plain = ask(ready_engine, calls).answers

    def full(module: object, args: object, kwargs: dict) -> None:
        if len(kwargs["input_ids"]) > 2 and kwargs.get("position_ids") is not None:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")

    hook = worker.base.model.register_forward_pre_hook(full, with_kwargs=True)
    try:
        retried = ask(ready_engine, calls).answers
    finally:
        hook.remove()
    assert {id: answer.text for id, answer in retried.items()} == {
        id: answer.text for id, answer in plain.items()
    }
    assert all("retried with half the rows" in answer.marks for answer in retried.values())


def test_greedy_json_mode_follows_the_likeliest_allowed_tokens(ready_engine: LocalEngine) -> None:
    calls = [
        constrained(request("Hi", id=str(i), seed=i, sampling=replace(GREEDY, max_tokens=80)))
        for i in range(3)
    ]
    answers = ask(ready_engine, calls).answers
    assert len({answer.token_ids for answer in answers.values()}) == 1
