"""Near pairs, against comparing everything with everything."""

from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz import fuzz

from compare.cases import normalised
from compare.near_texts import SAME_LETTERS, near_between, near_pairs, stated

TEXTS = st.lists(st.text("abc AB", max_size=12), max_size=12)


@given(TEXTS, TEXTS)
def test_no_pair_is_missed_and_none_invented(first: list[str], second: list[str]) -> None:
    found = {(pair.first, pair.second) for pair in near_between(first, second)}
    assert found == {
        (i, j)
        for i, a in enumerate(first)
        for j, b in enumerate(second)
        if fuzz.ratio(normalised(a), normalised(b)) >= SAME_LETTERS
    }


@given(TEXTS, st.data())
def test_pairs_within_are_of_one_key_the_earlier_first(texts: list[str], data: st.DataObject) -> None:
    keys = data.draw(st.lists(st.integers(0, 1), min_size=len(texts), max_size=len(texts)))
    assert {(pair.first, pair.second) for pair in near_pairs(texts, keys)} == {
        (pair.first, pair.second)
        for pair in near_between(texts, texts)
        if pair.first < pair.second and keys[pair.first] == keys[pair.second]
    }


def test_numbers_and_names_are_told_however_they_are_written() -> None:
    texts = ["Solo covers it?", "solo covers it?", "Fleet covers it?", "in two weeks", "In 2 weeks!"]
    assert stated(texts)[:3] == [frozenset()] * 3  # Every sentence begins with a capital.
    same, small, other, worded, digits, _ = stated([*texts, "Is it in Solo or in Fleet?"])
    assert same == small == {"solo"}
    assert other == {"fleet"}
    assert worded == digits == {"2"}
