"""Train Pocket from nothing on the generated corpus: ``python -m backends.pocket.train``.

Seeded and resumable: a checkpoint in ``.training/`` holds weights, optimisers and position, and the samples
of pool n depend on the seed and n alone; only which tokens of the prompts are learnt is drawn anew after a
resume. Prints held-out scores as it goes (``scoring.py``). Does not know about scenarios beyond leaving their
names and facts out.
"""

import argparse
import json
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TextIO

import torch
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from backends.pocket.batches import Row, batches, padded
from backends.pocket.corpus import SEED, sample
from backends.pocket.muon import Muon
from backends.pocket.scoring import held_out_score
from backends.pocket.tokens import CONTEXT_TOKENS, VOCABULARY, encode, pieces, train_tokenizer

HERE = Path(__file__).parent
POOL = 512
POSITION = "training.json"
"""Beside the weights: how many steps, pools of samples and tokens they have seen."""
COPYING_POOLS, RISING_POOLS = 50, 50
"""Of samples at level 0, and from there to level 1."""
TELLING_WEIGHT = 3.0
"""In the loss, of an answer's digits, of what follows them (the unit) and of capitals (names, and which
sentence is chosen): whose value it is shows there, the words around it are soon learnt."""
EMBEDDING_LR = 0.4
"""The embeddings' rate as a share of the matrices': faster, tokens move while heads learn to find them."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """The command line: see ``--help``."""

    steps: int
    tokens: int
    lr: float
    threads: int
    compile: bool
    bf16: bool
    work: Path
    out: Path
    every: int
    go_on: bool


def new_model() -> LlamaForCausalLM:
    """Pocket's architecture: 256 wide, 6 layers, 8 heads of 32, 4 key/value heads, tied embeddings."""
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=256,
        num_hidden_layers=6,
        num_attention_heads=8,
        num_key_value_heads=4,
        head_dim=32,
        intermediate_size=704,
        max_position_embeddings=CONTEXT_TOKENS,
        tie_word_embeddings=True,
        rope_parameters={"rope_type": "default", "rope_theta": 10_000.0},
        bos_token_id=None,
        eos_token_id=1,
        pad_token_id=0,
    )
    return LlamaForCausalLM(config)


def schedule(step: int, steps: int) -> float:
    """Learning-rate factor: warm-up over 100 steps, full for the first half, then linear to 3 %."""
    return min((step + 1) / 100, 1.0, max(0.03, (steps - step) / (0.5 * steps)))


def curriculum(pool: int) -> float:
    """The corpus level of a pool: short copying tasks until they are learnt, then ever more of everything.

    Copying from the context arrives as a sudden jump, and only while short copying tasks are frequent: a run
    whose level rose to 1 within 40 pools was fluent and read nothing.
    """
    return min(1.0, max(0, pool - COPYING_POOLS) / RISING_POOLS)


class Training:
    """A model on its way: weights, optimisers, and how far it has come."""

    def __init__(self, options: Options, tokenizer: PreTrainedTokenizerFast) -> None:
        self.options, self.tokenizer, self.pieces = options, tokenizer, pieces(tokenizer)
        texts = [str(tokenizer.decode([i])).strip() for i in range(len(tokenizer))]
        self.digits = torch.tensor([text.isdigit() for text in texts])
        self.capitals = torch.tensor([text[:1].isupper() for text in texts])
        self.model = new_model()
        self.core = torch.compile(self.model.model, dynamic=True) if options.compile else self.model.model
        self.optimizers = self._optimizers()
        self.step = self.pool = self.tokens = 0
        self._resume()
        self.draws = torch.Generator().manual_seed(SEED)
        self.started_at, self.tokens_before = time.monotonic(), self.tokens

    def _optimizers(self) -> list[torch.optim.Optimizer]:
        matrices: list[torch.nn.Parameter] = []
        rest: list[torch.nn.Parameter] = []
        for name, p in self.model.named_parameters():
            (matrices if p.ndim == 2 and "embed" not in name and "lm_head" not in name else rest).append(p)
        lr = self.options.lr
        adamw = torch.optim.AdamW(rest, lr=EMBEDDING_LR * lr, betas=(0.9, 0.95), weight_decay=0.0, fused=True)
        dtype = torch.bfloat16 if self.options.bf16 else torch.float32
        return [Muon(matrices, lr, dtype=dtype), adamw]

    @property
    def checkpoint(self) -> Path:
        """The file that a resumed run reads."""
        return self.options.work / "checkpoint.pt"

    def _resume(self) -> None:
        if not self.checkpoint.exists():
            if self.options.go_on:
                self.model.load_state_dict(
                    LlamaForCausalLM.from_pretrained(self.options.out, dtype=torch.float32).state_dict()
                )
                position = json.loads((self.options.out / POSITION).read_text(encoding="utf-8"))
                self.pool, self.tokens = position["pool"], position["tokens"]
            return
        state = torch.load(self.checkpoint, weights_only=True)
        self.model.load_state_dict(state["model"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.step, self.pool, self.tokens = state["step"], state["pool"], state["tokens"]

    def save(self) -> None:
        """Write the checkpoint, in one move, and the weights."""
        state = {
            "model": self.model.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "step": self.step,
            "pool": self.pool,
            "tokens": self.tokens,
        }
        torch.save(state, self.checkpoint.with_suffix(".new"))
        self.checkpoint.with_suffix(".new").replace(self.checkpoint)
        export(self.model, self.tokenizer, self.options.work, self.options.out)
        position = {"step": self.step, "pool": self.pool, "tokens": self.tokens}
        (self.options.out / POSITION).write_text(json.dumps(position) + "\n", encoding="utf-8")

    def run(self, log: TextIO) -> None:
        """Train pool by pool until all steps are done; one JSON line of scores to ``log`` now and then."""
        self.model.train()
        while self.step < self.options.steps:
            for rows in self.pool_batches():
                loss = self.learn(rows)
                if self.step % 25 == 0:
                    self._print_progress(loss)
                if self.step % self.options.every == 0:
                    self._score(loss, log)
            self.pool += 1
            # checkpoints stand between pools, so that a resumed run sees each sample once
            if self.pool % 8 == 0 or self.step >= self.options.steps:
                self.save()

    def pool_batches(self) -> list[list[Row]]:
        """The batches of the current pool of samples."""
        level = curriculum(self.pool)
        first = self.pool * POOL
        chats = (sample(SEED, first + i, level, self.pieces) for i in range(POOL))
        rows = [encode(self.tokenizer, chat) for chat in chats]
        # short rows need few tokens for a good gradient: more steps of half the size bring copying sooner
        size = self.options.tokens if level > 0.5 else self.options.tokens // 2
        return batches(rows, size, Random(f"{SEED}/pool/{self.pool}"))

    def learn(self, rows: list[Row]) -> float:
        """One step on one batch; gives its loss. Products are bfloat16 where the processor computes in it."""
        with torch.autocast("cpu", torch.bfloat16, enabled=self.options.bf16):
            loss = self.loss(rows)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer, factor in zip(self.optimizers, (1.0, EMBEDDING_LR), strict=True):
            for group in optimizer.param_groups:
                group["lr"] = factor * self.options.lr * schedule(self.step, self.options.steps)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        self.step += 1
        self.tokens += sum(len(ids) for ids, _ in rows)
        return loss.item()

    def loss(self, rows: list[Row]) -> torch.Tensor:
        """Weighted cross entropy of the next tokens; only tokens of a weight have their logits computed."""
        ids, weights = padded(rows, self.draws)
        digits = self.digits[ids]
        telling = digits | digits.roll(1, dims=1) | self.capitals[ids]
        weights[(weights == 1) & telling] = TELLING_WEIGHT
        hidden = self.core(input_ids=ids, use_cache=False).last_hidden_state[:, :-1]
        target, weights = ids[:, 1:], weights[:, 1:]
        chosen = weights > 0
        logits = torch.nn.functional.linear(hidden[chosen], self.model.lm_head.weight)
        each = torch.nn.functional.cross_entropy(logits.float(), target[chosen], reduction="none")
        return (each * weights[chosen]).sum() / weights.sum()

    def _print_progress(self, loss: float) -> None:
        speed = (self.tokens - self.tokens_before) / (time.monotonic() - self.started_at)
        done = f"step {self.step} loss {loss:.3f} pool {self.pool} {self.tokens / 1e6:.2f} M tokens"
        print(f"{done} {speed:.0f}/s", flush=True)

    def _score(self, loss: float, log: TextIO) -> None:
        scores = held_out_score(self.model, self.tokenizer)
        minutes = (time.monotonic() - self.started_at) / 60
        record = {"step": self.step, "tokens": self.tokens, "minutes": minutes, "loss": loss, **scores}
        print("  ", json.dumps(record), flush=True)
        log.write(json.dumps(record) + "\n")
        log.flush()


def export(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, work: Path, out: Path) -> None:
    """Write the weights as bfloat16 safetensors, with the tokenizer and its chat template."""
    out.mkdir(parents=True, exist_ok=True)
    copy = new_model()
    copy.to(dtype=torch.bfloat16)  # type: ignore[call-arg]
    copy.load_state_dict(model.state_dict())
    copy.save_pretrained(str(out))
    for file in work.glob("*token*.json"):
        shutil.copy(file, out / file.name)
    tokenizer.save_pretrained(str(out))


def read_options() -> Options:
    """The options of the command line."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--steps", type=int, default=13_000)
    parser.add_argument("--tokens", type=int, default=4096, help="tokens a step")
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--compile", action="store_true", help="torch.compile: faster after a minute, needs a C++ compiler"
    )
    parser.add_argument(
        "--bf16", action="store_true", help="for processors that compute in bfloat16: a third faster"
    )
    parser.add_argument("--work", type=Path, default=HERE / ".training")
    parser.add_argument("--out", type=Path, default=HERE / "weights")
    parser.add_argument("--every", type=int, default=250, help="steps between scores and checkpoints")
    parser.add_argument(
        "--go-on",
        action="store_true",
        help="begin with the weights and tokenizer in --out, at their place in the corpus, for --steps more",
    )
    return Options(**vars(parser.parse_args()))


def main() -> None:
    """Train, or go on from the last checkpoint, then write the weights in bfloat16."""
    options = read_options()
    torch.set_num_threads(options.threads)
    torch.manual_seed(SEED)
    options.work.mkdir(parents=True, exist_ok=True)
    if options.go_on and not (options.work / "tokenizer.json").exists():
        for file in options.out.glob("*token*.json"):
            shutil.copy(file, options.work / file.name)
    if not (options.work / "tokenizer.json").exists():
        train_tokenizer(options.work, SEED)
    tokenizer = AutoTokenizer.from_pretrained(str(options.work))
    if not isinstance(tokenizer, PreTrainedTokenizerFast):
        raise SystemExit(f"{options.work} does not hold Pocket's tokenizer.")
    training = Training(options, tokenizer)
    size = sum(p.numel() for p in training.model.parameters()) / 1e6
    print(f"{size:.2f} M parameters, from step {training.step}", flush=True)
    with (options.work / "log.jsonl").open("a", encoding="utf-8") as log:
        training.run(log)


if __name__ == "__main__":
    main()
