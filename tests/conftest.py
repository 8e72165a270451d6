"""What every test gets: its own data folder; on request, a store, a tiny real model and a running engine."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis

from backends.engine.local import LocalEngine
from backends.settings import Settings, settings
from compare.store import Store
from tests.tiny import build_model

hypothesis.register_profile("lever", deadline=None)  # A busy machine is no fault of the code.
hypothesis.load_profile("lever")


@pytest.fixture(autouse=True)
def own_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Every test has its own LEVER_DATA_DIR, and settings are read again."""
    folder = tmp_path / "lever-data"
    monkeypatch.setenv("LEVER_DATA_DIR", str(folder))
    settings.cache_clear()
    yield folder
    settings.cache_clear()


@pytest.fixture(autouse=True)
def own_main() -> Iterator[None]:
    """AppTest leaves the app as ``__main__``; a process that a later test spawns would then run the app."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Store]:
    """A store of this test's own, which is not the process's."""
    opened = Store(f"sqlite:///{tmp_path / 'lever.db'}")
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a random Llama of 0.2 M parameters, its tokenizer and chat template."""
    return build_model(tmp_path_factory.mktemp("tiny") / "tiny-llama")


@pytest.fixture(scope="session")
def tiny_settings(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings for the tiny model, without scenarios."""
    scenarios = tmp_path_factory.mktemp("no-scenarios")
    return Settings(model=str(tiny_model), device="cpu", dtype="float32", threads=1, scenarios_dir=scenarios)


@pytest.fixture(scope="session")
def ready_engine(tiny_settings: Settings) -> Iterator[LocalEngine]:
    """A running engine on the tiny model, without adapters; shared, so tests must leave it as it is."""
    engine = LocalEngine(tiny_settings)
    engine.start()
    status = engine.wait_ready(120)
    assert status.state == "ready", status.detail
    yield engine
    engine.stop()
