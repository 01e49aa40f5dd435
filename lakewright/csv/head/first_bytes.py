"""The first bytes of CSV objects, decompressed."""

import io
from typing import BinaryIO, Final

from lakewright.csv.head.other_formats import describe_other_format
from lakewright.errors import DamagedStreamError
from lakewright.storage.compression.codecs import ZIP, Compression, compression_in, compression_of
from lakewright.storage.lake import ByteReader
from lakewright.storage.object_file import open_buffered
from transforms.errors import HeaderError

_UNKNOWN_COMPRESSIONS: Final = (".deflate", ".lz4", ".snappy", ".xz")
#: Small, since the end of an incomplete stream loses the piece before it.
_PIECE_BYTES: Final = 4 << 10
_SHORTEST: Final = 2


def read_head(reader: ByteReader, path: str, size: int, length: int, encoding: str) -> tuple[bytes, bool]:
    """Return the first bytes of an object, decompressed, and whether they are the whole object.

    Raises:
        HeaderError: If the object has another format than its name or the encoding declares, or is damaged.
    """
    head, compression = reader.read(path, length=length) if size else b"", compression_of(path)
    if other := describe_other_format(head, encoding):
        raise HeaderError(other)
    if path.endswith(_UNKNOWN_COMPRESSIONS):
        raise HeaderError("unsupported compression; use gzip, bzip2, zstd, zip or none")
    _require_compression(head, compression)
    if compression is None:
        return head, len(head) >= size
    data, is_whole = _decompressed_head(reader, path, size, head, compression, length)
    if other := describe_other_format(data, encoding):
        raise HeaderError(f"{compression.name} of {other}")
    if again := compression_in(data):
        raise HeaderError(f"{compression.name} of {again.name}; compress it once")
    return data, is_whole


def _require_compression(head: bytes, declared: Compression | None) -> None:
    shown = compression_in(head)
    if declared is not None and len(head) < _SHORTEST:
        raise HeaderError(str(DamagedStreamError(declared.name, is_truncated=True)))
    if declared is not shown:
        raise HeaderError(
            f"{shown.name}, but not named {shown.ending}; rename or decompress it"
            if shown
            else f"the name ends in {declared.ending}, but it is not {declared.name}"  # type: ignore[union-attr]
        )


def _decompressed_head(
    reader: ByteReader, path: str, size: int, head: bytes, compression: Compression, length: int
) -> tuple[bytes, bool]:
    """Decompress the beginning of an object, up to a length; return also whether that is everything."""
    data = b""

    def open_archive() -> BinaryIO:
        return io.BytesIO(head) if len(head) >= size else open_buffered(reader, path, size, buffer_bytes=length)

    try:
        for piece in compression.decompress([head], open_archive, piece_bytes=_PIECE_BYTES):
            data += piece
            if len(data) >= length:
                return data[:length], False
    except DamagedStreamError as error:
        if len(head) >= size or not error.is_truncated:
            raise HeaderError(str(error)) from error
        return data, False
    return data, len(head) >= size or compression is ZIP
