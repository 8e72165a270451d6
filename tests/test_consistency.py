"""Repeats are grouped by what they say, never by how it is wrapped."""

import pytest

from compare.consistency import fold, modal_share, parsed


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ('{"queue": "billing", "priority": "high"}', '{ "priority":"high","queue":"billing" }'),
        ("Two years.", "  two   YEARS"),
        ("“Yes”", "yes!"),
    ],
)
def test_answers_that_say_the_same_are_equal(left: str, right: str) -> None:
    assert parsed(left) == parsed(right)


@pytest.mark.parametrize(
    ("left", "right"), [("2 years", "12 years"), ("1", "1.5"), ('{"a": 1}', '{"a": "1"}')]
)
def test_answers_that_say_something_else_are_not(left: str, right: str) -> None:
    assert parsed(left) != parsed(right)


def test_seven_of_ten_come_first_and_keep_their_places() -> None:
    texts = ["no", *["Yes."] * 4, "maybe", *["yes"] * 3, "no"]
    groups = fold(texts)
    assert [(group.text, group.size) for group in groups] == [("Yes.", 7), ("no", 2), ("maybe", 1)]
    assert groups[0].members == (1, 2, 3, 4, 6, 7, 8)
    assert sum(group.size for group in groups) == len(texts)
    assert modal_share(texts) == pytest.approx(0.7)


def test_nothing_has_no_groups() -> None:
    assert fold([]) == ()
    assert modal_share([]) is None
