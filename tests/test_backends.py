from dataclasses import replace
from pathlib import Path

import pytest

from backends.base import DEFAULT_BACKENDS, chosen, registry
from backends.errors import AdapterRefused, BadInput
from backends.scenario import load_scenario
from backends.types import Query


class NoEngine:
    """Stands where an engine would; a backend that touches it has no business to."""

    def __getattr__(self, name: str) -> object:
        raise AssertionError(f"touched the engine: {name}")


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
