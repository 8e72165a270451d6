"""Word differences hold both answers whole."""

from hypothesis import given
from hypothesis import strategies as st

from compare.wording import word_differences

ANSWERS = st.lists(st.sampled_from(["two", "five", "years", "of", "cover.", "*"]), max_size=12).map(" ".join)


def test_a_changed_word_is_one_left_out_and_one_new() -> None:
    found = word_differences("It lasts two years.", "It  lasts five\nyears.")
    assert [(piece.kind, piece.text) for piece in found] == [
        ("same", "It lasts"),
        ("left out", "two"),
        ("new", "five"),
        ("same", "years."),
    ]


@given(ANSWERS, ANSWERS)
def test_both_answers_can_be_read_from_their_differences(first: str, second: str) -> None:
    found = word_differences(first, second)
    assert " ".join(piece.text for piece in found if piece.kind != "new") == first
    assert " ".join(piece.text for piece in found if piece.kind != "left out") == second
    assert all(piece.text for piece in found)
