"""``doctor``: is everything there that Lever needs, and does it work? Builds what is missing."""

import argparse
from collections.abc import Callable, Mapping
from typing import TypeVar

from backends.base import adapter_key
from backends.engine.base import Engine, EngineStatus
from backends.errors import LeverError
from backends.scenario import Scenario, list_scenarios, load_scenario
from backends.settings import settings
from backends.training import ADAPTERS
from compare.command import BROKEN, FINE, Outcome, say, started_engine
from compare.numbers import plural
from compare.store import store
from compare.versions import package_versions

T = TypeVar("T")
PACKAGED_EMBEDDER = "all-MiniLM-L6-v2"
"""What ``LEVER_EMBEDDING_MODEL`` stands for when it is empty."""


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> argparse.ArgumentParser:
    """Add the command to the command line."""
    return commands.add_parser(
        "doctor", help="check model, adapters, proof, embedding model, store and index"
    )


def run(options: argparse.Namespace) -> Outcome:
    """Look at every part; what fails is a sentence under "problems", the rest is looked at all the same."""
    problems: list[str] = []
    runs = _tried(problems, store().recent_runs)
    scenarios = [found for name in list_scenarios() if (found := _tried(problems, load_scenario, name))]
    engine, status = started_engine()
    embeds, index = False, []
    if status.state == "ready":
        _load_adapters(problems, engine, scenarios)
        embeds = _tried(problems, engine.embed, ["Is this on?"]) is not None
        index = _index(problems, engine, scenarios)
        status = engine.status()
    else:
        problems.append(status.detail)
    document = {
        **_engine_document(status, scenarios),
        "embedding_model": (settings().embedding_model or PACKAGED_EMBEDDER) if embeds else None,
        "store": store().describe() if runs is not None else None,
        "index": index,
        "versions": package_versions(),
        "problems": problems,
    }
    return Outcome(document=document, text=_text(document), exit_code=BROKEN if problems else FINE)


def _tried(problems: list[str], do: Callable[..., T], *arguments: object) -> T | None:
    try:
        return do(*arguments)
    except LeverError as error:
        problems.append(str(error))
        return None


def _engine_document(status: EngineStatus, scenarios: list[Scenario]) -> dict[str, object]:
    used = {scenario.adapter_place(kind).key for scenario in scenarios for kind in ADAPTERS}
    return {
        "model": status.model,
        "model_path": status.model_path,
        "device": status.device,
        "dtype": status.dtype or None,
        "threads": status.threads or None,
        "adapters": [
            {
                "name": adapter.name,
                "scenario": adapter.scenario,
                "hash": adapter.hash or None,
                "proof": adapter.proof,
                "in_use": adapter.key in used,
            }
            for adapter in status.adapters
        ],
        "proof": status.proof,
    }


def _load_adapters(problems: list[str], engine: Engine, scenarios: list[Scenario]) -> None:
    """All that are in use: what was trained here is loaded when it is first asked for."""
    for scenario in scenarios:
        for kind in ADAPTERS:
            if scenario.adapter_place(kind).is_there:
                _tried(problems, adapter_key, scenario, kind, engine)


def _index(problems: list[str], engine: Engine, scenarios: list[Scenario]) -> list[dict[str, object]]:
    """The index of every scenario that has documents, built or mended where needed."""
    from backends.knowledge import knowledge

    found: list[dict[str, object]] = []
    for scenario in scenarios:
        if not scenario.knowledge.is_dir():
            continue
        say(f"Checking the index of {scenario.name} ...")
        health = knowledge().health(scenario, engine)
        found.append(
            {
                "scenario": health.scenario,
                "documents": health.documents,
                "chunks": health.chunks,
                "healthy": health.healthy,
            }
        )
        if not health.healthy:
            problems.append(health.detail)
    return found


def _text(document: Mapping[str, object]) -> str:
    """The document for people: one line a part."""
    lines = []
    for name, value in document.items():
        if isinstance(value, list):
            lines.append(f"{name}: {plural(len(value), 'entry', 'entries')}")
            lines += [f"  - {_line(item)}" for item in value]
        else:
            lines.append(f"{name}: {_line(value)}")
    return "\n".join(lines)


def _line(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_line(item)}" for key, item in value.items())
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "missing" if value is None else str(value)
