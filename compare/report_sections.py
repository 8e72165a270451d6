"""The sections of a report that say what was found: the question, the verdict, the ladder."""

from compare import numbers
from compare.comparing import scores_of_answering
from compare.ladder import Rung, controls_of
from compare.ladder_words import cost_text, gain_text, rate_text, setup_text, with_change
from compare.lane_names import lane_name, lane_title
from compare.report_basis import Basis
from compare.report_content import Block, Items, Section, Table, Text, quoted
from compare.report_reasons import of_fine_tuning, of_solved
from compare.run_facts import made
from compare.run_verdict import judged_calls
from compare.statistics import rate
from compare.terms import LOOKS


def question(basis: Basis) -> Section:
    """What is to be decided, over what."""
    run, told = basis.run, basis.settings
    asked = [case for case in run.plan.cases if case.split == "test"]
    groups = len({case.group or case.id for case in asked})
    times = "once" if run.plan.repeats == 1 else f"{run.plan.repeats} times"
    over = (
        f"Asked were {numbers.plural(len(asked), 'test question')} of the scenario {run.plan.scenario} on "
        f"{numbers.plural(groups, 'different fact')}, each {times}, by "
        f"{numbers.plural(len(basis.rungs), 'approach', 'approaches')} over one base model."
    )
    example = f"One of them: “{quoted(asked[0].query)}”" if asked else ""
    blocks: list[Block] = [
        Text(text=told.question, look="lead"),
        *([Text(text=told.story)] if told.story else []),
    ]
    blocks += [
        Text(text=over),
        *([Text(text=example)] if example else []),
        Text(text=made(basis.found), look="soft"),
    ]
    return Section(
        key="question",
        title="The question",
        blocks=tuple(blocks),
        source=f"python -m compare results {run.id}",
    )


def verdict(basis: Basis) -> Section:
    """Which lever to use, or why that cannot be told."""
    terms, note = basis.settings.terms, basis.looked.note
    asked_by = (
        f"By these terms: at least {numbers.percent(terms.bar)} right is good enough; a gain below "
        f"{numbers.points(terms.gain)} is not worth paying for; all bounds hold together with "
        f"{numbers.percent(terms.confidence)} confidence over {LOOKS} looks."
    )
    cost_order = f"From cheap to dear: {', '.join(lane_name(rung.lane) for rung in basis.rungs)}."
    return Section(
        key="verdict",
        title="The verdict",
        blocks=(
            Text(text=basis.looked.look.sentence, look="lead"),
            Items(items=(of_solved(basis), of_fine_tuning(basis))),
            *([Text(text=note, look="soft")] if note else []),
            Text(text=f"{asked_by} {cost_order}", look="soft"),
        ),
        source=f"python -m compare verdict {basis.run.id} --bar {terms.bar:g} --gain {terms.gain:g} "
        f"--confidence {terms.confidence:g}" + (f" --order {','.join(terms.order)}" if terms.order else ""),
    )


def ladder(basis: Basis) -> Section:
    """What each rung adds, and why it fails where it fails."""
    scores = scores_of_answering(judged_calls(basis.run))
    controls = [
        (lane_title(lane), rate_text(rate(scores[lane]), once=basis.found.once))
        for lane in controls_of(basis.found)
    ]
    failures = tuple(
        (
            lane_title(rung.lane), one.kind, numbers.share(one.count, rung.answers),
            f"“{quoted(one.example.query)}” → {_answer(one.example.answer)}", one.points_to,
        )
        for rung in basis.rungs
        for one in rung.failures
    )  # fmt: skip
    blocks: list[Block] = [
        Table(
            caption="What each rung adds",
            columns=_COLUMNS,
            rows=tuple(_row(basis, rung) for rung in basis.rungs),
        ),
        Text(
            text="In brackets stand the bounds of the verdict, and behind times and tokens the change over "
            "the rung below. Times are medians, tokens means, of all questions that were asked.",
            look="soft",
        ),
    ]
    if failures:
        columns = ("Approach", "What is wrong", "Answers", "For example", "Points to")
        blocks.append(Table(caption="Why answers fail", columns=columns, rows=failures))
    if controls:
        blocks += [
            Table(caption="Controls", columns=("Approach", "Right"), rows=tuple(controls)),
            Text(
                text="Controls are given what nobody knows beforehand: they tell why others fail, and are no "
                "rungs.",
                look="soft",
            ),
        ]
    return Section(
        key="ladder", title="The ladder", blocks=tuple(blocks),
        source=f"python -m compare verdict {basis.run.id} --json",
    )  # fmt: skip


_COLUMNS = (
    "Approach", "Right", "Points over the rung below", "First text after", "Tokens read", "Tokens written",
    "1,000 answers", "Setup",
)  # fmt: skip


def _row(basis: Basis, rung: Rung) -> tuple[str, ...]:
    return (
        lane_title(rung.lane),
        rate_text(rung.right, once=basis.found.once),
        gain_text(rung.gain),
        with_change(rung.ttft_ms, rung.ttft_change_ms, numbers.seconds),
        with_change(rung.prompt_tokens, rung.prompt_tokens_change, numbers.count),
        with_change(rung.completion_tokens, rung.completion_tokens_change, numbers.count),
        cost_text(rung, basis.costs.get(rung.lane), basis.settings.prices),
        setup_text(rung, basis.costs.get(rung.lane)),
    )


def _answer(text: str) -> str:
    return f"“{quoted(text)}”" if text.strip() else "no answer"
