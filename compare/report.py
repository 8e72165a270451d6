"""The decision report: which lever, why, at what cost and with which doubt. It is made from the store alone
and from settings that it carries, so that it can be made again and compared number by number.

``report_sections.py``, ``report_charts.py``, ``report_validity.py``, ``report_limits.py`` hold its sections,
``report_html.py`` and ``report_markdown.py`` write it down, ``report_verify.py`` reads such a file again.
"""

from typing import Literal

from backends.errors import BadInput
from compare import report_charts, report_limits, report_sections, report_validity
from compare.report_basis import Basis
from compare.report_content import Report, cleaned
from compare.report_html import report_html
from compare.report_markdown import report_markdown
from compare.report_settings import stamp_of

Form = Literal["html", "markdown"]


def report_of(basis: Basis) -> Report:
    """The report on what was measured; the same one each time."""
    run, settings = basis.run, basis.settings
    sections = (
        report_sections.question(basis),
        report_sections.verdict(basis),
        report_sections.ladder(basis),
        report_charts.charts(basis),
        report_charts.cost(basis),
        report_validity.fairness(basis),
        report_validity.contamination(basis),
        report_validity.leakage(basis),
        report_validity.ratings(basis),
        report_limits.limits(basis),
        report_limits.configuration(basis),
    )
    minute = settings.made_at[:16].replace("T", " ")
    report = Report(
        title=settings.title,
        about=f"Decision report, made {minute} UTC from the stored run {run.id}",
        run_id=run.id,
        run_link=f"{settings.app}/results?run={run.id}" if settings.app else "",
        sections=tuple(section for section in sections if section is not None),
        stamp=stamp_of(run, len(basis.judgements), settings),
    )
    return cleaned(report)


def form_of(name: str) -> Form:
    """What a file's name says that it is.

    Raises:
        BadInput: neither of the two.
    """
    ending = name.lower().rpartition(".")[2]
    if ending in ("html", "htm"):
        return "html"
    if ending in ("md", "markdown"):
        return "markdown"
    raise BadInput(f"{name} is neither HTML nor Markdown.", "Name the file with .html or .md at its end.")


def written(basis: Basis, form: Form) -> str:
    """The report as a file's text."""
    report = report_of(basis)
    return report_html(report) if form == "html" else report_markdown(report)
