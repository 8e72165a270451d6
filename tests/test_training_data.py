"""The check of training data: what is planted in the shipped examples is found, and little else is."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

import pytest

from backends.scenario import Scenario, load_scenario
from backends.training.examples import Example, examples_path, load_examples
from compare.case_files import load_cases
from compare.cases import Case
from compare.training_answers import LEAST_OF_A_LABEL
from compare.training_data import FEW, GOOD, LEAST, TrainingDataReport, check_examples
from compare.training_files import read_examples, write_examples
from compare.training_findings import Finding, Kind

SHIPPED = ("ticket-routing", "support-facts", "brand-voice", "support-desk", "policy-qa", "clinical-notes")
AWS, GITHUB = "AKIAIOSFODNN7EXAMPLE", "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a"
CARD, MAIL = "4111 1111 1111 1111", "jo.doe@example.org"


@dataclass
class Planted:
    """``lines`` are those of the planted rows, by the kind that must find them."""

    examples: tuple[Example, ...]
    lines: dict[Kind, set[int]]


def example(line: int, query: str, answer: str, **more: object) -> Example:
    return replace(Example(line=line, query=query, answer=answer), **more)


def numbered(*pairs: tuple[str, str]) -> list[Example]:
    return [example(line, query, answer) for line, (query, answer) in enumerate(pairs, 1)]


def of_kind(report: TrainingDataReport, kind: Kind) -> list[Finding]:
    return [found for found in report.findings if found.kind == kind]


def lines_of(report: TrainingDataReport, kind: Kind) -> set[int]:
    return {row.line for found in of_kind(report, kind) for row in found.rows}


def planted(clean: Sequence[Example], cases: Sequence[Case]) -> Planted:
    """Some clean rows spoilt, copies and cases among the others, read back from a file."""
    rng = Random(3)
    rows: list[tuple[Example, Kind | None]] = [(one, None) for one in clean]
    rng.shuffle(rows)
    for place, key in enumerate((AWS, GITHUB)):
        one = rows[place][0]
        rows[place] = (replace(one, query=f"{one.query} The key is {key}."), "secret")
    for place in range(2, 5):
        one = rows[place][0]
        rows[place] = (replace(one, answer=one.answer[: len(one.answer) // 2].rstrip(" .!,")), "truncated")
    for place, (one, _) in enumerate(rows[5:25]):
        rows.append((replace(one, query=f"  {one.query.upper()}" if place % 2 else one.query), "duplicate"))
    for one, _ in rows[25:35]:
        other = next(two for two, _ in rows[35:] if two.answer != one.answer)
        rows.append((replace(one, answer=other.answer), "conflict"))
    tested = [case for case in cases if case.split == "test"]
    for place, case in enumerate(rng.sample(tested, 5)):
        query = f"{case.query.rstrip('.?!')}!!" if place % 2 else case.query
        rows.append((example(0, query, case.expected), "leak"))
    lines: dict[Kind, set[int]] = {}
    for line, (_, kind) in enumerate(rows, 1):
        if kind is not None:
            lines.setdefault(kind, set()).add(line)
    written = read_examples(write_examples([one for one, _ in rows]), "planted.jsonl")
    assert not written.problems
    return Planted(examples=written.examples, lines=lines)


def shipped(name: str) -> tuple[Scenario, tuple[Example, ...], tuple[Case, ...]]:
    scenario = load_scenario(name)
    return scenario, load_examples(examples_path(scenario)), load_cases(scenario)


@pytest.mark.parametrize("name", SHIPPED)
def test_all_plants_are_found_and_clean_rows_left_alone(name: str) -> None:
    scenario, clean, cases = shipped(name)
    spoilt = planted(clean, cases)
    assert {kind: len(lines) for kind, lines in spoilt.lines.items()} == {
        "secret": 2, "truncated": 3, "duplicate": 20, "conflict": 10, "leak": 5,
    }  # fmt: skip
    report = check_examples(spoilt.examples, cases=cases, scenario=scenario)
    for kind, lines in spoilt.lines.items():
        assert lines <= lines_of(report, kind), kind
    every = set().union(*spoilt.lines.values())
    assert len(report.flagged - every) <= len(clean) / 100
    assert report.refuses
    said = str(report)
    assert AWS not in said
    assert GITHUB not in said
    assert "AKIA…" in said


@pytest.mark.parametrize("name", SHIPPED)
def test_the_shipped_examples_are_fit(name: str) -> None:
    scenario, clean, cases = shipped(name)
    report = check_examples(clean, cases=cases, scenario=scenario, count_tokens=len, room_tokens=4_000)
    assert len(report.flagged) <= len(clean) / 100
    assert not report.refuses
    assert report.different == len(clean)
    assert not of_kind(report, "leak")


@pytest.mark.parametrize(
    ("many", "kind", "severity"),
    [(LEAST - 1, "too_few", "refuses"), (LEAST, "few", "warns"), (FEW, "few", "notes"), (GOOD, None, None)],
)
def test_how_many_are_enough(many: int, kind: Kind | None, severity: str | None) -> None:
    rows = numbered(*((f"How old is animal {n}?", f"It is {n} years old.") for n in range(many)))
    report = check_examples([*rows, *rows])  # Copies make no more of them.
    found = [one for one in report.findings if one.kind in ("too_few", "few")]
    assert [(one.kind, one.severity) for one in found] == ([(kind, severity)] if kind else [])
    assert report.refuses == (kind == "too_few")
    assert (report.examples, report.different) == (2 * many, many)


def test_no_examples_are_too_few() -> None:
    assert [found.kind for found in check_examples([]).findings] == ["too_few"]


def test_one_question_with_other_passages_or_instructions_is_another_input() -> None:
    rows = [
        example(1, "How long?", "Two years.", context=("Two years.",)),
        example(2, "How long?", "Four months.", context=("Four months.",)),
        example(3, "How long?", "Zwei Jahre.", system="Answer in German."),
        example(4, "how  long?", "Six days."),
        example(5, "How long?", "Six days!"),
        example(6, "How long?", "A week."),
    ]
    report = check_examples(rows)
    assert [(row.line, row.other) for row in of_kind(report, "duplicate")[0].rows] == [(5, 4)]
    assert [(row.line, row.other) for row in of_kind(report, "conflict")[0].rows] == [(6, 4)]


def test_near_duplicates_have_the_same_numbers_and_names() -> None:
    rows = numbered(
        ("What is the warranty of the Pro plan in weeks?", "The warranty of the Pro plan lasts 20 weeks."),
        ("What's the warranty of the Pro plan in weeks?", "The warranty of the Pro plan lasts 20 weeks!"),
        ("What is the warranty of the Duo plan in weeks?", "The warranty of the Duo plan lasts 20 weeks."),
        ("what is the warranty of the duo plan in weeks", "The warranty of the Duo plan lasts 20 weeks."),
        ("What is the warranty of the Pro plan in months?", "The warranty of the Pro plan lasts 5 months."),
    )
    found = of_kind(check_examples(rows), "near_duplicate")[0]
    assert [(row.line, row.other) for row in found.rows] == [(2, 1), (4, 3)]


def test_what_was_not_compared_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = numbered(
        *((f"Why is it number {n}?", f"It is {n}.") for n in range(8)), ("Why?", "So."), ("Why?", "So.")
    )
    monkeypatch.setattr("compare.training_repeats.MOST_COMPARED", 9)
    assert not of_kind(check_examples(rows), "near_duplicate")
    monkeypatch.setattr("compare.training_repeats.MOST_COMPARED", 8)
    (found,) = of_kind(check_examples(rows), "near_duplicate")
    assert (found.severity, found.rows) == ("notes", ())
    assert "first 8 examples" in found.sentence


def test_answers_that_break_off_are_found_only_where_others_are_whole() -> None:
    whole = [(f"What about {n}?", f"It is {n}.") for n in range(40)]
    report = check_examples(numbered(*whole, ("And this?", "It is the")))
    assert [row.why for row in of_kind(report, "truncated")[0].rows] == ["ends with “It is the”"]
    labels = [(f"What about {n}?", "yes" if n % 2 else "no") for n in range(40)]
    assert not of_kind(check_examples(numbered(*labels)), "truncated")
    lined = [(f"Note {n}", f"Problem: pain\nPlan: rest {n}") for n in range(40)]
    report = check_examples(numbered(*lined, ("Note", "Problem: pain")))
    assert [row.why for row in of_kind(report, "truncated")[0].rows] == ["ends before “Plan:”"]
    objects = [(f"Sort {n}", f'{{"queue": {n}}}') for n in range(40)]
    report = check_examples(numbered(*objects, ("Sort", '{"queue": {"a": 1}')))
    assert [row.why for row in of_kind(report, "truncated")[0].rows] == ["JSON that does not close"]
    assert not of_kind(report, "formats")


def test_what_the_model_cannot_read_is_refused() -> None:
    scenario = replace(load_scenario("ticket-routing"), system_prompt="Sort. " * 20)
    rows = numbered(("Short?", "Yes."), ("word " * 40, "Yes."), ("Brought along?", "Yes."))
    rows[2] = replace(rows[2], context=("word " * 40,))

    def words(text: str) -> int:
        return len(text.split())

    report = check_examples(rows, scenario=scenario, count_tokens=words, room_tokens=60)
    (long, *_) = of_kind(report, "truncated")
    assert (long.severity, [row.line for row in long.rows]) == ("refuses", [2, 3])
    assert not of_kind(check_examples(rows, count_tokens=words, room_tokens=90), "truncated")


def test_forms_that_differ_and_json_of_another_schema() -> None:
    scenario = replace(load_scenario("ticket-routing"), schema='{"type": "object", "required": ["queue"]}')
    rows = [(f"Sort {n}", f'{{"queue": "q{n}"}}') for n in range(30)]
    rows += [("Sort this", "It goes to billing."), ("Sort that", '{"line": 1}')]
    other, unfit = of_kind(check_examples(numbered(*rows), scenario=scenario), "formats")
    assert [row.line for row in other.rows] == [31]
    assert other.sentence.startswith("31 of 32 answers are JSON (97 %)")
    assert [row.line for row in unfit.rows] == [32]
    texts = [(f"Tell {n}", f"Well: it is {n}.") for n in range(30)] + [("Tell", '{"a": 1}')]
    assert [row.line for row in of_kind(check_examples(numbered(*texts)), "formats")[0].rows] == [31]


def test_labels_are_weighed_and_rare_ones_named() -> None:
    rows = [(f"Ticket {n} says {n}", "billing" if n % 3 else "damage") for n in range(60)]
    rare, even = of_kind(check_examples(numbered(*rows, ("One more", "biling"))), "labels")
    assert (even.severity, even.rows) == ("notes", ())
    assert [(row.line, row.why) for row in rare.rows] == [(61, "meant for “billing”?")]
    few = [("Lost " * n, "lost") for n in range(1, LEAST_OF_A_LABEL + 1)]
    assert of_kind(check_examples(numbered(*rows, *few)), "labels")[0].severity == "notes"
    drowned = [(f"Ticket {n} says {n}", "billing") for n in range(60)]
    assert of_kind(check_examples(numbered(*drowned, *few)), "labels")[0].severity == "warns"


def test_only_gross_lengths_are_outliers() -> None:
    rows = [(f"Question {n} {'word ' * (n % 10)}end?", f"Answer {n}.") for n in range(60)]
    assert not of_kind(check_examples(numbered(*rows)), "length")
    found = of_kind(check_examples(numbered(*rows, ("Why is it?", "Because. " * 90))), "length")[0]
    assert [row.line for row in found.rows] == [61]
    assert found.rows[0].why == "the answer has 810 characters; usual are 10 characters"


def test_cases_of_the_test_split_weigh_more_than_those_to_tune_on() -> None:
    cases = [
        Case(id="a", query="How long is it?", split="test"),
        Case(id="b", query="And then?", split="dev"),
    ]
    rows = numbered(("how long  is it?", "Long."), ("And then?", "Nothing."), ("Else?", "No."))
    found = {one.severity: one for one in of_kind(check_examples(rows, cases=cases), "leak")}
    assert {severity: [(r.line, r.case) for r in one.rows] for severity, one in found.items()} == {
        "warns": [(1, "a")],
        "notes": [(2, "b")],
    }


@pytest.mark.parametrize(("text", "severity"), [(AWS, "refuses"), (CARD, "warns"), (MAIL, "notes")])
@pytest.mark.parametrize("where", ["query", "answer", "system", "context"])
def test_secrets_are_found_everywhere_and_shown_nowhere(text: str, severity: str, where: str) -> None:
    said = f"Use {text} for it."
    one = replace(example(7, "Which?", "This."), **{where: (said,) if where == "context" else said})
    report = check_examples([one, one])
    assert [found.severity for found in of_kind(report, "secret")] == [severity]
    assert of_kind(report, "duplicate")
    assert text not in str(report)
    assert text[:4] in of_kind(report, "secret")[0].rows[0].why
