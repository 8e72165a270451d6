"""Pages of HTML that open anywhere: no script, no font, nothing from the network, whatever a text holds.

The templates in ``templates/`` escape all text, and each page's own policy lets a browser load nothing.
"""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from compare import numbers

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"


def page(template: str, **values: object) -> Iterator[str]:
    """A template filled in, piece by piece; a value that is missing is an error."""
    yield from _environment().get_template(template).generate(**values)


@lru_cache(maxsize=1)
def _environment() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    pages = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.globals["numbers"] = numbers
    return pages
