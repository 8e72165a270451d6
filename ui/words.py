"""How the screens name lanes, states and stages: plain words, one place."""

from datetime import datetime

from backends.types import LayerKind, Mode, Stage
from compare import numbers
from compare.lanes import layers_of, parts_of
from compare.live import LiveAnswer, RunView

_WHAT_IT_DOES = {
    "zero_shot": "Gets the bare question, nothing else.",
    "prompt": "Follows the written instructions.",
    "few_shot": "Sees worked examples first.",
    "cot": "Is told to reason before it answers.",
    "json_mode": "Can only write JSON of the right form.",
    "long_context": "Reads all documents first.",
    "lora_short": "Was trained on examples; gets no instructions.",
    "rag": "Looks the answer up in the documents first.",
    "lora": "Was trained on examples of good answers.",
    "hybrid": "Looks it up, and was trained on examples.",
    "oracle": "Control: is handed the very passage that holds the answer.",
    "shuffled": "Control: is handed the passages of another question.",
}
MODES: dict[Mode, str] = {"demo": "All lanes at once", "bench": "One answer at a time"}
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
    "cot": ("How to reason", "yellow", ":material/psychology:"),
    "few_shot": ("Worked examples", "violet", ":material/school:"),
    "passages": ("Passages from the documents", "green", ":material/menu_book:"),
    "query": ("The question", "orange", ":material/help:"),
    "template": ("Frame added around it", "gray", ":material/crop_free:"),
}
"""A prompt layer's name, badge colour and icon; name and icon tell it apart without colour."""


def lane_summary(lane: str) -> str:
    """One sentence on what this lane does; empty for a backend that this screen does not know."""
    backend, version, _, adapter = parts_of(lane)
    said = (
        "Follows an older version of the instructions." if version is not None else "",
        "Answers with the adapter that it names, whichever is in use." if adapter is not None else "",
    )
    return " ".join(filter(None, said)) or _WHAT_IT_DOES.get(backend, "")


def ago(started_at: str, now: datetime) -> str:
    """How long ago a stored time was, as people say it."""
    minutes = int((now - datetime.fromisoformat(started_at)).total_seconds() // 60)
    if minutes < 1:
        return "just now"
    if minutes < 60:
        return f"{numbers.plural(minutes, 'minute')} ago"
    if minutes < 60 * 24:
        return f"{numbers.plural(minutes // 60, 'hour')} ago"
    return f"{numbers.plural(minutes // (60 * 24), 'day')} ago"


def made_with(view: RunView) -> str:
    """One line on how a run was asked: model, version of the instructions, sampling, seed and timing mode."""
    sampling = view.query.sampling
    parts = [
        view.provenance.model if view.provenance is not None else "",
        f"instructions version {view.texts_version}" if view.texts_version is not None else "",
        f"temperature {sampling.temperature:g}",
        f"top-p {sampling.top_p:g}",
        f"at most {numbers.plural(sampling.max_tokens, 'token')}",
        f"seed {view.query.seed}",
        MODES[view.query.mode].lower(),
    ]
    return " · ".join(part for part in parts if part)


def status_words(call: LiveAnswer, *, model_ready: bool) -> str:
    """What is happening to this call, for somebody who does not know the machinery."""
    if call.status == "failed" and call.failure is not None:
        return f"Failed {_STAGES[call.failure.stage]}"
    if call.status == "done":
        cut = call.answer is not None and call.answer.finish == "length"
        return "Done, cut short" if cut else "Done"
    if call.status == "cancelled":
        return "Stopped"
    if not model_ready:
        return "Waiting for the model to load"
    if call.status == "queued":
        ahead = numbers.plural(call.queue_ahead, "question")
        return f"In line, {ahead} ahead" if call.queue_ahead else "Next in line"
    if call.status == "running":
        return "Writing" if call.text else "Reading the question"
    return "Looking things up" if {"passages", "gold"} & layers_of(call.backend) else "Getting ready"


def status_help(call: LiveAnswer) -> str | None:
    """What the status means, where its words are not enough."""
    if call.answer is not None and call.answer.finish == "length":
        return "The answer reached the greatest length that the settings allow."
    if call.status == "waiting":
        return "The first look into the documents after a start takes some seconds longer."
    return None


def status_look(call: LiveAnswer) -> tuple[str, str]:
    """(colour, icon) of the status badge."""
    looks = {
        "done": ("green", ":material/check_circle:"),
        "failed": ("red", ":material/error:"),
        "cancelled": ("gray", ":material/stop_circle:"),
        "running": ("blue", ":material/edit:"),
    }
    return looks.get(call.status, ("gray", ":material/hourglass_top:"))
