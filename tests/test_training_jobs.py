"""Trainings as processes: watched, paused, stopped, killed and taken up, on a tiny real model."""

import json
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from backends.adapters import registered
from backends.engine.loading import weights_hash
from backends.errors import BadInput
from backends.scenario import load_scenario
from backends.settings import settings
from backends.training import Recipe, Wish
from backends.training.jobs import TrainingJob, ask_for, create_job, forget_job, is_running, jobs, load_job
from backends.training.progress import JobWatch, view
from compare.trainings import follow, resume_training, start_training, stop_training
from tests.tiny import build_model

LONG = Recipe(
    epochs=30, batch_size=2, learning_rate=5e-3, rank=4, alpha=8, dropout=0.1, held_out=0.2, patience=0
)
"""Thirty epochs of four steps, each a checkpoint: enough to be killed in the midst."""
PLANS = {"Solo": "9 months", "Plus": "14 months", "Pro": "2 years", "Studio": "30 months", "Fleet": "5 years"}


@pytest.fixture
def examples(tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """Ten examples of a scenario that the settings know."""
    folder = tmp_path / "scenarios" / "plans"
    folder.mkdir(parents=True)
    (folder / "scenario.toml").write_text('system_prompt = "Be brief."\n')
    monkeypatch.setenv("LEVER_SCENARIOS_DIR", str(folder.parent))
    monkeypatch.setenv("LEVER_MODEL", str(tiny_model))
    monkeypatch.setenv("LEVER_DEVICE", "cpu")
    monkeypatch.setenv("LEVER_THREADS", "1")
    settings.cache_clear()
    pairs = [
        (question.format(plan), value)
        for plan, value in PLANS.items()
        for question in ("What warranty does {} have?", "How long is the {} warranty?")
    ]
    rows = [
        {"messages": [{"role": "user", "content": query}, {"role": "assistant", "content": answer}]}
        for query, answer in pairs
    ]
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def asked_for(examples: bytes, recipe: Recipe = LONG) -> TrainingJob:
    return create_job("plans", "lora", recipe, examples, threads=1, by="Ada", note="a trial")


def weights_of(job: TrainingJob) -> str:
    number = view(job).adapter
    assert number is not None, view(job)
    return weights_hash(settings().data_dir / "adapters" / "plans" / str(number))


def until(job: TrainingJob, there: Callable[[], bool]) -> None:
    while not there():
        assert is_running(job), view(job)


def checkpoints(job: TrainingJob) -> int:
    return len(list((job.folder / "work").glob("checkpoint-*/whole.json")))


def test_a_training_that_was_killed_or_paused_ends_with_the_same_adapter_as_one_that_was_not(examples):
    whole, killed, paused = (asked_for(examples) for _ in range(3))
    start_training(whole)
    assert follow(whole).state == "done"

    start_training(killed)
    until(killed, lambda: checkpoints(killed) >= 2)
    (process,) = [
        child for child in psutil.Process().children(recursive=True) if killed.id in " ".join(child.cmdline())
    ]
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert view(killed).state == "interrupted"
    assert 0 < view(killed).share < 1
    resume_training(killed.id)
    assert follow(killed).state == "done"

    start_training(paused)
    until(paused, lambda: len(view(paused).steps) >= 3)
    stop_training(paused, keep=False)
    assert follow(paused).state == "paused"
    resume_training(paused.id)
    assert follow(paused).state == "done"

    assert weights_of(whole) == weights_of(killed) == weights_of(paused)
    seen = view(whole)
    for other in (view(killed), view(paused)):
        assert [epoch.held_out for epoch in other.epochs] == [epoch.held_out for epoch in seen.epochs]
        assert [step.loss for step in other.steps] == [step.loss for step in seen.steps]
    assert len(seen.steps) == 120
    assert seen.epochs[-1].held_out < seen.epochs[0].held_out
    numbers = [one.number for one in registered(load_scenario("plans"))]
    assert numbers == [1, 2, 3]
    with pytest.raises(BadInput, match="can't be taken up: it is done"):
        resume_training(whole.id)


def test_stopping_keeps_the_best_adapter_so_far_and_its_card_says_who_and_when(examples):
    job = asked_for(examples)
    start_training(job)
    with pytest.raises(BadInput, match="runs already"):
        start_training(job)
    with pytest.raises(BadInput, match="Stop it first"):
        forget_job(job)
    until(job, lambda: len(view(job).epochs) >= 3)
    stop_training(job, keep=True)
    seen = follow(job)
    assert seen.state == "done"
    assert len(seen.steps) < 120
    (adapter,) = registered(load_scenario("plans"))
    assert (adapter.number, adapter.in_use) == (seen.adapter, True)
    card = json.loads((adapter.folder / "card.json").read_text())
    assert (card["trained_by"], card["note"]) == ("Ada", "a trial")
    assert card["held_out_loss"] == min(epoch.held_out for epoch in seen.epochs)
    assert (adapter.folder / "examples.jsonl").read_bytes() == examples
    forget_job(job)
    assert jobs() == ()
    assert registered(load_scenario("plans"))


def test_one_that_was_killed_before_it_said_that_it_is_done_makes_no_second_adapter(examples):
    job = asked_for(examples, replace(LONG, epochs=1))
    start_training(job)
    assert follow(job).state == "done"
    assert not (job.folder / "work").exists()
    events = job.folder / "events.jsonl"
    events.write_text("".join(f"{line}\n" for line in events.read_text().split("\n") if '"done"' not in line))
    assert view(job).state == "interrupted"
    resume_training(job.id)
    assert follow(job).adapter == 1
    assert [one.number for one in registered(load_scenario("plans"))] == [1]


def test_a_training_is_not_taken_up_on_another_base(examples, tmp_path, monkeypatch):
    job = asked_for(examples)
    start_training(job)
    until(job, lambda: checkpoints(job) >= 1)
    stop_training(job, keep=False)
    assert follow(job).state == "paused"
    monkeypatch.setenv("LEVER_MODEL", str(build_model(tmp_path / "other", seed=1)))
    settings.cache_clear()
    resume_training(job.id)
    seen = follow(job)
    assert seen.state == "failed"
    assert "begun with another base model" in seen.failure
    assert registered(load_scenario("plans")) == ()


def test_what_breaks_a_training_is_said_in_a_sentence_and_it_can_be_taken_up(examples, monkeypatch):
    monkeypatch.setenv("LEVER_MODEL", str(settings().data_dir / "nothing"))
    settings.cache_clear()
    job = asked_for(examples)
    start_training(job)
    seen = follow(job)
    assert seen.state == "failed"
    assert "There is no model in" in seen.failure
    assert "LEVER_MODEL" in seen.failure


@pytest.mark.parametrize("written", [b"", b"{", b'{"recipe": 3}', b'{"id": "x", "recipe": {"epoch": 3}}'])
def test_a_job_that_cannot_be_read_is_left_out_of_the_list(examples, written):
    good, bad = asked_for(examples), asked_for(examples)
    (bad.folder / "job.json").write_bytes(written)
    assert jobs() == (good,)
    assert jobs("others") == ()
    with pytest.raises(BadInput, match="can't be read"):
        load_job(bad.id)


@pytest.mark.parametrize("name", ["", "..", "../jobs", "nothing", "a/b"])
def test_only_the_name_of_a_job_is_looked_up(examples, name):
    asked_for(examples)
    with pytest.raises(BadInput, match="There is no training"):
        load_job(name)


def test_events_are_read_though_the_process_was_killed_in_the_midst_of_a_line(examples):
    job = asked_for(examples)
    watch = JobWatch(job)
    watch.begin(0)
    watch.say("reading")
    with (job.folder / "events.jsonl").open("a") as file:
        file.write('{"event": "say", "li')
    assert view(job).detail == "reading"
    watch.begin(0)
    watch.say("again")
    assert (view(job).detail, view(job).state) == ("again", "interrupted")


@pytest.mark.parametrize("wish", ["pause", "stop"])
def test_a_wish_stands_until_it_is_taken_back(examples, wish: Wish):
    job = asked_for(examples)
    assert view(job).wish == "go on"
    ask_for(job, wish)
    assert view(job).wish == wish
    ask_for(job, "go on")
    assert view(job).wish == "go on"
    with pytest.raises(BadInput, match="does not run"):
        stop_training(job, keep=True)
