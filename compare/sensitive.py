"""What must not be learnt by heart: keys and tokens, card numbers, e-mail addresses; found and masked.

Keys are found by the patterns of detect-secrets, of which nothing asks the network, and by those of newer
kinds of keys.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

_NEWER = re.compile(
    r"(?<![\w-])(?:sk-[\w-]{20,}|hf_[A-Za-z]{30,}|AIza[\w-]{35}|github_pat_\w{22,}|npm_\w{36})(?![\w-])"
)
"""Keys of OpenAI's and Anthropic's kind, Hugging Face's, Google's, npm's, and GitHub's fine-grained ones."""
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY(?:.*?-----END [A-Z ]*-----|.*)", re.DOTALL)
_CARD = re.compile(r"(?<![\w-])[2-6](?:[ -]?\d){12,18}(?![\w-])")
_MAIL = re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_SHOWN_CHARS = 4

Kind = Literal["key", "card", "mail"]


@dataclass(frozen=True, kw_only=True)
class Secret:
    """One find. ``text`` is the secret itself: show it only :func:`masked`."""

    kind: Kind
    text: str


def secrets_in(text: str) -> tuple[Secret, ...]:
    """Everything found in a text, each once."""
    keys = [found[0] for pattern in _patterns() for found in pattern.finditer(text)]
    cards = [found[0] for found in _CARD.finditer(text) if _is_card(found[0])]
    mails = [found[0] for found in _MAIL.finditer(text)]
    kinds: tuple[tuple[Kind, list[str]], ...] = (("key", keys), ("card", cards), ("mail", mails))
    return tuple(dict.fromkeys(Secret(kind=kind, text=found) for kind, texts in kinds for found in texts))


def masked(text: str, secrets: Sequence[Secret] | None = None) -> str:
    """The text with the first characters of each secret in its place; ``secrets`` saves looking for them."""
    for secret in sorted(secrets_in(text) if secrets is None else secrets, key=lambda one: -len(one.text)):
        text = text.replace(secret.text, f"{secret.text[:_SHOWN_CHARS]}…")
    return text


def _is_card(text: str) -> bool:
    from stdnum import luhn

    return bool(luhn.is_valid(re.sub(r"\D", "", text)))


@lru_cache(maxsize=1)
def _patterns() -> tuple[re.Pattern[str], ...]:
    """Of secrets that have a form of their own; guessing by keyword or entropy takes prose for secrets.

    The patterns are used as they are: detect-secrets' own search gives parts of some keys only.
    """
    from detect_secrets.plugins import (
        artifactory,
        aws,
        azure_storage_key,
        basic_auth,
        discord,
        github_token,
        gitlab_token,
        jwt,
        mailchimp,
        openai,
        pypi_token,
        sendgrid,
        slack,
        square_oauth,
        stripe,
        telegram_token,
        twilio,
    )

    detectors = (
        artifactory.ArtifactoryDetector,
        aws.AWSKeyDetector,
        azure_storage_key.AzureStorageKeyDetector,
        basic_auth.BasicAuthDetector,
        discord.DiscordBotTokenDetector,
        github_token.GitHubTokenDetector,
        gitlab_token.GitLabTokenDetector,
        jwt.JwtTokenDetector,
        mailchimp.MailchimpDetector,
        openai.OpenAIDetector,
        pypi_token.PypiTokenDetector,
        sendgrid.SendGridDetector,
        slack.SlackDetector,
        square_oauth.SquareOAuthDetector,
        stripe.StripeDetector,
        telegram_token.TelegramBotTokenDetector,
        twilio.TwilioKeyDetector,
    )
    return (_PRIVATE_KEY, _NEWER, *(pattern for detector in detectors for pattern in detector.denylist))
