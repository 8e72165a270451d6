"""Training against a bare ``Trainer`` loop, and what it does to answers given meanwhile.

Prints Markdown. Run it from the project's folder, on a machine that does nothing else::

    python -m tests.benchmarks.training [--examples 200] [--threads 1 2]

Both sides train the same rows with the same settings in a process of their own, one after the other. The
bare side is transformers' ``Trainer`` with PEFT, which measures the held-out loss after each epoch too, and
nothing of ours: no checkpoints, no logging of steps, no progress. ``time`` of a job is from its start to its
adapter being in use, with everything.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from backends.engine.local import LocalEngine
from backends.scenario import load_scenario
from backends.settings import ROOT, settings
from backends.training.examples import bare_conversations, load_examples, split
from backends.training.jobs import TrainingJob, create_job, is_running
from backends.training.progress import view
from backends.training.recipes import recipe_for
from compare.trainings import follow, start_training, stop_training
from tests.calls import ask, request

NAME = "ticket-routing"
ANSWERS = 30


def bare(data: Path, threads: int) -> None:
    """The child: a plain Trainer over the same rows; prints tokens and seconds."""
    import torch
    from peft import LoraConfig, TaskType, get_peft_model
    from transformers import DataCollatorForSeq2Seq, Trainer, TrainingArguments, set_seed

    from backends.engine.chat import Chat
    from backends.engine.loading import find_model, load_base, load_tokenizer
    from backends.training.supervise import token_rows

    torch.set_num_threads(threads)
    scenario = load_scenario(NAME)
    recipe = recipe_for(scenario, "lora", {})
    folder = find_model(settings())
    tokenizer = load_tokenizer(folder)
    base = load_base(folder, settings(), tokenizer)
    learnt, held_out = split(load_examples(data), recipe.held_out, recipe.seed)
    rows, unseen = (
        token_rows(
            bare_conversations(scenario, part),
            Chat(tokenizer),
            end_ids=base.end_ids,
            context_tokens=base.context_tokens,
        )
        for part in (learnt, held_out)
    )
    set_seed(recipe.seed)
    lora = LoraConfig(
        task_type=TaskType.CAUSAL_LM, r=recipe.rank, lora_alpha=recipe.alpha, target_modules="all-linear"
    )
    with tempfile.TemporaryDirectory() as scratch:
        trainer = Trainer(
            model=get_peft_model(base.model, lora),
            args=TrainingArguments(
                output_dir=scratch,
                num_train_epochs=recipe.epochs,
                per_device_train_batch_size=recipe.batch_size,
                per_device_eval_batch_size=recipe.batch_size,
                eval_strategy="epoch",
                eval_on_start=True,
                learning_rate=recipe.learning_rate,
                weight_decay=0.0,
                warmup_steps=0.05,
                save_strategy="no",
                logging_strategy="no",
                report_to="none",
                disable_tqdm=True,
                label_names=["labels"],
                remove_unused_columns=False,
                seed=recipe.seed,
                use_cpu=True,
            ),
            train_dataset=rows,  # type: ignore[arg-type]
            eval_dataset=unseen,  # type: ignore[arg-type]
            data_collator=DataCollatorForSeq2Seq(tokenizer, label_pad_token_id=-100, padding=True),
        )
        began = time.perf_counter()
        trainer.train()
        seconds = time.perf_counter() - began
    tokens = recipe.epochs * sum(len(row["input_ids"]) for row in rows)
    print(json.dumps({"tokens": tokens, "seconds": seconds}))


def bare_speed(data: Path, threads: int) -> float:
    """Tokens a second of the bare loop."""
    command = [
        sys.executable,
        "-m",
        "tests.benchmarks.training",
        "--bare",
        str(data),
        "--threads",
        str(threads),
    ]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    found = json.loads(said.strip().splitlines()[-1])
    return found["tokens"] / found["seconds"]


def job_of(data: bytes, threads: int) -> TrainingJob:
    """A whole training, without an early end, as the bare loop has none."""
    recipe = recipe_for(load_scenario(NAME), "lora", {"patience": 0})
    return create_job(NAME, "lora", recipe, data, threads=threads, use=False)


def answer_ms(engine: LocalEngine) -> list[float]:
    """Milliseconds of single answers, one after another."""
    took = []
    for seed in range(ANSWERS):
        began = time.perf_counter()
        ask(engine, [request(f"Where is bike {seed}? It has a flat tyre.", seed=seed)])
        took.append(1000 * (time.perf_counter() - began))
    return took


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=200)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--bare", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.bare:
        bare(asked.bare, asked.threads[0])
        return
    lines = (ROOT / "scenarios" / NAME / "examples.jsonl").read_text(encoding="utf-8").splitlines()
    data = "".join(f"{line}\n" for line in lines[: asked.examples])
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["LEVER_DATA_DIR"] = scratch
        settings.cache_clear()
        file = Path(scratch) / "examples.jsonl"
        file.write_text(data, encoding="utf-8")
        print(f"{platform.machine()}, {os.cpu_count()} cores; {asked.examples} examples of {NAME}\n")
        print("| threads | bare, tokens/s | Lever, tokens/s | ratio | from start to adapter |")
        print("|---|---|---|---|---|")
        for threads in asked.threads:
            plain = bare_speed(file, threads)
            job = job_of(data.encode(), threads)
            began = time.perf_counter()
            start_training(job)
            seen = follow(job, every_s=0.05)
            took = time.perf_counter() - began
            speed = seen.tokens_per_second or 0.0
            print(
                f"| {threads} | {plain:,.0f} | {speed:,.0f} | {speed / plain:.2f} | {took:.0f} s |",
                flush=True,
            )
        engine = LocalEngine(settings())
        engine.start()
        engine.wait_ready()
        answer_ms(engine)
        alone = statistics.median(answer_ms(engine))
        print("\n| training threads | an answer alone | while training | times |")
        print("|---|---|---|---|")
        for threads in asked.threads:
            job = job_of(data.encode(), threads)
            start_training(job)
            while not view(job).steps and is_running(job):
                time.sleep(0.1)
            beside = statistics.median(answer_ms(engine))
            stop_training(job, keep=False)
            follow(job)
            print(f"| {threads} | {alone:.0f} ms | {beside:.0f} ms | {beside / alone:.1f} |", flush=True)
        engine.stop()


if __name__ == "__main__":
    main()
