"""Decide from an object's name whether it is data, and of which date. No pyspark."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Final

DATE_KEYS: Final = ("year", "month", "day")
#: What Spark and Hive write as the value of a null in a folder's name.
HIVE_NULL: Final = "__HIVE_DEFAULT_PARTITION__"
_UNFINISHED: Final = frozenset({"_temporary", "_staging"})
#: What an S3 console or Hadoop leaves where a folder was created.
_FOLDER_MARKERS: Final = ("/", "_$folder$")
#: Controls, line ends, what turns the direction of text, and bytes that are not UTF-8.
_NOT_IN_A_LINE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_DIGITS: Final = {"year": 4, "month": 2, "day": 2}


def as_text(path: str) -> str:
    r"""Return a path as text: bytes of a local name that are not UTF-8 become ``\xff``."""
    return path.encode(errors="surrogateescape").decode(errors="backslashreplace")


def one_line(text: str) -> str:
    """Escape what would cut a line of a log or a terminal in two, or garble it, as a name in it may."""
    return _NOT_IN_A_LINE.sub(lambda match: match[0].encode("unicode_escape").decode(), as_text(text))


def is_folder_marker(path: str, size: int) -> bool:
    """Return whether an object is a folder marker: ``raw/customers/`` or ``raw/customers_$folder$``, and empty."""
    return not size and (not path or path.endswith(_FOLDER_MARKERS))


def is_hidden(path: str) -> bool:
    """Return whether a path has a segment that is hidden to Spark and Hive (``_x``, ``.x``), or is a folder marker."""
    segments = path.split("/")
    return path.endswith("/") or any(
        segment.startswith(".") or segment.endswith("._COPYING_") or (segment.startswith("_") and "=" not in segment)
        for segment in segments
    )


def why_no_data(path: str, *, size: int, reads_hidden: bool) -> str:
    """Return why an object below its source folder is not data, by its name; empty if it may be.

    Names that begin with ``_`` are hidden to Spark and Hive; with ``reads_hidden`` they are data, except markers
    such as ``_SUCCESS`` and unfinished output.
    """
    *folders, name = path.split("/")
    if is_folder_marker(path, size):
        return "a folder marker"
    if not name:
        return "named like a folder, but not empty; rename it if it is data"
    if not is_hidden(path):
        return ""
    if any(part.startswith(".") for part in (*folders, name)):
        return "hidden: a folder or its name begins with a dot; rename it if it is data"
    if name.endswith("._COPYING_") or not _UNFINISHED.isdisjoint(folders):
        return "hidden: its writer has not finished"
    if name.startswith("_") and not size:
        return "hidden: an empty marker"
    return "" if reads_hidden else "hidden: a folder or its name begins with _; source.hidden: read includes it"


def compile_date_template(template: str, *, needs_day: bool = False) -> re.Pattern[str]:
    """Compile a template of file names (``sales_{year}{month}{day}.csv``) or folders (``dt={year}-{month}-{day}/*``).

    ``{year}`` matches four digits, ``{month}`` and ``{day}`` two, ``*`` any text.

    Raises:
        ValueError: For an unknown or repeated placeholder; with ``needs_day``, also for a missing one.
    """
    pattern = ""
    for part in re.split(r"(\{[^{}]*\}|\*)", template):
        if part == "*":
            pattern += ".*"
        elif part.startswith("{") and part.endswith("}"):
            key = part[1:-1]
            if key not in _DIGITS:
                raise ValueError(f"unknown placeholder {part}; known are {{year}}, {{month}}, {{day}} and *")
            if f"(?P<{key}>" in pattern:
                raise ValueError(f"placeholder {part} occurs twice in {template!r}")
            pattern += f"(?P<{key}>[0-9]{{{_DIGITS[key]}}})"
        else:
            pattern += re.escape(part)
    if needs_day and (missing := [key for key in DATE_KEYS if f"(?P<{key}>" not in pattern]):
        raise ValueError(f"{template!r} has no {{{missing[0]}}}")
    return re.compile(pattern, re.DOTALL)


def date_of_object(path: str, file_name: re.Pattern[str] | None) -> dict[str, str]:
    """Parse ``year``, ``month`` and ``day`` from a path below its source folder.

    They come from the file name if the pattern has them, else from ``key=value`` folders. Missing keys are omitted;
    values keep leading zeros.
    """
    *folders, name = path.split("/")
    found = dict(folder.split("=", 1) for folder in folders if "=" in folder)
    if file_name is not None and (match := file_name.fullmatch(name)):
        found.update(match.groupdict())
    return {key: found[key] for key in DATE_KEYS if key in found}


def is_day(values: Mapping[str, str]) -> bool:
    """Return whether year, month and day, as far as present, form a valid date."""
    numbers = {"year": "2000", "month": "1", "day": "1", **values}
    if not all(re.fullmatch("[0-9]{1,4}", numbers[key]) for key in DATE_KEYS):
        return False
    try:
        date(*(int(numbers[key]) for key in DATE_KEYS))
    except ValueError:
        return False
    return True


def partition_path(values: Mapping[str, str]) -> str:
    """Format partition values like Hive: ``{"year": "2026", "month": "08"}`` becomes ``year=2026/month=08``."""
    return "/".join(f"{key}={value}" for key, value in values.items())
