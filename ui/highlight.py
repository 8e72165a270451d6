"""A stretch of a document marked among the paragraphs around it, as Markdown that shows nothing but text."""

from ui.text import safe

AROUND_CHARS = 1_200
"""Of the document shown before and behind the stretch; of a stretch that is longer, twice as many."""
CUT = "…"


def highlighted(text: str, place: tuple[int, int]) -> str:
    """The lines around ``place``, [start, end) in characters, with what stands there on a green ground."""
    start, end = place
    first, last = _line_around(text, start, end)
    lines, at = [], first
    for line in text[first:last].split("\n"):
        inside = max(start, at), min(end, at + len(line))
        lines.append(_marked(line, inside[0] - at, inside[1] - at))
        at += len(line) + 1
    shown = "\n".join(lines)
    paragraphs = ["  \n".join(part.splitlines()) for part in shown.split("\n\n") if part.strip()]
    before, behind = [CUT] * bool(text[:first].strip()), [CUT] * bool(text[last:].strip())
    return "\n\n".join([*before, *paragraphs, *behind])


def _line_around(text: str, start: int, end: int) -> tuple[int, int]:
    """Where to begin and to end: at a line's ends where there are some near enough, else at a space."""
    first, last = max(0, start - AROUND_CHARS), min(len(text), min(end, start + AROUND_CHARS) + AROUND_CHARS)
    if first:
        first = next((at + 1 for mark in "\n " if (at := text.find(mark, first, start)) >= 0), first)
    if last < len(text):
        last = next((at for mark in "\n " if (at := text.rfind(mark, min(end, last), last)) >= 0), last)
    return first, last


def _marked(line: str, start: int, end: int) -> str:
    """One line; ``start`` to ``end`` is marked if there is anything."""
    if start >= end or not line[start:end].strip():
        return safe(line)
    before, inside, behind = line[:start], line[start:end], line[end:]
    marked = f"{safe(before)}{_gap(before[-1:])}:green-background[{safe(inside)}]{_gap(behind[:1])}"
    return marked + safe(behind)


def _gap(neighbour: str) -> str:
    """The space that :func:`ui.text.safe` takes from the ends."""
    return " " if neighbour.isspace() else ""
