"""Adapters as zip files: out with their cards, and in after everything about them was checked.

A file that somebody brings is only ever read: nothing of it is unpacked but files of known names, and nothing
is registered before the engine has loaded it once.
"""

import io
import json
import stat
import tempfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from backends.adapter_card import said_by
from backends.adapter_places import CARD, CONFIG, MARK, WEIGHTS
from backends.adapters import EXAMPLES, Registered, register
from backends.engine.base import Engine, EngineStatus
from backends.engine.vetting import vet
from backends.errors import AdapterRefused, BadInput, EngineStopped
from backends.scenario import Scenario
from backends.settings import settings
from backends.training import ADAPTERS

NAMES = (CONFIG, WEIGHTS, CARD, EXAMPLES)
_PASSED_OVER = ("README.md", ".DS_Store", ".gitattributes")
_PICKLES = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt")
MOST_FILES = 32
MOST_TIMES = 4
"""What is unpacked may be so many times as large as the largest file that can be uploaded."""


def export_zip(one: Registered) -> bytes:
    """The adapter with its card and what it learnt from, as a zip file that :func:`import_zip` reads.

    Raises:
        BadInput: it is gone, or can't be read.
    """
    file = io.BytesIO()
    try:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as package:
            for name in NAMES:
                if name != EXAMPLES or (one.folder / name).is_file():
                    entry = zipfile.ZipInfo(name)  # Without a date: the same adapter is the same file.
                    entry.compress_type = zipfile.ZIP_DEFLATED
                    package.writestr(entry, (one.folder / name).read_bytes())
    except OSError as error:
        raise BadInput(f"The adapter {one.key} can't be read: {error.strerror or error}.") from error
    return file.getvalue()


def import_zip(
    scenario: Scenario,
    data: bytes,
    *,
    engine: Engine,
    kind: str = "",
    vouched: bool = False,
    use: bool = False,
) -> Registered:
    """Register an adapter that somebody brings, once the engine has loaded it.

    Args:
        scenario: whose adapter it becomes.
        data: the zip file: configuration, safetensors and card, flat or in one folder.
        engine: says which base it must be for, and tries it.
        kind: of an adapter whose card does not say it.
        vouched: somebody says that one without a card is for this base; its card notes that.
        use: whether its backend answers with it from now on.

    Raises:
        BadInput: it is no such zip file, is unsafe, or does not fit the base; nothing of it is kept.
        EngineStopped: the engine is gone.
    """
    status = engine.wait_ready()
    if status.state != "ready":
        raise EngineStopped(status.detail)
    files = _read(data)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for name, content in files.items():
            (folder / name).write_bytes(content)
        kind = _complete(folder, status, kind, vouched=vouched)
        key = f"{scenario.name}/{kind}{MARK}new"
        try:
            vet(folder, key, status.base_hash, status.template_hash)
            engine.load_adapter(key, str(folder))
        except AdapterRefused as refusal:
            said = refusal.message.replace(f"The adapter {key}", "The file's adapter")
            raise BadInput(said, refusal.hint) from refusal
        finally:
            engine.unload_adapter(key)
        return register(scenario, folder, use=use, facts={"origin": "imported"})


def _complete(folder: Path, status: EngineStatus, kind: str, *, vouched: bool) -> str:
    """Give an adapter without a card of ours one, if somebody vouches for it; gives its kind."""
    card = said_by(folder / CARD) or {}
    if not card.get("base_hash"):
        if not vouched:
            raise BadInput(
                "The file does not say for which base model its adapter was trained.",
                f"If you know that it is for {status.model}, say so.",
            )
        base = {"base_hash": status.base_hash, "base_model": status.model, "vouched": True}
        card = {**card, **base, "template_hash": status.template_hash}
    found = str(card.get("adapter") or kind)
    if found not in ADAPTERS:
        raise BadInput(
            "The file does not say what kind of adapter it holds.", f"Say it: one of {', '.join(ADAPTERS)}."
        )
    (folder / CARD).write_text(json.dumps({**card, "adapter": found}), encoding="utf-8")
    return found


def _read(data: bytes) -> dict[str, bytes]:
    """The known files of a zip file, by name.

    Raises:
        BadInput: it is too large, damaged, or holds what has no place in it.
    """
    most = settings().max_upload_mb
    if len(data) > most * 1_000_000:
        raise BadInput(f"The file has {len(data) / 1e6:,.0f} MB, and at most {most} MB are read.")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            entries = _vetted(package.infolist())
            if sum(entry.file_size for entry in entries.values()) > MOST_TIMES * most * 1_000_000:
                raise BadInput(f"Unpacked, the file has more than {MOST_TIMES * most} MB.")
            found = {name: package.read(entry) for name, entry in entries.items()}
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise BadInput("The file is no zip file, or it is damaged.", "Export the adapter again.") from error
    for name in (CONFIG, WEIGHTS):
        if name not in found:
            raise BadInput(f"The file has no {name}.", "It must hold a LoRA adapter as PEFT saves it.")
    return found


def _vetted(entries: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    """The entries that are read, by name; everything else is refused, or known to be harmless."""
    if len(entries) > MOST_FILES:
        raise BadInput(f"The file holds {len(entries):,} files; an adapter has {len(NAMES)}.")
    found: dict[str, zipfile.ZipInfo] = {}
    folders = set()
    for entry in entries:
        path = PurePosixPath(entry.filename)
        name = path.name
        if not path.parts or ".." in path.parts or path.is_absolute() or set(entry.filename) & set("\\:\0"):
            raise BadInput(f"The file holds a path that leads out of it: {entry.filename!r}.")
        if entry.is_dir() or path.parts[0] == "__MACOSX" or name in _PASSED_OVER:
            continue
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise BadInput(f"The file holds a link, {entry.filename!r}.", "Put the files themselves in.")
        if path.suffix.lower() in _PICKLES:
            raise BadInput(f"{name} may be a pickle; only safetensors are loaded.", "Save it as one.")
        if name not in NAMES or len(path.parts) > 2:
            known = f"Known are: {', '.join(NAMES)}."
            raise BadInput(f"{entry.filename!r} has no place in an adapter.", known)
        if name in found:
            raise BadInput(f"The file holds {name} twice.")
        if entry.flag_bits & 1 or entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise BadInput(f"{name} is packed in a way that is not read.", "Zip it without a password.")
        found[name] = entry
        folders.add(path.parent)
    if len(folders) > 1:
        raise BadInput("The file holds more than one folder.", "Zip one adapter alone.")
    return found
