"""What a comparison before and after an adapter says, in one sentence, or that it can't be told yet."""

from compare import numbers
from compare.before_after import BeforeAfter, before_after
from compare.lane_names import lane_name
from compare.lanes import adapter_of
from compare.measured import StoredRun
from compare.statistics import Difference
from compare.takeaways import TOO_FEW, right_of

SMALLEST_GAIN = 0.05
"""The smallest difference of right answers that is worth anything, as a share (``measures.md``)."""
LITTLE = 0.1
"""A share of right answers below which a loss of the smallest gain would be most of it."""
MORE = "Ask each question more often, or add test questions."


def of_help(found: BeforeAfter) -> str:
    """Whether the adapter helped on the questions that it was made for."""
    gain = found.gain
    if gain is None:
        return "Nothing can be told: no test question was judged. Give the cases checks."
    if not gain.enough:
        return f"Right were {_counts(found)}: {TOO_FEW}. Add test questions."
    if gain.low > 0:
        return f"{_who(found)} raised right answers on the test questions {_moved(found, gain)}."
    if gain.high < 0:
        return f"{_who(found)} made it worse: right answers on the test questions went {_moved(found, gain)}."
    if gain.low > -SMALLEST_GAIN and gain.high < SMALLEST_GAIN:
        return f"{_who(found)} changed nothing that matters: right answers went {_moved(found, gain)}."
    return f"Can't tell yet whether it helped: right answers went {_moved(found, gain)}. {MORE}"


def of_leaked(run: StoredRun, before: str, after: str) -> str:
    """What is left of it without the questions that the run's adapters had learnt from; empty where they had
    learnt from none, or nobody looked.
    """
    leaked = run.leaked
    if not leaked:
        return ""
    many = f"{numbers.share(len(leaked), len(run.plan.cases))} test questions"
    stand = f"{many} {'stands' if len(leaked) == 1 else 'stand'} among the training examples."
    if len(leaked) == len(run.plan.cases):
        return f"{stand} Add some that it has not learnt."
    return f"{stand} Without them: {of_help(before_after(run, before, after, leave_out=leaked))}"


def of_forgetting(found: BeforeAfter, title: str) -> str:
    """Whether the adapter spoiled what the base does on another scenario, ``title``."""
    gain = found.gain
    if gain is None:
        return f"Nothing can be told: no question of {title} was judged."
    if not gain.enough:
        return f"On {title} right were {_counts(found)}: {TOO_FEW}."
    if found.before_rate is not None and found.before_rate.value < LITTLE and gain.high >= 0:
        return (
            f"There is little to forget: without the adapter {numbers.percent(found.before_rate.value)} of "
            f"the answers on {title} are right. Choose a scenario that the model does well on."
        )
    if gain.low > -SMALLEST_GAIN:
        better = " It even got better." if gain.low > 0 else ""
        return f"It forgot nothing that matters: right answers on {title} went {_moved(found, gain)}.{better}"
    if gain.high < 0:
        return f"It forgot: right answers on {title} fell {_moved(found, gain)}."
    return f"Can't tell yet whether it forgot: right answers on {title} went {_moved(found, gain)}. {MORE}"


def interval(gain: Difference) -> str:
    """A difference with its interval, as "+47 points (+30 to +60)"; of too few cases without one."""
    if not gain.enough:
        return f"{numbers.change(gain.value)}, too few cases"
    return f"{numbers.change(gain.value)} ({numbers.change_span(gain.low, gain.high)})"


def _who(found: BeforeAfter) -> str:
    if adapter_of(found.before) is None:
        return "The adapter"
    return f"Compared with {lane_name(found.before)}, the adapter"


def _moved(found: BeforeAfter, gain: Difference) -> str:
    assert found.before_rate is not None  # A difference is of two rates.
    assert found.after_rate is not None
    before, after = (numbers.percent(one.value) for one in (found.before_rate, found.after_rate))
    sure = f"{numbers.percent(gain.confidence)}: {numbers.change_span(gain.low, gain.high)}"
    return f"from {before} to {after} ({numbers.change(gain.value)}, {sure})"


def _counts(found: BeforeAfter) -> str:
    assert found.before_rate is not None
    assert found.after_rate is not None
    before, after = (right_of(one, once=found.once) for one in (found.before_rate, found.after_rate))
    return f"{before} before and {after} after"
