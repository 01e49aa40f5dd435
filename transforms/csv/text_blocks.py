"""Read the bytes of a CSV object as blocks of text columns: pyarrow parses, beside a check of the quotes. No pyspark.

pyarrow.csv reads misquoted fields as something, without an error. It is right about records whose quoted fields end at
a delimiter or a line end; ``quote_positions`` finds those that may be others, and ``irregular_records`` reads them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from operator import attrgetter
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.csv.records.block_text import BlockText
from transforms.csv.records.column_parser import ColumnParser
from transforms.csv.records.irregular_records import StrictReader
from transforms.csv.records.quote_positions import Positions
from transforms.csv.records.record_stream import PlacedText, RecordStream
from transforms.csv.records.source_text import SourceText
from transforms.csv.text_layout import WHOLE, ByteRange, Fault, TextBlock, TextLayout
from transforms.header_names import BLANKS, trimmed

BLOCK_BYTES: Final = 4 << 20
_FIELDS: Final = "The record has {} instead of {}."
_MARK: Final = "\ufeff"


def read_blocks(
    pieces: Iterable[bytes], layout: TextLayout, *, within: ByteRange = WHOLE, block_bytes: int = BLOCK_BYTES
) -> Iterator[TextBlock]:
    """Read an object, or a byte range of it, as blocks of text columns; there is at least one block.

    The header is the first record that is not blank of a range that starts at 0. If the first record of a range is
    guessed, its first block is empty and says where that record begins.

    Args:
        pieces: The bytes of the object from ``within.start`` on, in pieces of any size. They are read as far as needed,
            which is somewhat beyond ``within.end``.
        layout: How the text is laid out.
        within: Which records to read.
        block_bytes: The approximate size of a block.

    Raises:
        UnclearRecordsError: If the object cannot be split into records without doubt.
        LongRecordError: If a record is longer than ``layout.max_record_bytes``.
    """
    source = SourceText.of(layout)
    parser = ColumnParser(layout, source)
    records = RecordStream(pieces, StrictReader(layout, source), within, block_bytes=block_bytes)
    for placed in records.blocks():
        yield _empty_block(placed, layout) if placed.text is None else _block(placed, placed.text, parser, layout)


def _empty_block(placed: PlacedText, layout: TextLayout) -> TextBlock:
    columns = pa.table({name: pa.array([], pa.string()) for name in layout.wanted})
    return TextBlock(columns, [], placed.begins, placed.ends, placed.lines, placed.skipped, lambda _: [], lambda _: [])


def _block(placed: PlacedText, text: BlockText, parser: ColumnParser, layout: TextLayout) -> TextBlock:
    columns, skipped, field_counts = parser.parse(text.parsed)
    repeated = _repeated_headers(columns, layout)
    faults = _misquoted(placed, text)
    if skipped:
        words = [_FIELDS.format(_count(count), len(layout.names)) for count in field_counts]
        faults += _faults("field_count", placed, text, text.begins[skipped], words=words)
    if repeated:
        begins, fields = _row_begins(text, columns, skipped)[repeated], columns.take(repeated).to_pylist()
        faults += _faults("repeated_header", placed, text, begins, fields=fields)
    faults.sort(key=attrgetter("position"))
    kept = _without(columns, repeated) if repeated else columns

    def begins_of(rows: Sequence[int]) -> Positions:
        begins: Positions = np.delete(_row_begins(text, columns, skipped), repeated)[np.asarray(rows, np.intp)]
        return begins

    def texts(rows: Sequence[int]) -> list[str]:
        return [text.text(begin) for begin in begins_of(rows).tolist()]

    def positions(rows: Sequence[int]) -> list[int]:
        return _in_object(placed, text, text.written_at(begins_of(rows)))

    return TextBlock(kept, faults, placed.begins, placed.ends, placed.lines, placed.skipped, texts, positions)


def _misquoted(placed: PlacedText, text: BlockText) -> list[Fault]:
    records = [record for record in text.irregular if record.rewritten is None]
    positions = _in_object(placed, text, [record.begin for record in records])
    return [
        Fault("quote", position, text.text_of(record), words=text.reader.why_misquoted(text.written, record))
        for record, position in zip(records, positions, strict=True)
    ]


def _faults(
    rule: str,
    placed: PlacedText,
    text: BlockText,
    begins: Positions,
    *,
    fields: Sequence[Mapping[str, str | None]] = (),
    words: Sequence[str] = (),
) -> list[Fault]:
    offsets = begins.tolist()
    positions = _in_object(placed, text, text.written_at(begins))
    return [
        Fault(rule, position, text.text(begin), values, of_rule or "")
        for begin, position, values, of_rule in zip_longest(offsets, positions, fields, words)
    ]


def _count(fields: int) -> str:
    return f"{fields} fields" if fields > 1 else "1 field"


def _in_object(placed: PlacedText, text: BlockText, offsets: Sequence[int]) -> list[int]:
    """Return the offsets in the object of some offsets in ``text.written``, at which lines begin."""
    if placed.line_begins is not None:
        begins: list[int] = placed.line_begins[np.asarray(text.lines_before(offsets), np.intp)].tolist()
        return begins
    before = text.reader.source.source_lengths(text.written, offsets) if offsets else []
    return [placed.begins + length for length in before]


def _row_begins(text: BlockText, columns: pa.Table, skipped: Sequence[int]) -> Positions:
    """Return where each row begins.

    Raises:
        RuntimeError: If pyarrow found other records than we did.
    """
    begins = np.delete(text.begins, skipped)
    if len(begins) != columns.num_rows:
        raise RuntimeError(f"pyarrow read {columns.num_rows} of {len(begins)} rows of a block")
    return begins


def _without(columns: pa.Table, rows: Sequence[int]) -> pa.Table:
    is_kept = np.ones(columns.num_rows, np.bool_)
    is_kept[list(rows)] = False
    mask = pa.array(is_kept)
    return pa.table([column.chunk(0).filter(mask) for column in columns.columns], names=columns.column_names)


def _repeated_headers(columns: pa.Table, layout: TextLayout) -> list[int]:
    """Return the rows whose values are the names of their columns, apart from blanks and byte order marks.

    If there should be no header at all, case does not matter either.
    """
    rows: Positions | None = None
    ignores_case = not layout.has_header
    for column, position in zip(columns.columns, layout.wanted.values(), strict=True):
        name = trimmed(layout.names[position])
        values = column if rows is None else column.take(rows)
        # Not ``indices_nonzero``, which crashes on columns without chunks.
        resembling = np.flatnonzero(
            pc.match_substring(values, name, ignore_case=ignores_case).fill_null(False).to_numpy()
        )
        if not len(resembling):
            return []
        written = pc.utf8_trim(pc.replace_substring(values.take(resembling), _MARK, ""), BLANKS)
        if ignores_case:
            written, name = pc.utf8_lower(written), name.lower()
        equal = resembling[pc.equal(written, name).to_numpy()]
        rows = equal if rows is None else rows[equal]
    return [] if rows is None else rows.tolist()
