"""What judgements say in words and tables: the leaderboard, checks against people, what may mislead."""

from collections.abc import Collection, Mapping, Sequence
from statistics import fmean

from compare import numbers
from compare.rating_items import Judgement
from compare.ratings import LEAST_VOTES, Standing, apart, blind, left_wins, longer_wins, votes_of, with_checks
from compare.run_measures import Measured
from compare.statistics import LEAST_GROUPS

APART, LEAST_SHARED = 0.75, 10
"""A rater whose scores lie so far from the others' on average, over so many shared scores, is named."""


def criteria_of(judgements: Sequence[Judgement]) -> list[str]:
    """All criteria that anybody scored blind, in the order in which they came up."""
    return list(dict.fromkeys(name for one in blind(judgements) for name in one.scores))


def of_leaderboard(
    standings: Sequence[Standing], few: Collection[frozenset[str]], names: Mapping[str, str]
) -> str:
    """Who is preferred, or why that cannot be said."""
    if len(standings) < 2:
        return ""
    best = standings[0]
    if not best.enough:
        return f"Votes on fewer than {LEAST_GROUPS} different cases: too few to say who is preferred."
    if any(best.lane in pair for pair in few):
        return f"The first has fewer than {LEAST_VOTES} decisive votes against another: not enough votes."
    said = (
        f"{names.get(best.lane, best.lane)} is preferred in {numbers.percent(best.preferred)} of comparisons"
    )
    between = f" (95 % interval {numbers.percent_range(best.low, best.high)})"
    if all(best.low > other.high for other in standings[1:]):
        return f"{said}{between}, more often than any other."
    return f"{said}{between}, but whether it is the best these votes cannot tell."


def judged_checks(found: Measured, judgements: Sequence[Judgement]) -> list[dict[str, str]]:
    """A row a kind of check: how far people's scores go with its result, and where they contradict it."""
    outcomes = {
        (call.case_id, call.lane, call.repeat): call for calls in found.calls.values() for call in calls
    }
    rows = []
    kinds: dict[str, list[tuple[float, bool]]] = {}
    for one in blind(judgements):
        score = one.scores.get("correct")
        call = outcomes.get((one.item.case, one.lanes[0], one.item.repeat))
        if score is None or call is None:
            continue
        for kind in ("content", "format"):
            outcome = call.outcome(kind)  # type: ignore[arg-type]
            if outcome != "unscored" and any(of == kind for of, _ in call.checks):
                kinds.setdefault(kind, []).append((float(score), outcome == "pass"))
    for kind, pairs in kinds.items():
        tau = with_checks(pairs)
        passed_bad = sum(passed and score <= 2 for score, passed in pairs)
        failed_good = sum(not passed and score >= 4 for score, passed in pairs)
        rows.append(
            {
                "Checks of the": {"content": "content", "format": "form"}[kind],
                "Judgements": numbers.count(len(pairs)),
                "Go with people's scores (tau-b)": numbers.coefficient(tau),
                "Passed, but scored 1 or 2": numbers.count(passed_bad),
                "Failed, but scored 4 or 5": numbers.count(failed_good),
            }
        )
    return rows


def notes_on(found: Measured, judgements: Sequence[Judgement]) -> list[str]:
    """What may have misled the raters, and which raters differ; nothing where there is no sign of it."""
    notes = []
    # The best of several makes votes that hang together; these two count pairs alone.
    votes = votes_of([one for one in judgements if len(one.lanes) == 2])
    place = left_wins(votes)
    if place.whole >= LEAST_VOTES:
        share = f"{numbers.share(place.part, place.whole)} decisive votes went to what stood first"
        sure = place.low > 0.5 or place.high < 0.5
        notes.append(f"{share}: {'the place mattered' if sure else 'no sign that the place mattered'}.")
    lengths = {
        (call.case_id, call.lane, call.repeat): len(call.text)
        for calls in found.calls.values()
        for call in calls
    }
    longer = longer_wins(votes, lengths)
    if longer.whole >= LEAST_VOTES:
        share = f"The longer answer won {numbers.share(longer.part, longer.whole)} decisive votes"
        seen = "longer answers were preferred" if longer.low > 0.5 else "no sign that length mattered"
        notes.append(f"{share}: {'shorter answers were preferred' if longer.high < 0.5 else seen}.")
    for rater, (gap, shared) in sorted(apart(judgements).items()):
        if shared >= LEAST_SHARED and abs(gap) >= APART:
            how = "higher" if gap > 0 else "lower"
            notes.append(f"{rater} scores {abs(gap):.1f} points {how} than the others, over {shared} scores.")
    same = sum(one.same for one in judgements if one.state == "done")
    if same:
        notes.append(f"{numbers.plural(same, 'comparison')} of equal answers count apart, as no votes.")
    away = sum(one.gives_away for one in judgements if one.state == "done")
    if away:
        told = "the answer's text, or an earlier reveal, told whose it was"
        notes.append(f"{numbers.plural(away, 'judgement')} left out, as not blind: {told}.")
    live: dict[str, list[int]] = {}
    for one in judgements:
        if one.item.mode == "live":
            live.setdefault(one.lanes[0], []).extend(one.scores.values())
    if live:
        means = [f"{found.names.get(lane, lane)} {fmean(scores):.1f}" for lane, scores in live.items()]
        clicks = numbers.plural(sum(map(len, live.values())), "click")
        notes.append(f"Stars beside live answers, with names in sight ({clicks}): {', '.join(means)}.")
    return notes
