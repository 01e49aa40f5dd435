"""Find values in Parquet files that are too long for Spark to read, without reading the files.

A value is contained in one page and takes at least its length. A column chunk whose uncompressed size is within the
limit, according to the footer, therefore has no longer value; for larger chunks, page headers tell the same. Only if a
page exceeds the limit and may consist of many values is its chunk read. A page that is larger still is refused
regardless of its values, because Spark decompresses it as a whole.
"""

import io
from collections.abc import Iterator, Sequence
from typing import Any, Final, Literal, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

#: A page may hold so many of the longest values, since Spark decompresses it as a whole.
VALUES_OF_A_PAGE: Final = 8
#: Bytes read at once to find page headers; most headers have about ten bytes.
_WINDOW: Final = 64 << 10
#: Bytes of values in memory at once when a chunk is read.
_READ_BYTES: Final = 8 << 20
#: Thrift's compact protocol: https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
_TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _STRUCT = 1, 2, 3, 7, 8, 9, 10, 12
_INTEGERS: Final = (4, 5, 6)
_IS_LONG: Final = 15
_GOES_ON: Final = 128
_MOST_BITS: Final = 63
#: Fields of a PageHeader: https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
_UNPACKED_SIZE, _PACKED_SIZE = 2, 3
_KINDS_OF_PAGE: Final = (5, 7, 8)
_VALUES: Final = 1
#: Fields of a FileMetaData and its parts; the last bytes of a file are the footer's length and a magic number.
_GROUPS, _CHUNKS, _METADATA, _TYPE, _DICTIONARY = 4, 1, 3, 1, 11
_NUMBERS_OF_CHUNK: Final = (5, 6, 7, 9)
_ENCODINGS, _CODEC = 2, 4
_KINDS: Final = ("BOOLEAN", "INT32", "INT64", "INT96", "FLOAT", "DOUBLE", "BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY")
_END_BYTES: Final = 8
#: Upper bound of a page's bytes besides the values: lengths, levels, block headers.
_OF_A_VALUE: Final = 5
_OF_A_PAGE: Final = 4 << 10


class Page(NamedTuple):
    """The uncompressed size of a page, and its number of values."""

    size: int
    values: int


class Chunk(NamedTuple):
    """Metadata of a column chunk, with the names of pyarrow's ``ColumnChunkMetaData``."""

    path_in_schema: str
    physical_type: str
    num_values: int
    total_uncompressed_size: int
    total_compressed_size: int
    data_page_offset: int
    dictionary_page_offset: int | None
    codec: int = 0
    encodings: Sequence[int] = ()

    @property
    def has_dictionary_page(self) -> bool:
        """Whether the chunk begins with a dictionary."""
        return self.dictionary_page_offset is not None


def find_long_value(file: io.RawIOBase, metadata: Any, groups: Sequence[Sequence[Chunk]], limit: int) -> str:
    """Describe the first text or binary value longer than ``limit`` bytes, or page too large; empty if none is.

    Args:
        file: The file, opened for random access.
        metadata: Its footer, a ``pyarrow.parquet.FileMetaData``.
        groups: Its column chunks; see ``chunks_of``.
        limit: Maximum length of a value.
    """
    first = 1
    for number, chunks in enumerate(groups):
        rows = metadata.row_group(number).num_rows
        for chunk in chunks:
            is_large = chunk.physical_type == "BYTE_ARRAY" and chunk.total_uncompressed_size > limit
            if is_large and (problem := _problem_with(file, metadata, number, chunk, limit)):
                return (
                    f"a {problem[0]} of column {chunk.path_in_schema!r}, rows {first} to {first + rows - 1}, is longer "
                    f"than {problem[1]} bytes; raise source.max_record_bytes if this is intended"
                )
        first += rows
    return ""


def chunks_of(file: io.RawIOBase, metadata: Any) -> list[list[Chunk]]:
    """Read the metadata of the column chunks of each row group from a footer.

    Without pyarrow, which crashes the process on damaged chunk metadata.

    Raises:
        OSError: If the chunks do not match the footer's schema.
    """
    size = file.seek(-_END_BYTES, io.SEEK_END) + _END_BYTES
    length = int.from_bytes((file.read(_END_BYTES) or b"")[:4], "little")
    file.seek(size - _END_BYTES - length)
    try:
        footer, _ = _read_struct(file.read(length) or b"", 0)
        groups = [[chunk[_METADATA] for chunk in group[_CHUNKS]] for group in footer.get(_GROUPS, ())]
        chunks = [list(map(_read_chunk, group, _leaves(metadata))) for group in groups]
    except (IndexError, KeyError, TypeError, AttributeError, _NoHeaderError):
        raise OSError("its footer is damaged") from None
    if any(len(group) != metadata.num_columns for group in groups):
        raise OSError("its columns do not match its schema; it is damaged")
    return chunks


def _leaves(metadata: Any) -> list[Any]:
    return [metadata.schema.column(number) for number in range(metadata.num_columns)]


def _read_chunk(fields: dict[int, Any], leaf: Any) -> Chunk:
    kind = _KINDS[fields[_TYPE]]
    if kind != leaf.physical_type:
        raise OSError("its columns do not match its schema; it is damaged")
    values, size, packed, start = (fields[number] for number in _NUMBERS_OF_CHUNK)
    stored = fields[_CODEC], fields[_ENCODINGS]
    return Chunk(leaf.path, kind, values, size, packed, start, fields.get(_DICTIONARY), *stored)


def _problem_with(
    file: io.RawIOBase, metadata: Any, group: int, chunk: Chunk, limit: int
) -> tuple[Literal["value", "page"], int] | None:
    """Return what is too long in a column chunk, and the limit."""
    value: tuple[Literal["value", "page"], int] = ("value", limit)
    try:
        large = [page for page in pages_of(file, chunk) if page.size > limit]
    except _NoHeaderError:
        return value if _longest_value(file, metadata, group, chunk) > limit else None
    if any(page.size > (limit + _OF_A_VALUE) * page.values + _OF_A_PAGE for page in large):
        return value
    if any(page.size > VALUES_OF_A_PAGE * limit for page in large):
        return "page", VALUES_OF_A_PAGE * limit
    return value if large and _longest_value(file, metadata, group, chunk) > limit else None


def pages_of(file: io.RawIOBase, chunk: Any) -> Iterator[Page]:
    """Read the page headers of a column chunk, including the dictionary's."""
    at = chunk.data_page_offset
    if chunk.dictionary_page_offset and chunk.dictionary_page_offset < at:
        at = chunk.dictionary_page_offset
    end = at + chunk.total_compressed_size
    window, start = b"", at
    while at < end:
        length = _WINDOW
        while True:
            try:
                header, after = _read_struct(window, at - start)
                break
            except IndexError:
                if start == at and len(window) >= end - at:
                    raise _NoHeaderError from None
                length = length if start != at else 4 * length
            file.seek(at)
            window, start = file.read(min(length, end - at)) or b"", at
        kinds = [header[number] for number in _KINDS_OF_PAGE if isinstance(header.get(number), dict)]
        size, packed, values = (
            header.get(_UNPACKED_SIZE),
            header.get(_PACKED_SIZE),
            kinds[0].get(_VALUES) if kinds else None,
        )
        if not isinstance(size, int) or not isinstance(packed, int) or packed < 0 or not isinstance(values, int):
            raise _NoHeaderError
        yield Page(size, values)
        at = start + after + packed


def _longest_value(file: io.RawIOBase, metadata: Any, group: int, chunk: Chunk) -> int:
    """Read a column chunk to find its longest value; memory holds one page and the distinct values of a batch."""
    size = chunk.total_uncompressed_size
    if not chunk.has_dictionary_page:
        return _longest_in(file, metadata, group, chunk, rows=_READ_BYTES * chunk.num_values // size, dictionary=False)
    try:
        # Keep the dictionary: its values may be long and occur in many rows.
        return _longest_in(file, metadata, group, chunk, rows=_READ_BYTES * chunk.num_values // size, dictionary=True)
    except (pa.ArrowNotImplementedError, OSError):  # not for every encoding behind it
        return _longest_in(file, metadata, group, chunk, rows=_READ_BYTES // size, dictionary=False)


def _longest_in(file: io.RawIOBase, metadata: Any, group: int, chunk: Chunk, *, rows: int, dictionary: bool) -> int:
    name = chunk.path_in_schema
    file.seek(0)
    reader = pq.ParquetFile(
        pa.PythonFile(file, mode="r"), metadata=metadata, read_dictionary=[name] if dictionary else None
    )
    longest = 0
    for batch in reader.iter_batches(max(1, rows), row_groups=[group], columns=[name], use_threads=False):
        values = batch.column(0)
        texts = values.dictionary if pa.types.is_dictionary(values.type) else values
        if not (pa.types.is_binary(texts.type) or pa.types.is_string(texts.type)):
            return 0  # a decimal of so many bytes is none
        longest = max(longest, pc.max(pc.binary_length(texts)).as_py() or 0)
    return longest


class _NoHeaderError(Exception):
    """Raised if a page header cannot be read."""


def _read_struct(data: bytes, at: int) -> tuple[dict[int, Any], int]:
    """Read a struct of Thrift's compact protocol: fields by number, and the end position."""
    fields: dict[int, Any] = {}
    number = 0
    while head := data[at]:
        at += 1
        if head >> 4:
            number += head >> 4
        else:
            number, at = _read_integer(data, at)
        fields[number], at = _read_value(head & 15, data, at)
    return fields, at + 1


def _read_value(kind: int, data: bytes, at: int) -> tuple[Any, int]:
    if kind in (_TRUE, _FALSE):
        return kind == _TRUE, at
    if kind in _INTEGERS:
        return _read_integer(data, at)
    if kind in (_BYTE, _DOUBLE):
        return None, at + (1 if kind == _BYTE else 8)
    if kind == _BINARY:
        length, at = _read_varint(data, at)
        return None, at + length
    if kind == _STRUCT:
        return _read_struct(data, at)
    if kind in (_LIST, _SET):
        head, at = data[at], at + 1
        count = head >> 4
        if count == _IS_LONG:
            count, at = _read_varint(data, at)
        items = []
        for _ in range(count):
            item, at = (None, at + 1) if head & 15 in (_TRUE, _FALSE) else _read_value(head & 15, data, at)
            items.append(item)
        return items, at
    raise _NoHeaderError


def _read_integer(data: bytes, at: int) -> tuple[int, int]:
    value, at = _read_varint(data, at)
    return (value >> 1) ^ -(value & 1), at


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at, value, shift = at + 1, value | (byte & 127) << shift, shift + 7
        if byte < _GOES_ON:
            return value, at
        if shift > _MOST_BITS:
            raise _NoHeaderError
