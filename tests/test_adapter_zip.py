"""Adapters come and go as zip files: what is unsafe, foreign or does not fit is refused whole."""

import io
import json
import stat
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load, save

import backends.adapter_zip
from backends.adapter_zip import export_zip, import_zip
from backends.adapters import delete, register, registered
from backends.engine.loading import weights_hash
from backends.engine.local import LocalEngine
from backends.errors import BadInput, EngineStopped
from backends.scenario import Scenario
from backends.settings import Settings, settings
from tests.bad_files import FOREVER
from tests.calls import ask, request, unload
from tests.tiny import build_adapter

QUESTION = "What warranty does the Pro plan include?"
NAMES = ["adapter_config.json", "adapter_model.safetensors", "card.json"]


@pytest.fixture(scope="module")
def engine(tiny_settings: Settings) -> Iterator[LocalEngine]:
    running = LocalEngine(tiny_settings)
    running.start()
    assert running.wait_ready(120).state == "ready"
    yield running
    running.stop()


@pytest.fixture(scope="module")
def good(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """An adapter's files."""
    folder = build_adapter(tmp_path_factory.mktemp("good") / "lora", tiny_model, seed=4)
    card = json.loads((folder / "card.json").read_text()) | {"adapter": "lora", "held_out_loss": 1.5}
    (folder / "card.json").write_text(json.dumps(card))
    return {name: (folder / name).read_bytes() for name in NAMES}


@pytest.fixture
def scenario(tmp_path: Path) -> Scenario:
    return Scenario(name="shop", path=tmp_path / "shop", title="Shop", story="", system_prompt="Sell.")


def zipped(files: dict[str, bytes], folder: str = "") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in files.items():
            package.writestr(folder + name, content)
    return file.getvalue()


def with_config(files: dict[str, bytes], **changed: object) -> dict[str, bytes]:
    config = json.loads(files["adapter_config.json"]) | changed
    return files | {"adapter_config.json": json.dumps(config).encode()}


def with_card(files: dict[str, bytes], **changed: object) -> dict[str, bytes]:
    return files | {"card.json": json.dumps(json.loads(files["card.json"]) | changed).encode()}


def laid_out(engine: LocalEngine) -> tuple[list[str], int, str]:
    worker = engine._worker
    assert worker is not None
    unload(engine, "nobody/lora")  # What is to be let go of goes first.
    names = [f"{name} {type(module).__name__}" for name, module in worker.base.model.named_modules()]
    return names, worker.router.hooks, worker.proof


@pytest.mark.parametrize("folder", ["", "my-adapter/"])
def test_an_exported_adapter_can_be_taken_in_and_answers_the_same(
    folder: str, engine: LocalEngine, good: dict[str, bytes], scenario: Scenario, tmp_path: Path
) -> None:
    before = laid_out(engine)
    (tmp_path / "made").mkdir()
    for name, content in {**good, "examples.jsonl": b"{}\n"}.items():
        (tmp_path / "made" / name).write_bytes(content)
    mine = register(scenario, tmp_path / "made", use=True, facts={"note": "the first"})
    data = export_zip(mine)
    assert data == export_zip(mine)
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        assert package.namelist() == [*NAMES, "examples.jsonl"]
        files = {name: package.read(name) for name in package.namelist()}
    extra = {"README.md": b"x", ".DS_Store": b"x"}
    found = import_zip(scenario, zipped(files | extra, folder), engine=engine)
    assert (found.number, found.kind, found.in_use, found.problem) == (2, "lora", False, "")
    assert (found.card.origin, found.card.note, found.card.vouched) == ("imported", "the first", False)
    assert found.card.weights_sha256 == mine.card.weights_sha256
    assert sorted(path.name for path in found.folder.iterdir()) == sorted(files)
    assert laid_out(engine) == before
    answers = []
    for one in (mine, found):
        engine.load_adapter(one.key, str(one.folder))
        answers.append(ask(engine, [request(QUESTION, adapter=one.key)]).answers["0"].token_ids)
    assert answers[0] == answers[1] != ask(engine, [request(QUESTION)]).answers["0"].token_ids
    for one in (mine, found):
        unload(engine, one.key)
    assert laid_out(engine) == before
    delete(scenario, 2)
    with pytest.raises(BadInput, match=r"shop/lora\+2 can't be read"):
        export_zip(found)


def test_an_adapter_without_a_card_is_taken_in_when_somebody_vouches_for_it(
    engine: LocalEngine, good: dict[str, bytes], scenario: Scenario, tiny_model: Path
) -> None:
    foreign = zipped({name: good[name] for name in NAMES[:2]})
    with pytest.raises(BadInput, match="does not say for which base model"):
        import_zip(scenario, foreign, engine=engine, kind="lora")
    with pytest.raises(BadInput, match="what kind of adapter"):
        import_zip(scenario, foreign, engine=engine, vouched=True)
    found = import_zip(scenario, foreign, engine=engine, kind="hybrid", vouched=True, use=True)
    assert (found.kind, found.card.vouched, found.in_use) == ("hybrid", True, True)
    assert found.card.base_hash == weights_hash(tiny_model)
    other = zipped(with_card(good, base_hash="0" * 64))
    with pytest.raises(BadInput, match=r"another base model.*compare train shop"):
        import_zip(scenario, other, engine=engine, vouched=True)


def link(files: dict[str, bytes]) -> bytes:
    file = io.BytesIO(zipped({name: files[name] for name in NAMES[:1]}))
    with zipfile.ZipFile(file, "a") as package:
        entry = zipfile.ZipInfo("adapter_model.safetensors")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        package.writestr(entry, "/etc/passwd")
    return file.getvalue()


def twice(files: dict[str, bytes]) -> bytes:
    file = io.BytesIO(zipped(files))
    with zipfile.ZipFile(file, "a") as package, pytest.warns(UserWarning, match="Duplicate name"):
        package.writestr("card.json", b"{}")
    return file.getvalue()


def tampered(files: dict[str, bytes]) -> bytes:
    weights = files["adapter_model.safetensors"]
    changed = with_card(files, weights_sha256="0" * 64)
    return zipped(changed | {"adapter_model.safetensors": weights[:-1] + bytes([weights[-1] ^ 1])})


def too_wide(files: dict[str, bytes]) -> bytes:
    weights = _weights(files)
    name = "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight"
    weights[name] = torch.zeros(4, 32)
    return zipped(files | {"adapter_model.safetensors": _saved(weights)})


def of_the_base(files: dict[str, bytes]) -> bytes:
    weights = _weights(files) | {"base_model.model.lm_head.weight": torch.zeros(2)}
    return zipped(files | {"adapter_model.safetensors": _saved(weights)})


def _weights(files: dict[str, bytes]) -> dict[str, torch.Tensor]:
    return load(files["adapter_model.safetensors"])


def _saved(weights: dict[str, torch.Tensor]) -> bytes:
    return save(weights)


def flipped(files: dict[str, bytes]) -> bytes:
    data = bytearray(zipped(files))
    data[len(data) // 3] ^= 0xFF
    return bytes(data)


BAD: list[tuple[str, Callable[[dict[str, bytes]], bytes], str]] = [
    ("no zip", lambda files: b"PK no", "is no zip file, or it is damaged"),
    ("empty", lambda files: b"", "is no zip file"),
    ("half", lambda files: zipped(files)[:2000], "is no zip file"),
    ("a byte of the zip", flipped, "is no zip file"),
    ("too large", lambda files: b"x" * 1_000_001, "at most 1 MB are read"),
    ("bomb", lambda files: zipped({"examples.jsonl": b"\0" * 4_000_001}), "Unpacked, .* more than 4 MB"),
    ("many", lambda files: zipped({f"{n}.txt": b"" for n in range(33)}), "holds 33 files"),
    ("up", lambda files: zipped(files, "../"), "path that leads out"),
    ("up as a folder", lambda files: zipped({"../": b"", **files}), "path that leads out"),
    ("absolute", lambda files: zipped(files, "/tmp/"), "path that leads out"),
    ("drive", lambda files: zipped(files, "C:\\"), "path that leads out"),
    ("deep", lambda files: zipped(files, "a/b/"), "has no place in an adapter"),
    (
        "two folders",
        lambda files: zipped({f"a/{NAMES[0]}": b"{}", f"b/{NAMES[1]}": b""}),
        "more than one folder",
    ),
    ("link", link, "holds a link"),
    ("twice", twice, "card.json twice"),
    (
        "pickle",
        lambda files: zipped(files | {"adapter_model.bin": b"x"}),
        "bin may be a pickle",
    ),
    ("code", lambda files: zipped(files | {"modeling.py": b"x"}), "'modeling.py' has no place"),
    ("no weights", lambda files: zipped({NAMES[0]: b"{}"}), "has no adapter_model.safetensors"),
    ("no config", lambda files: zipped({NAMES[1]: b""}), "has no adapter_config.json"),
    ("DoRA", lambda files: zipped(with_config(files, use_dora=True)), "use_dora"),
    ("PiSSA", lambda files: zipped(with_config(files, init_lora_weights="pissa")), "pissa"),
    ("rank", lambda files: zipped(with_config(files, r=100_000)), "rank"),
    ("head", lambda files: zipped(with_config(files, modules_to_save=["lm_head"])), "modules_to_save"),
    ("slow pattern", lambda files: zipped(with_config(files, target_modules=FOREVER)), "pattern"),
    (
        "deep JSON",
        lambda files: zipped(files | {NAMES[0]: b"[" * 100_000}),
        "no readable adapter_config",
    ),
    ("another base", lambda files: zipped(with_card(files, base_hash="0" * 64)), "another base model"),
    ("another template", lambda files: zipped(with_card(files, template_hash="0")), "another chat template"),
    ("another kind", lambda files: zipped(with_card(files, adapter="../../x")), "what kind of adapter"),
    ("tampered", tampered, "other weights than when it was registered"),
    ("too wide", too_wide, "does not fit the base model"),
    ("of the base", of_the_base, "not LoRA matrices"),
]


@pytest.mark.parametrize(("make", "told"), [pytest.param(make, told, id=id_) for id_, make, told in BAD])
def test_what_is_unsafe_or_does_not_fit_is_refused_whole_in_one_sentence(
    make: Callable[[dict[str, bytes]], bytes],
    told: str,
    engine: LocalEngine,
    good: dict[str, bytes],
    scenario: Scenario,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LEVER_MAX_UPLOAD_MB", "1")
    settings.cache_clear()
    before = laid_out(engine)
    answer = ask(engine, [request(QUESTION)]).answers["0"]
    with pytest.raises(BadInput, match=told) as caught:
        import_zip(scenario, make(good), engine=engine)
    assert caught.value.message.count(". ") == 0
    assert caught.value.message.endswith(".")
    assert "+new" not in str(caught.value)
    assert registered(scenario) == ()
    assert not (settings().data_dir / "adapters").exists()
    assert laid_out(engine) == before
    assert engine.adapter_problem("shop/lora+new") is None
    assert ask(engine, [request(QUESTION)]).answers["0"].token_ids == answer.token_ids


def test_a_zip_that_was_packed_with_a_password_is_a_sentence(
    engine: LocalEngine, good: dict[str, bytes], scenario: Scenario
) -> None:
    data = bytearray(zipped(good))
    at = data.rindex(b"PK\x01\x02")  # The last entry of the directory, and its flags.
    data[at + 8] |= 1
    with pytest.raises(BadInput, match="without a password"):
        import_zip(scenario, bytes(data), engine=engine)


def test_without_a_model_nothing_is_taken_in(
    good: dict[str, bytes], scenario: Scenario, tmp_path: Path
) -> None:
    none = LocalEngine(Settings(model=str(tmp_path / "none"), scenarios_dir=tmp_path))
    none.start()
    with pytest.raises(EngineStopped):
        import_zip(scenario, zipped(good), engine=none)
    assert registered(scenario) == ()


def test_a_process_that_dies_before_it_registers_leaves_nothing(
    engine: LocalEngine, good: dict[str, bytes], scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*arguments: object, **named: object) -> None:
        raise KeyboardInterrupt

    before = laid_out(engine)
    monkeypatch.setattr(backends.adapter_zip, "register", die)
    with pytest.raises(KeyboardInterrupt):
        import_zip(scenario, zipped(good), engine=engine)
    assert registered(scenario) == ()
    assert laid_out(engine) == before
