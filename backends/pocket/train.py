"""Train Pocket from nothing on the generated corpus: ``python -m backends.pocket.train``.

Seeded and resumable: a checkpoint in ``.training/`` holds everything, and batch n depends on the seed and n alone.
Prints held-out scores as it goes: the share of right values read from passages of companies that never occurred.
Does not know about scenarios beyond leaving their names and facts out.
"""

import argparse
import json
import shutil
import time
from pathlib import Path
from random import Random

import torch
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

from backends.pocket.corpus import sample
from backends.pocket.tokens import CONTEXT_TOKENS, encode, pieces, train_tokenizer
from backends.pocket.world import fact_table, question, statement

HERE = Path(__file__).parent
SEED = 20261121
ROW_LIMIT = 1024
POOL = 512


class Muon(torch.optim.Optimizer):
    """Momentum with an orthogonalised update (Jordan et al. 2024), scaled to AdamW's size (Liu et al. 2025).

    In float32, unlike torch.optim.Muon, because bfloat16 products are many times slower on CPUs without them.
    """

    def __init__(
        self, params: list[torch.nn.Parameter], lr: float, momentum: float = 0.95, decay: float = 0.05
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "decay": decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        """Update every matrix once."""
        for group in self.param_groups:
            for p in group["params"]:
                buffer = self.state[p].setdefault("momentum", torch.zeros_like(p))
                buffer.lerp_(p.grad, 1 - group["momentum"])
                update = orthogonal(p.grad.lerp(buffer, group["momentum"]))
                p.mul_(1 - group["lr"] * group["decay"])
                p.add_(update, alpha=-group["lr"] * 0.2 * max(p.shape) ** 0.5)


def orthogonal(matrix: torch.Tensor, steps: int = 5) -> torch.Tensor:
    """The nearest semi-orthogonal matrix, roughly: quintic Newton-Schulz iteration."""
    x = matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
    x = x / (x.norm() + 1e-7)
    for _ in range(steps):
        gram = x @ x.T
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    return x.T if matrix.shape[0] > matrix.shape[1] else x


def new_model() -> LlamaForCausalLM:
    """Pocket's architecture: 256 wide, 4 layers, 8 heads of 32, 4 key/value heads, tied embeddings."""
    config = LlamaConfig(
        vocab_size=4096, hidden_size=256, num_hidden_layers=4, num_attention_heads=8, num_key_value_heads=4, head_dim=32,
        intermediate_size=704, max_position_embeddings=CONTEXT_TOKENS, tie_word_embeddings=True, rope_theta=10_000.0,
        bos_token_id=None, eos_token_id=1, pad_token_id=0,
    )  # fmt: skip
    return LlamaForCausalLM(config)


def batches(
    tokenizer: AutoTokenizer, seed: int, pool: int, steps_per_level: float, row_tokens: int
) -> list[list[tuple[list[int], list[bool]]]]:
    """The batches of one pool of samples, rows of like length together, in a seeded order."""
    parts = pieces_of(tokenizer)
    rng = Random(f"{seed}/pool/{pool}")
    level = min(1.0, pool / max(1e-9, steps_per_level))
    rows = [encode(tokenizer, sample(seed, pool * POOL + i, level, parts)) for i in range(POOL)]
    rows = sorted((row for row in rows if len(row[0]) <= ROW_LIMIT), key=lambda row: len(row[0]))
    out: list[list[tuple[list[int], list[bool]]]] = []
    current: list[tuple[list[int], list[bool]]] = []
    for row in rows:
        if len(current) >= 2 and (len(current) + 1) * len(row[0]) > row_tokens:
            out.append(current)
            current = []
        current.append(row)
    if len(current) >= 2:
        out.append(current)
    rng.shuffle(out)
    return out


_PIECES: dict[int, tuple[str, ...]] = {}


def pieces_of(tokenizer: AutoTokenizer) -> tuple[str, ...]:
    """The tokenizer's printable tokens, computed once."""
    return _PIECES.setdefault(id(tokenizer), pieces(tokenizer))


def loss_of(
    model: LlamaForCausalLM,
    core: torch.nn.Module,
    rows: list[tuple[list[int], list[bool]]],
    rng: torch.Generator,
) -> torch.Tensor:
    """Cross entropy: written tokens weigh 1, of the prompt's tokens a quarter is drawn and weighs 0.4."""
    width = -(-max(len(ids) for ids, _ in rows) // 16) * 16
    ids = torch.zeros(len(rows), width, dtype=torch.long)
    weight = torch.zeros(len(rows), width)
    for i, (tokens, written) in enumerate(rows):
        ids[i, : len(tokens)] = torch.tensor(tokens)
        drawn = torch.rand(len(tokens), generator=rng) < 0.25
        weight[i, : len(tokens)] = torch.where(torch.tensor(written), 1.0, torch.where(drawn, 0.4, 0.0))
    hidden = core(input_ids=ids, use_cache=False).last_hidden_state[:, :-1]
    target, weight = ids[:, 1:], weight[:, 1:]
    chosen = weight > 0
    logits = torch.nn.functional.linear(hidden[chosen], model.lm_head.weight)
    each = torch.nn.functional.cross_entropy(logits, target[chosen], reduction="none")
    return (each * weight[chosen]).sum() / weight.sum()


@torch.no_grad()
def held_out_score(model: LlamaForCausalLM, tokenizer: AutoTokenizer, count: int = 60) -> dict[str, float]:
    """Share of right values, greedy: read from passages, and without them (chance)."""
    model.eval()
    scores = {}
    for name, given in (("read", True), ("unread", False)):
        rng, chats, keys = Random(7), [], []
        while len(chats) < (count if given else 30):
            table = fact_table(rng, rng.randint(2, 5), rng.randint(1, 4))
            fact = rng.choice(rng.choice(table))
            passages = "\n".join(
                f"[{i}] (facts.md) " + " ".join(statement(rng, f) for f in row)
                for i, row in enumerate(table, 1)
            )
            ask = question(rng, fact)
            chats.append([("system", "You are the support assistant of Orbelin. Answer in one full sentence."),
                          ("user", f"{passages}\n\nQuestion: {ask}" if given else ask)])  # fmt: skip
            keys.append(fact.value.key)
        right = 0
        for start in range(0, len(chats), 30):
            texts = [
                "".join(f"<|{r}|>{t}<|end|>" for r, t in chat) + "<|assistant|>"
                for chat in chats[start : start + 30]
            ]
            coded = tokenizer(
                texts, return_tensors="pt", padding=True, padding_side="left", add_special_tokens=False
            )
            coded.pop("token_type_ids", None)
            out = model.generate(**coded, max_new_tokens=40, do_sample=False)
            answers = tokenizer.batch_decode(out[:, coded["input_ids"].shape[1] :], skip_special_tokens=True)
            right += sum(
                f" {key} " in f" {a} ".replace(".", " ").replace("-", " ") or (key in a and not key.isdigit())
                for key, a in zip(keys[start:], answers, strict=False)
            )
            if start == 0 and given:
                print("    e.g.", answers[0][:90], "| right:", keys[0], flush=True)
        scores[name] = right / len(chats)
    model.train()
    return scores


def schedule(step: int, steps: int) -> float:
    """Learning-rate factor: warm-up over 100 steps, constant to 60 %, then linear to 3 %."""
    return min(1.0, (step + 1) / 100, max(0.03, (steps - step) / (0.4 * steps)))


def main() -> None:
    """Train, or go on from the last checkpoint, then write the weights in bfloat16."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--tokens", type=int, default=4096, help="tokens a step")
    parser.add_argument("--lr", type=float, default=4e-3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--compile", action="store_true", help="torch.compile: faster after a minute, needs a C++ compiler"
    )
    parser.add_argument("--work", type=Path, default=HERE / ".training")
    parser.add_argument("--out", type=Path, default=HERE / "weights")
    parser.add_argument("--every", type=int, default=250, help="steps between scores and checkpoints")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(SEED)
    args.work.mkdir(parents=True, exist_ok=True)
    if not (args.work / "tokenizer.json").exists():
        train_tokenizer(args.work, SEED)
    tokenizer = AutoTokenizer.from_pretrained(str(args.work))
    model = new_model()
    matrices = [
        p for n, p in model.named_parameters() if p.ndim == 2 and "embed" not in n and "lm_head" not in n
    ]
    chosen = {id(p) for p in matrices}
    rest = [p for p in model.parameters() if id(p) not in chosen]
    optimizers = [
        Muon(matrices, args.lr),
        torch.optim.AdamW(rest, lr=args.lr, betas=(0.9, 0.95), weight_decay=0.0, fused=True),
    ]
    step, pool, tokens, checkpoint = 0, 0, 0, args.work / "checkpoint.pt"
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(state["model"])
        for optimizer, saved in zip(optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        step, pool, tokens = state["step"], state["pool"], state["tokens"]
    print(
        f"{sum(p.numel() for p in model.parameters()) / 1e6:.2f} M parameters, from step {step}", flush=True
    )
    core = torch.compile(model.model, dynamic=True) if args.compile else model.model
    model.train()
    started, seen, log = time.time(), 0, open(args.work / "log.jsonl", "a", encoding="utf-8")  # noqa: SIM115
    rng = torch.Generator().manual_seed(SEED)
    # about 34 batches come of a pool, so the level reaches 1 at 35 % of the steps
    pools_to_full = 0.35 * args.steps / 34
    while step < args.steps:
        for rows in batches(tokenizer, SEED, pool, pools_to_full, args.tokens):
            loss = loss_of(model, core, rows, rng)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            for optimizer in optimizers:
                for group in optimizer.param_groups:
                    group["lr"] = args.lr * schedule(step, args.steps)
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)
            step += 1
            seen += sum(len(ids) for ids, _ in rows)
            if step % 25 == 0:
                print(
                    f"step {step} loss {loss.item():.3f} pool {pool} {(tokens + seen) / 1e6:.2f} M tokens {seen / (time.time() - started):.0f}/s",
                    flush=True,
                )
            if step % args.every == 0:
                scores = held_out_score(model, tokenizer)
                record = {
                    "step": step,
                    "tokens": tokens + seen,
                    "minutes": (time.time() - started) / 60,
                    "loss": loss.item(),
                    **scores,
                }
                print("  ", json.dumps(record), flush=True)
                log.write(json.dumps(record) + "\n")
                log.flush()
        pool += 1
        # checkpoints stand between pools, so that a resumed run sees each sample once
        if pool % 8 == 0 or step >= args.steps:
            state = {
                "model": model.state_dict(),
                "optimizers": [o.state_dict() for o in optimizers],
                "step": step,
                "pool": pool,
                "tokens": tokens + seen,
            }
            torch.save(state, checkpoint.with_suffix(".new"))
            checkpoint.with_suffix(".new").replace(checkpoint)
            export(model, tokenizer, args.work, args.out)


def export(model: LlamaForCausalLM, tokenizer: AutoTokenizer, work: Path, out: Path) -> None:
    """Write the weights as bfloat16 safetensors, with the tokenizer and its chat template."""
    out.mkdir(parents=True, exist_ok=True)
    copy = new_model().to(torch.bfloat16)
    copy.load_state_dict(model.state_dict())
    copy.save_pretrained(str(out))
    for file in work.glob("*token*.json"):
        shutil.copy(file, out / file.name)
    tokenizer.save_pretrained(str(out))


if __name__ == "__main__":
    main()
