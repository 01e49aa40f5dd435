"""Leave out of well-quoted records what no parser expects, but their dialect allows. No pyspark."""

import numpy as np
import numpy.typing as npt

from transforms.csv.dialects.stand_ins import DATA_BACKSLASH, ESCAPE
from transforms.csv.records.quote_positions import Marks

Mask = npt.NDArray[np.bool_]

_QUOTE, _CR, _LF = b'"\r\n'


def trimmed(text: bytes, marks: Marks, *, fields: int, trailing_delimiter: bool) -> bytes:
    """Leave out blank lines, blanks at the beginning of fields, and trailing delimiters.

    Args:
        text: Whole, well-quoted records.
        marks: What structures them.
        fields: The number of fields of a record.
        trailing_delimiter: Whether records with one more field, empty and unquoted, lose it.
    """
    data = np.frombuffer(text, np.uint8)
    data = data[~_blank_lines(data, marks)]
    if not len(data):
        return b""
    if marks.skipped:
        is_dropped = _initial_blanks(data, marks)
        if fields > 1:
            # pyarrow reads an empty line as any number of fields, and a line of blanks as one.
            is_dropped &= ~_lines_of_blanks(data, marks)
        data = data[~is_dropped]
    if trailing_delimiter:
        data = np.delete(data, _trailing_delimiters(data, marks, fields))
    return data.tobytes()


def with_data_backslashes(text: bytes) -> bytes:
    """Mark the escapes outside quotes as data, and keep those inside."""
    data = np.frombuffer(text, np.uint8).copy()
    data[(data == ESCAPE[0]) & _is_outside_quotes(data)] = DATA_BACKSLASH[0]
    return data.tobytes()


def _is_outside_quotes(data: npt.NDArray[np.uint8]) -> Mask:
    """Return whether an even number of quotes is at each byte or before it."""
    is_outside: Mask = (np.cumsum(data == _QUOTE, dtype=np.uint8) & 1) == 0
    return is_outside


def _blank_lines(data: npt.NDArray[np.uint8], marks: Marks) -> Mask:
    is_end = (data == marks.line_end) & _is_outside_quotes(data)
    begins = np.concatenate([[True], is_end[:-1]])
    is_blank: Mask = is_end & begins
    if marks.line_end == _LF:
        pairs = np.flatnonzero(begins[:-1] & (data[:-1] == _CR) & is_end[1:])
        is_blank[pairs] = is_blank[pairs + 1] = True
    return is_blank


def _initial_blanks(data: npt.NDArray[np.uint8], marks: Marks) -> Mask:
    is_outside = _is_outside_quotes(data)
    is_blank: Mask = marks.is_skipped[data] & is_outside
    is_edge = ((data == marks.delimiter) | (data == marks.line_end)) & is_outside
    is_first = is_blank & ~np.concatenate([[False], is_blank[:-1]])
    begins_field = np.concatenate([[True], is_edge[:-1]])[is_first]
    is_blank[is_blank] = begins_field[np.cumsum(is_first)[is_blank] - 1]
    return is_blank


def _lines_of_blanks(data: npt.NDArray[np.uint8], marks: Marks) -> Mask:
    ends = np.flatnonzero((data == marks.line_end) & _is_outside_quotes(data))
    begins = np.concatenate([[0], ends[:-1] + 1])
    others = ~marks.is_skipped[data]
    if marks.line_end == _LF:
        others[:-1] &= (data[:-1] != _CR) | (data[1:] != _LF)
    counts = np.add.reduceat(others, begins, dtype=np.intp)
    is_of_blanks: Mask = np.repeat(counts == 1, ends + 1 - begins)
    return is_of_blanks


def _trailing_delimiters(data: npt.NDArray[np.uint8], marks: Marks, fields: int) -> npt.NDArray[np.intp]:
    is_outside = _is_outside_quotes(data)
    ends = np.flatnonzero((data == marks.line_end) & is_outside)
    delimiters = np.flatnonzero((data == marks.delimiter) & is_outside)
    counts = np.diff(delimiters.searchsorted(ends), prepend=0)
    last: npt.NDArray[np.intp] = ends[counts == fields] - 1
    if marks.line_end == _LF:
        last -= data[last] == _CR
    is_delimiter: Mask = data[last] == marks.delimiter
    return last[is_delimiter]
