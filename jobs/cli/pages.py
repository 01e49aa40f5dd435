"""The option ``--html``, and writing its file."""

from pathlib import Path
from typing import Annotated

import typer

from lakewright.errors import ConfigError

HtmlFile = Annotated[
    Path | None, typer.Option("--html", metavar="FILE", help="Also write an HTML page to this file, which is replaced.")
]


def write_page(path: Path, page: str) -> None:
    """Write a page.

    Raises:
        ConfigError: If that is not possible.
    """
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"--html {path}: cannot be written: {error.strerror}") from error
