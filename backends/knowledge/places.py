"""Where in its document a chunk stands: its text has folded white space and its headings became sentences."""

import re

_WORD = re.compile(r"\w+")


def place_of(chunk_text: str, document_text: str) -> tuple[int, int] | None:
    """The first stretch of a document with the words of a chunk, as [start, end) in characters.

    What stands between words, white space and punctuation, may differ. None when the words don't stand there
    one after another, as those of a table's row with the names of its columns, or when there are none. Takes
    time linear in both lengths.
    """
    return _by_words(chunk_text, document_text) or _by_letters(chunk_text, document_text)


def _by_words(chunk_text: str, document_text: str) -> tuple[int, int] | None:
    """Whole words only, so that "in" is not found within "find"."""
    wanted = _WORD.findall(chunk_text)
    spans = [found.span() for found in _WORD.finditer(document_text)]
    said = f" {' '.join(document_text[start:end] for start, end in spans)} "
    at = said.find(f" {' '.join(wanted)} ") if wanted else -1
    if at < 0:
        return None
    first = said.count(" ", 0, at)
    return _with_marks(chunk_text, document_text, spans[first][0], spans[first + len(wanted) - 1][1])


def _by_letters(chunk_text: str, document_text: str) -> tuple[int, int] | None:
    """A chunk may begin or end within a word: one that is longer than a chunk may be is cut."""
    wanted = "".join(_WORD.findall(chunk_text))
    at = "".join(_WORD.findall(document_text)).find(wanted) if wanted else -1
    if at < 0:
        return None
    start = end = passed = 0
    last = at + len(wanted) - 1
    for found in _WORD.finditer(document_text):
        after = passed + len(found.group())
        if passed <= at < after:
            start = found.start() + at - passed
        if passed <= last < after:
            end = found.start() + last - passed + 1
            break
        passed = after
    return _with_marks(chunk_text, document_text, start, end)


def _with_marks(chunk_text: str, document_text: str, start: int, end: int) -> tuple[int, int]:
    """With what stands right before the first word and behind the last one, such as "$" and a full stop."""
    words = list(_WORD.finditer(chunk_text))
    before, behind = chunk_text[: words[0].start()], chunk_text[words[-1].end() :]
    if before and document_text.endswith(before, 0, start):
        start -= len(before)
    if behind and document_text.startswith(behind, end):
        end += len(behind)
    return start, end
