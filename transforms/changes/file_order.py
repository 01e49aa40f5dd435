"""When AWS DMS wrote a file of changes, as its name says. Text only, no pyspark."""

import re
from datetime import datetime
from typing import Final

#: The path of a file of changes whose name begins with a stamp: date, time of day, and up to six digits of a second's
#: fraction, such as ``20260801-101512345.parquet``. It means the same to Python and to Java.
STAMPED_PATH: Final = r"(?:.*/)?([0-9]{8})-?([0-9]{6})([0-9]{0,6})(?![0-9])[^/]*\.parquet"
#: Shorter stamps are filled up with zeros.
STAMP_DIGITS: Final = 20
_PATH: Final = re.compile(STAMPED_PATH, re.DOTALL)


def stamp_of(path: str) -> str:
    """Read the stamp off a path, as twenty digits; empty if its name has none, or none that is a time."""
    match = _PATH.fullmatch(path)
    if match is None:
        return ""
    try:
        datetime.strptime(match[1] + match[2], "%Y%m%d%H%M%S")
    except ValueError:
        return ""
    return "".join(match.groups()).ljust(STAMP_DIGITS, "0")
