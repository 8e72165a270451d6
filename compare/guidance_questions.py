"""The questions that are asked before anything is measured, and what can be answered. No answer is "don't
know".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Question:
    """One question: ``options`` are its answers, by what is stored, as people read them."""

    key: str
    text: str
    options: Mapping[str, str] = field(hash=False)
    help: str


QUESTIONS: tuple[Question, ...] = (
    Question(
        key="size",
        text="How much must it know of yours?",
        options={
            "none": "Nothing of ours",
            "fits": "Some pages, they fit a prompt",
            "under_200k": "Under 200,000 tokens",
            "more": "More than that",
            "huge": "Over 100,000 documents",
        },
        help="200,000 tokens are about 500 pages.",
    ),
    Question(
        key="changes",
        text="How often does it change?",
        options={"never": "Hardly ever", "monthly": "Every month or so", "daily": "Every day"},
        help="The facts that answers rest on: prices, rules, names.",
    ),
    Question(
        key="form",
        text="Must answers keep a form?",
        options={
            "free": "No, any good text",
            "format": "A fixed format",
            "voice": "A house voice",
            "both": "Format and voice",
        },
        help="A format is what a program reads, such as JSON or one of some labels.",
    ),
    Question(
        key="sources",
        text="Must they name their sources?",
        options={"no": "No", "nice": "It would help", "must": "Yes, always"},
        help="The document that an answer was taken from.",
    ),
    Question(
        key="examples",
        text="Good answers at hand?",
        options={
            "none": "Fewer than 10",
            "few": "10 to 49",
            "some": "50 to 199",
            "many": "200 or more",
        },
        help="Questions with the answers that you want, checked by somebody: examples to learn from.",
    ),
    Question(
        key="terms",
        text="Does it need terms of a trade?",
        options={"no": "No", "some": "Some", "many": "Many, used in a way of their own"},
        help="Words and turns that people outside would not understand.",
    ),
    Question(
        key="general",
        text="Must it do other tasks too?",
        options={"no": "No, only this", "yes": "Yes, anything"},
        help="Whether people will ask the same model about other things.",
    ),
    Question(
        key="volume",
        text="How many answers a month?",
        options={"low": "Under 1,000", "some": "1,000 to 100,000", "high": "Over 100,000"},
        help="All users together.",
    ),
    Question(
        key="latency",
        text="How soon must an answer begin?",
        options={"relaxed": "Within some seconds", "tight": "Within half a second"},
        help="The time until the first word.",
    ),
    Question(
        key="budget",
        text="What may the set-up cost?",
        options={"small": "Next to nothing", "some": "Some days of work", "ample": "What it takes"},
        help="Work and machines before the first answer.",
    ),
    Question(
        key="privacy",
        text="Where may the data go?",
        options={
            "open": "To a provider too",
            "on_premise": "Only our own machines",
            "no_lookup": "No reading while answering",
        },
        help="“No reading while answering”: documents must not be opened when a question comes.",
    ),
    Question(
        key="smaller",
        text="Is a smaller model wanted?",
        options={"no": "No", "yes": "Yes"},
        help="To run it cheaper, quicker, or on a small machine.",
    ),
    Question(
        key="stable",
        text="Is the task settled?",
        options={"yes": "Yes", "no": "No, it still changes"},
        help="Whether what makes a good answer will be the same in half a year.",
    ),
    Question(
        key="upkeep",
        text="Who will look after it?",
        options={"nobody": "Nobody in particular", "developers": "Developers", "specialists": "ML engineers"},
        help="Who watches it, brings documents up to date, trains again.",
    ),
)
"""In the order of the screen: what the model must know and how it must answer first."""
BY_KEY: Mapping[str, Question] = {question.key: question for question in QUESTIONS}
