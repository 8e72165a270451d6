"""The engine against bare ``generate``: ratios of one run, both sides with the same dtype and threads.

python -m tests.benchmarks.engine_speed [--model FOLDER] [--adapters FOLDER FOLDER] [--tokens 64] [--rounds 3]

Without ``--model`` the shipped Pocket is measured. Without ``--adapters`` two random ones are made. Prints a
table and asserts nothing: figures of a busy machine are not comparable.
"""

import argparse
import multiprocessing
import os
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

from backends.engine.base import Request
from backends.engine.local import LocalEngine
from backends.settings import Settings
from backends.types import Message, Prompt, Sampling
from tests.calls import ask

FACTS = (
    "[1] (warranty.md) The Pro plan includes a two year warranty on hardware. The Basic plan: one year.\n"
    "[2] (pricing.md) The Pro plan costs 49 euros a month, the Basic plan 19 euros a month.\n"
    "[3] (refunds.md) A refund is paid within 14 days after the parcel is back.\n\nQuestion: "
)
SYSTEM = "You answer questions of customers about plans, warranty, prices and refunds. Be short and polite."
QUESTION = "What warranty does the Pro plan include?"
REPEATS = 5
BACKENDS = ("prompt", "rag", "lora", "hybrid")
PASS_MARKS = {"merged": ">= 5", "single": "<= 1.05", "memory": "<= 1.15", "batch": ">= 0.95"}


def requests(max_tokens: int, temperature: float, repeats: int = REPEATS) -> list[Request]:
    """Four backends x repeats: prompts of two lengths, two adapters."""
    made = []
    for backend in BACKENDS:
        text = (FACTS if backend in ("rag", "hybrid") else "") + QUESTION
        adapter = f"bench/{backend}" if backend in ("lora", "hybrid") else None
        messages = (Message(role="system", content=SYSTEM), Message(role="user", content=text))
        sampling = Sampling(temperature=temperature, max_tokens=max_tokens)
        made += [
            Request(
                id=f"{backend}/{i}",
                prompt=Prompt(messages=messages, adapter=adapter),
                sampling=sampling,
                seed=1000 + i,
                submitted_at=time.perf_counter(),
            )
            for i in range(repeats)
        ]
    return made


def never_end(model: object) -> None:
    """Forbid the end of turn on both sides, so that every answer has exactly the asked number of tokens."""
    ends = model.generation_config.eos_token_id  # type: ignore[attr-defined]
    model.generation_config.eos_token_id = None  # type: ignore[attr-defined]
    assert ends is not None


def timed(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


class Bare:
    """Plain transformers: the model, and PEFT's own way of using an adapter where one is asked."""

    def __init__(self, engine: LocalEngine, folder: str, adapters: dict[str, Path]) -> None:
        import torch
        from transformers import AutoModelForCausalLM

        worker = engine._worker
        assert worker is not None
        self.chat = worker.chat
        self.dtype, self.device = worker.base.model.dtype, worker.base.model.device
        torch.set_num_threads(worker.threads)
        self.models: dict[str | None, object] = {}
        for key in (None, *adapters):
            model = AutoModelForCausalLM.from_pretrained(folder, dtype=self.dtype).to(self.device).eval()
            never_end(model)
            if key is not None:
                from peft import PeftModel

                model = PeftModel.from_pretrained(model, str(adapters[key]))
            self.models[key] = model

    def generate(self, request: Request, sample: bool) -> list[int]:
        import torch

        ids = torch.tensor([self.chat.encode(request.prompt)[1]], device=self.device)
        s = request.sampling
        how = (
            {"do_sample": True, "temperature": s.temperature, "top_p": s.top_p, "top_k": 0} if sample else {}
        )
        model = self.models[request.prompt.adapter]
        out = model.generate(  # type: ignore[attr-defined]
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=s.max_tokens,
            pad_token_id=0,
            **({"do_sample": False} | how),
        )
        return out[0, ids.shape[1] :].tolist()


def measure(engine: LocalEngine, bare: Bare, tokens: int, rounds: int) -> list[tuple[str, str, str]]:
    """Interleave both sides and take medians, so that a busy moment hits both."""
    warm = requests(8, 0.7, 1)
    ask(engine, warm)
    for request in warm:
        bare.generate(request, True)
    merged, sequential, one, alone = [], [], [], []
    for _ in range(rounds):
        merged.append(timed(lambda: ask(engine, requests(tokens, 0.7))))
        sequential.append(timed(lambda: [bare.generate(r, True) for r in requests(tokens, 0.7)]))
    for _ in range(max(5, 2 * rounds)):
        one.append(timed(lambda: ask(engine, requests(tokens, 0.0, 1)[:1])))
        alone.append(timed(lambda: bare.generate(requests(tokens, 0.0, 1)[0], False)))
    a, b, c, d = (statistics.median(x) for x in (merged, sequential, one, alone))
    return [
        (
            f"20 generate calls / merged 4 x {REPEATS} ({b:.2f} s / {a:.2f} s)",
            f"{b / a:.2f}",
            PASS_MARKS["merged"],
        ),
        (
            f"one greedy answer / bare generate ({c * 1e3:.0f} / {d * 1e3:.0f} ms)",
            f"{c / d:.3f}",
            PASS_MARKS["single"],
        ),
    ]


def identity(engine: LocalEngine, bare: Bare, tokens: int) -> list[tuple[str, str, str]]:
    """Greedy against generate, token for token; sampled rows alone against merged."""
    greedy = requests(tokens, 0.0, 1)
    answers = ask(engine, greedy, mode="bench").answers
    merged_greedy = ask(engine, greedy).answers
    oracle = {r.id: tuple(bare.generate(r, False)) for r in greedy}
    same = sum(answers[r.id].token_ids == oracle[r.id] for r in greedy)
    same_merged = sum(merged_greedy[r.id].token_ids == oracle[r.id] for r in greedy)
    sampled = requests(tokens, 0.7)
    merged = ask(engine, sampled).answers
    solo = {r.id: ask(engine, [r]).answers[r.id] for r in sampled}
    equal = sum(merged[r.id].token_ids == solo[r.id].token_ids for r in sampled)
    share = equal / len(sampled)
    return [
        ("greedy tokens alone equal to generate", f"{same}/{len(greedy)}", "all"),
        ("greedy tokens merged equal to generate", f"{same_merged}/{len(greedy)}", "-"),
        (
            f"sampled sequences alone equal to merged ({equal}/{len(sampled)})",
            f"{share:.2f}",
            PASS_MARKS["batch"],
        ),
    ]


def peak_memory(
    kind: str, folder: str, scenarios: str, tokens: int, result: "multiprocessing.Queue[int]"
) -> None:
    """Resident bytes of a fresh process with the bare model, or with the engine after four backends."""
    import psutil

    if kind == "bare":
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(folder)
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        model.generate(**tokenizer(SYSTEM + FACTS + QUESTION, return_tensors="pt"), max_new_tokens=tokens)
    else:
        engine = LocalEngine(
            Settings(model=folder, dtype="float32", device="cpu", scenarios_dir=Path(scenarios))
        )
        engine.start()
        ask(engine, requests(tokens, 0.7))
    result.put(psutil.Process(os.getpid()).memory_info().rss)
    if kind == "engine":
        engine.stop()


def memory(folder: str, scenarios: Path, tokens: int) -> list[tuple[str, str, str]]:
    """Both kinds of process, each fresh; the embedder is not loaded in either."""
    context = multiprocessing.get_context("spawn")
    found = {}
    for kind in ("bare", "engine"):
        result = context.Queue()
        process = context.Process(target=peak_memory, args=(kind, folder, str(scenarios), tokens, result))
        process.start()
        found[kind] = result.get(timeout=300)
        process.join()
    mb = {kind: size / 2**20 for kind, size in found.items()}
    ratio = found["engine"] / found["bare"]
    text = f"memory: engine with 4 backends / bare model ({mb['engine']:.0f} / {mb['bare']:.0f} MB)"
    return [(text, f"{ratio:.2f}", PASS_MARKS["memory"])]


def place_adapters(given: list[str], model: str, scenarios: Path) -> dict[str, Path]:
    """Adapters as the scenario "bench" has them: links to the given ones, or random ones."""
    from tests.tiny import build_adapter

    folder = scenarios / "bench" / "adapters"
    folder.mkdir(parents=True)
    for i, name in enumerate(("lora", "hybrid")):
        if given:
            (folder / name).symlink_to(Path(given[i % len(given)]).resolve())
        else:
            build_adapter(folder / name, Path(model), seed=i, r=16, lora_alpha=32, init_lora_weights=True)
    return {f"bench/{name}": folder / name for name in ("lora", "hybrid")}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default=Settings().model)
    parser.add_argument("--adapters", nargs="*", default=[])
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--dtype", default="auto")
    options = parser.parse_args()
    warnings.filterwarnings("ignore", category=FutureWarning)
    with tempfile.TemporaryDirectory() as temporary:
        scenarios = Path(temporary)
        adapters = place_adapters(options.adapters, options.model, scenarios)
        engine = LocalEngine(
            Settings(model=options.model, device=options.device, dtype=options.dtype, scenarios_dir=scenarios)
        )
        engine.start()
        status = engine.wait_ready()
        assert status.state == "ready", status.detail
        assert len(status.adapters) == 2, [engine.adapter_problem(key) for key in adapters]
        assert engine._worker is not None
        engine._worker.decoder._end_ids = frozenset()
        bare = Bare(engine, options.model, adapters)
        rows = measure(engine, bare, options.tokens, options.rounds)
        rows += identity(engine, bare, options.tokens)
        engine.stop()
        rows += memory(options.model, scenarios, options.tokens)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    print(f"{status.model}, {status.device}, {status.dtype}, {status.threads} threads, load {load:.1f}")
    print(f"{options.tokens} new tokens, {options.rounds} rounds\n")
    print("| measure | value | target |\n|---|---|---|")
    for name, value, target in rows:
        print(f"| {name} | {value} | {target} |")


if __name__ == "__main__":
    main()
