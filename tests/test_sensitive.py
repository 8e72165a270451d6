"""Secrets of every form are found and masked; prose has none."""

import pytest

from backends.scenario import load_scenario
from backends.training.examples import examples_path, load_examples
from compare.sensitive import masked, secrets_in
from tests.test_training_data import SHIPPED

KEYS = (
    "AKIAIOSFODNN7EXAMPLE",
    "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
    "github_pat_11ABCDEFG0abcdefghijkl_mnop",
    "sk-abcdefghij0123456789T3BlbkFJabcdefghij0123456789",
    "sk-proj-Zz9-abcdefghij_0123456789abcdefghij",
    "sk-ant-api03-abcdefghij0123456789-abcdefghij",
    "hf_AbCdEfGhIjKlMnOpQrStUvWxYzAbCdEfGh",
    "AIzaSyA1234567890abcdefghijklmnopqrstuv",
    "xoxb-123456789012-123456789012-abcdefghijklmnopqrstuvwx",
    "sk_live_0123456789abcdefghijklmn",
    "npm_abcdefghijklmnopqrstuvwxyz0123456789",
    "postgres://admin:s3cret-word@db.example/x",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7\nabc\n-----END RSA PRIVATE KEY-----",
    "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA",
)


@pytest.mark.parametrize("key", KEYS)
def test_keys_are_found_and_never_shown_whole(key: str) -> None:
    text = f"Please use {key} from now on."
    assert "key" in {secret.kind for secret in secrets_in(text)}
    shown = masked(text)
    assert shown.startswith("Please use ")
    for piece in ("IOSFODNN7", "7e42F292", "cdefghij", "EfGhIj", "567890ab", "s3cret", "MIIEpA", "b3Blbn"):
        assert piece not in shown


def test_cards_have_a_check_digit_and_mails_an_address() -> None:
    assert [secret.kind for secret in secrets_in("Pay by 4111-1111-1111-1111.")] == ["card"]
    assert not secrets_in("Pay by 4111-1111-1111-1112, order 1234567890123.")
    assert masked("Ask jo.doe@mail.example.org!") == "Ask jo.d…!"


@pytest.mark.parametrize("name", SHIPPED)
def test_prose_has_no_keys_and_no_cards(name: str) -> None:
    for example in load_examples(examples_path(load_scenario(name))):
        kinds = {secret.kind for secret in secrets_in(f"{example.query}\n{example.answer}")}
        assert kinds <= {"mail"}
