"""Any lane of one run against any lane of another as one paired result: a small base with an adapter against
a larger one with a prompt, say.

Both are looked at on the same cases. What can't be compared is None and says why: nothing is guessed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from backends.errors import BadInput
from backends.settings import settings
from compare import numbers
from compare.cost import answer_cost
from compare.judged import JudgedCall
from compare.lane_names import lane_name
from compare.measured import StoredRun
from compare.owner import machine_of, this_process
from compare.prices import usual_prices
from compare.run_adapters import trained_card
from compare.run_difference import base_names, shared_cases
from compare.statistics import CaseScores, Difference, Estimate, difference, rate
from compare.summary import case_scores, judgeable_cases, summarise, without_copies
from compare.takeaways import TOO_FEW, right_of


@dataclass(frozen=True, kw_only=True)
class LaneFigures:
    """A lane of a run, with the base model that answered, on the cases that both lanes were judged on.

    ``total_ms`` is the median; tokens are means an answer, as its own model counts them; ``cost`` is of one
    answer, at the price of an hour; ``training_s`` is what its adapter took to train. None is not known.
    """

    run_id: str
    lane: str
    base: str
    right: Estimate | None
    total_ms: float | None
    prompt_tokens: float | None
    completion_tokens: float | None
    cost: float | None
    training_s: float | None

    @property
    def name(self) -> str:
        """What people call the lane with its base."""
        return f"{lane_name(self.lane)} on {self.base}"


@dataclass(frozen=True, kw_only=True)
class LaneDifference:
    """``gain`` is ``this`` minus ``against``, None where they share no judged case. ``no_times`` and
    ``no_cost`` say why there are none; empty when there are. ``once``: each case was asked once in both.
    """

    this: LaneFigures
    against: LaneFigures
    gain: Difference | None
    no_times: str
    no_cost: str
    once: bool

    @property
    def takeaway(self) -> str:
        """Which is right more often, or that it can't be told, in one sentence."""
        this, against, gain = self.this, self.against, self.gain
        if gain is None or this.right is None or against.right is None:
            return f"No case was judged both for {this.name} and for {against.name}."
        if not gain.enough:
            one, other = (right_of(of.right, once=self.once) for of in (this, against) if of.right)
            return f"{this.name} is right on {one}, {against.name} on {other}: {TOO_FEW}."
        cases = numbers.plural(gain.cases, "case")
        if gain.low <= 0 <= gain.high:
            between = f"between {numbers.change(gain.low)} and {numbers.change(gain.high)}"
            return f"These {cases} cannot tell {this.name} from {against.name}: {between}."
        low, high = sorted(abs(round(100 * bound)) for bound in (gain.low, gain.high))
        more = f"{numbers.points(gain.value)} {'more' if gain.value > 0 else 'less'} often"
        return (
            f"{this.name} is right {more} than {against.name} on the same {cases} "
            f"(95 % interval {low} to {high})."
        )


def compare_lanes(a: StoredRun, lane: str, b: StoredRun, against: str) -> LaneDifference:
    """The ``lane`` of run A against the lane ``against`` of run B, case by case.

    Raises:
        BadInput: a run has no such lane, they are of different scenarios, or share no case;
            LEVER_PRICE_GPU_HOUR is absurd.
    """
    for run, name in ((a, lane), (b, against)):
        if name not in run.plan.lanes:
            raise BadInput(f"The run {run.id} has no lane {name!r}.", f"It has: {', '.join(run.plan.lanes)}.")
    shared = shared_cases(a, b)
    calls = [_calls(run, name, shared) for run, name in ((a, lane), (b, against))]
    judgeable = judgeable_cases(call for found in calls for call in found)
    scores = [case_scores(found, judgeable=judgeable) for found in calls]
    both = set.intersection(*({case.case for case in of if case.scores} for of in scores))
    no_times = _why_no_times(a, b)
    bases = base_names(a, b)
    this, other = (
        _figures(run, name, bases[place], scores[place], both, timed=not no_times)
        for place, (run, name) in enumerate(((a, lane), (b, against)))
    )
    return LaneDifference(
        this=this,
        against=other,
        gain=difference(scores[0], scores[1]),
        no_times=no_times,
        no_cost=_why_no_cost(a) or _why_no_cost(b),
        once=a.plan.once and b.plan.once,
    )


def training_seconds(run: StoredRun, lane: str) -> float | None:
    """What training the lane's adapter took, as its card says; None without an adapter, or when that very one
    is not here any more.
    """
    card = trained_card(run, lane)
    return None if card is None else card.seconds


def lane_difference_document(found: LaneDifference) -> dict[str, object]:
    """The comparison as the command line's JSON; absent figures are null."""
    gain = found.gain
    return {
        "this": _document(found.this),
        "against": _document(found.against),
        "difference": None if gain is None else {"mean": gain.value, "interval": [gain.low, gain.high]},
        "n_cases": 0 if gain is None else gain.cases,
        "p_value": gain and gain.p_value,
        "no_times": found.no_times or None,
        "no_cost": found.no_cost or None,
        "takeaway": found.takeaway,
    }


def lane_difference_rows(found: LaneDifference) -> list[dict[str, str]]:
    """One row a lane; what is known of neither is left out."""
    rows = [
        {
            "Approach": one.name,
            "Right": numbers.ABSENT if one.right is None else right_of(one.right, once=found.once),
            "Half done within": numbers.seconds(one.total_ms),
            "Tokens read": numbers.count(one.prompt_tokens),
            "Tokens written": numbers.count(one.completion_tokens),
            "Cost of an answer": numbers.money(one.cost),
            "Training before": numbers.seconds(None if one.training_s is None else 1000 * one.training_s),
        }
        for one in (found.this, found.against)
    ]
    kept = [column for column in rows[0] if {row[column] for row in rows} != {numbers.ABSENT}]
    return [{column: row[column] for column in kept} for row in rows]


def _calls(run: StoredRun, lane: str, shared: set[str]) -> list[JudgedCall]:
    """The lane's answers to these cases; of greedy copies the first."""
    found = [call for call in run.calls if call.lane == lane and call.case_id in shared]
    return without_copies(found, run.plan)


def _figures(
    run: StoredRun, lane: str, base: str, scores: Sequence[CaseScores], both: set[str], *, timed: bool
) -> LaneFigures:
    calls = [call for call in run.calls if call.lane == lane and call.case_id in both]
    found = summarise(calls, replace(run.plan, lanes=(lane,)))[lane]
    costs = [] if _why_no_cost(run) else [answer_cost(call, usual_prices()) for call in calls]
    known = [cost for cost in costs if cost is not None]
    return LaneFigures(
        run_id=run.id,
        lane=lane,
        base=base,
        right=rate([case for case in scores if case.case in both]),
        total_ms=found.total_ms.p50 if timed and found.total_ms else None,
        prompt_tokens=found.prompt_tokens_mean,
        completion_tokens=found.completion_tokens_mean,
        cost=fmean(known) if known else None,
        training_s=training_seconds(run, lane),
    )


def _why_no_times(a: StoredRun, b: StoredRun) -> str:
    """Why the times of two runs say nothing of each other; empty when they do."""
    one, other = a.provenance, b.provenance
    if a.plan.mode != b.plan.mode:
        return "One run asked one answer at a time, in the other answers shared the machine."
    if one is None or other is None:
        return "It is not known of both runs what they were asked on."
    if one.device != other.device:
        return f"One run was asked on {one.device}, the other on {other.device}."
    if a.machine != b.machine:
        return f"The runs were asked on machines of different names, {a.machine} and {b.machine}."
    return ""


def _why_no_cost(run: StoredRun) -> str:
    """Why what an answer costs is not known; empty when it is."""
    if settings().price_gpu_hour is None:
        return "Set LEVER_PRICE_GPU_HOUR to see what an answer costs."
    if run.plan.mode != "bench":
        return "Answers shared the machine, so what one costs is not known: ask one at a time."
    if run.machine != machine_of(this_process()):
        return f"The price is of this machine; a run was asked on {run.machine}."
    return ""


def _document(one: LaneFigures) -> dict[str, object]:
    right = one.right
    return {
        "run_id": one.run_id,
        "backend": one.lane,
        "model": one.base,
        "pass_rate": right and right.value,
        "pass_rate_interval": right and [right.low, right.high],
        "total_ms_p50": one.total_ms,
        "prompt_tokens_mean": one.prompt_tokens,
        "completion_tokens_mean": one.completion_tokens,
        "cost_per_answer": one.cost,
        "training_seconds": one.training_s,
    }
