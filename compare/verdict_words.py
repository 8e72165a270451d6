"""What a verdict says, in the words that a stakeholder repeats. Plain text."""

from collections.abc import Mapping

from compare import numbers
from compare.failure_classes import WHY, FailureClass, count_classes, points_to
from compare.lane_names import lever_name
from compare.measured import StoredRun
from compare.run_verdict import judged_calls, learnt, unfinished
from compare.statistics import LEAST_GROUPS, Difference
from compare.verdict import MOST_LOST, Verdict
from compare.verdict_needs import Needs

MOST_CLASSES = 2
"""Classes of failures that a sentence names."""


def of_verdict(verdict: Verdict, run: StoredRun) -> str:
    """The verdict on a run, with what was left out of it."""
    said = _Said(verdict, once=run.plan.once).text(run)
    return " ".join([said, *_left_out(verdict, run)])


class _Said:
    """One verdict; counts where each case was asked ``once``, else percent."""

    def __init__(self, verdict: Verdict, *, once: bool) -> None:
        self.verdict, self.once = verdict, once
        self.bar = f"your bar is {numbers.percent(verdict.terms.bar)}"

    def text(self, run: StoredRun) -> str:
        verdict = self.verdict
        if verdict.refused:
            return self._refused(run)
        if verdict.kind == "none_works":
            return self._none_works(run)
        if verdict.kind == "tie":
            return self._tie()
        if verdict.kind == "choose":
            return self._choose()
        if verdict.why == "one lever":
            name = lever_name(verdict.levers[0])
            return (
                f"Cannot tell yet whether {name} is good enough: {self._open_rate(verdict.levers[0])}. "
                f"{self._settled()} Or try the next lever."
            )
        return self._open()

    def _refused(self, run: StoredRun) -> str:
        verdict = self.verdict
        if verdict.why == "not done":
            return f"Cannot tell yet: {_not_done(run)}"
        if verdict.why == "calls lost":
            lost, most = numbers.percent(verdict.lost), numbers.percent(MOST_LOST)
            many = f"a little more than {most}" if lost == most else lost
            return (
                f"Cannot tell yet: {many} of the calls are missing or were lost to the machine"
                f"{'' if lost == most else f', more than {most}'}. Ask them again."
            )
        if verdict.why == "nothing judged":
            return "Cannot tell: no test question was judged. Give the test questions checks."
        groups = min(one.groups for one in verdict.rates.values())
        right = numbers.listed([f"{lever_name(lane)} {self._right(lane)}" for lane in verdict.order])
        return (
            f"Cannot tell yet: {numbers.plural(groups, 'different test question')}, and below {LEAST_GROUPS} "
            f"nothing is inferred. Right so far: {right}. "
            f"Add {numbers.plural(verdict.next.cases, 'test question')}."
        )

    def _none_works(self, run: StoredRun) -> str:
        verdict = self.verdict
        assert verdict.best is not None  # Some lever was tried.
        best, many = verdict.best, len(verdict.order)
        bar = f"below your bar of {numbers.percent(verdict.terms.bar)}"
        if many == 1:
            said = f"{numbers.capital(lever_name(best))} does not work: it stays {bar}, with"
        else:
            none = "Neither lever" if many == 2 else f"None of the {many} levers"
            said = f"{none} works: each stays {bar}. The best so far is {lever_name(best)} with"
        leaked = learnt(run)
        found = count_classes(
            [case for case in run.plan.cases if case.split == "test" and case.id not in leaked],
            [call for calls in judged_calls(run).values() for call in calls],
            best,
        )
        most = numbers.at_most(verdict.rates[best].high)
        return _joined(f"{said} {self._right(best)} right (at most {most}).", _of_classes(found, best))

    def _tie(self) -> str:
        verdict = self.verdict
        first = verdict.levers[0]
        most = max(max(abs(one.low), abs(one.high)) for one in verdict.differences.values())
        names = numbers.listed([lever_name(lane) for lane in verdict.order])
        return (
            f"A tie: {names} differ by less than {numbers.points(verdict.terms.gain)} "
            f"(at most {numbers.points(most)}). "
            f"Use {lever_name(first)}, the cheapest. It answers {self._right(first)} right "
            f"{self._bound(first)}."
        )

    def _choose(self) -> str:
        verdict = self.verdict
        chosen = verdict.levers[0]
        name, right = lever_name(chosen), f"{self._right(chosen)} right {self._bound(chosen)}"
        more = self._more_than_cheaper(chosen)
        if verdict.meets_bar:
            return _joined(f"Use {name}. It answers {right}{more}.", self._dearer(chosen, "is needed"))
        gain = numbers.points(verdict.terms.gain)
        return _joined(
            f"{numbers.capital(name)} is the best so far, not shown good enough. It answers {right}{more}.",
            self._dearer(chosen, f"adds a useful {gain}"),
            self._settled(),
        )

    def _open(self) -> str:
        verdict = self.verdict
        first, *others = verdict.levers
        names = numbers.listed([lever_name(lane) for lane in verdict.levers])
        gone = [lever_name(lane) for lane in verdict.order if lane not in verdict.levers]
        if verdict.kind == "narrowed":
            said = [f"Narrowed to {'' if others else 'only '}{names}."]
            out = f"{numbers.capital(numbers.listed(gone))} {'is' if len(gone) == 1 else 'are'} out."
        else:
            said, out = [f"Cannot tell yet: of {names} none is out."], ""
        start = f"Start with {lever_name(first)}, the cheapest of them. It" if others else "It"
        said.append(f"{start} answers {self._right(first)} right {self._bound(first)}.")
        if shown := [lane for lane in others if lane in verdict.meeting]:
            said.append(f"{numbers.capital(lever_name(shown[0]))} is shown to meet the bar: "
                        f"{self._right(shown[0])} right {self._bound(shown[0])}.")  # fmt: skip
        gains = [
            f"{lever_name(lane)} {numbers.change_range(gain.low, gain.high)}"
            for lane in others
            if (gain := verdict.differences.get((lane, first)))
        ]
        if gains:
            said.append(f"What the dearer ones may still add: {numbers.listed(gains)}.")
        return _joined(*said, out, self._settled())

    def _right(self, lane: str) -> str:
        rate = self.verdict.rates[lane]
        if self.once:
            return numbers.share(round(rate.value * rate.cases), rate.cases)
        return numbers.percent(rate.value)

    def _bound(self, lane: str) -> str:
        """As "(at least 84 %; your bar is 80 %)", or with both bounds where the bar lies between."""
        rate = self.verdict.rates[lane]
        if lane in self.verdict.meeting:
            return f"(at least {numbers.at_least(rate.low)}; {self.bar})"
        return f"({numbers.bounds(rate.low, rate.high)}; {self.bar})"

    def _open_rate(self, lane: str) -> str:
        return f"it answers {self._right(lane)} right {self._bound(lane)}"

    def _more_than_cheaper(self, chosen: str) -> str:
        """By how much it beats the best of the cheaper ones, or that they stay below the bar."""
        verdict = self.verdict
        cheaper = verdict.order[: verdict.order.index(chosen)]
        if not cheaper:
            return ""
        best = max(cheaper, key=lambda lane: verdict.rates[lane].value)
        gain = verdict.differences.get((chosen, best))
        if gain is not None and gain.low > 0:
            low, high = (self._scaled(bound, gain) for bound in (gain.low, gain.high))
            many = self._scaled(gain.value, gain)
            what = "" if self.once else " points"
            return f", {many}{what} more than {lever_name(best)} (interval {low} to {high})"
        return (
            f"; {lever_name(best)} stays below the bar (at most {numbers.at_most(verdict.rates[best].high)})"
        )

    def _dearer(self, chosen: str, verb: str) -> str:
        """How the dearer ones did, and that none of them ``verb``."""
        verdict = self.verdict
        dearer = verdict.order[verdict.order.index(chosen) + 1 :]
        parts = [
            f"{lever_name(lane)} was {self._worse_to_better(verdict.differences[lane, chosen])}"
            for lane in dearer
            if (lane, chosen) in verdict.differences
        ]
        return f"{numbers.capital(', '.join(parts))}; no dearer lever {verb}." if parts else ""

    def _worse_to_better(self, gain: Difference) -> str:
        """As "between 3 worse and 3 better"; in points where counts are fractional."""
        low, high = (self._scaled(bound, gain) for bound in (gain.low, gain.high))
        unit = "" if self.once else " points"
        if low >= 0:
            return f"between {low} and {high}{unit} better"
        if high <= 0:
            return f"between {-low} and {-high}{unit} worse"
        return f"between {-low}{unit} worse and {high}{unit} better"

    def _scaled(self, value: float, gain: Difference) -> int:
        return round(value * (gain.cases if self.once else 100))

    def _settled(self) -> str:
        return of_needs(self.verdict.next)


def of_needs(needs: Needs) -> str:
    """What would settle it; empty where nothing is open."""
    if not needs.cases:
        return ""
    cases = numbers.plural(needs.cases, "more test question")
    if needs.repeats:
        return f"{cases}, or {numbers.plural(needs.repeats, 'more answer')} to each, would settle it."
    return f"{cases} would settle it{'' if needs.repeats is None else '; more answers to each would not'}."


def _of_classes(found: Mapping[FailureClass, int], lane: str) -> str:
    """The commonest classes of a lane's failures, and where they point."""
    first = sorted(found, key=lambda kind: -found[kind])[:MOST_CLASSES]
    parts = [f"{points_to(kind, lane)} ({found[kind]:,}: {WHY[kind].lower()})" for kind in first]
    return f"What its failures point to: {'; '.join(parts)}." if parts else ""


def _not_done(run: StoredRun) -> str:
    """What goes on, or was broken off, and what to do."""
    lanes = unfinished(run)
    names, one = numbers.listed([lever_name(lane) for lane in lanes]), len(lanes) == 1
    if run.status == "running":
        going = f"{names} {'is' if one else 'are'} still being asked" if lanes else "the run has not ended"
        return f"{going}. Wait for its end, or climb on if it was broken off."
    broken = f"{names} {'was' if one else 'were'} not asked to the end" if lanes else "the run has not ended"
    return f"{broken}. Climb on, or take the run up again: python -m compare run --resume {run.id}."


def _left_out(verdict: Verdict, run: StoredRun) -> list[str]:
    said = []
    if verdict.leaked:
        cases = sum(case.split == "test" for case in run.plan.cases)
        stand = "stands" if verdict.leaked == 1 else "stand"
        said.append(f"{numbers.share(verdict.leaked, cases)} test questions {stand} among the training "
                    f"examples and {'is' if verdict.leaked == 1 else 'are'} left out.")  # fmt: skip
    if verdict.silent:
        names = numbers.listed([lever_name(lane) for lane in verdict.silent])
        said.append(f"{numbers.capital(names)} answered nothing and is left out.")
    return said


def _joined(*sentences: str) -> str:
    return " ".join(filter(None, sentences))
