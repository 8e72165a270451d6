"""``verdict`` as people call it: the document, the sentence, and what is refused."""

from pathlib import Path

from compare.store import Store
from tests.test_cli import document, lever
from tests.verdict_runs import keep_run


def test_the_verdict_of_a_stored_run(tmp_path: Path) -> None:
    kept = Store(f"sqlite:///{tmp_path / 'lever.db'}")
    run = keep_run(kept, {"prompt": [1] * 13 + [0] * 47, "oracle": [1] * 60, "rag": [1] * 58 + [0] * 2})
    done = lever(tmp_path, "verdict", run.id, "--json")
    assert done.returncode == 0, done.stderr
    found = document(done)
    assert list(found)[:9] == [
        "run_id", "scenario", "kind", "levers", "sentence", "meets_bar", "bounds", "next", "look",
    ]  # fmt: skip
    assert (found["kind"], found["levers"], found["meets_bar"], found["look"]) == ("choose", ["rag"], True, 1)
    assert found["sentence"].startswith("Use retrieval. It answers 58 of 60 right (at least ")
    assert found["next"] == {"cases": 0, "repeats": 0}
    assert list(found["bounds"]["rates"]) == ["prompt", "rag"]
    (gain,) = found["bounds"]["differences"]
    low, high = gain["interval"]
    assert (gain["dearer"], gain["cheaper"]) == ("rag", "prompt")
    assert 0 < low < gain["mean"] < high
    assert document(lever(tmp_path, "verdict", run.id, "--json")) == found


def test_what_cannot_be_told_is_no_failure_and_other_terms_are_said(tmp_path: Path) -> None:
    kept = Store(f"sqlite:///{tmp_path / 'lever.db'}")
    run = keep_run(kept, {"prompt": [1] * 50 + [0] * 10, "rag": [1] * 52 + [0] * 8})
    done = lever(tmp_path, "verdict", run.id)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Cannot tell yet: of prompting alone and retrieval none is out.")
    assert done.stdout.endswith(f"Look 1 of 3.\nrun {run.id}\n")
    other = lever(tmp_path, "verdict", run.id, "--bar", "0.5", "--gain", "0.1", "--order", "rag, prompt")
    assert other.stdout.startswith("Use retrieval. It answers 52 of 60 right (at least ")
    assert "The question was first asked with a bar of 80 %" in other.stdout


def test_what_cannot_be_is_refused_in_one_sentence(tmp_path: Path) -> None:
    kept = Store(f"sqlite:///{tmp_path / 'lever.db'}")
    run = keep_run(kept, {"prompt": [1] * 20, "rag": [1] * 20})
    for arguments, said in (
        (("nothing",), "There is no run 'nothing' in this store."),
        ((run.id, "--bar", "80"), "The bar must lie between 0 and 1."),
        ((run.id, "--order", "rag"), "The order of cost leaves out prompt."),
    ):
        done = lever(tmp_path, "verdict", *arguments)
        assert done.returncode == 2
        assert done.stderr.startswith(said)
        assert done.stdout == ""
