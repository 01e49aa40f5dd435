"""The lines of a CSV object before its header, or before its first record if it has none."""

import re
from typing import Final, NamedTuple

from lakewright.csv.options import CsvOptions
from transforms.errors import HeaderError

#: As Excel writes it; some tools quote it.
_SEPARATOR_LINE: Final = re.compile(r'(?i)("?)sep=([^\r\n]+?)\1\r?')
#: A longer text is data, unless it is the declared delimiter.
_LONGEST: Final = 3


class Preamble(NamedTuple):
    """The lines before a header.

    Attributes:
        end: Where the header begins.
        lines: The number of lines.
    """

    end: int
    lines: int


def after_preamble(text: str, options: CsvOptions, line_end: str, *, is_whole: bool) -> Preamble | None:
    """Return where the header begins; None if more of the text is needed.

    Raises:
        HeaderError: If the text has fewer lines than are to be skipped, or its first line declares another delimiter.
    """
    end = text.find(line_end)
    lines = options.skip_lines + _is_separator_line(text[: end if end >= 0 else None], options)
    begin = 0
    for number in range(lines):
        end = text.find(line_end, begin)
        if end < 0 and not is_whole:
            return None
        if begin == len(text):
            raise HeaderError(f"it has {number} lines; source.csv.skip_lines is {options.skip_lines}")
        begin = end + 1 if end >= 0 else len(text)
    return Preamble(begin, lines)


def _is_separator_line(line: str, options: CsvOptions) -> bool:
    declared = _SEPARATOR_LINE.fullmatch(line)
    if declared is None or (len(declared[2]) > _LONGEST and declared[2] != options.delimiter):
        return False
    if not options.separator_line:
        if options.skip_lines:
            return False
        raise HeaderError(f"its first line is sep={declared[2]}; set source.csv.separator_line: true")
    if declared[2] != options.delimiter:
        raise HeaderError(
            f"its first line declares the delimiter {declared[2]!r}, but source.csv.delimiter is {options.delimiter!r}"
        )
    return True
