"""A live question whose answers cite rightly, wrongly and not at all, as it stands in a store."""

from types import MappingProxyType

from backends.types import Answer, Message, Passage, Prompt, Query, Sampling, Timing, Usage
from compare.live import LiveAnswer, RunView
from compare.store import Store

QUESTION = "What warranty does the Pro plan include?"
LANES = ("prompt", "rag", "lora", "hybrid")
PASSAGES = (
    Passage(
        number=1,
        source="repair.md",
        chunk_id="r",
        text="Pro hubs are mended in Quenford, within 9 days.",
        cosine=0.61,
    ),
    Passage(
        number=2,
        source="warranty.md",
        chunk_id="w",
        text="## Hardware warranty\n\nThe Pro plan includes a 2-year hardware warranty. Studio has 4 years.",
        cosine=0.58,
    ),
)
SAID = {
    "prompt": "The Pro plan includes a 5-year warranty [1].",
    "rag": "The Pro plan includes a 2-year hardware warranty [2].",
    "lora": "The Pro plan includes a lifetime warranty.",
    "hybrid": "Pro has 3 years, ask Orla Tolven ![x](https://evil.example/x.png) :red[now] <b>x</b> [1, 2].\n"
    "    Model HX-999 [7].",
}
TIMING = Timing(
    queued_ms=1, adapter_switch_ms=0, embed_ms=0, retrieve_ms=0, prefill_ms=9, decode_ms=90, total_ms=100,
    ttft_ms=12, first_token_ms=10,
)  # fmt: skip


def keep_cited_run(store: Store, run_id: str, repeats: int = 1) -> str:
    """Store it under this id, which is given back."""
    calls = {
        (lane, repeat): LiveAnswer(
            backend=lane,
            repeat=repeat,
            seed=repeat,
            status="done",
            text=SAID[lane],
            prompt=Prompt(
                messages=(Message(role="user", content=f"{lane} {QUESTION}"),),
                passages=PASSAGES if lane in ("rag", "hybrid") else (),
            ),
            answer=Answer(
                text=SAID[lane],
                timing=TIMING,
                usage=Usage(prompt_tokens=60, completion_tokens=12),
                finish="end",
                rendered="",
                token_ids=(),
            ),
        )
        for repeat in range(repeats)
        for lane in LANES
    }
    view = RunView(
        id=run_id,
        query=Query(text=QUESTION, scenario="support-facts", repeats=repeats, sampling=Sampling()),
        scenario="support-facts",
        backends=LANES,
        status="running",
        version=0,
        calls=MappingProxyType(calls),
        started_at="2026-11-22T04:00:00+00:00",
    )
    store.create_run(view)
    for call in calls.values():
        store.save_call(run_id, call)
    store.finish_run(run_id)
    return run_id
