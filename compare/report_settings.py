"""What a report is made from beside the store: the verdict's terms, prices, what was measured elsewhere. It
travels inside the report, so that anybody with the store can make the same report again.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import TypeAdapter, ValidationError

from backends.errors import BadInput
from backends.scenario import load_scenario
from compare.cost_setup import Setup, setups_of
from compare.measured import StoredRun
from compare.prices import Prices
from compare.records import now
from compare.terms import Terms

FORM = 1
"""Of the report; a report of another form has its figures elsewhere and can't be compared."""


@dataclass(frozen=True, kw_only=True)
class ReportSettings:
    """``question`` is what is to be decided, ``story`` what the scenario is; ``made_at`` is UTC, ISO 8601.
    ``setups`` are by lane, from the cards of the adapters. ``app`` is the address of the app that runs are
    linked to, empty where none is known.
    """

    made_at: str
    title: str = ""
    question: str = ""
    story: str = ""
    terms: Terms = field(default_factory=Terms)
    prices: Prices = field(default_factory=Prices)
    setups: Mapping[str, Setup] = field(default_factory=dict)
    app: str = ""


@dataclass(frozen=True, kw_only=True)
class Stamp:
    """What a report carries: of which run it is, how far that was, and what it was made from."""

    lever_report: int
    run_id: str
    lanes: tuple[str, ...]
    calls: int
    judgements: int
    settings: ReportSettings


_STAMP = TypeAdapter(Stamp)


def settings_of(
    run: StoredRun,
    prices: Prices,
    *,
    title: str = "",
    question: str = "",
    terms: Terms | None = None,
    app: str = "",
) -> ReportSettings:
    """The settings of a report that is made now; title, question and story are the scenario's where they are
    not given.

    Raises:
        BadInput: ``app`` is no address of a web page.
    """
    if app and not app.startswith(("http://", "https://")):
        raise BadInput(f"{app} is no address of the app.", "Write it like http://localhost:8501.")
    named, story = run.plan.scenario, ""
    try:
        scenario = load_scenario(run.plan.scenario)
        named, story = scenario.title, scenario.story
    except BadInput:  # It is gone since; the run says all the rest.
        pass
    return ReportSettings(
        made_at=now(),
        title=title or f"{named}: the cheapest lever that works",
        question=question
        or f"Does a better prompt do for {named}, or does it take retrieval or fine-tuning?",
        story=story,
        terms=terms or Terms(),
        prices=prices,
        setups=setups_of(run, run.plan.lanes),
        app=app.rstrip("/"),
    )


def stamp_of(run: StoredRun, judgements: int, settings: ReportSettings) -> str:
    """As one line of ASCII that can stand inside HTML and Markdown."""
    stamp = Stamp(
        lever_report=FORM,
        run_id=run.id,
        lanes=run.plan.lanes,
        calls=len(run.calls),
        judgements=judgements,
        settings=settings,
    )
    line = json.dumps(_STAMP.dump_python(stamp, mode="json"), ensure_ascii=True)
    for character in "<>&'`":
        line = line.replace(character, f"\\u{ord(character):04x}")
    return line


def read_stamp(line: str, name: str) -> Stamp:
    """It again; ``name`` is the file's.

    Raises:
        BadInput: it is broken, or of a report of another form.
    """
    broken = BadInput(f"{name} is damaged: what it was made from can't be read.", "Make the report again.")
    try:
        form = json.loads(line)["lever_report"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise broken from None
    if form != FORM:
        age = "an older" if isinstance(form, int) and form < FORM else "another"
        raise BadInput(f"{name} was made by {age} version of Lever.", "Make the report again.")
    try:
        return _STAMP.validate_json(line, strict=True)
    except ValidationError:
        raise broken from None
