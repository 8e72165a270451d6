"""The score to watch while Pocket trains: right values about companies that never occurred, greedy.

Copying arrives as a sudden jump, after fluency and format; the loss does not show it. Does not know about
optimisers, nor about the shipped scenarios.
"""

from random import Random

import torch
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from backends.pocket.chats import Chat
from backends.pocket.world import fact_table, question, statement

SYSTEM = "You are the support assistant of Orbelin. Answer in one full sentence."
BATCH = 30
ANSWER_TOKENS = 40


def held_out_score(
    model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, count: int = 60
) -> dict[str, float]:
    """Shares of right values: "read" from passages (``count`` questions), "unread" without (30; chance).

    Prints the first answer that was read. Leaves the model in training mode.
    """
    model.eval()
    scores: dict[str, float] = {}
    for name, given in (("read", True), ("unread", False)):
        rng = Random(7)
        asked = [_asked(rng, given) for _ in range(count if given else 30)]
        answers: list[str] = []
        for start in range(0, len(asked), BATCH):
            answers += _answers(model, tokenizer, [chat for chat, _ in asked[start : start + BATCH]])
        if given:
            print("    e.g.", answers[0][:90], "| right:", asked[0][1], flush=True)
        right = sum(holds(answer, key) for answer, (_, key) in zip(answers, asked, strict=True))
        scores[name] = right / len(asked)
    model.train()
    return scores


def holds(answer: str, key: str) -> bool:
    """Whether an answer holds the value: a number as a word of its own, anything else anywhere."""
    if f" {key} " in f" {answer} ".replace(".", " ").replace("-", " "):
        return True
    return key in answer and not key.isdigit()


def _asked(rng: Random, given: bool) -> tuple[Chat, str]:
    # the question, with its passages if given, and the key of the right answer
    table = fact_table(rng, rng.randint(2, 5), rng.randint(1, 4))
    fact = rng.choice(rng.choice(table))
    passages = "\n".join(
        f"[{i}] (facts.md) " + " ".join(statement(rng, f) for f in row) for i, row in enumerate(table, 1)
    )
    ask = question(rng, fact)
    user = f"{passages}\n\nQuestion: {ask}" if given else ask
    return [("system", SYSTEM), ("user", user)], fact.value.key


@torch.no_grad()
def _answers(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, chats: list[Chat]) -> list[str]:
    texts = ["".join(f"<|{role}|>{text}<|end|>" for role, text in chat) + "<|assistant|>" for chat in chats]
    coded = tokenizer(texts, return_tensors="pt", padding=True, padding_side="left", add_special_tokens=False)
    coded.pop("token_type_ids", None)
    out = model.generate(**coded, max_new_tokens=ANSWER_TOKENS, do_sample=False)  # type: ignore[misc]
    written = out[:, coded["input_ids"].shape[1] :]
    return list(tokenizer.batch_decode(written, skip_special_tokens=True))
