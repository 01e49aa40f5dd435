"""Texts as blocks read them, and as a slow, obvious reader does."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final

from tests.transforms.csv.whole_texts import Record, cut_records, unclear_line, unclear_single_line
from transforms.csv.dialects.dialect import Dialect
from transforms.csv.text_blocks import read_blocks
from transforms.csv.text_layout import TextBlock, TextLayout
from transforms.errors import UnclearRecordsError
from transforms.header_names import BLANKS

Fields = dict[str, str | None]

DIALECT_OPTIONS: Final = {option.name for option in fields(Dialect)}


@dataclass
class Reading:
    """What a text means.

    Attributes:
        rows: The records with their texts and positions.
        faults: Rule, position, text and fields of the others.
        unclear: The line because of which the text is refused; 0 if it is not.
        skipped: The number of lines that are no records, by kind.
    """

    rows: list[tuple[Fields, str, int]] = field(default_factory=list)
    faults: list[tuple[str, int, str, Fields | None]] = field(default_factory=list)
    unclear: int = 0
    skipped: Counter[str] = field(default_factory=Counter)


def layout_of(names: tuple[str, ...] = ("id", "name"), **options: Any) -> TextLayout:
    """Return the layout of plain CSV with other options of the layout or the dialect."""
    dialect = Dialect(**{name: options.pop(name) for name in DIALECT_OPTIONS & options.keys()})
    plain = TextLayout(dialect, "UTF-8", "\n", True, names, {name: at for at, name in enumerate(names)}, 1 << 20)
    return replace(plain, **options)


def header_of(layout: TextLayout) -> str:
    return layout.dialect.delimiter.join(layout.names) + layout.line_end


def read_slowly(text: str, layout: TextLayout) -> Reading:
    """Read a whole text with ``whole_texts``."""
    whole, text = text, text.lstrip("\ufeff")
    marks = len(whole) - len(text)
    lines = [line + layout.line_end for line in text.split(layout.line_end)]
    lines[-1] = lines[-1].removesuffix(layout.line_end)
    if layout.multiline:
        unclear = unclear_line(lines, delimiter=layout.dialect.delimiter)
    else:
        unclear = unclear_single_line(lines, delimiter=layout.dialect.delimiter, fields=len(layout.names))
    if unclear:
        return Reading(unclear=unclear)
    records = cut_records(
        lines, delimiter=layout.dialect.delimiter, line_end=layout.line_end, multiline=layout.multiline
    )
    reading = Reading()
    for begin, record in list(_placed(text, records, layout.line_end))[1:]:
        position = len(whole[: marks + begin].encode(layout.encoding))
        if record.fields is None:
            reading.faults.append(("quote", position, record.text, None))
        elif len(record.fields) != len(layout.names):
            reading.faults.append(("field_count", position, record.text, None))
        else:
            fields = {name: record.fields[position] for name, position in layout.wanted.items()}
            if all(_is(fields[name], layout.names[position]) for name, position in layout.wanted.items()):
                reading.faults.append(("repeated_header", position, record.text, fields))
            else:
                reading.rows.append((fields, record.text, position))
    return reading


def _is(field: str | None, name: str) -> bool:
    return field is not None and field.replace("\ufeff", "").strip(BLANKS) == name


def _placed(text: str, records: Iterator[Record], line_end: str) -> Iterator[tuple[int, Record]]:
    blank_lines, position = re.compile(r"(?:\r?\n)*" if line_end == "\n" else r"\r*"), 0
    for record in records:
        blank = blank_lines.match(text, position)
        assert blank
        position = blank.end()
        assert text.startswith(record.text, position)
        yield position, record
        position += len(record.text)
        if line_end == "\n":
            position += text.startswith("\r\n", position)
        position += text.startswith(line_end, position)


def cut(data: bytes, sizes: Sequence[int]) -> Iterator[bytes]:
    """Cut bytes into pieces of these sizes, in turn."""
    position, turn = 0, 0
    while position < len(data):
        size = sizes[turn % len(sizes)]
        yield data[position : position + size]
        position, turn = position + size, turn + 1


def reading_of(blocks: Sequence[TextBlock]) -> Reading:
    """Return what blocks contain."""
    reading = Reading()
    for block in blocks:
        rows = block.columns.to_pylist()
        numbers = range(len(rows))
        reading.skipped.update(block.skipped)
        reading.rows += zip(rows, block.texts(numbers), block.positions(numbers), strict=True)
        reading.faults += [
            (fault.rule, fault.position, fault.text, dict(fault.fields) if fault.fields else None)
            for fault in block.faults
        ]
    return reading


def read(text: str, layout: TextLayout, *, sizes: Sequence[int] = (1 << 16,), block_bytes: int = 1 << 16) -> Reading:
    """Read a text as blocks."""
    try:
        pieces = cut(text.encode(layout.encoding), sizes)
        return reading_of(list(read_blocks(pieces, layout, block_bytes=block_bytes)))
    except UnclearRecordsError as error:
        return Reading(unclear=error.line)
