"""The content of CSV objects: one version of each, decompressed, as blocks of text columns."""

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import BinaryIO, Final

from lakewright.csv.binding import bind_columns
from lakewright.csv.heads import Header
from lakewright.csv.options import CsvOptions
from lakewright.errors import ObjectRefusedError
from lakewright.measuring.work import Done, advance
from lakewright.storage.compression.codecs import ZIP, compression_of
from lakewright.storage.lake import Lake
from lakewright.storage.object_file import open_buffered
from transforms.csv.text_encoding import can_be_split
from transforms.csv.text_layout import WHOLE, ByteRange, TextBlock, TextLayout
from transforms.errors import DataError

_READ_BYTES: Final = 8 << 20
#: A range's last record ends beyond its end, usually very soon.
_READ_BEYOND_BYTES: Final = 128 << 10


@dataclass(frozen=True)
class CsvObject:
    """One version of an object with text.

    Attributes:
        header: Its header, which has all declared columns.
        values: Year, month and day of its rows, if they are partition columns.
        lake_uri: The lake that contains it, if that is not the source's.
        superseded: The positions of records that corrections replace.
        content: Its content, if it was read with the header.
    """

    path: str
    size: int
    etag: str
    header: Header
    values: Mapping[str, str]
    lake_uri: str = ""
    superseded: frozenset[int] = frozenset()
    content: bytes | None = None

    @property
    def is_packed(self) -> bool:
        """Whether it is compressed."""
        return compression_of(self.path) is not None


@dataclass(frozen=True)
class CsvPart:
    """An object, or a byte range of it."""

    source: CsvObject
    within: ByteRange = WHOLE

    @property
    def is_range(self) -> bool:
        """Whether it is a byte range."""
        return self.within != WHOLE


@dataclass(frozen=True)
class CsvRules:
    """A feed's rules for the text of its objects.

    Attributes:
        options: Options of the text.
        names: The name in the header of each declared column, or several, of which a header has one.
        max_record_bytes: Maximum length of a record; an object with a longer one is refused.
        null_markers: Per declared column, texts that are null if they are not quoted.
    """

    options: CsvOptions
    names: Mapping[str, tuple[str, ...]]
    max_record_bytes: int
    null_markers: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def can_split(self) -> bool:
        """Whether the encoding allows reading from the middle of an object."""
        return can_be_split(self.options.encoding)

    def layout(self, header: Header) -> TextLayout:
        """Return the layout of an object with this header."""
        return TextLayout(
            dialect=self.options.dialect(),
            encoding=self.options.encoding,
            line_end=header.line_end,
            multiline=self.options.multiline,
            names=header.names,
            wanted=bind_columns(header, self.names).positions,
            max_record_bytes=self.max_record_bytes,
            has_header=self.options.header,
            skip_lines=header.preamble_lines,
            footer_lines=header.footer_lines,
            null_markers=self.null_markers,
        )


@dataclass(frozen=True)
class Damage:
    """Why a part of an object cannot be read as declared: the problem, and its line in the part (0: no line)."""

    line: int
    problem: str

    def describe(self, lines_before: int = 0) -> str:
        """Return the reason to refuse the object; ``lines_before`` precede the part."""
        return f"line {lines_before + self.line}{self.problem}" if self.line else self.problem


def read_part(lake: Lake, part: CsvPart, rules: CsvRules) -> Iterator[TextBlock]:
    """Read an object, or a byte range of it, as text columns.

    Raises:
        DataError: If the part cannot be read as declared; see ``damage_of``.
        FileNotFoundError: If this version of the object no longer exists.
    """
    from transforms.csv.text_blocks import read_blocks  # pyarrow, which runs without new objects do not need

    pieces, source = _pieces(lake, part), part.source
    if compression := compression_of(source.path):
        pieces = compression.decompress(pieces, partial(_open, lake, source), piece_bytes=_READ_BYTES)
    if compression is ZIP:
        pieces = _counted_at_end(pieces, source.size)
    return read_blocks(pieces, rules.layout(part.source.header), within=part.within)


def damage_of(error: DataError, path: str) -> Damage:
    """Convert an error of ``read_part`` into the damage of the part."""
    if isinstance(error, ObjectRefusedError):
        return Damage(0, error.reasons[path])
    line = getattr(error, "line", 0)
    return Damage(line, str(error).removeprefix(f"line {line}"))


def find_damage(lake: Lake, source: CsvObject, rules: CsvRules) -> str:
    """Read an object completely, and return why it is refused; empty if it is not."""
    try:
        for _ in read_part(lake, CsvPart(source), rules):
            pass
    except DataError as error:
        return damage_of(error, source.path).describe()
    return ""


def _open(lake: Lake, source: CsvObject) -> BinaryIO:
    if source.content is not None:
        return io.BytesIO(source.content)
    return open_buffered(lake, source.path, source.size, etag=source.etag, buffer_bytes=_READ_BYTES)


def _counted_at_end(pieces: Iterator[bytes], size: int) -> Iterator[bytes]:
    """Count the bytes of an archive, which is read from several places."""
    yield from pieces
    advance(Done(bytes=size))


def _pieces(lake: Lake, part: CsvPart) -> Iterator[bytes]:
    """Read an object from the start of the range, as far as the pieces are asked for."""
    source, start = part.source, part.within.start
    if source.content is not None:
        advance(Done(bytes=source.size))
        yield source.content[start:]
        return
    end = source.size if part.within.end is None else part.within.end
    while start < source.size:
        length = min(_READ_BYTES, end - start) if start < end else _READ_BEYOND_BYTES
        yield lake.read(source.path, start=start, length=length, etag=source.etag)
        if start < end:
            advance(Done(bytes=length))
        start += length
