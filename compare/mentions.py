"""What a text states that can be looked up: numbers, dates, times, codes, addresses and proper names.

Found by form alone, in text that begins names with capitals, as English does. Text without that habit has no
names here, and is never called wrong for it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from compare.matching import NUMBER, keyboard, number_of, without_citations

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTH = (
    "(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?"
    "|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)"
)
_YEAR = r"(?:,?[ \t]{1,2}\d{4}(?!\w))?"
_TOKEN = re.compile(
    # What most text is made of comes first: a word in small letters that can't be part of anything else.
    r"(?P<small>[a-z]{1,40}(?=[ ,]))"
    r"|(?P<mail>(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+)"
    r"|(?P<iso>(?<![\w-])\d{4}-\d{2}-\d{2}(?!\w))"
    rf"|(?P<day>(?<!\w)\d{{1,2}}(?:st|nd|rd|th)?\.?[ \t]{{1,2}}(?:of[ \t])?{_MONTH}(?!\w)\.?{_YEAR})"
    rf"|(?P<month>(?<!\w){_MONTH}\.?[ \t]{{1,2}}\d{{1,2}}(?:st|nd|rd|th)?(?![\w:]){_YEAR})"
    r"|(?P<time>(?<![\w:.])\d{1,2}:\d{2}(?::\d{2})?(?!\d|:\d)(?:[ \t]?[AaPp]\.?[Mm](?!\w)\.?)?)"
    r"|(?P<code>(?<!\w)(?:[A-Z][A-Za-z]{0,7}[-/]\d|[A-Za-z]{1,8}\d)\w*(?:[-/]\w+|\.\d\w*)*)"
    r"|(?P<dotted>(?<![\w.])\d+(?:\.\d+){2,}(?!\w))"
    rf"|(?P<number>{NUMBER.pattern})"
    r"|(?P<word>[^\W\d_]\w*(?:['-](?=[^\W\d_])\w+)*)"
)
_NUMBER_WORDS = {
    word: number
    for number, word in enumerate(
        ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    )
}
_BEGINS = frozenset(':"*|>#=')
"""After one of these a capital says as little as at the beginning of a sentence."""
_HEADLINE_WORDS, _HEADLINE_SHARE, _SHORT_WORD = 4, 0.6, 3
"""A sentence of so many words that begins so many of them with capitals, all but short ones, says nothing by
it."""
_SELF = re.compile("I(?:'\\w+)?")
_END = re.compile(r"[.!?…][\"')]*(?:[ \t]*\[\d[\d,;– -]*\])*(?=\s|$)|[。！？\n]")
"""Of a sentence, with the citations behind its full stop."""


@dataclass(frozen=True, kw_only=True)
class Mention:
    """One thing that a text states. ``key`` is the same for all its spellings; ``said`` is as written."""

    key: str
    said: str
    name: bool


@dataclass(frozen=True, kw_only=True)
class Given:
    """What a given text says, to be looked up: mentions by key, its words, and which stand side by side."""

    keys: frozenset[str]
    words: frozenset[str]
    pairs: frozenset[tuple[str, str]]

    def holds(self, mention: Mention) -> bool:
        """Whether the text says this; a name of several words as one, whatever its capitals."""
        if not mention.name:
            return mention.key in self.keys
        words = mention.key.split(" ")
        return words[0] in self.words and all(pair in self.pairs for pair in pairwise(words))


def mentions(text: str) -> tuple[str, ...]:
    """The keys of all that a text states, each once: "1250" for 1,250, "9:20", "2026-05-03", "hx539",
    "orla venn". Number words ("two") are none: too many of them count nothing ("two of these").
    """
    found = mentions_of([text[start:end] for start, end in sentences(text)])
    return tuple(dict.fromkeys(mention.key for said in found for mention in said))


def sentences(text: str) -> list[tuple[int, int]]:
    """(start, end) of each sentence or line; together they are the whole text."""
    cuts = [0, *(end.end() for end in _END.finditer(text)), len(text)]
    return [(start, end) for start, end in pairwise(cuts) if end > start]


def mentions_of(pieces: Sequence[str]) -> list[tuple[Mention, ...]]:
    """What each sentence of one text states. A word that begins a sentence is a name only if it has a
    capital further on ("McCoy"), or begins with one in the midst of a sentence elsewhere.
    """
    read = [_read(without_citations(piece)) for piece in pieces]
    known = {word for _, words in read for word, _, begins, _ in words if not begins}
    return [(*plain, *_names(words, known)) for plain, words in read]


@lru_cache(maxsize=4096)
def given(text: str) -> Given:
    """A passage or a question, made ready for looking things up; number words give their numbers."""
    keys: set[str] = set()
    words: set[str] = set()
    pairs: set[tuple[str, str]] = set()
    plain, before, end = keyboard(text), "", 0
    for token in _TOKEN.finditer(plain):
        if token.lastgroup in ("small", "word"):
            word = _bare(token[0])
            words.update((word, *word.split("-")))
            keys.update(str(_NUMBER_WORDS[part]) for part in word.split("-") if part in _NUMBER_WORDS)
            if before and plain[end : token.start()].isspace():
                pairs.add((before, word))
            before, end = word, token.end()
        else:
            keys.update(_keys(token))
            before = ""
    return Given(keys=frozenset(keys), words=frozenset(words), pairs=frozenset(pairs))


_Word = tuple[str, str, bool, bool]
"""With a capital: folded, as written, whether it begins a sentence, whether another stands right before."""


def _read(sentence: str) -> tuple[list[Mention], list[_Word]]:
    """What a sentence states apart from names, and its words with capitals."""
    found: list[Mention] = []
    capitals: list[_Word] = []
    plain, many, end, joined, long_words = keyboard(sentence), 0, 0, False, 0
    for token in _TOKEN.finditer(plain):
        if token.lastgroup == "small":
            end, many, joined = token.end(), many + 1, False
            long_words += end - token.start() > _SHORT_WORD
            continue
        between = plain[end : token.start()]
        end = token.end()
        if token.lastgroup != "word":
            found.append(Mention(key=_keys(token)[0], said=token[0].strip(" ."), name=False))
            many, joined = many + 1, False
            continue
        word = token[0]
        begins = many == 0 or not _BEGINS.isdisjoint(between)
        many += 1
        unit = many > 1 and not between  # "15GB"
        capital = word != word.lower() and not unit and not _SELF.fullmatch(word)
        if capital:
            capitals.append((_bare(word), word, begins, joined and between.isspace()))
        long_words += not capital and len(word) > _SHORT_WORD
        joined = capital
    if many >= _HEADLINE_WORDS and len(capitals) > _HEADLINE_SHARE * many and not long_words:
        capitals = []
    return found, capitals


def _names(words: list[_Word], known: set[str]) -> Iterator[Mention]:
    """The names among words with capitals: runs of them."""
    runs: list[list[tuple[str, str]]] = [[]]
    for folded, word, begins, joined in words:
        if not joined:
            runs.append([])
        if not begins or folded in known or word[1:] != word[1:].lower():
            runs[-1].append((folded, word))
    for run in runs:
        key = " ".join(folded for folded, _ in run)
        if len(key) > 1:  # One letter is a unit or a plan's letter as often as a name.
            said = " ".join(word for _, word in run).removesuffix("'s")
            yield Mention(key=key, said=said, name=True)


def _bare(word: str) -> str:
    return word.casefold().removesuffix("'s")


def _keys(token: re.Match[str]) -> list[str]:
    """The token's key first; then what else a text with it says: the parts of a date, a time without pm."""
    text, kind = token[0], token.lastgroup
    if kind == "number":
        return [_number(number_of(token))]
    if kind in ("iso", "day", "month"):
        return _date_keys(text, kind)
    if kind == "time":
        hour, rest = text.split(":", 1)
        minutes = rest.rstrip("AaPpMm. \t")
        noon = 12 if "p" in rest.lower() else 0
        plain = f"{int(hour)}:{minutes}"
        return [f"{int(hour) % 12 + noon}:{minutes}", plain] if rest != minutes else [plain]
    return [text.casefold().replace("-", "") if kind == "code" else text.casefold()]


def _date_keys(text: str, kind: str) -> list[str]:
    parts = [int(part) for part in re.findall(r"\d+", text)]
    if kind == "iso":
        year, month, day = parts
    else:
        written = re.search(_MONTH, text)
        month = _MONTHS.index(written[0][:3]) + 1 if written else 0
        day, year = parts[0], parts[1] if len(parts) > 1 else 0
    keys = [f"{month:02}-{day:02}", *(str(part) for part in parts)]
    return [f"{year}-{keys[0]}", *keys] if year else keys


def _number(value: float) -> str:
    return f"{value:.15g}"
