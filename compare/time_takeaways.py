"""What a chart of times or tokens says, in one sentence that is computed from its data.

``names`` turn a lane into what people call it. Sentences are plain text.
"""

from collections.abc import Mapping, Sequence

from backends.types import Mode
from compare import numbers
from compare.charts.bars import ANSWERING
from compare.latency import Percentiles, Slope
from compare.takeaways import Names

UNSPLIT = "The server does not say what of its time was waiting, reading or writing."
UNCOUNTED = "The server does not say how many tokens it read and wrote."


def of_latency(times: Mapping[str, Percentiles | None], names: Names, mode: Mode) -> str:
    """``times`` are whole seconds of an answer, in ms."""
    known = {lane: found for lane, found in times.items() if found is not None}
    if not known:
        return "No answer was finished undisturbed, so there are no times."
    order = sorted(known, key=lambda lane: known[lane].p50)
    fast, slow = known[order[0]], known[order[-1]]
    shared = "" if mode == "bench" else " They shared the machine, so each looks slower than it is."
    said = f"Half of {names[order[0]]}'s answers are there within {numbers.seconds(fast.p50)}"
    if len(order) == 1:
        return f"{said}.{shared}"
    if fast.high is None or slow.low is None:
        slowest = f"half of {names[order[-1]]}'s within {numbers.seconds(slow.p50)}"
        return f"{said}, {slowest}; too few to compare.{shared}"
    if fast.high < slow.low:
        return f"{said}, half of {names[order[-1]]}'s within {numbers.seconds(slow.p50)}.{shared}"
    return f"{said}; which approach is quicker cannot be told.{shared}"


def of_one_questions_times(mean_ms: Mapping[str, float], names: Names, mode: Mode, repeats: int) -> str:
    """``mean_ms`` are of the answers to a single question; empty without a finished one."""
    if not mean_ms:
        return ""
    order = sorted(mean_ms, key=lambda lane: mean_ms[lane])
    first, last = order[0], order[-1]
    shared = " They shared the machine." if mode == "demo" and len(order) > 1 else ""
    if len(order) == 1:
        return f"{names[first]} took {numbers.seconds(mean_ms[first])}."
    quickest, slowest = (f"{names[lane]} took {numbers.seconds(mean_ms[lane])}" for lane in (first, last))
    took = f"{quickest}, {slowest}"
    if repeats == 1:
        return f"{took}; one answer each cannot tell which is quicker.{shared}"
    return f"{took}, means of {repeats} answers; other questions may take longer.{shared}"


def of_one_questions_tokens(mean_read: Mapping[str, float], names: Names, *, answered: bool = True) -> str:
    """``mean_read`` are the tokens that were read for an answer to a single question; of what was
    ``answered``, a server may not say.
    """
    if not mean_read:
        return UNCOUNTED if answered else ""
    order = sorted(mean_read, key=lambda lane: mean_read[lane])
    least, most = order[0], order[-1]
    read = f"{names[most]} read {numbers.plural(round(mean_read[most]), 'token')}"
    if mean_read[most] == mean_read[least]:
        return f"{read}." if len(order) == 1 else f"All read {numbers.count(mean_read[most])} tokens."
    return f"{read}, {mean_read[most] / mean_read[least]:.1f} times as many as {names[least]}."


def of_prompt_length(slope: Slope | None, mode: Mode, *, counted: bool = True) -> str:
    """How the first text's time grows with the tokens that are read, if they were ``counted``."""
    if not counted:
        return UNCOUNTED
    if mode == "demo":
        return "Answers waited for each other here; ask one at a time to see what a longer prompt costs."
    if slope is None:
        return "The prompts are too few, or too alike in length, to tell what longer ones cost."
    if slope.high < 0:
        return "Longer prompts did not take longer to their first text; something else made the difference."
    if slope.low <= 0:
        return "Whether longer prompts take longer to their first text cannot be told from these."
    more, low, high = (1000 * value for value in (slope.ms_per_token, slope.low, slope.high))
    return (
        f"1,000 more tokens to read go with {numbers.seconds(more)} more until the first text "
        f"(95 % interval {numbers.seconds(low)} to {numbers.seconds(high)})."
    )


def of_time_parts(parts: Mapping[str, Sequence[float]], kinds: Sequence[str], names: Names) -> str:
    """``parts`` are each lane's mean seconds by kind (waiting, reading, ...): which kind takes most."""
    known = {lane: found for lane, found in parts.items() if sum(found) > 0}
    if not known:
        return ""
    longest = {lane: max(range(len(kinds)), key=lambda place: found[place]) for lane, found in known.items()}
    shares = {lane: found[longest[lane]] / sum(found) for lane, found in known.items()}
    unsplit = f" {UNSPLIT}" if ANSWERING in kinds else ""
    if len(set(longest.values())) == 1:
        kind = kinds[next(iter(longest.values()))]
        low, high = min(shares.values()), max(shares.values())
        return f"Most of the time goes into {kind}: {numbers.percent_range(low, high)} of it.{unsplit}"
    said = [
        f"{names[lane]}'s into {kinds[longest[lane]]} ({numbers.percent(shares[lane])})" for lane in known
    ]
    return f"Most of the time goes elsewhere with each: {', '.join(said)}.{unsplit}"
