"""A large index on this machine: building, opening, asking, and bringing it in step after one edit.

Prints Markdown. Run it from the project's folder::

    python -m tests.benchmarks.knowledge [--documents 1000] [--questions 200] [--keep FOLDER]

Documents are invented handbooks of twenty paragraphs each, about as long as a passage; every paragraph has
words of its own, so that vectors differ as those of real texts do. ``retrieval`` is what a lane pays: the
question embedded on the engine's thread, then the search, with nothing else going on.
"""

import argparse
import os
import platform
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np

from backends.engine.local import LocalEngine
from backends.knowledge import Knowledge
from backends.knowledge.documents import write_whole
from backends.scenario import RetrievalSettings, Scenario, load_scenario
from backends.settings import settings

PARAGRAPHS = 20
NOUNS = Path("backends/pocket/words.txt")
"""Where the paragraphs' words come from."""


def paragraph(rng: Random, words: Sequence[str]) -> str:
    """Three sentences with numbers and words that hardly another paragraph has."""
    one, two, three, four, five = (rng.choice(words) for _ in range(5))
    return (
        f"The {one} of the {two} is checked every {rng.randint(2, 99)} days by the {three} office. "
        f"A {four} costs {rng.randint(5, 999)} euros and comes with a {five} of {rng.randint(2, 60)} months. "
        f"Ask for form {rng.choice('ABCDEFGH')}{rng.randint(100, 999)} when the {two} is late."
    )


def write(folder: Path, documents: int) -> list[str]:
    """The documents, and a question about one paragraph of each."""
    rng = Random(0)
    words = [word for word in NOUNS.read_text(encoding="utf-8").split() if len(word) > 3]
    questions = []
    for number in range(documents):
        parts = [paragraph(rng, words) for _ in range(PARAGRAPHS)]
        sections = "\n\n".join(f"## Part {at}\n\n{text}" for at, text in enumerate(parts, 1))
        (folder / f"handbook-{number:04}.md").write_text(
            f"# Handbook {number}\n\n{sections}\n", encoding="utf-8"
        )
        said = rng.choice(parts).split(".")[0]
        questions.append(f"How often is {said.removeprefix('The ').partition(' is checked')[0]} checked?")
    rng.shuffle(questions)
    return questions


def timed(knowledge: Knowledge, scenario: Scenario, questions: Sequence[str], engine: LocalEngine) -> str:
    """Median and 95th percentile of a retrieval's two parts and their sum, in milliseconds."""
    for question in questions[:5]:
        knowledge.retrieve(scenario, question, engine)
    parts = []
    for question in questions:
        began = time.perf_counter()
        found = knowledge.retrieve(scenario, question, engine)
        parts.append((found.embed_ms, found.retrieve_ms, (time.perf_counter() - began) * 1000))
    rows = np.percentile(np.array(parts), (50, 95), axis=0)
    return " | ".join(f"{p50:.1f} / {p95:.1f}" for p50, p95 in rows.T)


def main() -> None:
    """Build, ask, edit, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=1000)
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--keep", type=Path, help="keep documents and index there, to be asked again")
    asked = parser.parse_args()
    with ExitStack() as stack:
        scratch = asked.keep or stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
        folder = Path(scratch) / "scenario" / "knowledge"
        folder.mkdir(parents=True, exist_ok=True)
        questions = write(folder, asked.documents)[: asked.questions]
        wanted = RetrievalSettings(k=3, chunk_tokens=120)
        scenario = replace(load_scenario("support-facts"), path=folder.parent, retrieval=wanted)
        engine = LocalEngine(settings().model_copy(update={"scenarios_dir": Path(scratch) / "none"}))
        engine.start()
        status = engine.wait_ready()
        print(f"{platform.machine()}, {os.cpu_count()} cores, {status.device}, {status.threads} thread(s)\n")
        knowledge = Knowledge(Path(scratch) / "chroma", settings().chroma_url)
        began = time.perf_counter()
        health = knowledge.ensure_index(scenario, engine)
        built = time.perf_counter() - began
        print(f"- {health.documents:,} documents, {health.chunks:,} passages, built in {built:.0f} s")
        began = time.perf_counter()
        again = Knowledge(Path(scratch) / "chroma", settings().chroma_url)
        again.ensure_index(scenario, engine)
        print(f"- opened and checked in {time.perf_counter() - began:.2f} s\n")
        print("| retrieval of 3, ms (p50 / p95) | embedding | search | both, as a lane waits |")
        print("|---|---|---|---|")
        for name, settings_ in (
            ("by meaning", wanted),
            ("by meaning and words", replace(wanted, keywords=True)),
            ("by meaning, varied", replace(wanted, diversity=0.3)),
        ):
            varied = replace(scenario, retrieval=settings_)
            print(f"| {name} | {timed(knowledge, varied, questions, engine)} |", flush=True)
        took = []
        for number in range(7):
            path = folder / f"handbook-{number:04}.md"
            said = path.read_text(encoding="utf-8").replace("every ", "each and every ", 1)
            write_whole(path, said.encode())  # As Lever's own editing does.
            began = time.perf_counter()
            knowledge.ensure_index(scenario, engine)
            took.append(time.perf_counter() - began)
        median, longest = np.median(took), max(took)
        print(f"\n- one edited document: in step after {median:.2f} s (median of 7; longest {longest:.2f} s)")
        engine.stop()


if __name__ == "__main__":
    main()
