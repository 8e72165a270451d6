"""What the tests of screens stand on: the real app over a tiny real model with adapters."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from backends.engine import factory
from backends.settings import ROOT, settings
from compare.live import RunView, live_runs
from compare.store import store
from tests.server import server
from tests.tiny import build_adapter, build_model

QUESTION = "What warranty does the Pro plan include?"
SINGLETONS = (settings, factory._build, store)


@pytest.fixture(scope="session")
def app_settings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """LEVER_ settings; the scenario ``support-facts`` has both adapters, ``ticket-routing`` has none."""
    folder = tmp_path_factory.mktemp("app")
    model = build_model(folder / "tiny-llama", context=2048)
    for name in ("support-facts", "ticket-routing"):
        skip = shutil.ignore_patterns("adapters")
        shutil.copytree(ROOT / "scenarios" / name, folder / "scenarios" / name, ignore=skip)
    for seed, name in enumerate(("lora", "hybrid"), start=1):
        build_adapter(folder / "scenarios" / "support-facts" / "adapters" / name, model, seed=seed)
    return {
        "LEVER_MODEL": str(model),
        "LEVER_SCENARIOS_DIR": str(folder / "scenarios"),
        "LEVER_DEVICE": "cpu",
        "LEVER_THREADS": "1",
    }


@pytest.fixture(scope="module")
def app_process(app_settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """This process as the app's: its own engine, store and indexes, which a module's tests share."""
    folder = tmp_path_factory.mktemp("app-data")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in app_settings.items():
            patch.setenv(name, value)
        patch.setenv("LEVER_DATA_DIR", str(folder))
        for single in SINGLETONS:
            single.cache_clear()
        engine = factory.engine()
        engine.start()
        assert engine.wait_ready(120).state == "ready", engine.status().detail
        yield folder
        engine.stop()
        store().close()
        for single in SINGLETONS:
            single.cache_clear()


@pytest.fixture(autouse=True)
def own_data_folder(app_process: Path) -> Path:
    """A module's tests share one data folder, in place of one for each test."""
    return app_process


def open_page(**query: str) -> AppTest:
    """A new session of the app, as a browser opens it."""
    page = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    for name, value in query.items():
        page.query_params[name] = value
    return page.run()


def ask(page: AppTest, question: str = QUESTION) -> AppTest:
    """Type a question and send it."""
    page.text_area(key="question").set_value(question)
    page.get_by_key("ask").form_submit_button[0].click()
    return page.run()


def linked_run(page: AppTest) -> str:
    """The run's id in the page's link."""
    value = page.query_params["run"]
    return value if isinstance(value, str) else value[0]


def followed(page: AppTest) -> RunView:
    """The finished run that the page follows; the page has drawn it when this returns."""
    run_id = linked_run(page)
    live = live_runs().get(run_id)
    view = store().load_run(run_id) if live is None else live.wait(120)
    assert view.done
    page.run()
    assert not page.exception
    return view


def texts(page: AppTest) -> str:
    """Everything that the page says, as one text."""
    kinds = ("markdown", "text", "caption", "info", "warning", "error", "success")
    return "\n".join(str(element.value) for kind in kinds for element in page.get(kind))


@contextmanager
def served(app_settings: dict[str, str], data: Path) -> Iterator[str]:
    """A server that nobody has visited yet, over a data folder; its log may hold no traceback."""
    log = data.parent / "log"
    with (
        log.open("wb") as out,
        server({**offline(), **app_settings, "LEVER_DATA_DIR": str(data)}, out) as url,
    ):
        yield url
    said = log.read_text(errors="replace")
    assert "Traceback" not in said, said


def offline() -> dict[str, str]:
    """The environment of a server that must not reach for anything."""
    return {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
