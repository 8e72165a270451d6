"""The sections of a report that are drawn: the ladder and the run in charts, and what it all costs."""

from dataclasses import replace

from compare import numbers
from compare.break_evens import break_evens
from compare.charts.cost import cost_figure
from compare.charts.look import Figure
from compare.charts.quality import difference_chart, rate_chart
from compare.charts.told import told
from compare.cost_words import cost_rows, notes, of_break_even, of_cheapest, of_month
from compare.ladder_words import gain_text, rate_text
from compare.lane_names import lane_name, lane_title
from compare.prices import LABELS
from compare.report_basis import Basis
from compare.report_content import Block, Items, Picture, Section, Table, Text, table_of
from compare.run_figures import agreement_figure, form_figure, spread_figure
from compare.takeaways import right_of


def charts(basis: Basis) -> Section:
    """The ladder drawn, and what else the run shows."""
    found = basis.found
    others = (form_figure(found), None if found.once else agreement_figure(found), spread_figure(found))
    drawn = [_rights(basis), _gains(basis)]
    drawn += [
        _picture(figure, *table_of(f"Figures: {figure.alt}", told(figure.chart)))
        for figure in others
        if figure is not None and figure.chart is not None
    ]
    return Section(
        key="charts",
        title="Charts",
        blocks=tuple(one for one in drawn if one is not None),
        source=f"python -m compare results {basis.run.id} --json",
    )


def _rights(basis: Basis) -> Picture:
    rates, once = {rung.lane: rung.right for rung in basis.rungs}, basis.found.once
    figure = Figure(
        key="rungs_right",
        chart=rate_chart(
            rates,
            title="How often right",
            axis="Share of test questions that pass all their checks",
            once=once,
        ),
        alt="Share of right answers by rung",
        takeaway=_most_right(basis),
    )
    rows = tuple((lane_title(lane), rate_text(rate, once=once)) for lane, rate in rates.items())
    columns = ("Approach", "Right")
    return _picture(figure, Table(caption=f"Figures: {figure.alt}", columns=columns, rows=rows))


def _most_right(basis: Basis) -> str:
    best = basis.furthest
    if best is None or best.right is None:
        return "No answer was judged."
    right = right_of(best.right, once=basis.found.once)
    return f"{lane_name(best.lane)} is right most often, on {right}; the lines are the verdict's bounds."


def _gains(basis: Basis) -> Picture | None:
    gains = {rung.lane: rung.gain for rung in basis.rungs if rung.gain is not None}
    if not gains:
        return None
    most = max(gains, key=lambda lane: gains[lane].value)
    figure = Figure(
        key="rungs_gain",
        chart=difference_chart(
            gains, title="What each rung gains over the one below", axis="Difference in points"
        ),
        alt="Gain of each rung over the next cheaper one",
        takeaway=f"The step to {lane_name(most)} gains most: {numbers.change(gains[most].value)}.",
    )
    rows = tuple((lane_title(lane), gain_text(gain)) for lane, gain in gains.items())
    columns = ("Approach", "Points over the rung below")
    return _picture(figure, Table(caption=f"Figures: {figure.alt}", columns=columns, rows=rows))


def _picture(figure: Figure, figures: Table) -> Picture:
    return Picture(
        key=figure.key, alt=figure.alt, takeaway=figure.takeaway, chart=figure.chart, figures=figures
    )


def cost(basis: Basis) -> Section:
    """What it costs, and from which volume on a dearer approach pays off."""
    costs, prices = basis.costs, basis.settings.prices
    figure = replace(cost_figure(costs, prices, "volume"), takeaway=_CROSSING)
    pays = _pays_off(basis)
    blocks: list[Block] = [
        Text(text=of_cheapest(costs, prices), look="lead"),
        *table_of("What each approach costs", cost_rows(costs, prices)),
        *([Items(items=pays)] if pays else []),
        *([_picture(figure, _totals(basis))] if figure.chart is not None else []),
        *(Text(text=note, look="note") for note in notes(costs, prices)),
        Table(
            caption="Prices",
            columns=("What", "Price"),
            rows=tuple((label, _price(getattr(prices, name))) for name, label in LABELS.items()),
        ),
    ]
    return Section(
        key="cost",
        title="Cost and break-even",
        blocks=tuple(blocks),
        source=f"python -m compare report {basis.run.id} --verify FILE",
    )


_CROSSING = "What it costs by answers a month; a ring stands where another approach becomes the cheaper one."


def _pays_off(basis: Basis) -> tuple[str, ...]:
    """When the others pay off against the cheapest rung, and the dearer ones against what solved it."""
    costs, prices = basis.costs, basis.settings.prices
    known = [lane for lane, one in costs.items() if one.per_answer is not None]
    evens = break_evens(costs, prices, known[0]) if known else []
    if basis.solved is not None and basis.solved.lane in known[1:]:
        dearer = known[known.index(basis.solved.lane) + 1 :]
        evens += [one for one in break_evens(costs, prices, basis.solved.lane) if one.lane in dearer]
    return tuple(f"{of_break_even(one)} {of_month(one, prices)}" for one in evens)


def _totals(basis: Basis) -> Table:
    """The lines of the chart at four places."""
    prices = basis.settings.prices
    volumes = [0, *(prices.answers_per_month * factor for factor in (1, 2, 10))]
    return Table(
        caption=f"Total over {numbers.plural(prices.months, 'month')}, by answers a month",
        columns=("Approach", *map(numbers.count, volumes)),
        rows=tuple(
            (
                lane_title(lane),
                *(numbers.money(one.total(volume, prices.months), prices.currency) for volume in volumes),
            )
            for lane, one in basis.costs.items()
            if one.per_answer is not None
        ),
    )


def _price(value: object) -> str:
    return value if isinstance(value, str) else f"{value:,.10g}"
