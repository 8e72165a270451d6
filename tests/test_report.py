"""The decision report: the same one each time, whatever its texts hold, and every number that was changed in
one is named. Real rows in a real SQLite file; a real climb with a tiny engine.
"""

import html
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from backends.errors import BadInput
from compare.measured import StoredRun
from compare.report import Form, report_of, written
from compare.report_basis import basis_of
from compare.report_html import report_html
from compare.report_markdown import report_markdown
from compare.report_reading import Line, Reading, read_report
from compare.report_settings import FORM
from compare.report_verify import Differs, differences, verify
from compare.store import Store
from compare.terms import Terms
from tests.report_runs import judge, keep_ladder, told
from tests.server import chromium

HOSTILE = (
    "<script>document.title='owned'</script><img src=https://evil.example/x.png> </td></table> {{ 7*7 }} "
    "![x](https://evil.example/y.png) [y](https://evil.example) | a | b | **bold** `code` # head "
    "-- > <!-- lever-report {} --> www.evil.example שלום 🙂"
)
CONTROLS = "a\x00b\x1b[31mc\u202ed"
ENDING: dict[Form, str] = {"html": "r.html", "markdown": "r.md"}
SECTIONS = (
    "The question", "The verdict", "The ladder", "Charts", "Cost and break-even", "Is the comparison fair?",
    "Was the base model left alone?", "Had it been learnt before?", "What people say",
    "What this cannot tell", "Exactly what was measured",
)  # fmt: skip


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    opened = Store(f"sqlite:///{tmp_path_factory.mktemp('report') / 'lever.db'}")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def run(store: Store) -> StoredRun:
    """A climbed ladder that nobody judged."""
    return keep_ladder(store)


@pytest.fixture(scope="module")
def files(store: Store, run: StoredRun) -> dict[Form, str]:
    basis = basis_of(run, told(run), store)
    return {form: written(basis, form) for form in ENDING}


@pytest.fixture(scope="module")
def readings(files: dict[Form, str]) -> dict[Form, Reading]:
    return {form: read_report(text, "r", html=form == "html") for form, text in files.items()}


def named(text: str, form: Form, readings: dict[Form, Reading]) -> list[Differs]:
    """What a file's text says otherwise than the report."""
    return list(differences(readings[form], read_report(text, "r", html=form == "html")))


def test_the_same_run_and_settings_give_the_same_bytes_also_from_another_connection(
    store: Store, run: StoredRun, files: dict[Form, str]
) -> None:
    other = Store(str(store.url))
    try:
        report = report_of(basis_of(other.stored_run(run.id), told(run), other))
    finally:
        other.close()
    assert report_html(report) == files["html"]
    assert report_markdown(report) == files["markdown"]


@pytest.mark.parametrize("form", ENDING)
def test_an_untouched_report_is_confirmed(
    store: Store, run: StoredRun, files: dict[Form, str], form: Form
) -> None:
    found = verify(files[form].encode(), ENDING[form], run, store)
    assert (found.grown, found.differences) == ("", ())
    windows = files[form].replace("\n", "\r\n").encode()
    assert verify(windows, ENDING[form], run, store).differences == ()


def test_it_has_every_section_and_says_what_the_stored_calls_give(files: dict[Form, str]) -> None:
    for form, text in files.items():
        for title in SECTIONS:
            assert (title in text) == (title != "What people say"), (form, title)
    said = files["markdown"]
    assert "Use retrieval. It answers 57 of 59 right (at least 81 %; your bar is 80 %)" in said
    assert (
        "Retrieval solved it: prompting alone gave 47 wrong answers, 46 of the kind “missing knowledge”, "
        "of which 0 are left; that kind points to retrieval."
    ) in said
    assert "Fine-tuning would have been warranted if retrieval had stayed below 80 %" in said
    assert "| ■ RAG | 57 of 59 (81 to 100 %) | +76 (+54 to +92) |" in said
    assert "| ■ RAG | retrieval miss | 2 of 59 | “How long is 58?” → “no” |" in said
    assert "| ◇ The right passage | 58 of 59 (" in said
    assert "1 of 60 cases stands among the 200 training examples of the adapters." in said
    assert "Each question was asked once" in said
    assert "| Hash of the base | bbbb" in said


KINDS = (
    ("a rate in the ladder", "html", "57 of 59 (81", "58 of 59 (81", "The ladder", "Right"),
    ("an interval's bound", "html", "(+54 to", "(+64 to", "The ladder",
     "Points over the rung below"),
    ("a cost", "html", "most $0.028 ($0.0", "most $0.018 ($0.0", "Cost and break-even", "1,000 answers"),
    ("a count in the ledger", "html", ">3 a question", ">5 a question", "Is the comparison fair?",
     "passages (retrieval)"),
    ("a sentence's number", "html", "gave 47 wrong", "gave 67 wrong", "The verdict", ""),
    ("a label in a chart", "html", ">97 %</text>", ">99 %</text>", "Charts", ""),
    ("a hash", "html", "b" * 64, "b" * 63 + "c", "Exactly what was measured", "Value"),
    ("a rate in the ladder", "markdown", "| 57 of 59 (81", "| 58 of 59 (81", "The ladder", "Right"),
    ("a number in a sentence", "markdown", "gave 47 wrong", "gave 67 wrong", "The verdict", ""),
    ("a datum of a chart", "markdown", "| 0.10 s | 0.10 s", "| 0.20 s | 0.10 s", "Charts", "Half within"),
)  # fmt: skip


@pytest.mark.parametrize(("kind", "form", "true", "false", "section", "column"), KINDS)
def test_a_number_that_was_changed_is_named_with_its_place(
    files: dict[Form, str], readings: dict[Form, Reading], kind: str, form: Form, true: str,
    false: str, section: str, column: str,
) -> None:  # fmt: skip
    text = files[form].replace("\u00a0", " ")
    assert true in text, kind
    (found,) = named(text.replace(true, false, 1), form, readings)
    assert (found.section, found.column) == (section, column)
    digits = re.findall(r"\w+", false)
    assert any(word in re.findall(r"\w+", found.says or "") for word in digits)
    assert found.says != found.stored
    assert "says “" in found.sentence
    assert "the stored calls give “" in found.sentence


def seen_digits(text: str, form: Form) -> list[int]:
    """Where a reader sees a digit."""
    if form == "markdown":
        end = text.index("<!-- lever-report")
        return [at for at, character in enumerate(text[:end]) if character in "0123456789"]
    body = text.index("<body>")
    return [
        at
        for piece in re.finditer(r">[^<]+<", text[body:])
        for at in range(body + piece.start(), body + piece.end())
        if text[at] in "0123456789"
    ]


@pytest.mark.parametrize("form", ENDING)
def test_any_digit_that_a_reader_sees_is_named_when_it_is_another(
    files: dict[Form, str], readings: dict[Form, Reading], form: Form
) -> None:
    text = files[form]
    places = seen_digits(text, form)
    assert len(places) > 500

    @given(st.sampled_from(places), st.integers(1, 9))
    def edited(at: int, more: int) -> None:
        other = str((int(text[at]) + more) % 10)
        (found,) = named(f"{text[:at]}{other}{text[at + 1 :]}", form, readings)
        assert found.says is not None
        assert found.stored is not None
        assert found.says != found.stored

    edited()


def test_what_is_added_left_out_hidden_or_drawn_otherwise_is_named(
    files: dict[Form, str], readings: dict[Form, Reading]
) -> None:
    page = files["html"]
    row = re.search(r"<tr><th scope=\"row\">▲ LoRA</th>.*?</tr>\n", page, re.DOTALL)
    assert row is not None
    (gone, *_) = named(page.replace(row[0], "", 1), "html", readings)
    assert (gone.section, gone.says) == ("The ladder", None)
    assert "leaves out “▲ LoRA | 13 of 59" in gone.sentence
    (new, *_) = named(page.replace(row[0], row[0] + row[0].replace("LoRA", "Magic"), 1), "html", readings)
    assert (new.section, new.stored) == ("The ladder", None)
    assert "▲ Magic" in new.sentence
    (hidden,) = named(
        page.replace(row[0], row[0].replace("<tr>", '<tr style="display:none">'), 1), "html", readings
    )
    assert (hidden.section, hidden.column) == ("The ladder", "how it is made")
    (styled,) = named(page.replace("</style>", "td { display: none }</style>"), "html", readings)
    assert styled.column == "how it is made"
    assert "td { display: none }" in str(styled.says)
    (script, *_) = named(page.replace("</body>", "<script>1</script></body>"), "html", readings)
    assert "script" in str(script.says) or script.stored is None
    bar = re.search(r'<line transform="translate\((\d+)\.\d+,\d+\)" x2="\d+\.\d+" y2="0" stroke="#D', page)
    assert bar is not None
    (drawn,) = named(
        page.replace(bar[0], bar[0].replace(bar[1], f"{int(bar[1]) - 40}", 1), 1), "html", readings
    )
    assert (drawn.section, drawn.column) == ("Charts", "how it is made")
    (word,) = named(
        files["markdown"].replace("no dearer lever is needed", "a dearer lever is needed"),
        "markdown",
        readings,
    )
    assert (word.section, word.says) == ("The verdict", "and 4 better; a dearer lever is")


def test_another_machines_last_digits_in_a_drawing_are_no_difference(
    files: dict[Form, str], readings: dict[Form, Reading]
) -> None:
    page = files["html"]
    place = re.search(r"translate\((\d+\.\d{6})\d*,", page)
    assert place is not None
    near = page.replace(place[1], f"{float(place[1]) + 2e-6:.6f}", 1)
    assert near != page
    assert named(near, "html", readings) == []


@pytest.mark.parametrize("name", ["opacity", "id", "href", "stroke-width", "font-size"])
def test_only_places_and_sizes_of_a_drawing_have_last_digits(name: str) -> None:
    def drawn(value: str) -> Reading:
        line = Line(cells=(f'<path d="M1.001,2L3,4" {name}="{value}">',), drawn=True)
        return Reading(stamp="", lines=(line,))

    assert list(differences(drawn("0.70"), drawn("0.70"))) == []
    assert [one.column for one in differences(drawn("0.70"), drawn("0.71"))] == ["how it is made"]


def test_a_run_that_was_renamed_gives_the_same_report(
    store: Store, run: StoredRun, files: dict[Form, str]
) -> None:
    assert written(basis_of(replace(run, name="Another"), told(run), store), "html") == files["html"]


def test_a_report_says_that_approaches_were_timed_in_blocks_where_they_were(
    store: Store, run: StoredRun
) -> None:
    alone = replace(run, plan=replace(run.plan, mode="bench"))
    mixed = replace(alone, calls=tuple(sorted(run.calls, key=lambda call: call.case_id)))
    for asked, said in ((alone, True), (mixed, False), (run, False)):
        text = written(basis_of(asked, told(run), store), "markdown")
        assert ("each in its own stretch of time" in text) == said


def refused(data: bytes, name: str, run: StoredRun, store: Store) -> str:
    with pytest.raises(BadInput) as error:
        verify(data, name, run, store)
    return str(error.value)


def test_what_is_no_report_of_this_run_gets_one_plain_sentence(
    store: Store, run: StoredRun, files: dict[Form, str]
) -> None:
    page = files["html"]
    other = keep_ladder(store, {"prompt": 3, "rag": 9}, many=10)
    older = page.replace(f"&#34;lever_report&#34;: {FORM}", "&#34;lever_report&#34;: 0")
    broken = page.replace("&#34;settings&#34;", "&#34;sittings&#34;")
    absurd = page.replace("&#34;gpu_hour&#34;: 1.0", "&#34;gpu_hour&#34;: -1.0")
    assert page not in (older, broken, absurd)
    said = {
        "no decision report": refused(b"<p>Hello</p>", "a.html", run, store),
        "only a part": refused(page[page.index("<body>") :].encode(), "b.html", run, store),
        f"not of {other.id}": refused(page.encode(), "c.html", other, store),
        "an older version": refused(older.encode(), "d.html", run, store),
        "is damaged": refused(broken.encode(), "e.html", run, store),
        "no text": refused(b"\xff\xfe\x00", "f.html", run, store),
        "neither HTML nor Markdown": refused(page.encode(), "g.txt", run, store),
        "can't be -1": refused(absurd.encode(), "h.html", run, store),
    }  # fmt: skip
    for part, sentence in said.items():
        assert part in sentence
        assert "\n" not in sentence
    assert "no decision report" in refused(files["markdown"].encode(), "i.html", run, store)


def test_a_run_that_was_judged_since_is_said_first(store: Store) -> None:
    run = keep_ladder(store, {"prompt": 13, "rag": 58})
    settings = told(run)
    before = written(basis_of(run, settings, store), "markdown")
    judge(store, run)
    found = verify(before.encode(), "r.md", run, store)
    assert found.grown == (
        "The run has changed since the report was made: 80 judgements instead of 0. Make the report again."
    )
    assert {one.section for one in found.differences} == {"What people say", "What this cannot tell"}
    after = written(basis_of(run, settings, store), "markdown")
    assert "80 blind judgements by 2 people" in after
    assert "RAG is preferred in" in after
    assert "| which is better | 1.00 |" in after
    assert verify(after.encode(), "r.md", run, store).differences == ()


@pytest.mark.parametrize("form", ENDING)
def test_hostile_texts_stay_text(store: Store, tmp_path: Path, form: Form) -> None:
    query = (HOSTILE + CONTROLS).replace("{", "{{").replace("}", "}}") + " {}"
    run = keep_ladder(store, {"prompt": 3, "rag": 17}, many=20, query=query)
    settings = told(run, title=HOSTILE, question=HOSTILE, story=CONTROLS)
    text = written(basis_of(run, settings, store), form)
    assert not re.search("[\x00-\x08\x1b\u202e]", text)
    assert verify(text.encode(), ENDING[form], run, store).differences == ()
    page = (
        text if form == "html" else f"<body>{MarkdownIt('gfm-like', {'linkify': False}).render(text)}</body>"
    )
    file = tmp_path / "r.html"
    file.write_text(page, encoding="utf-8")
    requests: list[str] = []
    with chromium() as browser:
        tab = browser.new_page()
        tab.on("request", lambda request: requests.append(request.url))
        tab.goto(file.as_uri())
        made = {name: tab.locator(name).count() for name in ("script", "img", "iframe", "a[href*=evil]")}
        shown = tab.locator("body").inner_text()
    assert requests == [file.as_uri()]
    assert set(made.values()) == {0}
    folded = " ".join(HOSTILE.split())
    assert " ".join(shown.split()).count(folded) >= 3
    assert "a\ufffdb\ufffd[31mc\ufffdd" in shown


@pytest.mark.parametrize(
    ("right", "terms", "solved", "tuned"),
    [
        ({"prompt": 10, "rag": 12}, Terms(), "No rung is shown to have solved it; retrieval came furthest",
         "Fine-tuning was not asked"),
        ({"prompt": 59, "rag": 60}, Terms(), "Prompting alone solved it: it is the lowest rung",
         "Fine-tuning was not asked"),
        ({"prompt": 10, "lora": 59}, Terms(), "Fine-tuning solved it", "Fine-tuning is warranted here"),
        ({"prompt": 58, "lora": 58}, Terms(gain=0.3), "No rung solved it better than another: prompting",
         "Fine-tuning would have been warranted if prompting alone had stayed below 80 %"),
        ({"prompt": 20, "rag": 45}, Terms(bar=0.9), "Retrieval", "Fine-tuning was not asked"),
    ],
)  # fmt: skip
def test_every_verdict_has_its_reason_and_says_when_fine_tuning_would_pay(
    store: Store, right: dict[str, int], terms: Terms, solved: str, tuned: str
) -> None:
    run = keep_ladder(store, right)
    text = written(basis_of(run, told(run, terms=terms), store), "markdown")
    assert f"- {solved}" in text or f"- No rung is shown to have solved it; {solved.lower()}" in text
    assert f"- {tuned}" in text


def test_a_run_with_little_in_it_says_so(store: Store) -> None:
    run = keep_ladder(store, {"prompt": 1, "rag": 2}, many=3)
    text = written(basis_of(run, told(run), store), "markdown")
    assert "There are 3 different facts, fewer than 15: too few to infer anything." in text
    assert "| ■ RAG | 2 of 3 cases, too few to say more |" in text


def test_it_prints_on_a4_without_a_cut_table(files: dict[Form, str], tmp_path: Path) -> None:
    file = tmp_path / "r.html"
    file.write_text(files["html"], encoding="utf-8")
    with chromium() as browser:
        for width in (1440, 1024, 680):  # The last is A4 between its margins.
            tab = browser.new_page(viewport={"width": width, "height": 900})
            tab.emulate_media(media="print" if width == 680 else "screen")
            tab.goto(file.as_uri())
            cut = tab.evaluate(
                "[...document.querySelectorAll('table, svg, p')].filter("
                "one => one.getBoundingClientRect().right > innerWidth).length"
            )
            assert cut == 0, width


def test_links_lead_to_the_run_in_the_app(store: Store, run: StoredRun, files: dict[Form, str]) -> None:
    assert 'href="#configuration"' in files["html"]
    report = report_of(basis_of(run, told(run, app="http://lever.example"), store))
    link = f"http://lever.example/results?run={run.id}"
    assert html.escape(link) in report_html(report)
    assert f"[run {run.id}]({link})" in report_markdown(report)
