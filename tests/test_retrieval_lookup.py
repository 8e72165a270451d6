"""What is measured is what the index finds; what is tried in memory is ranked as the index would."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from backends.engine.base import Engine
from backends.errors import KnowledgeUnavailable
from backends.knowledge import knowledge
from backends.knowledge.documents import document_paths, read_documents
from backends.knowledge.trial import resized, trial
from backends.scenario import RetrievalSettings, Scenario, load_scenario
from compare.case_files import load_cases
from compare.cases import Case
from compare.retrieval_lookup import named, ranked_cases, setting_of, stands_verbatim, sweep
from compare.retrieval_measures import measure_retrieval
from compare.retrieval_sweep import chunk_sizes, dev_only

QUESTIONS = ("What warranty does the Pro plan include?", "HX-482", "refund", "Where is the repair center?")
BASE = RetrievalSettings(k=2, chunk_tokens=50)


@pytest.fixture
def facts() -> Scenario:
    return replace(load_scenario("support-facts"), retrieval=BASE)


def ignored(*said: object) -> None:
    """Reports to nobody."""


@pytest.mark.parametrize(
    "wanted",
    [
        BASE,
        replace(BASE, keywords=True),
        replace(BASE, diversity=0.4),
        replace(BASE, keywords=True, diversity=0.7, chunk_overlap=12),
    ],
)
def test_a_trial_ranks_as_the_index_does(
    wanted: RetrievalSettings, facts: Scenario, ready_engine: Engine
) -> None:
    tried = trial(read_documents(facts.knowledge), wanted, ready_engine, {}, ignored)
    vectors, _ = ready_engine.embed(QUESTIONS)
    indexed = knowledge().rank(replace(facts, retrieval=wanted), QUESTIONS, 7, ready_engine)
    for question, vector, passages in zip(QUESTIONS, vectors, indexed, strict=True):
        mine = tried.rank(question, vector, 7)
        assert [one.chunk.id for one in mine] == [passage.chunk_id for passage in passages]
        assert [one.cosine for one in mine] == pytest.approx([each.cosine for each in passages], abs=1e-5)


def test_cases_get_what_the_index_finds_and_those_without_a_source_nothing(
    facts: Scenario, ready_engine: Engine
) -> None:
    cases = (*load_cases(facts)[:20], Case(id="free", query="What is it?"))
    reports: list[tuple[int, int]] = []

    def report(done: int, planned: int) -> None:
        reports.append((done, planned))

    found = ranked_cases(facts, cases, 5, ready_engine, report)
    assert [one.case.id for one in found] == [case.id for case in cases]
    (wanted,) = knowledge().rank(facts, [cases[0].query], 5, ready_engine)
    assert found[0].sources == tuple(passage.source for passage in wanted)
    assert found[0].nearest == wanted[0]
    assert (found[-1].sources, found[-1].nearest) == ((), None)
    assert reports == [(0, 20), (16, 20), (20, 20)]
    figures = measure_retrieval(found, 300)
    assert figures.without_source == 1
    assert figures.at[5].hit_rate.value > 0.6


def test_the_sweep_measures_dev_cases_at_every_size_and_reports_the_size_at_work(
    facts: Scenario, ready_engine: Engine
) -> None:
    cases, reports = load_cases(facts), list[tuple[int, float]]()

    def report(size: int, share: float) -> None:
        reports.append((size, share))

    points = sweep(facts, cases, ready_engine, report)
    asked = {case.id for case in named(dev_only(cases))}
    assert len(asked) < len(named(cases))
    assert all({score.case for score in point.hits} == asked for point in points)
    present = setting_of(BASE)
    assert {point.setting.chunk_tokens for point in points} == set(chunk_sizes(present))
    assert [size for size, _ in reports] == sorted(size for size, _ in reports)
    shares = [share for _, share in reports]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    now = next(point for point in points if point.setting == present)
    indexed = ranked_cases(facts, dev_only(cases), 2, ready_engine, ignored)
    measured = measure_retrieval(indexed, now.chunks)
    one = next(point for point in points if point.setting == replace(present, k=1))
    assert 0.5 < one.hit_rate.value < measured.at[1].hit_rate.value  # The document, but not the answer.
    assert now.chunks == knowledge().ensure_index(facts, ready_engine).chunks
    assert now.prompt_tokens is not None
    assert one.prompt_tokens is not None
    assert one.prompt_tokens <= BASE.chunk_tokens
    assert one.prompt_tokens < now.prompt_tokens <= 2 * BASE.chunk_tokens
    assert all(point.setting.k == 1 or 10 * point.setting.k <= point.chunks for point in points)


class Counted:
    """The real engine, counting what it is asked to embed."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.texts: list[str] = []

    def embed(self, texts: Sequence[str], *, background: bool = False) -> tuple[np.ndarray, float]:
        self.texts += texts
        return self.engine.embed(texts, background=background)

    def count_tokens(self, text: str) -> int:
        return self.engine.count_tokens(text)


def test_no_text_is_embedded_twice_and_no_collection_is_made(facts: Scenario, ready_engine: Engine) -> None:
    counted = Counted(ready_engine)
    points = sweep(facts, load_cases(facts), counted, ignored)  # type: ignore[arg-type]
    assert points
    queries = {case.query for case in load_cases(facts)}
    chunks = [text for text in counted.texts if text not in queries]
    assert len(chunks) == len(set(chunks)) > 100
    database = knowledge().index.path / "chroma.sqlite3"
    assert not database.exists()
    knowledge().ensure_index(facts, ready_engine)
    assert database.exists()


def test_without_dev_cases_or_documents_nothing_is_swept(
    facts: Scenario, ready_engine: Engine, tmp_path: Path
) -> None:
    of_test = tuple(case for case in load_cases(facts) if case.split == "test")
    assert sweep(facts, of_test, ready_engine, ignored) == []
    nothing = replace(facts, path=tmp_path)
    assert not document_paths(nothing.knowledge)
    with pytest.raises(KnowledgeUnavailable, match="no documents"):
        sweep(nothing, load_cases(facts), ready_engine, ignored)


@pytest.mark.parametrize(("overlap", "size", "expected"), [(0, 40, 0), (20, 200, 20), (100, 40, 20)])
def test_an_overlap_always_fits_its_chunks(overlap: int, size: int, expected: int) -> None:
    resized_to = resized(RetrievalSettings(chunk_tokens=120, chunk_overlap=overlap), size)
    assert (resized_to.chunk_tokens, resized_to.chunk_overlap) == (size, expected)


def test_a_short_passage_without_the_answer_is_not_found_though_its_document_is(
    facts: Scenario, ready_engine: Engine
) -> None:
    case = Case(
        id="a", query="battery", expected="2-year hardware warranty", source="Warranty.md", split="dev"
    )
    told = {"warranty.md": (facts.knowledge / "warranty.md").read_text()}
    assert stands_verbatim(case, told)
    assert not stands_verbatim(replace(case, expected="for two years"), told)
    assert not stands_verbatim(replace(case, expected=""), told)
    assert not stands_verbatim(replace(case, source="warranty.md | pricing.md"), told)
    (nearest, *_) = (passages[0] for passages in knowledge().rank(facts, [case.query], 1, ready_engine))
    assert nearest.source == "warranty.md"
    assert "2-year" not in nearest.text
    rates = {}
    for name, asked in (("strict", case), ("loose", replace(case, expected="for two years"))):
        points = sweep(facts, [asked], ready_engine, ignored)
        (rates[name],) = [
            point.hit_rate.value
            for point in points
            if (point.setting.chunk_tokens, point.setting.k) == (50, 1)
        ]
    assert rates == {"strict": 0.0, "loose": 1.0}
