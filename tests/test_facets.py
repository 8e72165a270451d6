"""Facets: what cases can be narrowed by, and what is left when they are."""

from compare.cases import Case
from compare.facets import MOST_VALUES, facets, narrowed

CASES = (
    Case(id="a", query="q", tags=("warranty", "plans"), metadata={"colour: x": "red", "note": "one"}),
    Case(id="b", query="q", tags=("warranty",), metadata={"colour: x": "blue", "note": "one"}),
    Case(id="c", query="q", split="dev", metadata={"colour: x": "green", "note": " "}),
)


def ids(*wanted: str) -> list[str]:
    return [case.id for case in narrowed(CASES, wanted, facets(CASES))]


def test_tags_stand_first_and_columns_with_one_value_are_none() -> None:
    assert list(facets(CASES)) == [
        "tag: plans",
        "tag: warranty",
        "colour: x: blue",
        "colour: x: green",
        "colour: x: red",
        "split: dev",
        "split: test",
    ]


def test_values_of_a_column_widen_and_tags_and_columns_narrow() -> None:
    assert ids() == ["a", "b", "c"]
    assert ids("colour: x: red", "colour: x: green") == ["a", "c"]
    assert ids("tag: warranty", "tag: plans") == ["a"]
    assert ids("tag: warranty", "colour: x: blue") == ["b"]
    assert ids("tag: plans", "split: dev") == []


def test_a_column_of_free_text_is_no_facet() -> None:
    many = [Case(id=str(n), query="q", metadata={"said": str(n)}) for n in range(MOST_VALUES + 1)]
    assert not facets(many)
