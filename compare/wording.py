"""What one answer says in other words than another, word by word."""

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

_WORDS = re.compile(r"\S+")


@dataclass(frozen=True, kw_only=True)
class Piece:
    """Words in a row: in both answers, in the first alone ("left out"), or in the second alone ("new")."""

    kind: Literal["same", "left out", "new"]
    text: str


def word_differences(first: str, second: str) -> tuple[Piece, ...]:
    """How the second answer differs from the first; white space counts as one space."""
    before, after = _WORDS.findall(first), _WORDS.findall(second)
    found: list[Piece] = []
    for kind, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind == "equal":
            found.append(Piece(kind="same", text=" ".join(before[a:b])))
            continue
        if a < b:
            found.append(Piece(kind="left out", text=" ".join(before[a:b])))
        if c < d:
            found.append(Piece(kind="new", text=" ".join(after[c:d])))
    return tuple(found)
