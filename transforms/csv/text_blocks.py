"""Read the bytes of a CSV object as blocks of text columns. No pyspark."""

import codecs
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

import pyarrow as pa

from transforms.csv.quotes import Record, check_lines, check_records, cut_records
from transforms.csv.text_layout import ByteRange, Fault, TextBlock, TextLayout
from transforms.errors import LongRecordError, UnclearRecordsError

__all__ = ["ByteRange", "Fault", "TextBlock", "TextLayout", "UnclearRecordsError", "read_blocks"]

WHOLE: Final = ByteRange()
_BLOCK_RECORDS: Final = 10_000


def read_blocks(pieces: Iterable[bytes], layout: TextLayout, *, within: ByteRange = WHOLE) -> Iterator[TextBlock]:
    """Read an object, or a byte range of it, as blocks of text columns.

    Args:
        pieces: The bytes of the object from ``within.start`` on, in pieces of any size. They are read as far as needed,
            which is somewhat beyond ``within.end``.
        layout: How the text is laid out.
        within: Which records to read.

    Raises:
        UnclearRecordsError: If the object cannot be split into records without doubt.
        LongRecordError: If a record is longer than ``layout.max_record_bytes``.
    """
    del within
    text = codecs.decode(b"".join(pieces), layout.encoding, "replace").lstrip("\ufeff")
    *lines, last = text.split(layout.line_end)
    lines = [*(line + layout.line_end for line in lines), last]
    for number, line in enumerate(lines, start=1):
        if len(line) > layout.max_record_bytes:
            raise LongRecordError(number, layout.max_record_bytes)
    _check(lines, layout)
    records = cut_records(lines, delimiter=layout.delimiter, line_end=layout.line_end, multiline=layout.multiline)
    next(records, None)
    while pack := list(islice(records, _BLOCK_RECORDS)):
        yield _block(pack, layout)


def _check(lines: list[str], layout: TextLayout) -> None:
    if layout.multiline:
        quotes = check_records(lines, delimiter=layout.delimiter)
        problem = "a quoted field opens here and is not closed as RFC 4180 requires"
    else:
        quotes = check_lines(lines, delimiter=layout.delimiter, fields=len(layout.names))
        problem = "it is inside a quoted field of several lines, which needs multiline: true"
    if quotes.unclear_line:
        raise UnclearRecordsError(quotes.unclear_line, problem)


def _block(records: list[Record], layout: TextLayout) -> TextBlock:
    good: list[tuple[str, dict[str, str | None]]] = []
    faults: list[Fault] = []
    for record in records:
        if record.fields is None:
            faults.append(Fault("quote", 0, record.text))
        elif len(record.fields) != len(layout.names):
            faults.append(Fault("field_count", 0, record.text))
        else:
            fields = {name: record.fields[position] for name, position in layout.wanted.items()}
            if all(_is_name(fields[name], layout.names[position]) for name, position in layout.wanted.items()):
                faults.append(Fault("repeated_header", 0, record.text, fields))
            else:
                good.append((record.text, fields))
    columns = {name: pa.array([fields[name] for _, fields in good], pa.string()) for name in layout.wanted}
    return TextBlock(pa.table(columns), faults, 0, 0, 0, lambda rows: [good[row][0] for row in rows])


def _is_name(cell: str | None, name: str) -> bool:
    return cell is not None and cell.replace("\ufeff", "").strip(" ") == name
