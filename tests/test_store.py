"""A real SQLite file: what goes in comes back, also when processes race, die or fill the disk."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, event, func, select, text

from backends.errors import BadInput, StoreUnavailable
from backends.scenario import FewShot, PromptTexts
from backends.settings import ROOT
from backends.types import (
    Answer,
    Failure,
    Layer,
    Message,
    Passage,
    Prompt,
    Query,
    Sampling,
    Timing,
    Usage,
)
from compare import migrations
from compare.checks import CheckResult
from compare.live import LiveAnswer, Provenance, RunView, call_keys
from compare.seeds import call_seed
from compare.store import Store, new_run_id, now, store
from compare.tables import PassageRow, PromptRow, Table

TIMING = Timing(
    queued_ms=1.5,
    adapter_switch_ms=0.25,
    embed_ms=3.0,
    retrieve_ms=2.0,
    prefill_ms=10.0,
    decode_ms=20.0,
    total_ms=36.75,
    ttft_ms=17.0,
    first_token_ms=16.0,
)
TEXTS = PromptTexts(
    system="Be brief.", cot="Think.", few_shot=(FewShot(user="Hi", assistant="Hello"),), schema='{"a": "é"}'
)
PASSAGE = Passage(number=1, source="warranty.md", chunk_id="warranty.md#0", text="Two years.", cosine=0.5)
PROMPT = Prompt(
    messages=(Message(role="system", content="Be brief."), Message(role="user", content="How long?")),
    layers=(Layer(kind="system", text="Be brief."), Layer(kind="query", text="How long?")),
    adapter="support-facts/lora",
    schema='{"type": "object"}',
    passages=(PASSAGE,),
    embed_ms=3.0,
    retrieve_ms=2.0,
)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'new' / 'lever.db'}"


@pytest.fixture
def kept(url: str) -> Iterator[Store]:
    opened = Store(url)
    yield opened
    opened.close()


def planned(*, repeats: int = 2, backends: tuple[str, ...] = ("prompt", "rag"), seed: int = 7) -> RunView:
    query = Query(
        text="How long?",
        scenario="support-facts",
        sampling=Sampling(temperature=0.5, stop=("\n",)),
        repeats=repeats,
        seed=seed,
    )
    calls = {
        (backend, repeat): LiveAnswer(backend=backend, repeat=repeat, seed=call_seed(seed, None, repeat))
        for backend, repeat in call_keys(backends, repeats)
    }
    return RunView(
        id=new_run_id(),
        query=query,
        scenario="support-facts",
        backends=backends,
        status="running",
        version=0,
        calls=calls,
        texts=TEXTS,
        started_at=now(),
    )


def done(call: LiveAnswer, said: str = "Two years [1].") -> LiveAnswer:
    answer = Answer(
        text=said,
        timing=TIMING,
        usage=Usage(prompt_tokens=20, completion_tokens=5),
        finish="end",
        rendered="<system>Be brief.<user>How long?",
        token_ids=(5, 6, 7),
        marks=("load above cores",),
    )
    checks = (CheckResult(name="number", kind="content", result="fail", reason="found no number"),)
    return replace(call, status="done", text=said, answer=answer, prompt=PROMPT, checks=checks)


def test_a_stored_run_comes_back_as_the_live_one(kept: Store) -> None:
    view = planned(seed=2**64 - 1)
    assert kept.create_run(view) == 1
    failed = Failure(stage="retrieve", message="No documents.", hint="Add some.")
    ended = {key: done(call, f"answer {key}") for key, call in view.calls.items()}
    ended["rag", 1] = replace(view.calls["rag", 1], status="failed", failure=failed, text="Tw")
    for call in ended.values():
        kept.save_call(view.id, call)
    provenance = Provenance(
        model="Pocket",
        model_path="/weights",
        base_hash="abc",
        device="cpu",
        dtype="float32",
        threads=1,
        adapters=(),
        proof="passed",
        proof_reason="",
        versions={"python": "3.11"},
    )
    kept.set_provenance(view.id, provenance)
    finished_at = kept.finish_run(view.id)
    found = kept.load_run(view.id)
    assert found == replace(
        view,
        status="done",
        version=4,
        calls=ended,
        texts_version=1,
        finished_at=finished_at,
        provenance=provenance,
    )
    assert list(found.calls) == list(view.calls)
    assert found.done


def test_repeats_are_rows_of_their_own_and_their_prompt_is_stored_once(kept: Store) -> None:
    view = planned(repeats=5)
    kept.create_run(view)
    for call in view.calls.values():
        kept.save_call(view.id, done(call))
    engine = create_engine(kept.url)
    with engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(PromptRow)) == 1
        assert connection.scalar(select(func.count()).select_from(PassageRow)) == 1
        assert connection.scalar(text("SELECT count(*) FROM call")) == 10
    engine.dispose()


def test_one_call_is_never_stored_twice(kept: Store) -> None:
    view = planned()
    kept.create_run(view)
    kept.save_call(view.id, done(view.calls["rag", 0]))
    with pytest.raises(StoreUnavailable):
        kept.save_call(view.id, done(view.calls["rag", 0]))


def test_a_call_of_no_run_is_refused(kept: Store) -> None:
    with pytest.raises(StoreUnavailable):
        kept.save_call("nowhere", done(planned().calls["rag", 0]))


def test_only_a_new_set_of_texts_makes_a_new_number(kept: Store) -> None:
    edits = [
        TEXTS,
        replace(TEXTS, system="Be brief. "),
        TEXTS,
        replace(TEXTS, cot=""),
        replace(TEXTS, few_shot=()),
        replace(TEXTS, schema=None),
        replace(TEXTS, few_shot=()),
    ]
    assert [kept.texts_version("a", texts) for texts in edits] == [1, 2, 1, 3, 4, 5, 4]
    assert kept.texts_version("b", edits[1]) == 1
    assert [version.texts for version in kept.texts_versions("a")] == [edits[i] for i in (0, 1, 3, 4, 5)]


def test_a_run_can_be_named_and_deleted_with_all_that_only_it_has(kept: Store) -> None:
    views = [planned(), planned()]
    for view in views:
        kept.create_run(view)
        for call in view.calls.values():
            kept.save_call(view.id, done(call))
        kept.finish_run(view.id)
    first, second = (view.id for view in views)
    kept.rename_run(first, "For Monday")
    assert kept.load_run(first).name == "For Monday"
    assert {run.id: run.name for run in kept.recent_runs()} == {first: "For Monday", second: ""}
    kept.delete_run(first)
    assert [run.id for run in kept.recent_runs()] == [second]
    assert kept.load_run(second).calls["prompt", 0].prompt is not None
    kept.delete_run(second)
    engine = create_engine(kept.url)
    with engine.connect() as connection:
        for table in ("run", "call", "check_result", "prompt", "passage"):
            assert connection.scalar(select(func.count()).select_from(text(table))) == 0
    engine.dispose()
    for change in (lambda: kept.delete_run(first), lambda: kept.rename_run(first, "x")):
        with pytest.raises(BadInput, match="no run"):
            change()


def test_a_run_that_goes_on_is_not_deleted(kept: Store) -> None:
    view = planned()
    kept.create_run(view)
    with pytest.raises(BadInput, match="still goes on"):
        kept.delete_run(view.id)
    assert kept.load_run(view.id).status == "running"


def test_an_unknown_run_is_bad_input(kept: Store) -> None:
    with pytest.raises(BadInput, match="no run 'gone'"):
        kept.load_run("gone")


def test_the_newest_runs_come_first(kept: Store) -> None:
    ids = []
    for second in range(3):
        view = replace(planned(), started_at=f"2026-01-01T00:00:0{second}+00:00")
        kept.create_run(view)
        ids.append(view.id)
    assert [run.id for run in kept.recent_runs(2)] == [ids[2], ids[1]]


def test_embeddings_come_back_bit_for_bit(kept: Store) -> None:
    vector = np.array([0.1, -0.2, 1e-30], dtype=np.float32)
    kept.save_embeddings({"text": vector}, "embedder")
    kept.save_embeddings({"text": vector * 2}, "embedder")
    found = kept.embeddings(["text", "never seen"], "embedder")
    assert list(found) == ["text"]
    assert np.array_equal(found["text"], vector)
    assert kept.embeddings(["text"], "another") == {}


def test_models_and_migrations_agree(kept: Store) -> None:
    kept.open()
    engine = create_engine(kept.url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Table.metadata) == []
    engine.dispose()


def test_a_database_of_the_first_version_keeps_its_runs(tmp_path: Path) -> None:
    """Built by the migrations up to 0001 and filled by hand, as that version did."""
    from alembic import command
    from alembic.config import Config

    url = f"sqlite:///{tmp_path / 'old.db'}"
    old = create_engine(url)
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    with old.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(
            text(
                "INSERT INTO prompt_version VALUES (1, 'lamps', 1, 'Be brief.', 'abc', '2026-01-01T00:00:00')"
            )
        )
        connection.execute(
            text(
                "INSERT INTO run (id, status, scenario, query, backends, repeats, seed, mode, sampling,"
                " prompt_version_id, owner, started_at, finished_at) VALUES ('r1', 'done', 'lamps', 'Hi?',"
                " '[\"prompt\"]', 1, 0, 'demo', '{\"stop\": []}', 1, 'host 1 1', '2026-01-01T00:00:00', '')"
            )
        )
    old.dispose()
    opened = Store(url)
    view = opened.load_run("r1")
    assert (view.texts, view.texts_version) == (PromptTexts(system="Be brief."), 1)
    assert opened.stored_run("r1").leakage is None
    assert opened.texts_version("lamps", view.texts) == 1
    assert opened.texts_version("lamps", TEXTS) == 2
    opened.close()


def test_the_newest_migration_is_named_in_the_code() -> None:
    scripts = ScriptDirectory(str(Path(migrations.__file__).parent))
    assert scripts.get_current_head() == migrations.HEAD


def test_sqlite_is_set_up_for_concurrent_writers(kept: Store) -> None:
    kept.open()
    assert kept._engine is not None
    with kept._engine.connect() as connection:
        pragmas = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    assert pragmas == ["wal", 1, 1]


def test_many_threads_write_at_once_and_nothing_is_lost(kept: Store) -> None:
    view = planned(repeats=20)
    kept.create_run(view)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda call: kept.save_call(view.id, done(call)), view.calls.values()))
    assert all(call.status == "done" for call in kept.load_run(view.id).calls.values())


WRITER = """
import sys
from tests.test_store import done, planned
from compare.store import Store
store = Store(sys.argv[1])
view = planned()
store.create_run(view)
store.save_call(view.id, done(view.calls["prompt", 0]))
print(view.id, flush=True)
"""


def python(code: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", code, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )


def test_processes_that_open_a_new_database_at_once_all_succeed(url: str) -> None:
    writers = [python(WRITER, url) for _ in range(4)]
    ids = {writer.communicate(timeout=120)[0].strip() for writer in writers}
    assert [writer.returncode for writer in writers] == [0, 0, 0, 0]
    reader = Store(url)
    assert {run.id for run in reader.recent_runs()} == ids
    assert reader.texts_version("support-facts", TEXTS) == 1
    reader.close()


def test_a_killed_process_loses_only_its_open_calls_and_its_run_is_marked_interrupted(url: str) -> None:
    writer = python(WRITER + "import signal; signal.pause()", url)
    assert writer.stdout is not None
    run_id = writer.stdout.readline().strip()
    other = Store(url)
    assert other.load_run(run_id).status == "running"
    assert other.load_run(run_id).calls["rag", 1].status == "waiting"
    other.close()
    os.kill(writer.pid, signal.SIGKILL)
    writer.communicate()
    view = other.load_run(run_id)
    other.close()
    assert view.status == "interrupted"
    assert view.done
    assert view.calls["prompt", 0] == done(planned().calls["prompt", 0])
    assert view.calls["rag", 1].status == "failed"
    assert view.calls["rag", 1].failure is not None


def test_a_run_whose_process_dies_while_it_is_watched_is_interrupted_at_the_next_look(url: str) -> None:
    writer = python(WRITER + "import signal; signal.pause()", url)
    assert writer.stdout is not None
    run_id = writer.stdout.readline().strip()
    watcher = Store(url)
    assert not watcher.load_run(run_id).done
    os.kill(writer.pid, signal.SIGKILL)
    writer.communicate()
    view = watcher.load_run(run_id)
    watcher.close()
    assert view.status == "interrupted"
    assert view.done
    assert view.finished_at


def test_a_run_of_this_process_is_not_marked_interrupted(kept: Store) -> None:
    view = planned()
    kept.create_run(view)
    kept.close()
    assert kept.load_run(view.id).status == "running"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda file: file.write_bytes(b"this is no database" * 100),
        lambda file: file.mkdir(),
    ],
    ids=["not a database", "a folder"],
)
def test_an_unreadable_database_is_one_sentence_that_names_the_settings(
    tmp_path: Path, spoil: object
) -> None:
    file = tmp_path / "lever.db"
    spoil(file)  # type: ignore[operator]
    with pytest.raises(StoreUnavailable) as caught:
        Store(f"sqlite:///{file}").recent_runs()
    assert "LEVER_DATABASE_URL" in str(caught.value)
    assert "LEVER_DATA_DIR" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("address", ["nonsense", "nodatabase://x/y", ""])
def test_an_address_that_is_none_is_one_sentence(address: str) -> None:
    with pytest.raises(StoreUnavailable, match="LEVER_DATABASE_URL"):
        Store(address).recent_runs()


def test_a_data_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreUnavailable, match="LEVER_DATA_DIR"):
        Store(f"sqlite:///{tmp_path / 'file' / 'lever.db'}").recent_runs()


def test_a_full_disk_is_one_sentence_and_the_store_goes_on_afterwards(kept: Store) -> None:
    view = planned()
    kept.create_run(view)
    engine = kept._engine
    assert engine is not None

    def limit(connection: object, record: object) -> None:
        connection.execute("PRAGMA max_page_count=1")  # type: ignore[attr-defined]

    event.listen(engine, "connect", limit)
    engine.dispose()
    too_long = done(view.calls["rag", 0], "long " * 200_000)
    with pytest.raises(StoreUnavailable, match="disk is full"):
        kept.save_call(view.id, too_long)
    kept.close()
    kept.save_call(view.id, done(view.calls["rag", 0]))
    assert kept.load_run(view.id).calls["rag", 0].status == "done"


def test_a_database_of_a_newer_version_is_refused(kept: Store) -> None:
    kept.open()
    kept.close()
    engine = create_engine(kept.url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(StoreUnavailable, match="newer Lever"):
        kept.recent_runs()


def test_the_address_is_shown_without_its_password() -> None:
    assert "secret" not in Store("postgresql://me:secret@host/lever").describe()


def test_the_store_of_the_settings_lives_in_the_data_folder(own_data_folder: Path) -> None:
    store.cache_clear()
    store().recent_runs()
    store().close()
    store.cache_clear()
    assert (own_data_folder / "lever.db").is_file()
