"""What cases can be narrowed by: their tags, and columns of the file that hold few different values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from compare.cases import Case

MOST_VALUES = 12
"""A column with more different values is text to search, not a facet."""


@dataclass(frozen=True, kw_only=True)
class Facet:
    """The ids of the cases that have it. Of one ``column`` a case may have any wanted one, of several columns
    it needs one each; every tag is a column of its own.
    """

    column: str
    ids: frozenset[str]


def facets(cases: Sequence[Case]) -> dict[str, Facet]:
    """By name, as "tag: warranty" or "colour: red"; tags first, each kind sorted."""
    tags: dict[str, set[str]] = {}
    columns: dict[str, dict[str, set[str]]] = {}
    for case in cases:
        for tag in case.tags:
            tags.setdefault(f"tag: {tag}", set()).add(case.id)
        for column, value in {**case.metadata, "split": case.split}.items():
            if value.strip():
                columns.setdefault(column, {}).setdefault(f"{column}: {value}", set()).add(case.id)
    found = {name: Facet(column=name, ids=frozenset(ids)) for name, ids in sorted(tags.items())}
    for column, values in sorted(columns.items()):
        if 1 < len(values) <= MOST_VALUES:
            for name, ids in sorted(values.items()):
                found[name] = Facet(column=column, ids=frozenset(ids))
    return found


def narrowed(cases: Sequence[Case], wanted: Sequence[str], known: Mapping[str, Facet]) -> list[Case]:
    """The cases that the wanted facets let through."""
    columns: dict[str, set[str]] = {}
    for name in wanted:
        columns.setdefault(known[name].column, set()).update(known[name].ids)
    return [case for case in cases if all(case.id in ids for ids in columns.values())]
