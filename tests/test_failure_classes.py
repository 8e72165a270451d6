"""Every class of the table in ``measures.md``, and what may be said without the ``oracle`` lane."""

import pytest

from backends.types import Passage
from compare.cases import Case
from compare.failure_classes import POINTS_TO, FailureClass, count_classes, failure_classes
from compare.judged import JudgedCall
from compare.judging import CheckKind, CheckOutcome
from compare.live import CallStatus

WITH_SOURCE = Case(id="a", query="How long?", source="Warranty.md | other.md")
WITHOUT = Case(id="a", query="Route this.")
RIGHT: tuple[tuple[CheckKind, CheckOutcome], ...] = (("content", "pass"), ("format", "pass"))
WRONG: tuple[tuple[CheckKind, CheckOutcome], ...] = (("content", "fail"), ("format", "pass"))

UNTIDY: tuple[tuple[CheckKind, CheckOutcome], ...] = (("content", "pass"), ("format", "fail"))


def call(
    lane: str,
    checks: tuple[tuple[CheckKind, CheckOutcome], ...] = WRONG,
    *,
    sources: tuple[str, ...] = (),
    status: CallStatus = "done",
    repeat: int = 0,
    case: str = "a",
) -> JudgedCall:
    passages = tuple(
        Passage(number=n, source=source, chunk_id=source, text="", cosine=None)
        for n, source in enumerate(sources, 1)
    )
    return JudgedCall(
        case_id=case, group=case, lane=lane, repeat=repeat, status=status, text="", timing=None, usage=None,
        checks=checks, passages=passages,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("case", "one", "others", "kind"),
    [
        (WITHOUT, call("prompt", (("content", "pass"), ("format", "fail"))), (), "format"),
        (WITH_SOURCE, call("rag", (("content", "unscored"), ("format", "fail"))), (), "format"),
        (WITHOUT, call("prompt", (("content", "fail"), ("format", "fail"))), (), "behaviour"),
        (WITHOUT, call("rag", sources=("x.md",)), (), "behaviour"),
        (WITH_SOURCE, call("prompt"), (call("oracle", RIGHT),), "missing knowledge"),
        (WITH_SOURCE, call("lora+3"), (call("oracle", WRONG),), "beyond the model"),
        (WITH_SOURCE, call("prompt"), (call("oracle", UNTIDY),), "missing knowledge"),
        (WITH_SOURCE, call("prompt"), (call("oracle", (("format", "fail"),)),), "beyond the model"),
        (WITH_SOURCE, call("prompt"), (call("oracle", (("format", "pass"),)),), "missing knowledge"),
        (WITH_SOURCE, call("lora"), (), "needs a document"),
        (WITH_SOURCE, call("lora"), (call("oracle", (), status="failed"),), "needs a document"),
        (WITH_SOURCE, call("rag", sources=("x.md", "y.md")), (call("oracle", RIGHT),), "retrieval miss"),
        (WITH_SOURCE, call("hybrid", sources=("x.md", "warranty.MD")), (), "ignored passage"),
        (WITH_SOURCE, call("rag", sources=("other.md",)), (call("oracle", WRONG),), "ignored passage"),
        (WITH_SOURCE, call("long_context", sources=("warranty.md",)), (), "ignored passage"),
        (WITH_SOURCE, call("oracle", sources=("warranty.md",)), (), "beyond the model"),
        (WITH_SOURCE, call("prompt", (), status="failed"), (), "failed"),
        (WITH_SOURCE, call("prompt", (("content", "unscored"),)), (), "not judged"),
        (WITH_SOURCE, call("prompt", ()), (), "not judged"),
    ],
)
def test_each_failing_call_has_its_class(
    case: Case, one: JudgedCall, others: tuple[JudgedCall, ...], kind: FailureClass
) -> None:
    assert failure_classes(case, [one, *others])[one.lane, 0] == kind


def test_answers_that_pass_have_no_class_and_the_oracle_is_right_in_half_its_repeats() -> None:
    calls = [
        call("prompt", RIGHT),
        call("prompt", repeat=1),
        call("oracle", RIGHT),
        call("oracle", WRONG, repeat=1),
    ]
    assert failure_classes(WITH_SOURCE, calls) == {
        ("prompt", 1): "missing knowledge",
        ("oracle", 1): "beyond the model",
    }
    assert failure_classes(WITH_SOURCE, [*calls, call("oracle", WRONG, repeat=2)])["prompt", 1] == (
        "beyond the model"
    )


def test_counts_are_of_one_lane_in_the_order_of_the_table() -> None:
    other = Case(id="b", query="Route this.")
    calls = [
        call("prompt"),
        call("prompt", repeat=1),
        call("prompt", case="b"),
        call("prompt", RIGHT, case="b", repeat=1),
        call("lora", case="b"),
    ]
    found = count_classes((WITH_SOURCE, other), calls, "prompt")
    assert list(found.items()) == [("behaviour", 1), ("needs a document", 2)]
    assert set(found) <= set(POINTS_TO)
