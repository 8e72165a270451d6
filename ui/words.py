"""How the screens name lanes, states and stages: plain words, one place."""

from backends.base import registry
from backends.types import LayerKind, Stage
from compare import numbers
from compare.live import LiveAnswer

_SHAPES = {"prompt": "●", "rag": "■", "lora": "▲", "hybrid": "◆"}
_WHAT_IT_DOES = {
    "prompt": "Follows the written instructions.",
    "rag": "Looks the answer up in the documents first.",
    "lora": "Was trained on examples of good answers.",
    "hybrid": "Looks it up, and was trained on examples.",
}
_TITLES = {"prompt": "Prompt", "rag": "RAG", "lora": "LoRA", "hybrid": "RAG + LoRA"}
_STAGES: dict[Stage, str] = {
    "prepare": "while getting ready",
    "retrieve": "while looking things up",
    "queue": "while waiting in line",
    "prefill": "while reading the question",
    "decode": "while writing",
    "store": "while saving",
    "engine": "in the model's engine",
}
LAYERS: dict[LayerKind, tuple[str, str, str]] = {
    "system": ("Instructions", "blue", ":material/assignment:"),
    "few_shot": ("Worked examples", "violet", ":material/school:"),
    "passages": ("Passages from the documents", "green", ":material/menu_book:"),
    "query": ("The question", "orange", ":material/help:"),
    "template": ("Frame added around it", "gray", ":material/crop_free:"),
}
"""A prompt layer's name, badge colour and icon; name and icon tell it apart without colour."""


def lane_name(backend: str) -> str:
    """The lane's short name, as people who compare these approaches call it."""
    known = registry()
    return _TITLES.get(backend) or (known[backend].title if backend in known else backend)


def lane_title(backend: str) -> str:
    """The lane's name with the shape that also marks it in charts."""
    return f"{_SHAPES.get(backend, '★')} {lane_name(backend)}"


def lane_summary(backend: str) -> str:
    """One sentence on what this lane does; empty for a backend that this screen does not know."""
    return _WHAT_IT_DOES.get(backend, "")


def status_words(call: LiveAnswer, *, model_ready: bool) -> str:
    """What is happening to this call, for somebody who does not know the machinery."""
    if call.status == "failed" and call.failure is not None:
        return f"Failed {_STAGES[call.failure.stage]}"
    if call.status == "done":
        cut = call.answer is not None and call.answer.finish == "length"
        return "Done, cut at the length limit" if cut else "Done"
    if call.status == "cancelled":
        return "Stopped"
    if not model_ready:
        return "Waiting for the model to load"
    if call.status == "queued":
        ahead = numbers.plural(call.queue_ahead, "question")
        return f"In line, {ahead} ahead" if call.queue_ahead else "Next in line"
    if call.status == "running":
        return "Writing" if call.text else "Reading the question"
    backend = registry().get(call.backend)
    return "Looking things up" if backend is not None and "passages" in backend.layers else "Getting ready"


def status_look(call: LiveAnswer) -> tuple[str, str]:
    """(colour, icon) of the status badge."""
    looks = {
        "done": ("green", ":material/check_circle:"),
        "failed": ("red", ":material/error:"),
        "cancelled": ("gray", ":material/stop_circle:"),
        "running": ("blue", ":material/edit:"),
    }
    return looks.get(call.status, ("gray", ":material/hourglass_top:"))
