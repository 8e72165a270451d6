"""One question's answers as one HTML page that opens anywhere."""

from collections.abc import Mapping

from compare.citation_words import flags
from compare.html_pages import page
from compare.live import RunView


def comparison_html(view: RunView, titles: Mapping[str, str]) -> str:
    """The finished run as a page; ``titles`` names the lanes."""
    sampling = view.query.sampling
    facts = (
        f"scenario {view.scenario}",
        view.provenance.model if view.provenance is not None else "unknown model",
        f"temperature {sampling.temperature:g}",
        f"top-p {sampling.top_p:g}",
        f"seed {view.query.seed}",
        "one answer at a time" if view.query.mode == "bench" else "all lanes at once",
    )
    pieces = page(
        "comparison.html",
        title=view.name or "A comparison by Lever",
        view=view,
        made_with=" · ".join(facts),
        lanes=[(titles[name], view.lane(name)) for name in view.backends],
        wrong=lambda call: flags(call.text, call.prompt.passages if call.prompt else (), view.query.text),
    )
    return "".join(pieces)
