"""The form of one answer: JSON, labelled lines or text, and whether it looks whole. Pure functions."""

import json
import re

Form = tuple[str, ...]
"""``JSON``, ``TEXT``, or the labels that begin two lines or more."""
JSON: Form = ("JSON",)
TEXT: Form = ()
_LABEL = re.compile(r"^([^\W\d][\w-]*):(?=\s|$)", re.MULTILINE)
_GOES_ON = frozenset(",-–—(&/+")
"""What no text ends with, though it is punctuation."""


def form_of(answer: str) -> Form:
    """Which form it has."""
    if _json(answer):
        return JSON
    labels = labels_of(answer)
    return labels if len(labels) > 1 else TEXT


def labels_of(answer: str) -> tuple[str, ...]:
    """The words with a colon that begin its lines ("Plan: rest" has "Plan")."""
    return tuple(_LABEL.findall(answer))


def is_open(answer: str) -> bool:
    """Whether it ends in the midst: with a letter, a digit, or a mark after which more must come."""
    last = answer.rstrip()[-1:]
    return last.isalnum() or last in _GOES_ON


def unclosed(answer: str) -> bool:
    """Whether it is JSON that ends before it is whole."""
    text = answer.strip()
    if not text.startswith(("{", "[")):
        return False
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return error.pos >= len(text) or error.msg.startswith("Unterminated")
    except (ValueError, RecursionError):
        return False
    return False


def _json(answer: str) -> bool:
    try:
        return isinstance(json.loads(answer), dict | list)
    except (ValueError, RecursionError):
        return False
