"""Checks of how like an answer is to the expected one: in meaning, and in wording."""

import re
from dataclasses import dataclass
from typing import ClassVar, Self

from backends.errors import LeverError
from compare.judging import BadCheck, CannotJudge, CheckKind, Subject

_WORDS = re.compile(r"\w+")


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """What both share: a least likeness from 0 to 1."""

    least: float
    kind: ClassVar[CheckKind] = "content"

    @classmethod
    def parse(cls, argument: str) -> Self:
        """A number such as 0.8."""
        try:
            least = float(argument)
        except ValueError as error:
            raise BadCheck("needs a number from 0 to 1, such as 0.8") from error
        if not 0 <= least <= 1:
            raise BadCheck("needs a number from 0 to 1, such as 0.8")
        return cls(least=least)

    @staticmethod
    def expected(subject: Subject) -> str:
        """What the answer is compared with.

        Raises:
            CannotJudge: nothing is expected.
        """
        if not subject.case.expected.strip():
            raise CannotJudge("the case has no expected answer to compare with")
        return subject.case.expected


class Similarity(Threshold):
    """The cosine of the two sentence embeddings is at least this."""

    name: ClassVar[str] = "similarity"

    def judge(self, subject: Subject) -> tuple[bool, str]:
        """Unscored where there is no embedding model."""
        expected = self.expected(subject)
        if subject.embed is None:
            raise CannotJudge("there is no embedding model here to compare meanings with")
        if not subject.text.strip():
            return False, "the answer is empty"
        try:
            one, other = subject.embed([subject.text, expected])
        except LeverError as error:
            raise CannotJudge(error.message) from error
        cosine = float(one @ other)
        return cosine >= self.least, f"cosine {cosine:.2f}, at least {self.least:g} is wanted"


class RougeL(Threshold):
    """ROUGE-L is at least this: the F-measure of the longest common subsequence of words (Lin 2004)."""

    name: ClassVar[str] = "rouge_l"

    def judge(self, subject: Subject) -> tuple[bool, str]:
        """Words are compared without case and punctuation."""
        from rapidfuzz.distance import LCSseq

        expected = _WORDS.findall(self.expected(subject).casefold())
        said = _WORDS.findall(subject.text.casefold())
        if not expected:
            raise CannotJudge("the expected answer has no words to compare with")
        score = 2 * LCSseq.similarity(said, expected) / (len(said) + len(expected))
        return score >= self.least, f"ROUGE-L {score:.2f}, at least {self.least:g} is wanted"
