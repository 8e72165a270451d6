"""The page of a comparison, looked at in the browser that will open it."""

from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from backends.types import Failure
from compare.comparison_html import comparison_html
from compare.live import RunView
from tests.server import chromium
from tests.test_store import done, planned

HOSTILE = "<script>document.title='owned'</script><img src=x onerror=alert(1)> $id ${title} &amp; end"


def finished(text: str) -> RunView:
    view = planned()
    calls = {key: done(call, text) for key, call in view.calls.items()}
    key = next(iter(calls))
    failure = Failure(stage="decode", message=text)
    calls[key] = replace(calls[key], status="failed", text="", answer=None, failure=failure)
    query = replace(view.query, text=text)
    return replace(view, query=query, name=text, status="done", calls=MappingProxyType(calls))


def test_every_answer_is_on_the_page_and_hostile_text_stays_text(tmp_path: Path) -> None:
    view = finished(HOSTILE)
    source = comparison_html(view, {name: f"Lane {name}" for name in view.backends})
    file = tmp_path / "page.html"
    file.write_text(source, encoding="utf-8")
    requests: list[str] = []
    with chromium() as browser:
        page = browser.new_page()
        page.on("request", lambda request: requests.append(request.url))
        page.goto(file.as_uri())
        shown = page.locator("body").inner_text()
        title, scripts, images = page.title(), page.locator("script").count(), page.locator("img").count()
        answers = page.locator("section > pre").all_inner_texts()
    assert requests == [file.as_uri()]
    assert (scripts, images) == (0, 0)
    assert title == HOSTILE
    assert all(f"Lane {name}" in shown for name in view.backends)
    assert answers == [HOSTILE] * (len(view.calls) - 1)
    assert f"Failed: {HOSTILE}" in shown
    assert "Two years." in source  # a passage, in its fold


def test_wrong_citations_are_flagged_below_their_answer() -> None:
    view = finished("It is 7 years [1] [9].")
    source = comparison_html(view, {name: name for name in view.backends})
    given = sum(call.prompt is not None and bool(call.prompt.passages) for call in view.calls.values())
    assert given
    assert '<p class="wrong">[9] is no passage</p>' in source
    assert '<p class="wrong">[1] does not say “7”</p>' in source
