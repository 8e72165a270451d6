"""What published guidance expects of a task, before anything is measured: the cheapest lever that meets the
needs which the answers state. Pure; the tables stand in ``guidance_rules.py``.

The two sides of a task (OpenAI's "Optimizing LLM accuracy") are what the model must know and how it must
answer: below one answer on each, nothing is expected.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from compare.guidance_levers import LANES, Bar, Lever, Rule
from compare.guidance_questions import BY_KEY, QUESTIONS, Question
from compare.guidance_rules import BARS, CONFLICTS, RULES
from compare.guidance_sources import Source
from compare.lanes import backend_of

Answers = Mapping[str, str]
"""By question what was answered; questions that nobody answered are left out."""
SIDES: tuple[tuple[str, ...], ...] = (("size", "changes", "sources"), ("form", "terms"))
"""What it must know; how it must answer."""


@dataclass(frozen=True, kw_only=True)
class Reason:
    """An answer that counted. It speaks for ``levers``, or with ``barred`` puts them out of reach; ``need``
    and its ``weight`` are what it asks for (nothing and 0 for a bar), ``met`` says whether the expected lever
    meets it.
    """

    question: Question
    answer: str
    levers: tuple[Lever, ...]
    barred: bool
    need: str
    weight: int
    met: bool
    because: str
    source: Source


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """What guidance expects: ``levers`` within reach, the expected one first, then by the weight of the needs
    that each leaves open, cheap ones first among equals; none where too little is said.

    ``missing`` are the questions without an answer, and ``ask_next`` the one of them that matters most, None
    when no answer would change what is expected. ``conflicts`` are sentences on answers that don't go
    together.
    """

    levers: tuple[Lever, ...]
    reasons: tuple[Reason, ...]
    missing: tuple[str, ...]
    ask_next: Question | None
    conflicts: tuple[str, ...]

    @property
    def lever(self) -> Lever | None:
        """The expected one."""
        return self.levers[0] if self.levers else None

    @property
    def left_open(self) -> tuple[Reason, ...]:
        """The needs that it does not meet."""
        return tuple(reason for reason in self.reasons if not reason.met)


def expectation(answers: Answers) -> Expectation:
    """What the answers let expect; answers that no question knows count for nothing."""
    known = {key: said for key, said in answers.items() if key in BY_KEY and said in BY_KEY[key].options}
    levers = ranked(known) if all(any(key in known for key in side) for side in SIDES) else ()
    return Expectation(
        levers=levers,
        reasons=_reasons(known, levers[0] if levers else None),
        missing=tuple(question.key for question in QUESTIONS if question.key not in known),
        ask_next=_ask_next(known),
        conflicts=tuple(
            conflict.sentence
            for conflict in CONFLICTS
            if all(known.get(key) in said for key, said in conflict.answers.items())
        ),
    )


def ranked(answers: Answers) -> tuple[Lever, ...]:
    """The levers within reach by the weight of the needs that they leave open, cheap ones first."""
    barred = {lever for bar in BARS if _fires(bar, answers) for lever in bar.levers}
    rules = [rule for rule in RULES if _fires(rule, answers)]
    left_open = {
        lever: sum(rule.weight for rule in rules if lever not in rule.met_by)
        for lever in LANES
        if lever not in barred
    }
    return tuple(sorted(left_open, key=lambda lever: left_open[lever]))  # Stable: LANES is in cost order.


def lever_of(lane: str) -> Lever | None:
    """The lever that a lane pulls; None for a control."""
    backend = backend_of(lane)
    return next((lever for lever, lanes in LANES.items() if backend in lanes), None)


def _fires(row: Rule | Bar, answers: Answers) -> bool:
    return answers.get(row.question) in row.answers


def _reasons(answers: Answers, expected: Lever | None) -> tuple[Reason, ...]:
    """In the order of the questions."""
    order, rows = list(BY_KEY), list[Rule | Bar]([*RULES, *BARS])
    return tuple(
        Reason(
            question=BY_KEY[row.question],
            answer=BY_KEY[row.question].options[answers[row.question]],
            levers=row.levers if isinstance(row, Bar) else row.met_by,
            barred=isinstance(row, Bar),
            need="" if isinstance(row, Bar) else row.need,
            weight=0 if isinstance(row, Bar) else row.weight,
            met=isinstance(row, Bar) or expected in row.met_by,
            because=row.because,
            source=row.source,
        )
        for row in sorted(rows, key=lambda row: order.index(row.question))
        if _fires(row, answers)
    )


def _ask_next(answers: Answers) -> Question | None:
    """The open question of which most answers would change the expected lever; while a side of the task is
    open, the first question of it.
    """
    for side in SIDES:
        if not any(key in answers for key in side):
            return BY_KEY[side[0]]
    now = ranked(answers)[0]
    moves = {
        question: sum(ranked({**answers, question.key: said})[0] != now for said in question.options)
        for question in QUESTIONS
        if question.key not in answers
    }
    best = max(moves, key=lambda question: moves[question], default=None)
    return best if best is not None and moves[best] else None
