"""A climbed ladder as it stands in a real store, with all that a report tells: ledger, leaks, ratings."""

from collections.abc import Mapping
from dataclasses import replace

from backends.engine.base import AdapterInfo
from backends.ledger import LedgerEntry
from compare.leakage import Leak
from compare.live import Provenance
from compare.measured import StoredRun
from compare.prices import Prices
from compare.rating_items import Item
from compare.report_settings import ReportSettings, settings_of
from compare.run_leakage import RunLeakage, TrainedOn
from compare.store import Store
from tests.verdict_runs import FOUND, cases, keep_run

RIGHT_OF_60 = {"oracle": 59, "zero_shot": 12, "prompt": 13, "rag": 58, "lora": 14, "hybrid": 57}
"""How many of its first questions each lane has right."""
MADE_AT = "2026-11-22T12:00:00.000+00:00"
PROVENANCE = Provenance(
    model="Lamp 1B", model_path="models/lamp", base_hash="b" * 64, device="cpu", dtype="float32", threads=2,
    adapters=(AdapterInfo(key="lamps/lora", scenario="lamps", name="lora", hash="a" * 64, proof="passed"),),
    proof="passed", proof_reason="", versions={"python": "3.12.1", "torch": "2.13.0"},
    template_hash="c" * 64, embedder_hash="e" * 64, knowledge="3 passages of 120 tokens, documents 0123abcd",
)  # fmt: skip


def keep_ladder(
    store: Store, right: Mapping[str, int] = RIGHT_OF_60, *, many: int = 60, query: str = "How long is {}?"
) -> StoredRun:
    """Store it, and read it again."""
    asked = tuple(
        replace(case, query=query.format(n), source="lamps.md")
        for n, case in enumerate(cases(many, source="lamps.md"))
    )
    scores = {lane: [int(n < good) for n in range(many)] for lane, good in right.items()}
    run = keep_run(store, scores, asked, passages=(FOUND,))
    store.set_provenance(run.id, PROVENANCE)
    store.set_ledger(run.id, ledger(tuple(right)))
    leak = Leak(
        case=asked[0].id, kind="near", where="training", text="How long was it?", likeness=0.91, line=3
    )
    files = (TrainedOn(adapters=("lamps/lora",), examples=200, leaks=(leak,)),) if "lora" in right else ()
    store.set_leakage(run.id, RunLeakage(trained_on=files))
    return store.stored_run(run.id)


def ledger(lanes: tuple[str, ...]) -> tuple[LedgerEntry, ...]:
    """Lanes that differ in passages and adapters."""
    return (
        LedgerEntry(
            what="passages",
            lever="retrieval",
            values={lane: "3 a question 0a0b0c0d" if lane in ("rag", "hybrid") else "none" for lane in lanes},
        ),
        LedgerEntry(
            what="adapter",
            lever="adapter",
            values={lane: "lamps/lora aaaaaaaa" if lane in ("lora", "hybrid") else "none" for lane in lanes},
        ),
        LedgerEntry(what="base model", lever=None, values=dict.fromkeys(lanes, "Lamp 1B bbbbbbbb")),
    )


def judge(store: Store, run: StoredRun) -> None:
    """Two people score some answers and choose between pairs, blind."""
    for rater in ("Ada", "Ben"):
        for n in range(20):
            case = run.plan.cases[n].id
            star = Item(mode="stars", case=case, repeat=0, lanes=("rag",))
            served = store.serve(run.id, rater, star, star.lanes)
            store.decide(served.id, scores={"correct": 5 if n % 3 else 4, "tone": 3 + (n + len(rater)) % 2})
            pair = Item(mode="pairs", case=case, repeat=0, lanes=("prompt", "rag"))
            shown = store.serve(run.id, rater, pair, pair.lanes)
            store.decide(shown.id, choice="rag" if n % 5 else "prompt")


def told(run: StoredRun, **changes: object) -> ReportSettings:
    """Settings of a report that is made at a known time."""
    return replace(settings_of(run, Prices()), made_at=MADE_AT, **changes)  # type: ignore[arg-type]
