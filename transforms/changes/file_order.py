"""Time stamps in the names of AWS DMS change files. No pyspark."""

import re
from datetime import datetime
from typing import Final

#: The path of a change file with a time stamp: date, time, and up to six fractional digits, such as
#: ``20260801-101512345.parquet``. Valid for Python and Java.
STAMPED_PATH: Final = r"(?:.*/)?([0-9]{8})-?([0-9]{6})([0-9]{0,6})(?![0-9])[^/]*\.parquet"
#: Shorter stamps are padded with zeros.
STAMP_DIGITS: Final = 20
_PATH: Final = re.compile(STAMPED_PATH, re.DOTALL)


def stamp_of(path: str) -> str:
    """Return the time stamp of a path, as twenty digits; empty if its name has no valid one."""
    match = _PATH.fullmatch(path)
    if match is None:
        return ""
    try:
        datetime.strptime(match[1] + match[2], "%Y%m%d%H%M%S")
    except ValueError:
        return ""
    return "".join(match.groups()).ljust(STAMP_DIGITS, "0")
