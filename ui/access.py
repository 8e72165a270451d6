"""Who may use the app: whoever sits at this machine or, once it is shared, whoever signs in (OpenID Connect).

Streamlit does the signing in; ``.streamlit/secrets.toml`` configures it. Without that a shared app is open to
everybody on the network, and says so.
"""

from pathlib import Path

import streamlit as st

from ui.text import safe

LOCAL = ("127.0.0.1", "::1", "localhost")


def may_enter() -> bool:
    """Whether whoever looks at the page may use the app."""
    if _unreadable_secrets():
        return False
    return not sign_in_is_set_up() or bool(st.user.get("is_logged_in", False))


def let_in() -> None:
    """Return for those who may use the app; show everybody else how to sign in, and end this run."""
    if _unreadable_secrets():
        st.error("The file with the sign-in settings, secrets.toml, can't be read, so nobody is let in.")
        st.stop()
    if not sign_in_is_set_up():
        if is_shared():
            st.warning(
                "Everybody on this network can use this app: sign-in is not set up. The README says how.",
                icon=":material/lock_open:",
            )
        return
    if not may_enter():
        st.markdown("Please sign in to compare prompts, retrieval and fine-tuning here.")
        st.button("Sign in", type="primary", icon=":material/login:", on_click=st.login)
        st.stop()


def signed_in_badge() -> None:
    """Who is signed in, with a way out; nothing where nobody has to sign in. For those who may enter."""
    if not sign_in_is_set_up():
        return
    name = str(st.user.get("name") or st.user.get("email") or "signed in")
    with st.popover(safe(name), icon=":material/account_circle:", type="tertiary"):
        st.button("Sign out", icon=":material/logout:", on_click=st.logout)


def sign_in_is_set_up() -> bool:
    """Whether ``secrets.toml`` has an ``[auth]`` section."""
    return st.secrets.load_if_toml_exists() and "auth" in st.secrets


def is_shared() -> bool:
    """Whether other machines can reach the server."""
    return (st.get_option("server.address") or "") not in LOCAL


def _unreadable_secrets() -> bool:
    written = any(Path(file).is_file() for file in st.get_option("secrets.files"))
    return written and not st.secrets.load_if_toml_exists()
