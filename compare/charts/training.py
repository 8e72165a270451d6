"""How a training goes: the loss of every step, and what is held out, epoch by epoch."""

from collections.abc import Sequence
from math import isfinite
from typing import TYPE_CHECKING

from backends.training import Epoch, Step
from backends.training.progress import TrainingView
from compare import numbers
from compare.charts.look import BESIDE, Figure, data

if TYPE_CHECKING:
    import altair as alt

LEARNING, HELD_OUT = "What it learns from (line)", "What is held out (dots)"
HEIGHT_PX = 260
MOST_POINTS = 400
"""Steps that are drawn; of more, the means of neighbours."""
LEAST_LOSS = 1e-4
"""Where the logarithmic axis ends: a loss of nothing has no place on it."""


def training_figure(seen: TrainingView) -> Figure:
    """The losses so far; the sentence says how far the held-out one fell."""
    return Figure(
        key=f"losses_{seen.job.id}",
        chart=_losses(seen.steps, seen.epochs, seen.job.recipe.epochs),
        alt="Loss of each training step, and the held-out loss after each epoch",
        takeaway=_takeaway(seen),
    )


def _losses(steps: Sequence[Step], epochs: Sequence[Epoch], last: float) -> "alt.LayerChart | None":
    """Both losses over epochs, on a logarithmic axis, where halving is the same length anywhere."""
    if not epochs and not steps:
        return None
    import altair as alt

    width = -(-len(steps) // MOST_POINTS) or 1
    stretches = [steps[at : at + width] for at in range(0, len(steps), width)]
    means = [(part[-1].epoch, sum(step.loss for step in part) / len(part)) for part in stretches]
    learning = [_row(LEARNING, epoch, loss) for epoch, loss in means if isfinite(loss)]
    held_out = [_row(HELD_OUT, one.epoch, one.held_out) for one in epochs if isfinite(one.held_out)]
    epoch_axis = alt.Axis(tickMinStep=1, format="d")
    scale = alt.Scale(domain=[0, last], nice=False)
    x = alt.X("epoch:Q", title="Times through the examples (epochs)", scale=scale, axis=epoch_axis)
    y = alt.Y("loss:Q", title="Loss (nats a token)", scale=alt.Scale(type="log"), axis=alt.Axis(tickCount=5))
    tooltip = [
        alt.Tooltip("kind:N", title="Loss"),
        alt.Tooltip("at:N", title="After"),
        alt.Tooltip("label:N", title="Nats a token"),
    ]
    legend = alt.Legend(title=None, orient="top", direction="horizontal")
    colour = alt.Color("kind:N", scale=alt.Scale(domain=[LEARNING, HELD_OUT]), legend=legend)
    line = alt.Chart(data(learning)).mark_line(opacity=0.6, strokeWidth=1.5)
    points = alt.Chart(data(held_out)).mark_point(filled=True, size=70, opacity=1)
    path = alt.Chart(data(held_out)).mark_line(strokeDash=[4, 3], color=BESIDE)
    layers = [
        line.encode(x=x, y=y, color=colour, tooltip=tooltip),
        path.encode(x=x, y=y),
        points.encode(x=x, y=y, color=colour, tooltip=tooltip),
    ]
    return alt.LayerChart(layer=layers, height=HEIGHT_PX)


def epochs_chart(epochs: Sequence[Epoch]) -> "alt.LayerChart | None":
    """The losses of a finished training, as its card has them."""
    steps = tuple(
        Step(step=at, steps=len(epochs), epoch=epoch.epoch, loss=epoch.training, tokens=0, seconds=0.0)
        for at, epoch in enumerate(epochs)
        if epoch.training is not None
    )
    last = epochs[-1].epoch if epochs else 1.0
    return _losses(steps, epochs, last)


def _row(kind: str, epoch: float, loss: float) -> dict[str, object]:
    return {
        "kind": kind, "epoch": epoch, "loss": max(loss, LEAST_LOSS), "label": numbers.loss(loss),
        "at": f"epoch {epoch:.1f}",
    }  # fmt: skip


def _takeaway(seen: TrainingView) -> str:
    if len(seen.epochs) < 2:
        return ""
    measured = [epoch for epoch in seen.epochs if isfinite(epoch.held_out)]
    if len(measured) < 2:
        return ""
    first, best = measured[0].held_out, min(measured, key=lambda epoch: epoch.held_out)
    if best.held_out >= first:
        return (
            "The held-out loss has not fallen yet: nothing is learnt so far that helps with other questions."
        )
    kept = "is kept" if seen.state == "done" else "would be kept"
    return (
        f"The held-out loss fell from {numbers.loss(first)} to {numbers.loss(best.held_out)} "
        f"after epoch {best.epoch:.0f}; the adapter of that moment {kept}."
    )
