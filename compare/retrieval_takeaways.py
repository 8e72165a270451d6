"""What the measurements of retrieval say, in plain sentences."""

from compare import numbers
from compare.retrieval_measures import RetrievalFigures
from compare.retrieval_sweep import Setting, SweepPoint
from compare.statistics import LEAST_GROUPS, Estimate
from compare.takeaways import TOO_FEW


def of_retrieval(found: RetrievalFigures, k: int) -> str:
    """How often the right document is among the first ``k`` passages, or as many as the index allows."""
    if not found.at:
        return "No question names the document that answers it, so what retrieval finds cannot be measured."
    shown = max((reported for reported in found.at if reported <= k), default=1)
    said = f"The right document is {_among(shown)} for {of_hits(found.at[shown].hit_rate)}."
    if shown < k and k not in found.at and k > found.chunks / 10:
        passages = numbers.plural(found.chunks, "passage")
        said += f" Only up to a tenth of the {passages} is looked at: to find it among more proves little."
    if not found.several:
        said += " Each question has one right document, so recall is the same as the hit rate."
    return said


def of_hits(rate: Estimate) -> str:
    """As "90 of 96 questions (95 % interval 87 to 97 %)"."""
    said = f"{_counted(rate)} questions"
    if not rate.enough:
        return f"{said}; {TOO_FEW}"
    return f"{said} (95 % interval {numbers.percent_range(rate.low, rate.high)})"


def of_setting(setting: Setting) -> str:
    """As "3 passages of up to 120 tokens"."""
    return f"{numbers.plural(setting.k, 'passage')} of up to {numbers.count(setting.chunk_tokens)} tokens"


def of_no_present(present: Setting) -> str:
    """The present setting was not measured, so nothing can be compared with it."""
    return (
        f"Whether another setting is better cannot be told: {of_setting(present)}, as now, "
        "were not measured, as only up to a tenth of all passages is."
    )


def of_too_few(now: SweepPoint) -> str:
    """There are too few facts asked for."""
    rate = now.hit_rate
    facts = numbers.plural(rate.groups, "different fact")
    return (
        f"Cannot tell yet, so keep {of_setting(now.setting)}: "
        f"{numbers.plural(rate.cases, 'tuning question')} on {facts} "
        f"{'is' if rate.cases == 1 else 'are'} too few; it takes {LEAST_GROUPS} facts."
    )


def of_keeping(now: SweepPoint) -> str:
    """The present setting is the choice."""
    return (
        f"Keep {of_setting(now.setting)}: the right passage is found for {_counted(now.hit_rate)} dev "
        "questions. No setting tried finds it usefully more often, and none that reads less is shown to do "
        "as well."
    )


def of_changing(chosen: SweepPoint, now: SweepPoint) -> str:
    """Another setting is the choice."""
    reads = "more" if chosen.tokens_to_read > now.tokens_to_read else "less"
    return (
        f"Use {of_setting(chosen.setting)} instead of {of_setting(now.setting)}: the right passage is found "
        f"for {_counted(chosen.hit_rate)} tuning questions instead of {_counted(now.hit_rate)}, and the "
        f"model reads {reads}: {_read(chosen)} a question instead of {numbers.count(now.tokens_to_read)}. "
        "Check it on the test questions."
    )


def of_no_difference(best: SweepPoint, now: SweepPoint) -> str:
    """Nothing better than the present setting is shown; ``best`` has the highest hit rate so far."""
    rate = now.hit_rate
    less = ", reading less" if best.tokens_to_read < now.tokens_to_read else ""
    return (
        f"Cannot tell yet, so keep {of_setting(now.setting)}: the right passage is found for "
        f"{_counted(rate)} tuning questions, with {of_setting(best.setting)} for "
        f"{_counted(best.hit_rate)}{less}. "
        f"{numbers.plural(rate.groups, 'different fact')} are too few to tell the two apart."
    )


def _among(k: int) -> str:
    return "in the first passage" if k == 1 else f"among the first {numbers.count(k)} passages"


def _counted(rate: Estimate) -> str:
    return numbers.share(round(rate.value * rate.cases), rate.cases)


def _read(point: SweepPoint) -> str:
    return f"{'at most ' if point.prompt_tokens is None else ''}{numbers.count(point.tokens_to_read)} tokens"
