"""Parse whole, well-quoted CSV records into text columns with pyarrow. No pyspark."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import count, product
from typing import Final, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from transforms.csv.dialects.stand_ins import ESCAPE, IN_VALUES
from transforms.csv.records.quote_positions import Marks
from transforms.csv.records.source_text import MARK, SourceText
from transforms.csv.records.trimmed_fields import trimmed, with_data_backslashes
from transforms.csv.text_bytes import keep_where, with_bytes_replaced
from transforms.csv.text_layout import TextLayout

#: Delimits fields if the delimiter is one that pyarrow refuses.
_SEPARATOR: Final = b"\x1f"
#: Noncharacters. One of the first two escapes itself, line ends that are data, and separators that are data.
_ESCAPES: Final = ("\ufdd0", "\ufdd1")
_ESCAPE, _LINE_END, _DATA = (character.encode() for character in ("\ufdd2", "\ufdd3", "\ufdd4"))
#: The noncharacter for the byte 0.
_FIRST_STAND_IN: Final = 0xFDDF - 0xFF
#: Noncharacters that mark quoted null markers.
_MARKS: Final = tuple(map(chr, range(0xFDE0, 0xFDF0)))
_LONE_RETURN: Final = re.compile(rb"\r(?!\n)")
_LINE_FEED: Final = re.compile(rb"\n")


class ParsedColumns(NamedTuple):
    """Parsed records.

    Attributes:
        columns: One string column per declared column, one row per record with the right number of fields.
        skipped: The other records, by number from 0; blank lines are not records.
        field_counts: The number of fields of each of those.
    """

    columns: pa.Table
    skipped: Sequence[int]
    field_counts: Sequence[int]


@dataclass(frozen=True)
class ColumnParser:
    """Parses records of one layout."""

    layout: TextLayout
    source: SourceText

    def parse(self, text: bytes) -> ParsedColumns:
        """Parse records; each ends with a line end."""
        if not text:
            return ParsedColumns(pa.table({name: pa.array([], pa.string()) for name in self.layout.wanted}), [], [])
        text = self.source.valid(text)
        if self.layout.dialect.escape == "spark" and ESCAPE in text:
            text = with_data_backslashes(text)
        text, restored = self._readable(text)
        if self._is_trimmed:
            text = self._trimmed(text)
            if not text:
                return self.parse(text)
        text, mark = self._with_marked_fields(text)
        if text.startswith(MARK):
            # pyarrow drops one byte order mark at the beginning, which is data here.
            text = MARK + text
        skipped: list[int] = []
        field_counts: list[int] = []

        def skip(row: csv.InvalidRow) -> str:
            skipped.append(row.number - 1)
            field_counts.append(row.actual_columns)
            return "skip"

        # In one block, since pyarrow loses the LF of a quoted CR LF that spans two:
        # https://github.com/apache/arrow/issues/51368.
        table = csv.read_csv(
            pa.BufferReader(text),
            read_options=csv.ReadOptions(use_threads=False, block_size=len(text) + 1, column_names=self._cells),
            parse_options=csv.ParseOptions(
                delimiter=self._delimiter.decode(),
                newlines_in_values=True,
                ignore_empty_lines=not self._is_trimmed,
                invalid_row_handler=skip,
            ),
            convert_options=self._convert_options,
        )
        # Chunks, since functions of columns leave out empty ones.
        columns = [table.column(self._cells[position]).chunk(0) for position in self.layout.wanted.values()]
        if self.layout.null_markers:
            columns = [self._without_markers(*named, mark) for named in zip(self.layout.wanted, columns, strict=True)]
        for escaped, original in restored:
            columns = [pc.replace_substring(column, escaped, original) for column in columns]
        if self.source.stand_ins.are_in_values:
            columns = [self._values(column) for column in columns]
        return ParsedColumns(pa.table(columns, names=list(self.layout.wanted)), skipped, field_counts)

    def _trimmed(self, text: bytes) -> bytes:
        """Leave out what pyarrow has no option for."""
        marks = replace(Marks.of(self.source.stand_ins), delimiter=self._delimiter[0])
        trailing_delimiter = self.layout.dialect.allows_trailing_delimiter
        return trimmed(text, marks, fields=len(self.layout.names), trailing_delimiter=trailing_delimiter)

    def _values(self, texts: pa.Array) -> pa.Array:
        """Return the values of a column's texts."""
        stand_ins = self.source.stand_ins
        is_escaped = pc.match_substring(texts, ESCAPE).fill_null(False)
        escaped = texts.filter(is_escaped).cast(pa.binary()).to_pylist()
        if self.layout.dialect.quote != '"' or self.layout.dialect.escape == "spark":
            texts = with_bytes_replaced(texts, stand_ins.outward)
        if not escaped:
            return texts
        return pc.replace_with_mask(texts, is_escaped, pa.array(map(stand_ins.value, escaped), pa.string()))

    def _with_marked_fields(self, text: bytes) -> tuple[bytes, str]:
        """Append a text that is not in the other one to quoted null markers, and return it; empty if there are none."""
        markers = {marker.encode() for several in self.layout.null_markers.values() for marker in several}
        if not any(b'"%b"' % marker in text for marker in markers):
            return text, ""
        marks = ("".join(several) for length in count(1) for several in product(_MARKS, repeat=length))
        mark = next(mark for mark in marks if mark.encode() not in text)
        # Whole fields are matched, since the empty marker could also be a doubled quote within one.
        quoted = rb'"(?:(%b)"(?!")|(?:[^"]++|"")*+")' % b"|".join(map(re.escape, markers))

        def with_mark(field: re.Match[bytes]) -> bytes:
            return field[0] if field[1] is None else b'"%b%b"' % (field[1], mark.encode())

        return re.sub(quoted, with_mark, text), mark

    def _without_markers(self, name: str, texts: pa.Array, mark: str) -> pa.Array:
        """Replace null markers by nulls where they are not marked as quoted."""
        if markers := self.layout.null_markers.get(name):
            texts = keep_where(pc.invert(pc.is_in(texts, pa.array(markers, pa.string()))), texts)
        return pc.replace_substring(texts, mark, "") if mark else texts

    def _readable(self, text: bytes) -> tuple[bytes, list[tuple[bytes, bytes]]]:
        """Escape what pyarrow would misread; return also what is to be replaced in the values, in this order."""
        replaced: list[tuple[bytes, bytes]] = []
        escape = self._escape
        line_end = self._line_end_in_data(text)
        stand_ins = [(byte, as_text) for byte, as_text in self._stand_ins.items() if byte in text]
        if self._delimiter == self.source.cut and not line_end and not stand_ins:
            return text, []
        text = text.replace(escape, escape + _ESCAPE)
        if self._delimiter != self.source.cut:
            text = text.replace(_SEPARATOR, escape + _DATA).replace(self.source.cut, _SEPARATOR)
            replaced += [(_SEPARATOR, self.layout.dialect.delimiter.encode()), (escape + _DATA, _SEPARATOR)]
        if line_end:
            text = line_end.sub(escape + _LINE_END, text)
            replaced.append((escape + _LINE_END, b"\n" if self.layout.line_end == "\r" else b"\r"))
        for byte, as_text in stand_ins:
            text = text.replace(byte, as_text)
            replaced.append((as_text, byte))
        return text, [*replaced, (escape + _ESCAPE, escape)]

    def _line_end_in_data(self, text: bytes) -> re.Pattern[bytes] | None:
        """Return a pattern for characters that end a line for pyarrow but not here; None if there are none."""
        character, pattern = (b"\r", _LONE_RETURN) if self.layout.line_end == "\n" else (b"\n", _LINE_FEED)
        return pattern if character in text and pattern.search(text) else None

    @cached_property
    def _is_trimmed(self) -> bool:
        return self.layout.dialect.skip_initial_space or self.layout.dialect.allows_trailing_delimiter

    @cached_property
    def _escape(self) -> bytes:
        return next(escape for escape in _ESCAPES if escape != self.layout.dialect.delimiter).encode()

    @cached_property
    def _stand_ins(self) -> dict[bytes, bytes]:
        """How stand-ins are written as valid UTF-8, which pyarrow needs to report a row."""
        if not self.source.stand_ins.are_in_values:
            return {}
        return {bytes([byte]): self._escape + chr(_FIRST_STAND_IN + byte).encode() for byte in IN_VALUES}

    @cached_property
    def _delimiter(self) -> bytes:
        """The delimiter for pyarrow, which accepts ASCII characters other than NUL."""
        return self.source.cut if self.source.cut.isascii() and self.source.cut != b"\0" else _SEPARATOR

    @cached_property
    def _cells(self) -> list[str]:
        return [str(position) for position in range(len(self.layout.names))]

    @cached_property
    def _convert_options(self) -> csv.ConvertOptions:
        nulls = self.source.stand_ins.nulls
        wanted = [self._cells[position] for position in sorted(set(self.layout.wanted.values()))]
        return csv.ConvertOptions(
            include_columns=wanted,
            column_types=dict.fromkeys(wanted, pa.string()),
            null_values=[null.replace(ESCAPE, self._stand_ins.get(ESCAPE, b"")) for null in nulls],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            check_utf8=False,
        )
