"""A comparison as one HTML page that opens anywhere: no script, no font, nothing from the network."""

from collections.abc import Mapping, Sequence
from html import escape
from string import Template

from compare import numbers
from compare.live import LiveAnswer, RunView

_PAGE = Template("""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>$title</title>
<style>
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 76rem; padding: 0 1rem; }
main { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(16rem, 1fr)); }
section { border: 1px solid #8886; border-radius: .5rem; padding: 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin: 0; }
pre { font: inherit; white-space: pre-wrap; overflow-wrap: anywhere; margin: .5rem 0; }
small, .quiet { color: #76808c; } ul { padding-left: 1.2rem; }
details pre { font: 13px/1.4 ui-monospace, monospace; }
</style></head><body>
<h1>$title</h1>
<p>\u201c$question\u201d</p>
<p class="quiet">$made_with</p>
<main>
$lanes
</main>
<p class="quiet">Made with Lever. Run $id, asked $started_at.</p>
</body></html>
""")


def comparison_page(view: RunView, titles: Mapping[str, str]) -> str:
    """The finished run as a page; ``titles`` names the lanes. What people or models wrote is escaped."""
    sampling = view.query.sampling
    model = view.provenance.model if view.provenance is not None else "unknown model"
    timing = "one answer at a time" if view.query.mode == "bench" else "all lanes at once"
    facts = (
        f"scenario {view.scenario}",
        model,
        f"temperature {sampling.temperature:g}",
        f"top-p {sampling.top_p:g}",
        f"seed {view.query.seed}",
        timing,
    )
    return _PAGE.substitute(
        title=escape(view.name or "A comparison by Lever"),
        question=escape(view.query.text),
        made_with=escape(" \u00b7 ".join(facts)),
        lanes="\n".join(_lane(titles[name], view.lane(name)) for name in view.backends),
        id=escape(view.id),
        started_at=escape(view.started_at),
    )


def _lane(title: str, calls: Sequence[LiveAnswer]) -> str:
    blocks = [f"<h2>{escape(title)}</h2>"]
    for call in calls:
        if len(calls) > 1:
            blocks.append(f"<small>Answer {call.repeat + 1} of {len(calls)}</small>")
        blocks += _call(call)
    first = calls[0]
    if first.prompt is not None and first.prompt.passages:
        items = "".join(
            f"<li>[{p.number}] {escape(p.source)}: {escape(p.text)}</li>" for p in first.prompt.passages
        )
        blocks.append(f"<details><summary>Passages</summary><ul>{items}</ul></details>")
    if first.answer is not None:
        seen = escape(first.answer.rendered)
        blocks.append(f"<details><summary>What the model saw</summary><pre>{seen}</pre></details>")
    return f"<section>{''.join(blocks)}</section>"


def _call(call: LiveAnswer) -> list[str]:
    blocks = [f"<pre>{escape(call.text)}</pre>"] if call.text else []
    if call.failure is not None:
        blocks.append(f"<p>Failed: {escape(call.failure.message)} {escape(call.failure.hint)}</p>")
    elif call.status == "cancelled":
        blocks.append("<p>Stopped before its end.</p>")
    elif not call.text:
        blocks.append("<p>The model ended its answer without writing anything.</p>")
    if call.answer is not None:
        timing, usage = call.answer.timing, call.answer.usage
        blocks.append(
            f"<p class='quiet'>First words after {numbers.seconds(timing.ttft_ms)}, finished after "
            f"{numbers.seconds(timing.total_ms)}; {numbers.count(usage.prompt_tokens)} tokens read, "
            f"{numbers.count(usage.completion_tokens)} written</p>"
        )
    if call.checks:
        items = "".join(f"<li>{escape(c.result)}: {escape(c.reason)}</li>" for c in call.checks)
        blocks.append(f"<ul>{items}</ul>")
    return blocks
