"""What people call a lane, and the shape that marks it on every screen, chart and page of a report."""

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


def lane_name(lane: str) -> str:
    """The lane's short name, as people who compare these approaches call it."""
    backend, version, scenario, number = parts_of(lane)
    known = registry()
    parts = [known[backend].title if backend in known else backend]
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
