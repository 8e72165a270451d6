import multiprocessing
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path

import numpy as np
import pytest
from transformers import AutoTokenizer

from backends.engine.base import EngineStatus
from backends.engine.embedding import Embedder, packaged_folder
from backends.errors import BadInput, KnowledgeUnavailable
from backends.knowledge import Knowledge
from backends.knowledge import knowledge as shared_knowledge
from backends.knowledge.account import Part
from backends.knowledge.documents import MOST_ROW_CHARS, Chunk, Document, cut, sections
from backends.knowledge.index import ChromaIndex
from backends.scenario import RetrievalSettings, Scenario, load_scenario
from backends.settings import ROOT, settings
from tests.server import free_port, wait_until_answers

PATIENCE_S = 120


class Tools:
    """The real embedding model and a real tokenizer, without an engine's queue around them."""

    def __init__(self) -> None:
        self._embedder = Embedder("", "cpu")
        self._tokenizer = AutoTokenizer.from_pretrained(packaged_folder())
        self.base_hash = "tokenizer-of-minilm"
        self.embedded = 0

    def wait_ready(self, timeout_s: float | None = None) -> EngineStatus:
        return EngineStatus(
            state="ready",
            detail="",
            model="",
            model_path="",
            base_hash=self.base_hash,
            device="cpu",
            dtype="float32",
            threads=1,
            context_tokens=512,
            adapters=(),
            proof="passed",
            proof_reason="",
            queue_length=0,
        )

    def embed(self, texts: Sequence[str], *, background: bool = False) -> tuple[np.ndarray, float]:
        self.embedded += len(texts)
        return self._embedder.embed(texts)

    def count_tokens(self, text: str) -> int:
        return len(self._tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])


@pytest.fixture(scope="module")
def tools() -> Tools:
    return Tools()


@pytest.fixture
def scenario(tmp_path: Path) -> Scenario:
    shipped = load_scenario("support-facts")
    (tmp_path / "scenario" / "knowledge").mkdir(parents=True)
    for document in ("warranty.md", "pricing.md", "refunds.md"):
        shutil.copy(shipped.path / "knowledge" / document, tmp_path / "scenario" / "knowledge")
    return replace(shipped, path=tmp_path / "scenario")


@pytest.fixture(scope="module")
def chroma_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real Chroma server."""
    folder, port = tmp_path_factory.mktemp("server"), free_port()
    command = [
        str(Path(sys.executable).with_name("chroma")),
        "run",
        "--path",
        str(folder),
        "--port",
        str(port),
    ]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd=folder)
        url = f"http://127.0.0.1:{port}"
        try:
            wait_until_answers(f"{url}/api/v2/heartbeat", server)
            yield url
        finally:
            server.terminate()
            server.wait(30)


@pytest.fixture(params=["folder", "server"])
def knowledge(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Knowledge]:
    """In a folder of this machine, and on a server, which earlier tests have left something on."""
    url = request.getfixturevalue("chroma_server") if request.param == "server" else ""
    found = Knowledge(tmp_path / "chroma", url)
    if url:
        found.forget("support-facts")
    yield found
    _hang_up(found)


def test_the_passage_that_holds_the_answer_comes_numbered_with_its_cosine(knowledge, scenario, tools):
    found = knowledge.retrieve(scenario, "What warranty does the Pro plan include?", tools)
    assert [passage.number for passage in found.passages] == list(range(1, scenario.retrieval.k + 1))
    best = found.passages[0]
    assert best.source == "warranty.md"
    assert "2-year hardware warranty" in best.text
    assert best.chunk_id.startswith("warranty.md#")
    cosines = [passage.cosine for passage in found.passages]
    assert cosines == sorted(cosines, reverse=True)
    again, _ = tools.embed(["What warranty does the Pro plan include?", best.text])
    assert best.cosine == pytest.approx(float(again[0] @ again[1]), abs=1e-3)
    assert found.embed_ms > 0
    assert found.retrieve_ms > 0


def test_what_is_not_similar_enough_is_left_out(knowledge, scenario, tools):
    strict = replace(scenario, retrieval=RetrievalSettings(min_cosine=0.99))
    assert knowledge.retrieve(strict, "Is the hub made from recycled plastic?", tools).passages == ()


def test_an_unchanged_index_is_not_embedded_again_even_by_a_new_process(scenario, tools, tmp_path):
    built = Knowledge(tmp_path / "chroma").ensure_index(scenario, tools)
    before = tools.embedded
    reopened = Knowledge(tmp_path / "chroma")
    assert reopened.ensure_index(scenario, tools) == built
    assert tools.embedded - before <= 3  # only the samples of the health check
    before = tools.embedded
    reopened.ensure_index(scenario, tools)
    assert tools.embedded == before


def test_an_edited_document_is_what_the_next_question_finds(knowledge, scenario, tools):
    knowledge.ensure_index(scenario, tools)
    path = scenario.path / "knowledge" / "warranty.md"
    path.write_text(path.read_text().replace("a 2-year hardware warranty", "a 39-month hardware warranty"))
    found = knowledge.retrieve(scenario, "What warranty does the Pro plan include?", tools)
    assert "39-month hardware warranty" in found.passages[0].text
    assert "changed" in knowledge.ensure_index(scenario, tools).detail


def test_an_index_tells_what_work_went_into_it_also_after_an_edit_and_to_another_process(
    scenario, tools, tmp_path
):
    built = Knowledge(tmp_path / "chroma").ensure_index(scenario, tools)
    assert 0 < built.work_s < 60
    again = Knowledge(tmp_path / "chroma")
    assert again.work_s(scenario, tools.wait_ready().base_hash) == built.work_s
    assert again.work_s(scenario, "another") is None
    assert Knowledge(tmp_path / "none").work_s(scenario, "another") is None
    assert not (tmp_path / "none").exists()
    assert again.ensure_index(scenario, tools).work_s == built.work_s
    path = scenario.path / "knowledge" / "warranty.md"
    path.write_text(path.read_text().replace("2-year hardware", "3-year hardware"))
    edited = again.ensure_index(scenario, tools).work_s
    assert edited > built.work_s
    path.unlink()
    assert again.ensure_index(scenario, tools).work_s > edited
    _hang_up(again)


def test_only_changed_documents_are_embedded_again(knowledge, scenario, tools):
    built = knowledge.ensure_index(scenario, tools)
    folder = scenario.path / "knowledge"
    of_warranty = len([chunk for chunk in _chunks(knowledge) if chunk.startswith("warranty.md#")])
    assert 3 < of_warranty < built.chunks
    text = (folder / "warranty.md").read_text().replace("a 2-year hardware", "a 3-year hardware")
    (folder / "warranty.md").write_text(text)
    (folder / "extra.txt").write_text("The hub comes in dark green. It weighs 900 grams.")
    (folder / "refunds.md").unlink()
    seen: list[tuple[int, int]] = []
    before = tools.embedded
    after = knowledge.ensure_index(scenario, tools, lambda done, planned: seen.append((done, planned)))
    assert tools.embedded - before == of_warranty + 1 + 3  # the new one, and the samples of the check
    assert seen == [(0, 2), (2, 2)]
    assert "2 new or edited, 1 removed" in after.detail
    chunks = _chunks(knowledge)
    assert len(chunks) == after.chunks == len(set(chunks))
    assert not [chunk for chunk in chunks if chunk.startswith("refunds.md")]
    found = knowledge.retrieve(scenario, "What warranty does the Pro plan include?", tools)
    assert "3-year" in found.passages[0].text


def test_a_shorter_document_leaves_nothing_of_the_longer_one(knowledge, scenario, tools):
    knowledge.ensure_index(scenario, tools)
    (scenario.path / "knowledge" / "warranty.md").write_text("# Warranty\n\nThere is none.\n")
    knowledge.ensure_index(scenario, tools)
    assert [chunk for chunk in _chunks(knowledge) if chunk.startswith("warranty.md")] == ["warranty.md#1"]


def test_a_crash_while_a_document_is_replaced_is_mended_by_the_next_look(
    knowledge, scenario, tools, monkeypatch
):
    """The process dies after the old chunks went and before the new ones came."""
    whole = knowledge.ensure_index(scenario, tools)
    path = scenario.path / "knowledge" / "warranty.md"
    path.write_text(path.read_text() + "\nA last word on cover.\n")
    from llama_index.vector_stores.chroma import ChromaVectorStore

    class Killed(BaseException):
        pass

    def dies(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(ChromaVectorStore, "add", dies)
        patch.setattr(Knowledge, "_moved_aside", dies)  # a dead process mends nothing
        with pytest.raises(Killed):
            knowledge.ensure_index(scenario, tools)
    again = Knowledge(knowledge.index.path, knowledge.index.url)
    health = again.ensure_index(scenario, tools)
    assert health.chunks == len(_chunks(again)) > whole.chunks - 1
    assert "A last word on cover." in " ".join(chunk.text for chunk in again.index.texts(_name(again)))
    _hang_up(again)


def test_other_chunk_settings_or_another_base_make_another_index(knowledge, scenario, tools):
    whole = knowledge.ensure_index(scenario, tools)
    small = replace(scenario, retrieval=RetrievalSettings(chunk_tokens=40))
    assert knowledge.ensure_index(small, tools).chunks > whole.chunks
    before = tools.embedded
    tools.base_hash, old = "another", tools.base_hash
    knowledge.ensure_index(scenario, tools)
    tools.base_hash = old
    assert tools.embedded - before >= whole.chunks


def test_retrieval_needs_no_network_and_no_tokenizer_that_downloads(scenario, tmp_path, monkeypatch):
    tried: list[object] = []

    def refuse(*wanted: object, **_: object) -> None:
        tried.append(wanted)
        raise OSError("no network in this test")

    local = socket.socket.connect
    monkeypatch.setattr(
        socket.socket, "connect", lambda own, at: (local if _is_local(at) else refuse)(own, at)
    )
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    for downloader in ("tiktoken", "nltk"):
        monkeypatch.setitem(sys.modules, downloader, None)  # importing it is an error
    monkeypatch.setenv("LLAMA_INDEX_CACHE_DIR", str(tmp_path / "cache"))
    found = Knowledge(tmp_path / "chroma").retrieve(scenario, "What warranty does Pro include?", Tools())
    assert found.passages[0].source == "warranty.md"
    assert tried == []
    assert not (tmp_path / "cache").exists()


def test_a_collection_larger_than_one_batch_of_chroma_is_stored_and_found_whole(tmp_path):
    index, count = ChromaIndex(tmp_path / "chroma"), 5600
    vectors = np.random.default_rng(0).normal(size=(count, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    chunks = [Chunk(id=f"a.txt#{n}", source="a.txt", text=f"Fact {n}.") for n in range(1, count + 1)]
    part = Part(digests={"a.txt": "1"}, chunks=chunks, vectors=vectors)
    assert index.put("big", index.create("big", "big"), part).chunks == count
    assert index._client.get_max_batch_size() < count
    assert index.verify("big", count)
    best = index.search("big", vectors[count - 1], 3)
    assert best[0].chunk == chunks[-1]
    expected = vectors @ vectors[count - 1]
    assert [hit.cosine for hit in best] == pytest.approx(np.sort(expected)[::-1][:3].tolist(), abs=1e-5)


def test_vectors_are_those_of_sentence_transformers(tools):
    from sentence_transformers import SentenceTransformer

    texts = ["What warranty does Pro include?", "", "two\nlines  and spaces", "long " * 600]
    oracle = SentenceTransformer(str(packaged_folder()), device="cpu", local_files_only=True)
    expected = oracle.encode(texts, normalize_embeddings=True, show_progress_bar=False)
    assert np.abs(tools.embed(texts)[0] - expected).max() < 1e-5


def test_a_text_that_can_not_be_embedded_fails_at_once(tools):
    started = time.perf_counter()
    with pytest.raises(TypeError):
        tools.embed(["half a character: \udcff"])
    assert time.perf_counter() - started < 4  # the library's first pause before it tries again


def test_no_documents_is_one_sentence_that_names_the_folder(knowledge, scenario, tools):
    shutil.rmtree(scenario.path / "knowledge")
    with pytest.raises(KnowledgeUnavailable, match="support-facts has no documents") as error:
        knowledge.retrieve(scenario, "Anything?", tools)
    assert str(scenario.path / "knowledge") in error.value.hint
    health = knowledge.health(scenario, tools)
    assert (health.healthy, health.documents, health.chunks) == (False, 0, 0)


def test_files_that_nobody_can_read_are_named(knowledge, scenario, tools):
    (scenario.path / "knowledge" / "photo.png").write_bytes(b"\x89PNG")
    assert "Left out: photo.png" in knowledge.ensure_index(scenario, tools).detail


def test_a_document_without_a_readable_text_is_one_sentence(knowledge, scenario, tools):
    (scenario.path / "knowledge" / "contract.pdf").write_bytes(b"%PDF-1.7")
    with pytest.raises(KnowledgeUnavailable, match=r"contract\.pdf can't be read: it is damaged"):
        knowledge.retrieve(scenario, "Anything?", tools)


def test_a_table_of_contents_alone_can_not_be_searched(knowledge, scenario, tools):
    for path in (scenario.path / "knowledge").iterdir():
        path.unlink()
    (scenario.path / "knowledge" / "toc.md").write_text("# One\n\n# Two\n")
    with pytest.raises(KnowledgeUnavailable, match="no sentence"):
        knowledge.retrieve(scenario, "Anything?", tools)


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs Linux")
def test_a_document_that_can_not_be_read_is_one_sentence(knowledge, scenario, tools):
    """A file that is there and gives an error when it is read, whoever reads it."""
    (scenario.path / "knowledge" / "broken.md").symlink_to("/proc/self/mem")
    with pytest.raises(KnowledgeUnavailable, match=r"broken\.md can't be read"):
        knowledge.retrieve(scenario, "Anything?", tools)
    assert not knowledge.health(scenario, tools).healthy


def test_a_table_that_can_not_be_read_is_one_sentence(knowledge, scenario, tools):
    cell = "x" * (MOST_ROW_CHARS + 1)
    (scenario.path / "knowledge" / "huge.csv").write_text(f"plan,price\nPro,{cell}\n")
    with pytest.raises(KnowledgeUnavailable, match=r"huge\.csv can't be read as a table"):
        knowledge.retrieve(scenario, "Anything?", tools)


def test_vectors_of_another_model_are_noticed_and_replaced(knowledge, scenario, tools):
    built = knowledge.ensure_index(scenario, tools)
    collection = _collection(knowledge)
    ids = collection.get(include=[])["ids"]
    noise = np.random.default_rng(0).normal(size=(len(ids), 384)).astype(np.float32)
    collection.update(ids=ids, embeddings=noise / np.linalg.norm(noise, axis=1, keepdims=True))
    health = knowledge.health(scenario, tools)
    assert health.healthy
    assert health.chunks == built.chunks
    assert "damaged" in health.detail
    assert (
        knowledge.retrieve(scenario, "What warranty does Pro include?", tools).passages[0].source
        == "warranty.md"
    )


def test_lost_chunks_are_noticed_and_replaced(knowledge, scenario, tools):
    built = knowledge.ensure_index(scenario, tools)
    _collection(knowledge).delete(ids=["warranty.md#2"])
    health = knowledge.health(scenario, tools)
    assert (health.healthy, health.chunks) == (True, built.chunks)
    assert "damaged" in health.detail


def test_a_collection_that_vanishes_between_questions_is_built_again(knowledge, scenario, tools):
    knowledge.ensure_index(scenario, tools)
    knowledge.index._client.delete_collection(_collection(knowledge).name)
    assert knowledge.retrieve(scenario, "What warranty does Pro include?", tools).passages


def test_a_corrupt_folder_is_moved_aside_and_rebuilt_with_a_sentence(scenario, tools, tmp_path):
    Knowledge(tmp_path / "chroma").ensure_index(scenario, tools)
    _forget_clients()
    (tmp_path / "chroma" / "chroma.sqlite3").write_bytes(b"this is no database " * 500)
    damaged = Knowledge(tmp_path / "chroma")
    health = damaged.health(scenario, tools)
    assert health.healthy
    assert "moved to chroma.damaged-" in health.detail
    assert len(list(tmp_path.glob("chroma.damaged-*"))) == 1
    assert damaged.retrieve(scenario, "What warranty does Pro include?", tools).passages


def test_a_folder_that_another_process_moved_aside_is_not_used_any_more(scenario, tools, tmp_path):
    knowledge, question = Knowledge(tmp_path / "chroma"), "What warranty does Pro include?"
    before = knowledge.retrieve(scenario, question, tools).passages
    (tmp_path / "chroma").rename(tmp_path / "elsewhere")
    assert knowledge.retrieve(scenario, question, tools).passages == before
    assert (tmp_path / "chroma" / "chroma.sqlite3").is_file()
    assert not list(tmp_path.glob("chroma.damaged-*"))


def test_two_processes_that_start_at_once_build_one_index(scenario, tmp_path):
    spawn = multiprocessing.get_context("spawn")
    gate, told = spawn.Barrier(2), spawn.Queue()
    folder = tmp_path / "chroma"
    both = [spawn.Process(target=_build_at_once, args=(folder, scenario, gate, told)) for _ in range(2)]
    for process in both:
        process.start()
    (first, first_embedded), (second, second_embedded) = (told.get(timeout=PATIENCE_S) for _ in both)
    for process in both:
        process.join()
    assert first == second
    assert first[0] > 3
    assert min(first_embedded, second_embedded) <= 3  # only the samples of the health check
    assert not list(tmp_path.glob("chroma.damaged-*"))


INGESTION = """
import sys
from dataclasses import replace
from pathlib import Path
from backends.knowledge import Knowledge
from backends.knowledge import knowledge as shared_knowledge
from backends.scenario import load_scenario
from tests.test_knowledge import Tools

scenario = replace(load_scenario("support-facts"), path=Path(sys.argv[2]))
knowledge = Knowledge(Path(sys.argv[1]), sys.argv[3])
knowledge.ensure_index(scenario, Tools(), lambda done, planned: print(done, planned, flush=True))
"""


def _ingesting(knowledge: Knowledge, scenario: Scenario) -> subprocess.Popen[str]:
    """Another process that brings the index in step and says how far it is."""
    command = [sys.executable, "-c", INGESTION, str(knowledge.index.path), str(scenario.path)]
    command.append(knowledge.index.url)
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def test_a_killed_ingestion_goes_on_where_it_was_and_leaves_a_whole_index(knowledge, scenario, tools):
    folder = scenario.path / "knowledge"
    for number in range(700):
        (folder / f"fact{number}.txt").write_text(f"The shelf number {number} holds part {number * 7}.")
    (folder / "last.txt").write_text("The gardener waters the roses on Friday.")
    with _ingesting(knowledge, scenario) as child:
        told = [next(child.stdout).split() for _ in range(2)]  # nothing, then the first group
        child.kill()
    assert told[0] == ["0", "704"]
    first = int(told[1][0])
    assert 200 < first < 704
    before = tools.embedded
    health = knowledge.ensure_index(scenario, tools)
    assert tools.embedded - before < health.chunks - first + 5
    assert (health.healthy, health.documents) == (True, 704)
    chunks = _chunks(knowledge)
    assert len(chunks) == len(set(chunks)) == health.chunks
    found = knowledge.retrieve(scenario, "When does the gardener water the roses?", tools)
    assert found.passages[0].source == "last.txt"


def test_what_another_process_wrote_is_found(knowledge, scenario, tools):
    question = "What warranty does the Pro plan include?"
    knowledge.retrieve(scenario, question, tools)
    path = scenario.path / "knowledge" / "warranty.md"
    path.write_text(path.read_text().replace("a 2-year hardware warranty", "a 39-month hardware warranty"))
    with _ingesting(knowledge, scenario) as child:
        assert child.stdout.read().split("\n")[-2] == "1 1"
    before = tools.embedded
    found = knowledge.retrieve(scenario, question, tools)
    assert "39-month hardware warranty" in found.passages[0].text
    assert tools.embedded - before == 4  # the question, and the samples of the check


HOLDING = """
import sys, time
from pathlib import Path
from backends.knowledge.index import ChromaIndex
with ChromaIndex(Path(sys.argv[1])).alone():
    print("held", flush=True)
    sys.stdin.read()
"""


def test_an_index_that_another_process_holds_is_a_sentence_until_it_lets_go(knowledge, scenario, tools):
    command = [sys.executable, "-c", HOLDING, str(knowledge.index.path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    knowledge.index.patience_s = 0.2
    with subprocess.Popen(command, cwd=ROOT, **pipes) as holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(KnowledgeUnavailable, match="Another copy of Lever holds the index"):
            knowledge.retrieve(scenario, "Anything?", tools)
        holder.kill()
    assert knowledge.retrieve(scenario, "What warranty does Pro include?", tools).passages


def test_documents_may_come_and_go_while_questions_are_asked(knowledge, scenario, tools):
    folder, question = scenario.path / "knowledge", "What warranty does the Pro plan include?"
    text = (folder / "warranty.md").read_bytes()
    knowledge.ensure_index(scenario, tools)

    def ask(_: int) -> str:
        try:
            found = knowledge.retrieve(scenario, question, tools)
        except KnowledgeUnavailable as error:
            return error.message
        return found.passages[0].source if found.passages else "nothing"

    with ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(ask, number) for number in range(24)]
        for _ in range(4):
            (folder / "warranty.md").unlink(missing_ok=True)
            knowledge.ensure_index(scenario, tools)
            (folder / "warranty.md").write_bytes(text)
        said = {answer.result() for answer in answers}
    documents = {"warranty.md", "pricing.md", "refunds.md"}
    assert all(one in documents or "can't be read" in one for one in said), said
    assert ask(0) == "warranty.md"
    assert len(_chunks(knowledge)) == len(set(_chunks(knowledge)))


def test_the_setting_names_the_server(chroma_server, scenario, tools, monkeypatch):
    monkeypatch.setenv("LEVER_CHROMA_URL", chroma_server)
    settings.cache_clear()
    served = shared_knowledge()
    assert served.index.url == chroma_server
    served.forget(scenario.name)
    assert served.retrieve(scenario, "What warranty does Pro include?", tools).passages
    assert not served.index.path.exists()
    _hang_up(served)


def test_a_server_that_is_away_is_one_sentence(scenario, tools, tmp_path):
    away = Knowledge(tmp_path / "chroma", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(KnowledgeUnavailable, match="does not answer") as error:
        away.retrieve(scenario, "Anything?", tools)
    assert "LEVER_CHROMA_URL" in error.value.hint
    with pytest.raises(BadInput, match="LEVER_CHROMA_URL"):
        Knowledge(tmp_path / "chroma", "not an address").retrieve(scenario, "Anything?", tools)


def test_what_is_kept_of_a_scenario_can_be_forgotten(knowledge, scenario, tools):
    knowledge.ensure_index(scenario, tools)
    knowledge.forget(scenario.name)
    with knowledge.index._guarded() as client:
        assert not client.list_collections()
    assert knowledge.ensure_index(scenario, tools).healthy


def test_words_find_what_meaning_overlooks(knowledge, scenario, tools):
    code = "HX-758"
    by_words = replace(scenario, retrieval=RetrievalSettings(keywords=True, k=1, chunk_tokens=40))
    found = knowledge.candidates(by_words, code, tools)
    holders = [each for each in found if code in each.chunk.text]
    assert holders
    assert {each.bm25_rank for each in holders} == {1}
    assert knowledge.retrieve(by_words, code, tools).passages[0].text == found[0].chunk.text
    assert holders[0].fused == max(each.fused for each in found)
    worst = found[-1]
    assert worst.fused <= found[0].fused
    assert [each.fused for each in found] == sorted((each.fused for each in found), reverse=True)


def test_candidates_begin_with_what_retrieval_takes(knowledge, scenario, tools):
    question = "What warranty does the Pro plan include?"
    for wanted in (
        RetrievalSettings(k=3),
        RetrievalSettings(k=3, keywords=True, chunk_tokens=40),
        RetrievalSettings(k=3, diversity=0.6, chunk_tokens=40),
        RetrievalSettings(k=3, diversity=0.6, keywords=True, chunk_tokens=40),
    ):
        asked = replace(scenario, retrieval=wanted)
        taken = [passage.chunk_id for passage in knowledge.retrieve(asked, question, tools).passages]
        found = [each.chunk.id for each in knowledge.candidates(asked, question, tools)]
        assert found[: len(taken)] == taken
        assert len(found) == len(set(found)) > len(taken)


def test_variety_takes_passages_that_say_something_else(knowledge, scenario, tools):
    question = "What warranty does the Pro plan include?"
    (scenario.path / "knowledge" / "copy.md").write_text(
        (scenario.path / "knowledge" / "warranty.md").read_text()
    )
    alike, varied = (
        knowledge.retrieve(replace(scenario, retrieval=RetrievalSettings(k=2, diversity=d)), question, tools)
        for d in (0.0, 0.5)
    )
    assert {passage.source for passage in alike.passages} == {"warranty.md", "copy.md"}
    assert len({passage.text for passage in alike.passages}) == 1
    assert len({passage.text for passage in varied.passages}) == 2
    assert varied.passages[0].text == alike.passages[0].text


def test_many_questions_are_ranked_as_one_by_one(knowledge, scenario, tools):
    questions = ["What warranty does Pro include?", "How long do I have to ask for a refund?"]
    ranked = knowledge.rank(scenario, questions, 5, tools)
    assert [len(passages) for passages in ranked] == [5, 5]
    for question, passages in zip(questions, ranked, strict=True):
        alone = knowledge.retrieve(scenario, question, tools).passages
        assert [each.chunk_id for each in passages[: len(alone)]] == [each.chunk_id for each in alone]


def test_a_folder_that_can_not_be_written_names_the_setting(scenario, tools, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(KnowledgeUnavailable, match="LEVER_DATA_DIR"):
        Knowledge(tmp_path / "file" / "chroma").ensure_index(scenario, tools)


def test_threads_that_ask_at_once_get_the_same_answer(knowledge, scenario, tools):
    question = "What warranty does the Pro plan include?"
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: knowledge.retrieve(scenario, question, tools).passages, range(16)))
    assert len({tuple(passage.chunk_id for passage in passages) for passages in answers}) == 1


def test_chunks_keep_whole_sentences_within_the_limit_of_the_models_tokens(scenario, tools):
    text = (scenario.path / "knowledge" / "warranty.md").read_text()
    chunks = cut(
        [Document(source="warranty.md", text=text)],
        chunk_tokens=40,
        chunk_overlap=0,
        count_tokens=tools.count_tokens,
    )
    assert all(tools.count_tokens(chunk.text) <= 40 for chunk in chunks)
    assert all(chunk.text.endswith((".", "!", "?")) for chunk in chunks)
    assert [chunk.id for chunk in chunks] == [f"warranty.md#{n}" for n in range(1, len(chunks) + 1)]
    joined = " ".join(chunk.text for chunk in chunks)
    assert joined.split() == " ".join(sections(Document(source="warranty.md", text=text))).split()


def test_rows_of_a_table_stay_whole_and_say_their_columns():
    table = Document(source="prices.csv", text='plan,price\nPro,"49 euros"\nSolo,9 euros\n')
    assert sections(table) == ("plan: Pro; price: 49 euros", "plan: Solo; price: 9 euros")


def test_a_heading_opens_its_section_and_an_empty_one_says_nothing():
    text = "# Guide\n\n## Returns\n\nSend it\nback.\n\n## How long?\n\nTen days.\n"
    assert sections(Document(source="a.md", text=text)) == ("Returns. Send it back.", "How long? Ten days.")


def _is_local(address: object) -> bool:
    return isinstance(address, str) or (isinstance(address, tuple) and address[0] in ("127.0.0.1", "::1"))


def _build_at_once(folder: Path, scenario: Scenario, gate: Barrier, told: Queue) -> None:
    """What each of the processes does: get everything ready, wait for the other, build."""
    knowledge, tools = Knowledge(folder), Tools()
    tools.embed(["warm-up"])
    tools.embedded = 0
    gate.wait(PATIENCE_S)
    health = knowledge.ensure_index(scenario, tools)
    embedded = tools.embedded
    found = knowledge.retrieve(scenario, "What warranty does the Pro plan include?", tools)
    told.put(((health.chunks, tuple(passage.chunk_id for passage in found.passages)), embedded))


def _collection(knowledge: Knowledge):
    return knowledge.index._client.get_collection(_name(knowledge), embedding_function=None)


def _hang_up(knowledge: Knowledge) -> None:
    """Chroma leaves its connections to the collector."""
    if knowledge.index.url:
        for client in (knowledge.index._client, knowledge.index._client._admin_client):
            client._server._session.close()


def _name(knowledge: Knowledge) -> str:
    with knowledge.index._guarded() as client:
        (collection,) = client.list_collections()
        return str(collection.name)


def _chunks(knowledge: Knowledge) -> list[str]:
    return _collection(knowledge).get(include=[])["ids"]


def _forget_clients() -> None:
    from chromadb.api.shared_system_client import SharedSystemClient

    SharedSystemClient.clear_system_cache()


RACE = """
import sys, threading, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from backends.engine.embedding import Embedder, packaged_folder
from backends.knowledge.documents import Document, cut
from backends.knowledge.index import ChromaIndex

def work():
    time.sleep(float(sys.argv[2]))
    document = Document(source="a.md", text="# One\\n\\nTwo.")
    cut([document], chunk_tokens=20, chunk_overlap=0, count_tokens=len)
    ChromaIndex(Path(sys.argv[1])).stored("nothing")

folder = str(packaged_folder())  # Checked before the race, as that takes longer than the delay.
with ThreadPoolExecutor(2) as pool:
    done = [pool.submit(Embedder, folder, "cpu"), pool.submit(work)]
    [each.result() for each in done]
"""


@pytest.mark.parametrize("delay", ["0.02", "0.05", "0.1"])
def test_the_embedder_and_the_index_can_be_loaded_by_two_threads_at_once(delay: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", RACE, str(tmp_path / "chroma"), delay]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


CLOSING = """
import sys, threading, time
from pathlib import Path
from backends.errors import BadInput, KnowledgeUnavailable
from backends.knowledge.index import ChromaIndex

def late():
    threading.main_thread().join()
    try:
        with ChromaIndex(Path(sys.argv[1]))._guarded():
            raise RuntimeError("cannot schedule new futures after interpreter shutdown")
    except KnowledgeUnavailable as error:
        print(error)

index = ChromaIndex(Path(sys.argv[1]))
index.stored("nothing")
threading.Thread(target=late).start()
"""


def test_an_index_that_breaks_because_the_process_ends_is_not_called_damaged(tmp_path: Path) -> None:
    command = [sys.executable, "-c", CLOSING, str(tmp_path / "chroma")]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.stdout.strip() == "Lever is being closed.", ended.stderr
