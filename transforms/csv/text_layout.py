"""How the text of a CSV object is laid out, and what is read from it. No pyspark."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from transforms.csv.dialects.dialect import Dialect

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class TextLayout:
    r"""How the text of an object is written, and which of its columns are read.

    Attributes:
        dialect: Which characters structure the text.
        encoding: Name of a Python codec.
        line_end: ``\n`` (with or without a preceding carriage return) or ``\r``.
        multiline: Whether quoted fields may contain line ends; if not, each line is a record.
        names: The names in the header; as many as a record has fields.
        wanted: The position of each declared column.
        max_record_bytes: Longer records are refused.
        has_header: Whether the first record is the header.
        skip_lines: How many lines precede the header, or the first record.
        footer_lines: How many lines at the end, apart from blank ones, are not records.
        null_markers: Per declared column, texts that are null if they are not quoted. They are printable and have no
            quote, delimiter or escape character.
    """

    dialect: Dialect
    encoding: str
    line_end: str
    multiline: bool
    names: tuple[str, ...]
    wanted: Mapping[str, int]
    max_record_bytes: int
    has_header: bool = True
    skip_lines: int = 0
    footer_lines: int = 0
    null_markers: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class ByteRange:
    """The part of an object that one task reads: the records that begin after ``start`` and not after ``end``.

    Attributes:
        start: Offset of the first byte that is read.
        end: None for the end of the object.
        begins_at_record: Whether a record begins at ``start`` (at 0, or where the previous range ended); it is then the
            first of the range. Otherwise the first record is searched for, which is a guess if fields may contain line
            ends.
    """

    start: int = 0
    end: int | None = None
    begins_at_record: bool = True


#: All of an object.
WHOLE: Final = ByteRange()


@dataclass(frozen=True, slots=True)
class Fault:
    """A record that is rejected as a whole.

    Attributes:
        rule: field_count, quote or repeated_header.
        position: Where it begins: the offset in the object, in bytes as stored after decompression.
        text: The record as written, without its line end.
        fields: The texts of the declared columns; None if the record cannot be assigned to them.
        words: What is wrong with it, as a sentence that quotes no values; empty if the rule says it all.
    """

    rule: str
    position: int
    text: str
    fields: Mapping[str, str | None] | None = None
    words: str = field(default="", compare=False)


@dataclass(frozen=True)
class TextBlock:
    """Some consecutive records.

    Attributes:
        columns: One string column (of one chunk) per declared column; one row per record that is no fault.
        faults: The rejected records.
        begins: Offset of the first record in the object, in bytes as stored after decompression.
        ends: Offset after the last record.
        lines: The number of lines from the first record of the byte range to ``ends``.
        skipped: The number of lines that are not records, by kind: preamble, comment, footer.
        texts: Returns some rows of ``columns`` as they are written, without line ends.
        positions: Returns where some rows begin; see ``begins``.
    """

    columns: "pa.Table"
    faults: Sequence[Fault]
    begins: int
    ends: int
    lines: int
    skipped: Mapping[str, int]
    texts: Callable[[Sequence[int]], list[str]] = field(repr=False, compare=False)
    positions: Callable[[Sequence[int]], list[int]] = field(repr=False, compare=False)
