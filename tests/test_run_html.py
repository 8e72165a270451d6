"""A run as a file to read, opened in the browser that will open it."""

import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from compare.citation_words import citation_rows, of_citations
from compare.command_results import outcome_of
from compare.run_facts import summary_rows
from compare.run_html import MOST_CASES, run_html
from compare.run_measures import measure
from tests.server import chromium
from tests.test_citations import asked, cites
from tests.test_summary import call, plan, stored

HOSTILE = "<script>document.title='owned'</script><img src=x> </td></table> {{ 7*7 }} שלום 🙂"


def file_of(run: object) -> str:
    return "".join(run_html(measure(run, {})))  # type: ignore[arg-type]


def test_it_opens_offline_and_hostile_text_stays_text(tmp_path: Path) -> None:
    calls = tuple(call(n, repeat, text=f"{HOSTILE}{repeat}") for n in range(20) for repeat in range(2))
    hostile = plan(20, repeats=2)
    cases = tuple(replace(case, query=HOSTILE, expected=HOSTILE) for case in hostile.cases)
    run = replace(stored({}), calls=calls, plan=replace(hostile, cases=cases), name=HOSTILE)
    file = tmp_path / "run.html"
    file.write_text(file_of(run), encoding="utf-8")
    requests: list[str] = []
    with chromium() as browser:
        page = browser.new_page()
        page.on("request", lambda request: requests.append(request.url))
        page.goto(file.as_uri())
        title, scripts, images = page.title(), page.locator("script").count(), page.locator("img").count()
        shown = page.locator("body").inner_text()
        drawn = page.locator("figure svg").count()
        page.locator("summary").last.click()
        other = page.locator("details").last.inner_text()
    assert requests == [file.as_uri()]
    assert (title, scripts, images) == (HOSTILE, 0, 0)
    assert shown.count(HOSTILE) >= 20
    assert drawn >= 5
    assert f"{HOSTILE}1" in other


def test_its_figures_are_those_of_the_page_and_the_command_line() -> None:
    run = stored(dict.fromkeys(range(30), "pass") | dict.fromkeys(range(30, 40), "fail"))
    source = file_of(run)
    for row in summary_rows(measure(run, {})):
        assert all(f"<td>{text}</td>" in source for text in row.values())
    document = outcome_of(run, {}, calls=False).document["backends"]
    assert document["rag"]["pass_rate"] == 0.75  # type: ignore[index]
    assert "75 % (" in source
    assert "RAG is right on 30 of 40 cases" in source


def test_citations_stand_in_it_as_on_the_page_and_are_flagged_beside_their_answers() -> None:
    said = tuple(cites(n, "It is <b>3</b> years [1], [8].") for n in range(20))
    found = measure(replace(stored({}), calls=said, plan=asked(20)), {})
    source = file_of(found.run)
    assert all(f"<td>{text}</td>" in source for row in citation_rows(found) for text in row.values())
    assert of_citations(found) in source
    assert source.count('<div class="wrong">[1] does not say “3”</div>') == 20
    assert source.count('<div class="wrong">[8] is no passage</div>') == 20
    assert "<h2>Citations</h2>" not in file_of(stored({0: "pass"}))


def test_every_chart_is_sound_xml_and_holds_its_figures() -> None:
    source = file_of(stored(dict.fromkeys(range(30), "pass") | dict.fromkeys(range(30, 40), "fail")))
    pictures = re.findall(r"<svg.*?</svg>", source, re.DOTALL)
    assert len(pictures) >= 4
    for picture in pictures:
        ElementTree.fromstring(picture)
    assert any("75 %" in picture for picture in pictures)


@pytest.mark.parametrize(
    ("scores", "said"),
    [
        ({}, "No answer was judged"),
        ({0: "pass"}, "say"),
        ({0: "unscored"}, "No answer was judged"),
    ],
)
def test_a_run_with_little_in_it_says_so(scores: dict[int, str], said: str) -> None:
    assert said in file_of(stored(scores))  # type: ignore[arg-type]


def test_very_many_cases_are_cut_with_a_sentence() -> None:
    many = replace(stored({}), plan=plan(MOST_CASES + 7))
    source = file_of(many)
    assert source.count('<div class="text">q</div>') == MOST_CASES
    assert "7 cases more stand in the CSV and JSONL exports." in source
