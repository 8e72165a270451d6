"""Scenario runs whose answers are right or wrong as a test says, as they stand in a real store."""

from collections.abc import Mapping, Sequence

from backends.types import Answer, Failure, Message, Passage, Prompt, Sampling, Stage, Usage
from compare.cases import Case
from compare.checks import CheckResult
from compare.live import LiveAnswer
from compare.measured import StoredRun
from compare.plan import Plan
from compare.store import Store, new_run_id
from tests.cited_run import TIMING

Right = Sequence[int | tuple[int, ...] | None]
"""One a case: 1 right, 0 wrong, None not judged; a tuple has one a repeat."""
FOUND = Passage(number=1, source="other.md", chunk_id="o", text="Nothing of it.", cosine=0.5)


def cases(many: int, *, group: int = 1, source: str = "", split: str = "test") -> tuple[Case, ...]:
    """``group`` cases in a row ask for one fact."""
    return tuple(
        Case(
            id=f"{split[0]}{n}", query=f"Question {n} of {split}?", expected="yes", source=source,
            group=f"{split}{n // group}", split="test" if split == "test" else "dev",
        )
        for n in range(many)
    )  # fmt: skip


def answer(
    lane: str,
    repeat: int,
    right: int | None,
    *,
    passages: tuple[Passage, ...] = (),
) -> LiveAnswer:
    """One that was checked once."""
    text = "yes" if right else "no"
    check = CheckResult(name="exact", kind="content", result="pass" if right else "fail", reason="")
    return LiveAnswer(
        backend=lane, repeat=repeat, seed=repeat, status="done", text=text,
        checks=() if right is None else (check,),
        answer=Answer(
            text=text, timing=TIMING, usage=Usage(prompt_tokens=9, completion_tokens=1), finish="end",
            rendered="", token_ids=(),
        ),
        prompt=Prompt(messages=(Message(role="user", content=lane),), passages=passages),
    )  # fmt: skip


def failure(lane: str, repeat: int, stage: Stage) -> LiveAnswer:
    """One that did not come."""
    failed = Failure(stage=stage, message="It broke.", hint="")
    return LiveAnswer(backend=lane, repeat=repeat, seed=repeat, status="failed", failure=failed)


def keep_run(
    store: Store,
    right: Mapping[str, Right],
    asked: Sequence[Case] | None = None,
    *,
    greedy: bool = False,
    passages: tuple[Passage, ...] = (),
) -> StoredRun:
    """Store it, and read it again."""
    asked = cases(max(map(len, right.values()))) if asked is None else asked
    rows = {lane: [one if isinstance(one, tuple) else (one,) for one in of] for lane, of in right.items()}
    plan = Plan(
        scenario="lamps", cases=tuple(asked), lanes=tuple(right),
        repeats=max(len(one) for of in rows.values() for one in of),
        sampling=Sampling(temperature=0.0) if greedy else Sampling(),
    )  # fmt: skip
    run_id = new_run_id()
    store.create_scenario_run(run_id, plan, grows=True)
    calls = [
        (case.id, answer(lane, repeat, score, passages=passages))
        for lane, of in rows.items()
        for case, scores in zip(asked, of, strict=False)
        for repeat, score in enumerate(scores)
    ]
    store.save_calls(run_id, calls)
    store.finish_run(run_id)
    return store.stored_run(run_id)
