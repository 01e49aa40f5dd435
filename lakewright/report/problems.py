"""What a report cannot read; it shows the rest."""

from dataclasses import dataclass

from lakewright.unexpected import cause_of
from transforms.errors import LakewrightError


@dataclass(frozen=True)
class Problem:
    """What cannot be read and why, with the exit code of that."""

    text: str
    exit_code: int


def problem_of(error: Exception, what: str) -> Problem:
    """Describe an error while ``what`` was read."""
    if isinstance(error, LakewrightError):
        text = "; ".join(str(error).splitlines())
        return Problem(text if what in text else f"{what}: {text}", error.exit_code)
    return Problem(f"{what}: unexpected {cause_of(error)}", LakewrightError.exit_code)
