"""Who is let in: by the server's address and by what secrets.toml says."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit import config
from streamlit.testing.v1 import AppTest


def guarded() -> None:
    import streamlit as st

    from ui.access import let_in

    let_in()
    st.markdown("inside")


@pytest.fixture
def no_secrets() -> Iterator[None]:
    """Leaves nothing of a test's secrets and options behind."""
    kept = {name: st.get_option(name) for name in ("server.address", "secrets.files")}
    st.secrets._reset()
    yield
    for name, value in kept.items():
        config.set_option(name, value)
    st.secrets._reset()


def said(page: AppTest) -> list[str]:
    assert not page.exception
    return [element.value for kind in ("markdown", "warning", "error") for element in page.get(kind)]


@pytest.mark.parametrize("address", ["127.0.0.1", "localhost", "::1"])
def test_at_this_machine_nobody_has_to_sign_in(address: str, no_secrets: None) -> None:
    config.set_option("server.address", address)
    assert said(AppTest.from_function(guarded).run()) == ["inside"]


@pytest.mark.parametrize("address", ["0.0.0.0", None, "192.168.1.7"])
def test_shared_without_sign_in_everybody_is_warned(address: str | None, no_secrets: None) -> None:
    config.set_option("server.address", address)
    first, warning = said(AppTest.from_function(guarded).run())
    assert first == "inside"
    assert "Everybody on this network" in warning


def test_with_sign_in_set_up_nobody_is_inside_before(no_secrets: None) -> None:
    page = AppTest.from_function(guarded)
    page.secrets["auth"] = {"client_id": "lever"}
    shown = said(page.run())
    assert shown == ["Please sign in to compare prompts, retrieval and fine-tuning here."]
    assert [button.label for button in page.button] == ["Sign in"]


def test_secrets_that_can_not_be_read_let_nobody_in(tmp_path: Path, no_secrets: None) -> None:
    (tmp_path / "secrets.toml").write_text("[auth\n")
    config.set_option("secrets.files", [str(tmp_path / "secrets.toml")])
    (sentence,) = said(AppTest.from_function(guarded).run())
    assert "secrets.toml" in sentence
