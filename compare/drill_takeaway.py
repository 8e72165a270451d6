"""What a drill shows, in one sentence."""

from collections.abc import Sequence

from compare import numbers
from compare.drill_results import LaneDrill
from compare.lane_names import lane_name


def takeaway(lanes: Sequence[LaneDrill]) -> str:
    """Who was right again at once, who said the old, and who had to be trained for it."""
    at_once = [found for found in lanes if found.retrained is None and found.right_again_s is not None]
    stale = [found for found in lanes if found.after is not None and found.after.mostly == "stale"]
    again = [found for found in lanes if found.retrained is not None and found.right_again_s is not None]
    parts = []
    if at_once:
        slowest = max(found.right_again_s or 0.0 for found in at_once)
        verb = "was" if len(at_once) == 1 else "were"
        parts.append(f"{_names(at_once)} {verb} right again after {numbers.seconds(1000 * slowest)}")
    if stale:
        parts.append(f"{_names(stale)} still said the old")
    sentence = "; ".join(parts) + "." if parts else "No approach was mostly right after the change."
    if again:
        took = max(found.right_again_s or 0.0 for found in again)
        sentence += f" {_names(again)} needed {numbers.seconds(1000 * took)} of training for it."
    elif any(found.retrained for found in lanes):
        sentence += " Training again did not help."
    return sentence


def _names(lanes: Sequence[LaneDrill]) -> str:
    names = [lane_name(found.lane) for found in lanes]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
