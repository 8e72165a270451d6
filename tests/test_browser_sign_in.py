"""Signing in with OpenID Connect, in a real browser against a small provider of our own."""

import json
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, urlencode, urlparse

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey
from playwright.sync_api import expect

from tests.screens import app_settings, offline  # noqa: F401
from tests.server import chromium, free_port, server

NOBODY_SIGNED_IN = "Please sign in"
INSIDE = "Type a question, or take an example"


class Provider(BaseHTTPRequestHandler):
    """Signs in "Ada Sample" without asking; the code that it gives is the nonce that it was given."""

    key = RSAKey.generate_key(2048, parameters={"kid": "one", "alg": "RS256", "use": "sig"})

    @property
    def issuer(self) -> str:
        return f"http://{self.headers['Host']}"

    def do_GET(self) -> None:
        url = urlparse(self.path)
        if url.path == "/authorize":
            asked = parse_qs(url.query)
            answer = {"code": asked.get("nonce", ["none"])[0], "state": asked["state"][0]}
            self.send_response(302)
            self.send_header("Location", f"{asked['redirect_uri'][0]}?{urlencode(answer)}")
            self.end_headers()
        elif url.path == "/jwks":
            self._json({"keys": [self.key.as_dict(private=False)]})
        else:
            known: dict[str, object] = {
                f"{end}_endpoint": f"{self.issuer}/{path}"
                for end, path in (("authorization", "authorize"), ("token", "token"))
            }
            known |= {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/jwks"}
            known |= {"response_types_supported": ["code"], "subject_types_supported": ["public"]}
            self._json(known | {"id_token_signing_alg_values_supported": ["RS256"]})

    def do_POST(self) -> None:
        sent = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        now = int(time.time())
        claims = {
            "iss": self.issuer, "sub": "ada", "aud": "lever", "iat": now, "exp": now + 600,
            "nonce": sent["code"][0], "name": "Ada Sample", "email": "ada@sample.example",
        }  # fmt: skip
        token = jwt.encode({"alg": "RS256", "kid": "one"}, claims, self.key)
        self._json({"access_token": "a", "token_type": "Bearer", "expires_in": 600, "id_token": token})

    def _json(self, value: object) -> None:
        data = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def provider() -> Iterator[str]:
    listening = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    Thread(target=listening.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{listening.server_port}"
    listening.shutdown()
    listening.server_close()


def secrets(port: int, provider: str) -> str:
    return "\n".join(
        [
            "[auth]",
            f'redirect_uri = "http://127.0.0.1:{port}/oauth2callback"',
            'cookie_secret = "a long secret for a test"',
            'client_id = "lever"',
            'client_secret = "hush"',
            f'server_metadata_url = "{provider}/.well-known/openid-configuration"',
        ]
    )


def test_nobody_gets_in_without_signing_in_and_signing_out_ends_it(
    provider: str,
    app_settings: dict[str, str],  # noqa: F811
    tmp_path: Path,
) -> None:
    port, file = free_port(), tmp_path / "secrets.toml"
    file.write_text(secrets(port, provider))
    settings = {**offline(), **app_settings, "LEVER_DATA_DIR": str(tmp_path / "data")}
    options = ("--secrets.files", str(file))
    with (
        (tmp_path / "log").open("wb") as log,
        server(settings, log, options, port) as url,
        chromium() as browser,
    ):
        page = browser.new_page()
        page.set_default_timeout(60_000)
        for path in ("", "/side_by_side", "/?run=0123456789abcdef"):
            page.goto(url + path)
            expect(page.get_by_text(NOBODY_SIGNED_IN)).to_be_visible(timeout=60_000)
            expect(page.get_by_placeholder(INSIDE)).to_have_count(0)
            expect(page.get_by_text("tiny-llama")).to_have_count(0)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_placeholder(INSIDE)).to_be_visible(timeout=60_000)
        page.get_by_role("button", name="Ada Sample").click()
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_text(NOBODY_SIGNED_IN)).to_be_visible(timeout=60_000)
