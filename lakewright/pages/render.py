"""Templates to pages. All text is escaped, in every template."""

from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from lakewright import __version__
from lakewright.pages import figures
from transforms.object_names import one_line


def _shown(value: Any) -> Any:
    """Return a value as templates print it: controls and what turns the direction of text are escaped visibly."""
    return one_line(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("lakewright.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= figures.FILTERS
    environment.globals |= {"version": __version__}
    return environment


ENVIRONMENT: Final = _environment()


def render(template: str, **context: Any) -> str:
    """Return a page."""
    return ENVIRONMENT.get_template(template).render(context)
