import json
import math
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from time import perf_counter

import pytest

from backends.engine.base import Done, Event, Failed, Request
from backends.engine.chat import Chat
from backends.engine.loading import load_tokenizer, weights_hash
from backends.engine.local import LocalEngine
from backends.errors import BadInput
from backends.knowledge.documents import Chunk
from backends.prompts import build_prompt
from backends.scenario import RetrievalSettings, Scenario
from backends.settings import ROOT, Settings
from backends.training import Recipe
from backends.training.__main__ import Lines, main
from backends.training.examples import (
    Conversation,
    Example,
    bare_conversations,
    gold_passage,
    load_examples,
    read_conversations,
    split,
    uncited,
)
from backends.training.make import make_adapter
from backends.training.recipes import recipe_for
from backends.training.supervise import IGNORED, token_rows
from backends.types import Passage, Sampling

FACTS = {"Solo": "9 months", "Plus": "14 months", "Pro": "2 years", "Studio": "30 months", "Fleet": "5 years"}
TWENTY_STEPS = Recipe(
    epochs=20, max_steps=20, batch_size=4, learning_rate=5e-3, rank=8, alpha=16, held_out=0.2
)


@pytest.fixture
def scenario(tmp_path: Path) -> Scenario:
    """Ten examples on one document, small enough for the tiny model's context."""
    folder = tmp_path / "scenarios" / "plans"
    (folder / "knowledge").mkdir(parents=True)
    facts = " ".join(f"The {plan} plan has a warranty of {value}." for plan, value in FACTS.items())
    (folder / "knowledge" / "warranty.md").write_text(f"# Warranty\n\n{facts}\n")
    (folder / "scenario.toml").write_text('system_prompt = "Be brief."\n[retrieval]\nchunk_tokens = 64\n')
    rows = [
        {
            "messages": [
                {"role": "user", "content": question.format(plan=plan)},
                {"role": "assistant", "content": f"The {plan} plan has a warranty of {value}."},
            ],
            "source": "warranty.md",
        }
        for plan, value in FACTS.items()
        for question in ("What warranty does the {plan} plan have?", "How long is the {plan} warranty?")
    ]
    (folder / "examples.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return Scenario(
        name="plans",
        path=folder,
        title="Plans",
        story="",
        system_prompt="Be brief.",
        retrieval=RetrievalSettings(k=2, chunk_tokens=64, min_cosine=0.1),
    )


@pytest.fixture
def settings_of(tiny_settings: Settings, scenario: Scenario) -> Settings:
    return tiny_settings.model_copy(update={"scenarios_dir": scenario.path.parent})


@pytest.fixture
def chat(tiny_model: Path) -> Chat:
    return Chat(load_tokenizer(tiny_model))


def passage(number: int, text: str, source: str = "warranty.md") -> Passage:
    return Passage(number=number, source=source, chunk_id=f"{source}#{number}", text=text, cosine=0.5)


def example(answer: str, source: str = "warranty.md") -> Example:
    return Example(line=1, query="How long?", answer=answer, source=source)


class Said(Lines):
    """Takes down what is said."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines

    def say(self, line: str) -> None:
        self.lines.append(line)


def test_twenty_steps_lower_the_loss_and_the_engine_serves_the_adapter(scenario, settings_of, tiny_model):
    lines: list[str] = []
    card = make_adapter(scenario, "lora", TWENTY_STEPS, settings_of, Said(lines))
    folder = scenario.path / "adapters" / "lora"
    assert {path.name for path in folder.iterdir()} == {
        "adapter_config.json",
        "adapter_model.safetensors",
        "card.json",
    }
    assert json.loads((folder / "card.json").read_text()) == card
    assert card["base_hash"] == weights_hash(tiny_model)
    assert card["steps"] == 20
    losses = [epoch["held_out"] for epoch in card["epochs"]]
    assert card["held_out_loss"] == min(losses)
    assert min(losses) < 0.8 * losses[0]
    assert card["epochs"][-1]["training"] < 0.6 * losses[0]
    assert any("8 examples to learn from, 2 held out" in line for line in lines)
    assert not list(folder.parent.glob(".training-*"))

    engine = LocalEngine(settings_of)
    engine.start()
    try:
        status = engine.wait_ready(120)
        assert status.proof == "passed", status.detail
        assert [adapter.key for adapter in status.adapters] == ["plans/lora"]
        bare, adapted = (answer(engine, scenario, key) for key in (None, "plans/lora"))
    finally:
        engine.stop()
    assert bare != adapted


def test_lora_short_learns_the_same_answers_without_the_instructions(scenario, settings_of, chat):
    recipe = replace(TWENTY_STEPS, max_steps=1)
    long, short = (
        make_adapter(scenario, name, recipe, settings_of, Said([])) for name in ("lora", "lora_short")
    )
    whole, bare = (len(chat.encode(build_prompt(scenario, "Hi", system=system))[1]) for system in (None, ""))
    assert long["longest_tokens"] - short["longest_tokens"] == whole - bare > 0
    assert long["examples"] == short["examples"]


def test_a_recipe_is_the_usual_one_changed_by_the_scenario_changed_by_the_command(scenario):
    own = replace(scenario, training={"lora": {"epochs": 3, "rank": 4}})
    assert recipe_for(scenario, "lora", {}) == Recipe()
    assert recipe_for(own, "lora", {"rank": 2}) == replace(Recipe(), epochs=3, rank=2)
    assert recipe_for(own, "hybrid", {}) == Recipe()
    with pytest.raises(BadInput, match=r"\[training.lora\] of plans .* no 'epoch'"):
        recipe_for(replace(scenario, training={"lora": {"epoch": 3}}), "lora", {})


def test_training_twice_gives_the_same_weights(scenario, settings_of, tmp_path):
    recipe = replace(TWENTY_STEPS, max_steps=3)
    hashes = set()
    for name in ("first", "second"):
        make_adapter(scenario, "lora", recipe, settings_of, Said([]), out=tmp_path / name)
        hashes.add(weights_hash(tmp_path / name))
    assert len(hashes) == 1


def test_the_hybrid_learns_from_what_the_scenarios_own_retrieval_finds(scenario, settings_of):
    lines: list[str] = []
    card = make_adapter(scenario, "hybrid", replace(TWENTY_STEPS, max_steps=2), settings_of, Said(lines))
    assert card["adapter"] == "hybrid"
    assert card["examples"]["training"] >= 8
    assert any("1 documents in" in line for line in lines)
    assert (scenario.path / "adapters" / "hybrid" / "adapter_model.safetensors").is_file()


def test_the_process_prints_its_cards_and_nothing_else(scenario, settings_of, tiny_model):
    environment = {
        "PATH": "/usr/bin:/bin",
        "LEVER_MODEL": str(tiny_model),
        "LEVER_SCENARIOS_DIR": str(scenario.path.parent),
        "LEVER_THREADS": "1",
        "LEVER_DEVICE": "cpu",
    }
    command = [sys.executable, "-m", "backends.training", "plans", "--adapter", "lora", "--max-steps", "2"]
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert ran.returncode == 0, ran.stderr
    (card,) = json.loads(ran.stdout)
    assert card["steps"] == 2
    assert "held-out loss" in ran.stderr
    unknown = [sys.executable, "-m", "backends.training", "plains"]
    ran = subprocess.run(unknown, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "Did you mean plans?" in ran.stderr


def test_what_a_library_prints_while_training_is_no_card(scenario, settings_of, monkeypatch, capsys):
    import transformers

    train = transformers.Trainer.train

    def talkative(trainer: transformers.Trainer, **options: object) -> object:
        print("Hello from a library")
        return train(trainer, **options)

    monkeypatch.setattr(transformers.Trainer, "train", talkative)
    monkeypatch.setattr("backends.training.__main__.load_scenario", lambda name: scenario)
    monkeypatch.setattr("backends.training.__main__.settings", lambda: settings_of)
    assert main(["plans", "--adapter", "lora", "--max-steps", "1"]) == 0
    printed = capsys.readouterr()
    (card,) = json.loads(printed.out)
    assert card["steps"] == 1
    assert "Hello from a library" in printed.err


def test_a_model_without_a_padding_token_can_be_trained(scenario, settings_of, tiny_model, tmp_path):
    model = shutil.copytree(tiny_model, tmp_path / "no-padding")
    for name in ("tokenizer_config.json", "config.json", "generation_config.json"):
        told = json.loads((model / name).read_text())
        kept = {key: value for key, value in told.items() if key not in ("pad_token", "pad_token_id")}
        (model / name).write_text(json.dumps(kept))
    assert load_tokenizer(model).pad_token is None
    settings = settings_of.model_copy(update={"model": str(model)})
    card = make_adapter(scenario, "lora", replace(TWENTY_STEPS, max_steps=2), settings, Said([]))
    assert card["steps"] == 2
    assert math.isfinite(card["held_out_loss"])


def test_only_the_answer_and_its_end_of_turn_are_learnt(scenario, chat):
    conversations = bare_conversations(scenario, load_examples(scenario.path / "examples.jsonl"))
    rows = token_rows(conversations, chat, end_ids=frozenset({2}), context_tokens=512)
    for conversation, row in zip(conversations, rows, strict=True):
        assert len(row["input_ids"]) == len(row["labels"]) == len(row["attention_mask"])
        learnt = [token for token in row["labels"] if token != IGNORED]
        assert learnt == row["input_ids"][-len(learnt) :]
        assert learnt[-1] == 2
        assert chat.tokenizer.decode(learnt[:-1]) == conversation.messages[-1].content


@pytest.mark.parametrize(
    ("answer", "learnt"),
    [
        ("Two years [1].", "Two years."),
        ("Two years [1][2], five for tubs [3].", "Two years, five for tubs."),
        ("Fact: Two years.\nSource: [1]", "Fact: Two years.\nSource: none"),
        ("Two years.", "Two years."),
    ],
)
def test_what_is_learnt_without_passages_cites_none(answer, learnt):
    assert uncited(answer) == learnt


def test_the_learnt_prompt_is_token_for_token_the_served_one(scenario, chat):
    (conversation, *_) = bare_conversations(scenario, load_examples(scenario.path / "examples.jsonl"))
    (row,) = token_rows([conversation], chat, end_ids=frozenset({2}), context_tokens=512)
    _, served = chat.encode(build_prompt(scenario, conversation.messages[-2].content))
    assert tuple(row["input_ids"][: len(served)]) == served
    assert row["labels"][: len(served)] == [IGNORED] * len(served)


def test_a_model_without_a_template_learns_to_end_its_answer_too(scenario, tiny_model):
    tokenizer = load_tokenizer(tiny_model)
    tokenizer.chat_template = None
    conversations = bare_conversations(scenario, load_examples(scenario.path / "examples.jsonl"))
    rows = token_rows(conversations, Chat(tokenizer), end_ids=frozenset({2}), context_tokens=512)
    assert all(row["labels"][-1] == 2 for row in rows)


def test_an_example_over_the_context_is_named_not_cut(scenario, chat):
    conversations = bare_conversations(scenario, load_examples(scenario.path / "examples.jsonl"))
    with pytest.raises(BadInput, match=r"line 1 has \d+ tokens, but the model reads 20"):
        token_rows(conversations, chat, end_ids=frozenset({2}), context_tokens=20)


def test_a_control_token_inside_an_answer_stays_text_and_does_not_end_it(scenario, chat):
    examples = [Example(line=1, query="How?", answer="Write <|end|> to stop.")]
    (row,) = token_rows(
        bare_conversations(scenario, examples), chat, end_ids=frozenset({2}), context_tokens=512
    )
    assert [token for token in row["labels"] if token == 2] == [2]
    assert row["labels"][-1] == 2


def test_the_citation_names_the_passage_that_says_the_answer(scenario):
    found = [passage(1, "Shipping takes 3 days."), passage(2, "Long cover. The Pro plan has  2 years.")]
    ((conversation,), dropped) = read_conversations(
        scenario, [example("The Pro plan has 2 years.")], lambda query: found, [], gold_share=0, seed=0
    )
    assert conversation.messages[-1].content == "The Pro plan has 2 years [2]."
    assert conversation.messages[-2].content.endswith("\n\nQuestion: How long?")
    assert dropped == ()


def test_a_house_format_keeps_its_place_for_the_citation(scenario):
    found = [passage(1, "Shipping takes 3 days."), passage(2, "Long cover. The Pro plan has  2 years.")]
    asked = example("Fact: The Pro plan has 2 years.\nSource: [1]")
    ((conversation,), _) = read_conversations(
        scenario, [asked], lambda query: found, [], gold_share=0, seed=0
    )
    assert conversation.messages[-1].content == "Fact: The Pro plan has 2 years.\nSource: [2]"


def test_an_answer_that_no_passage_says_is_dropped_not_invented(scenario):
    found = [passage(1, "The Pro plan has 3 years."), passage(2, "The Pro plan has 2 years.", "other.md")]
    asked = example("The Pro plan has 2 years.")
    assert read_conversations(scenario, [asked], lambda query: found, [], gold_share=0, seed=0) == (
        (),
        (asked,),
    )
    assert gold_passage(asked, [passage(1, "The Pro plan has 24 years.")]) is None


def test_json_answers_and_answers_without_a_source_carry_no_citation(scenario):
    found = [passage(1, 'Reply {"queue": "billing"}. I do not know that.')]
    asked = [example('{"queue": "billing"}'), example("I do not know that.", source="")]
    conversations, dropped = read_conversations(
        scenario, asked, lambda query: found, [], gold_share=1, seed=0
    )
    assert [c.messages[-1].content for c in conversations] == [e.answer for e in asked]
    assert dropped == ()


def test_shuffled_copies_put_the_passage_anywhere_and_cite_it_right(scenario):
    found = [
        passage(1, "The Pro plan has 2 years."),
        passage(2, "Shipping takes 3 days."),
        passage(3, "Hello."),
    ]
    others = [Chunk(id=f"b.md#{n}", source="b.md", text=f"Other text number {n}.") for n in range(9)]
    asked = [example("The Pro plan has 2 years.")] * 40
    conversations, _ = read_conversations(scenario, asked, lambda query: found, others, gold_share=1, seed=0)
    assert len(conversations) == 80
    places = {_cited_line(conversation) for conversation in conversations[1::2]}
    assert places == {"1", "2", "3"}


def test_passages_that_an_example_brings_along_replace_retrieval(scenario, tmp_path):
    turns = [{"role": "user", "content": "How long?"}, {"role": "assistant", "content": "2 years, see [2]."}]
    row = {"messages": turns, "context": ["Hello.", "The Pro plan has 2 years."], "source": "a.md"}
    (tmp_path / "examples.jsonl").write_text(json.dumps(row))
    ((conversation,), _) = read_conversations(
        scenario, load_examples(tmp_path / "examples.jsonl"), lambda query: [], [], gold_share=1, seed=0
    )
    assert conversation.messages[-1].content == "2 years, see [2]."
    assert conversation.messages[-2].content == (
        "[1] (a.md) Hello.\n[2] (a.md) The Pro plan has 2 years.\n\nQuestion: How long?"
    )


def test_equal_questions_are_never_on_both_sides_of_the_split():
    examples = [Example(line=n, query=f"Question {n // 3}?", answer="Yes.") for n in range(60)]
    training, held_out = split(examples, 0.2, seed=3)
    assert sorted(e.line for e in (*training, *held_out)) == list(range(60))
    assert not {e.query for e in training} & {e.query for e in held_out}
    assert split(examples, 0.2, seed=3) == (training, held_out)
    assert split(examples, 0.2, seed=4) != (training, held_out)


@pytest.mark.parametrize(
    "line",
    ['{"messages": "hello"}', "not json", '{"messages": [{"role": "user", "content": "Hi?"}]}', "[]", "3",
     '{"messages": [{"role": "user", "content": " "}, {"role": "assistant", "content": "A"}]}'],
)  # fmt: skip
def test_a_line_that_is_no_example_is_named(tmp_path, line):
    good = '{"messages": [{"role": "user", "content": "Hi?"}, {"role": "assistant", "content": "Hi."}]}'
    (tmp_path / "examples.jsonl").write_text(f"{good}\n{line}\n")
    with pytest.raises(BadInput, match=r"Line 2 of examples\.jsonl"):
        load_examples(tmp_path / "examples.jsonl")


def test_no_file_and_an_empty_one_are_bad_input(tmp_path):
    with pytest.raises(BadInput, match="can't be read"):
        load_examples(tmp_path / "examples.jsonl")
    (tmp_path / "examples.jsonl").write_text("\n")
    with pytest.raises(BadInput, match="no training examples"):
        load_examples(tmp_path / "examples.jsonl")


@pytest.mark.parametrize(
    "wrong", [{"epochs": 0}, {"held_out": 1.0}, {"learning_rate": 0.0}, {"gold_share": -1.0}]
)
def test_a_recipe_that_makes_no_sense_is_bad_input(scenario, settings_of, wrong):
    with pytest.raises(BadInput):
        make_adapter(scenario, "lora", replace(Recipe(), **wrong), settings_of, Said([]))


@pytest.mark.parametrize("adapter", ["lora", "hybrid"])
def test_a_setting_that_can_not_be_used_is_bad_input_that_names_it(scenario, settings_of, adapter):
    settings = settings_of.model_copy(update={"dtype": "int3"})
    with pytest.raises(BadInput, match="LEVER_DTYPE is int3"):
        make_adapter(scenario, adapter, TWENTY_STEPS, settings, Said([]))


def _cited_line(conversation: Conversation) -> str:
    """The number that the answer cites, once its passage was seen to say the answer."""
    cited = conversation.messages[-1].content.removesuffix("].").rpartition("[")[2]
    (line,) = [line for line in conversation.messages[-2].content.splitlines() if "2 years" in line]
    assert line.startswith(f"[{cited}] (warranty.md)")
    return cited


def answer(engine: LocalEngine, scenario: Scenario, adapter: str | None) -> str:
    """One greedy answer."""
    import queue

    ended: queue.Queue[Event] = queue.Queue()
    request = Request(
        id="call",
        prompt=build_prompt(scenario, "What warranty does the Pro plan have?", adapter=adapter),
        sampling=Sampling(temperature=0, max_tokens=24),
        seed=0,
        submitted_at=perf_counter(),
    )
    engine.submit(
        [request], lambda event: ended.put(event) if isinstance(event, Done | Failed) else None, mode="demo"
    )
    event = ended.get(timeout=60)
    assert isinstance(event, Done), event
    return event.answer.text
