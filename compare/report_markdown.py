"""A report as Markdown, for wikis and pull requests: the charts stand as the tables of their figures."""

import re
from collections.abc import Iterator

from compare.report_content import Block, Items, Picture, Report, Section, Table, Text

STAMP = "<!-- lever-report {} -->"
_MEANS_SOMETHING = re.compile(r"[\\`*_\[\]<>|&~$#@]|:(?=//)|(?<=www)\.")
_BEGINS_SOMETHING = re.compile(r"^(?=[-+=:])|^(\d{1,9})(?=[.)])")
_LOOKS = {"plain": "{}", "lead": "**{}**", "note": "**Note:** {}", "soft": "*{}*"}


def report_markdown(report: Report) -> str:
    """The file; the same text for the same report."""
    lines = [f"# {escaped(report.title)}", escaped(report.about)]
    for section in report.sections:
        lines += _section(report, section)
    verify = f"`python -m compare report {report.run_id} --verify FILE`"
    lines += [f"Whether a number was changed since: {verify}.", STAMP.format(report.stamp)]
    return "\n\n".join(lines) + "\n"


def _section(report: Report, section: Section) -> Iterator[str]:
    yield f"## {escaped(section.title)}"
    for block in section.blocks:
        yield from _block(block)
    if section.source:
        run = f"run {escaped(report.run_id)}"
        linked = f"[{run}]({report.run_link})" if report.run_link else run
        yield f"From {linked}. Compute it again: `{section.source}`"


def _block(block: Block) -> Iterator[str]:
    if isinstance(block, Text):
        yield _LOOKS[block.look].format(escaped(block.text))
    elif isinstance(block, Items):
        yield "\n".join(f"- {escaped(item)}" for item in block.items)
    elif isinstance(block, Picture):
        yield escaped(block.takeaway)
        yield from _table(block.figures)
    else:
        yield from _table(block)


def _table(table: Table) -> Iterator[str]:
    yield f"**{escaped(table.caption)}**"
    head = [_row(table.columns), "| --- " * len(table.columns) + "|"]
    yield "\n".join([*head, *map(_row, table.rows)])


def _row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(map(inline, cells))} |"


def escaped(text: str) -> str:
    """A text that Markdown shows as it is, on one line."""
    return _BEGINS_SOMETHING.sub(r"\1\\", inline(text))


def inline(text: str) -> str:
    """The same inside a line."""
    return _MEANS_SOMETHING.sub(r"\\\g<0>", " ".join(text.split()))


def unescaped(line: str) -> str:
    """What such a line shows."""
    return re.sub(r"\\([^\w\s])", r"\1", line)
