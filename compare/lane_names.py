"""What people call a lane and its lever, and the shape that marks it on screens, charts and reports."""

from backends.registry import registry
from compare.lanes import backend_of, parts_of

_SHAPES = {
    "zero_shot": "○",
    "prompt": "●",
    "few_shot": "◐",
    "cot": "◒",
    "json_mode": "◉",
    "long_context": "□",
    "rag": "■",
    "lora": "▲",
    "lora_short": "△",
    "hybrid": "◆",
    "oracle": "◇",
    "shuffled": "✖",
}
_LEVERS = {
    "zero_shot": "the bare question",
    "prompt": "prompting alone",
    "few_shot": "prompting with examples",
    "cot": "prompting to reason first",
    "json_mode": "prompting held to JSON",
    "long_context": "prompting with all documents",
    "rag": "retrieval",
    "lora": "fine-tuning",
    "lora_short": "fine-tuning without instructions",
    "hybrid": "retrieval + fine-tuning",
}


def lane_name(lane: str) -> str:
    """The lane's short name, as people who compare these approaches call it."""
    known = registry()
    backend = backend_of(lane)
    return _with_parts(lane, known[backend].title if backend in known else backend)


def lever_name(lane: str) -> str:
    """What a sentence calls a lane's lever, in small letters: "retrieval", "fine-tuning"."""
    return _with_parts(lane, _LEVERS.get(backend_of(lane), backend_of(lane)))


def _with_parts(lane: str, name: str) -> str:
    _, version, scenario, number = parts_of(lane)
    parts = [name]
    if version is not None:
        parts.append(f"version {version}")
    if number is not None:
        whose = "" if scenario is None else f"{scenario}'s "
        parts.append(f"{whose}adapter {'as shipped' if number == '0' else number}")
    return ", ".join(parts)


def lane_shape(lane: str) -> str:
    """The shape that marks a lane before its name and in charts."""
    return _SHAPES.get(backend_of(lane), "★")


def lane_title(lane: str) -> str:
    """The lane's name with the shape that also marks it in charts."""
    return f"{lane_shape(lane)} {lane_name(lane)}"
