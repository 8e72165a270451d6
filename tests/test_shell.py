"""No page runs outside the app's shell, whichever way it is reached."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from backends.settings import ROOT
from tests.screens import app_process, app_settings, open_page, own_data_folder  # noqa: F401
from ui.shell import require_shell, shell

PAGES = sorted((ROOT / "pages").glob("*.py"))


def has_header(page: AppTest) -> bool:
    return any("**Lever**" in element.value for element in page.markdown)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_page_opened_by_itself_gets_the_header(path: Path) -> None:
    page = AppTest.from_file(str(path), default_timeout=60).run()
    assert not page.exception
    assert has_header(page)
    assert len(page.text_area(key="question").label) > 0


def test_the_guard_still_holds_when_the_same_session_runs_again() -> None:
    page = AppTest.from_file(str(PAGES[0]), default_timeout=60).run()
    page.run()
    assert not page.exception
    assert has_header(page)


def test_a_page_reached_through_the_app_is_not_wrapped_twice() -> None:
    page = open_page()
    assert not page.exception
    assert sum("**Lever**" in element.value for element in page.markdown) == 1


def test_the_mark_ends_with_the_shell() -> None:
    with shell():
        require_shell()
    from ui.shell import _inside

    assert not _inside.get()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_every_page_begins_with_the_guard(path: Path) -> None:
    statements = [
        line for line in path.read_text().splitlines() if line and not line.startswith((" ", "#", ")", "}"))
    ]
    after_imports = [line for line in statements if not line.startswith(("import ", "from ", '"""'))]
    calls = [line for line in after_imports if "=" not in line]
    assert calls[0] == "require_shell()"
