"""Scenario folders and their cases: what ships is sound, and what is malformed is named."""

import json
from pathlib import Path

import pytest

from backends.engine.loading import weights_hash
from backends.errors import BadInput
from backends.scenario import Scenario, list_scenarios, load_scenario
from backends.settings import settings
from backends.training import ADAPTERS
from backends.training.examples import examples_path, file_hash
from backends.types import Gold
from compare.case_files import load_cases, read_cases
from compare.cases import Case, default_split, gold_of, matching_case, normalised
from compare.checks import CheckProblem, checks_of, run_checks


@pytest.fixture(params=list_scenarios(own=False))
def scenario(request: pytest.FixtureRequest) -> Scenario:
    return load_scenario(request.param)


def test_shipped_scenarios_have_enough_cases_in_enough_groups(scenario: Scenario) -> None:
    cases = load_cases(scenario)
    assert len(cases) >= 120
    assert len({case.group for case in cases}) >= 30
    assert {case.split for case in cases} == {"dev", "test"}


def test_cases_of_one_group_fall_into_one_split(scenario: Scenario) -> None:
    cases = load_cases(scenario)
    assert len({(case.group, case.split) for case in cases}) == len({case.group for case in cases})


def test_every_shipped_check_can_be_used_and_expected_answers_pass_it(scenario: Scenario) -> None:
    for case in load_cases(scenario):
        checks = checks_of(case)
        assert checks
        assert not [check for check in checks if isinstance(check, CheckProblem)], case.id
        # of a citation only the form is known here: its passages are those that a run retrieves
        results = [r for r in run_checks(case, case.expected, (), scenario) if r.name != "citation"]
        assert {result.result for result in results} == {"pass"}, (case.id, results)


def test_gold_sources_are_documents_of_the_scenario(scenario: Scenario) -> None:
    known = {path.name for path in (scenario.path / "knowledge").iterdir()}
    assert {case.source for case in load_cases(scenario) if case.source} <= known


def test_shipped_adapters_are_of_the_shipped_base_and_of_these_examples(scenario: Scenario) -> None:
    base = weights_hash(Path(settings().model))
    for name in ADAPTERS:
        card = json.loads((scenario.path / "adapters" / name / "card.json").read_text(encoding="utf-8"))
        assert card["base_hash"] == base, "run python -m docs.refresh"
        assert card["data_hash"] == file_hash(examples_path(scenario)), "run python -m docs.refresh"
        assert card["adapter"] == name


def test_the_template_can_be_read() -> None:
    text = (settings().scenarios_dir / "template.csv").read_bytes()
    cases = read_cases(text, "template")
    assert len(cases) >= 10
    assert not [c.id for c in cases for check in checks_of(c) if isinstance(check, CheckProblem)]


def test_query_is_the_only_required_column() -> None:
    first, second = read_cases(b"query,weight\nHow long?,3\nHow much?,\n", "s")
    assert (first.id, first.group, first.metadata) == ("row-1", "row-1", {"weight": "3"})
    assert second.split == default_split("row-2")


def test_labels_of_all_rows_are_known_to_each() -> None:
    cases = read_cases(b'query,checks\na,label: billing\nb,"json; label: damage"\n', "s")
    assert cases[0].labels == ("billing", "damage")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("question\na\n", "No column is the query"),
        ("", "The file is empty"),
        ("id,query\n1,\n", "Line 2 .* query is empty"),
        ("id,query\n1,a\n1,b\n", "Line 3 .* id “1”"),
        ("id,query\n1,a,x\n", "Line 2 .* more than it should"),
        ("id,query\n1\n", "Line 2 .* fewer than it should"),
        ("query,split\na,train\n", "Line 2 .* split"),
        ("query,checks\na,sounds_like: b\n", "Line 2 .* column checks"),
        ('query\nb\n"a\n', "Line 3 .* never closed"),
    ],
)
def test_a_malformed_row_is_named(text: str, reason: str) -> None:
    with pytest.raises(BadInput, match=reason):
        read_cases(text.encode(), "s")


def test_a_query_finds_its_case_whatever_its_case_and_spacing() -> None:
    cases = read_cases("query\nHow long?\nWie groß?\n".encode(), "s")
    assert matching_case(cases, "  how\tLONG? ") is cases[0]
    assert matching_case(cases, "WIE GROSS?") is cases[1]
    assert matching_case(cases, "How long") is None
    assert normalised("Ｆｕｌｌ") == "full"


def test_half_of_the_groups_are_for_tuning() -> None:
    dev = sum(default_split(f"group {number}") == "dev" for number in range(1000))
    assert 450 < dev < 550


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("support-fact", "Did you mean support-facts"), ("../secrets", "There are:"), ("", "There are:")],
)
def test_an_unknown_scenario_is_one_sentence(name: str, sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        load_scenario(name)


@pytest.mark.parametrize(
    "toml",
    [
        "title = ",
        "title = 3",
        'position = "first"',
        'schema = "[]"',
        'schema = "{"',
        "examples = [1]",
        "[retrieval]\nk = 0",
        "[retrieval]\nk = true",
        "[retrieval]\nunknown = 1",
        "retrieval = 3",
        '[[few_shot]]\nuser = "a"',
        "few_shot = 3",
        "voice = 3",
        "training = 3",
        "[training]\nlora = 3",
        '[training.lora]\nepochs = "many"',
        "[voice]\nopener = []",
        "[voice]\nmax_words = -1",
    ],
)
def test_a_malformed_scenario_names_its_file(
    toml: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "scenario.toml").write_text(toml)
    monkeypatch.setenv("LEVER_SCENARIOS_DIR", str(tmp_path))
    settings.cache_clear()
    assert list_scenarios() == ("mine",)
    with pytest.raises(BadInput, match=r"scenario\.toml of 'mine'"):
        load_scenario("mine")


def test_controls_learn_a_cases_sources_and_the_next_question_about_something_else() -> None:
    cases = [
        Case(id="a", query="A?", source="one.md", expected="1"),
        Case(id="b", query="B?", source="one.md | two.md"),
        Case(id="c", query="C?"),
        Case(id="d", query="D?", source="three\\|four.md"),
    ]
    assert gold_of(cases[0], cases) == Gold(sources=("one.md",), expected="1", other="D?")
    assert gold_of(cases[1], cases) == Gold(sources=("one.md", "two.md"), other="D?")
    assert gold_of(cases[2], cases) == Gold(other="D?")
    assert gold_of(cases[3], cases) == Gold(sources=("three|four.md",), other="A?")
    assert gold_of(cases[0], cases[:1]).other == ""
