"""How texts, numbers and citations of an answer are found and compared. Pure functions on strings."""

import re
import unicodedata
from collections.abc import Iterator

_VARIANTS = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛′`´", "'"),
        **dict.fromkeys("“”„‟″«»", '"'),
        **dict.fromkeys("‐‑‒–—―−", "-"),
        **dict.fromkeys("\u00ad\u200b\u200c\u200d\u2060\ufeff", None),
    }
)
_CITATION = re.compile(r"\[(\d{1,3}(?:\s*[,;–-]\s*\d{1,3})*)\]")
MOST_IN_RANGE = 50
"""Numbers that a range such as [1-3] stands for at most: nobody means all of [1-999]."""
NUMBER = re.compile(
    r"(?<!\w)(?<!\d[.,:])(?P<sign>-?)(?:(?P<grouped>\d{1,3}(?:[,']\d{3})+(?!\d))|(?P<plain>\d+))"
    r"(?P<fraction>\.\d+|,\d{1,2}(?!\d))?(?!\d|[.,:]\d)"
)
_THIN_SPACE = re.compile("(?<=[0-9])[\u00a0\u2009\u202f](?=[0-9]{3})")
_UNSPACED = 0x2E80
"""From here on lie scripts that write words without spaces (CJK), where a boundary means nothing."""


def folded(text: str) -> str:
    """NFKC, case folded, white space folded, typographic quotes and dashes as on a keyboard."""
    plain = unicodedata.normalize("NFKC", text.translate(_VARIANTS)).translate(_VARIANTS)
    return " ".join(plain.casefold().split())


def contains(text: str, part: str) -> bool:
    """Whether ``part`` occurs in ``text`` after folding, at word boundaries.

    A number never matches inside a longer one: "2" is neither in "12" nor in "2.5" nor in "3:02". Citation
    marks such as [2] are no numbers of the answer, unless ``part`` is about them.
    """
    wanted = folded(part)
    if not wanted:
        return False
    within = folded(text if _CITATION.search(part) else without_citations(text))
    pattern = _edge(wanted[0], before=True) + re.escape(wanted) + _edge(wanted[-1], before=False)
    return re.search(pattern, within) is not None


def _edge(char: str, *, before: bool) -> str:
    if char.isdigit():
        return r"(?<!\w)(?<!\d[.,:])" if before else r"(?!\w|[.,:]\d)"
    if (char.isalnum() or char == "_") and ord(char) < _UNSPACED:
        return r"(?<!\w)" if before else r"(?!\w)"
    return ""


def without_citations(text: str) -> str:
    """The text without marks such as [1] or [1, 3]."""
    return _CITATION.sub(" ", text)


def citations(text: str) -> tuple[int, ...]:
    """The passage numbers that a text cites, in order; [1, 3], [1][3] and [1-3] are understood."""
    return tuple(number for _, _, numbers in citation_marks(text) for number in numbers)


def citation_marks(text: str) -> Iterator[tuple[int, int, tuple[int, ...]]]:
    """(start, end, numbers) of each mark such as [1, 3] in the text, in order."""
    for mark in _CITATION.finditer(text):
        numbers: list[int] = []
        for piece in re.split(r"\s*[,;]\s*", mark[1]):
            first, *last = (int(number) for number in re.split(r"\s*[–-]\s*", piece))
            end = min(last[-1] if last else first, first + MOST_IN_RANGE - 1)
            numbers.extend(range(first, end + 1) if end >= first else (first, *last))
        yield mark.start(), mark.end(), tuple(numbers)


def numbers_in(text: str) -> tuple[float, ...]:
    """The numbers of a text in order: 1,250 and 1'250 are 1250, 6.40 and 6,40 are 6.4, B2 is none."""
    return tuple(number_of(match) for match in NUMBER.finditer(keyboard(text)))


def number_of(match: re.Match[str]) -> float:
    """What a match of :data:`NUMBER` stands for."""
    whole = re.sub(r"\D", "", match["grouped"] or match["plain"])
    fraction = (match["fraction"] or "").replace(",", ".")
    return float(f"{match['sign']}{whole}{fraction}")


def keyboard(text: str) -> str:
    """The text as :data:`NUMBER` reads it: NFKC, quotes, dashes and thin spaces as on a keyboard."""
    if text.isascii():
        return text
    return unicodedata.normalize("NFKC", _THIN_SPACE.sub("'", text)).translate(_VARIANTS)


def split_escaped(text: str, mark: str) -> list[str]:
    """Split at ``mark``; a backslash keeps the ``;`` or ``|`` behind it, and goes."""
    pieces = [""]
    position = 0
    while position < len(text):
        pair = text[position : position + 2]
        if pair in ("\\;", "\\|"):
            pieces[-1] += pair[1]
            position += 2
            continue
        if text[position] == mark:
            pieces.append("")
        else:
            pieces[-1] += text[position]
        position += 1
    return pieces
