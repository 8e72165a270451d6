"""Who judges: whoever is signed in, else the name that somebody gives."""

import secrets

import streamlit as st

from ui.access import sign_in_is_set_up

MOST_NAME_CHARS = 60
NAME, GUEST = "rater", "rater_guest"


def rater() -> str | None:
    """The rater's name, as it is stored; None, with a field for it on the page, until there is one."""
    if sign_in_is_set_up():
        return _identity()
    given = st.text_input(
        "Your name, or any other that only you use here",
        key=NAME,
        max_chars=MOST_NAME_CHARS,
        persist_state="session",
        placeholder="so that you can go on where you stopped",
    )
    return _folded(given or "") or None


def rater_here() -> str:
    """The same without a field: who it is as far as this session knows, else a name of its own for it."""
    if sign_in_is_set_up():
        return _identity()
    guest = st.session_state.setdefault(GUEST, f"guest {secrets.token_hex(3)}")
    return _folded(str(st.session_state.get(NAME) or "")) or str(guest)


def _identity() -> str:
    """Who is signed in: by e-mail address, else by the provider's own mark, as names are not one person's."""
    known = (st.user.get(claim) for claim in ("email", "sub", "name"))
    return _folded(str(next((value for value in known if value), ""))) or "signed in"


def _folded(name: str) -> str:
    """One line, no control characters, upper and lower case alike: "Ann" and "ann " are one rater."""
    printable = "".join(letter if letter.isprintable() else " " for letter in name)
    return " ".join(printable.split()).casefold()[:MOST_NAME_CHARS]
