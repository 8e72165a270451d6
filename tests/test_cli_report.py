"""The report on the command line, over a run that a real engine answered."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from backends.engine.local import LocalEngine
from backends.scenario import load_scenario
from backends.settings import settings
from backends.types import Sampling
from compare.__main__ import main
from compare.command import BAD_INPUT, FINE, GATE_FAILED
from compare.scenario_run import make_plan, resume_scenario_run, start_scenario_run
from compare.store import Store, store
from tests.test_scenario_run import TOML, finished, new_engine
from tests.tiny import build_adapter, build_model

LANES = ("zero_shot", "prompt", "rag", "lora", "oracle")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reported")
    model = build_model(folder / "model", context=1024)
    lamps = folder / "scenarios" / "lamps"
    (lamps / "knowledge").mkdir(parents=True)
    (lamps / "scenario.toml").write_text(TOML)
    (lamps / "knowledge" / "lamps.md").write_text("# Lamps\n\nA lamp lasts nine years.\n")
    rows = "".join(f"How long does lamp {n} last?,contains_all: nine,lamps.md,g{n},test\n" for n in range(16))
    (lamps / "cases.csv").write_text("query,checks,source,group,split\n" + rows)
    build_adapter(lamps / "adapters" / "lora", model, seed=1)
    return folder


@pytest.fixture(scope="module")
def engine(folder: Path) -> Iterator[LocalEngine]:
    running = new_engine(folder)
    yield running
    running.stop()


@pytest.fixture
def kept(folder: Path, own_data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """The process's own store, in this test's folder."""
    monkeypatch.setenv("LEVER_SCENARIOS_DIR", str(folder / "scenarios"))
    settings.cache_clear()
    store.cache_clear()
    yield store()
    store().close()
    store.cache_clear()


def test_a_report_is_written_confirmed_and_found_out(
    engine: LocalEngine, kept: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = make_plan(load_scenario("lamps"), LANES[:3], sampling=Sampling(max_tokens=4))
    run = finished(start_scenario_run(plan, store=kept, engine=engine, grows=True))
    for name in ("r.html", "r.md"):
        file = tmp_path / name
        asked = ("report", run.id, "--out", str(file), "--title", "Which lamp?", "--bar", "0.7", "--json")
        assert main(asked) == FINE
        document = json.loads(capsys.readouterr().out)
        assert (document["run_id"], document["bytes"]) == (run.id, file.stat().st_size)
        text = file.read_text(encoding="utf-8")
        assert "Which lamp?" in text
        assert "tiny" in text or "model" in text
        assert main(("report", run.id, "--verify", str(file), "--json")) == FINE
        assert json.loads(capsys.readouterr().out) == {
            "run_id": run.id, "file": str(file), "same": True, "grown": None, "differences": [],
        }  # fmt: skip
        file.write_text(text.replace("16 test questions", "61 test questions"), encoding="utf-8")
        assert main(("report", run.id, "--verify", str(file))) == GATE_FAILED
        assert (
            "The question: says “Asked were 61 test questions of”, the stored calls give “Asked were 16 test "
            in (capsys.readouterr().out)
        )
    before = (tmp_path / "r.md").read_bytes()
    whole = make_plan(load_scenario("lamps"), LANES, sampling=Sampling(max_tokens=4))
    kept.grow_run(run.id, whole)
    finished(resume_scenario_run(run.id, store=kept, engine=engine))
    assert main(("report", run.id, "--verify", str(tmp_path / "r.md"))) == GATE_FAILED
    first, *_ = capsys.readouterr().out.splitlines()
    assert first == (
        "The run has changed since the report was made: 5 approaches instead of 3 and 80 answers instead of "
        "48. Make the report again."
    )
    assert (tmp_path / "r.md").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--out", "r.pdf"), "neither HTML nor Markdown"),
        (("--out", "nowhere/r.md"), "can't be written"),
        (("--out", "r.md", "--bar", "2"), "The bar must lie between 0 and 1."),
        (("--out", "r.md", "--app", "javascript:alert(1)"), "no address"),
        (("--verify", "gone.md"), "can't be read"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(
    engine: LocalEngine, kept: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    plan = make_plan(load_scenario("lamps"), ("zero_shot",), sampling=Sampling(max_tokens=2))
    run = finished(start_scenario_run(plan, store=kept, engine=engine))
    assert main(("report", run.id, *arguments)) == BAD_INPUT
    told = capsys.readouterr()
    assert said in told.err
    assert told.out == ""
