"""The known compressions: endings of names, first bytes, and how to decompress."""

import bz2
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from lakewright.storage.compression.streams import bunzip2, unzstd, zstd_of
from lakewright.storage.compression.zip_archive import unzip, zip_of
from lakewright.storage.gzip import gunzip, packed_as


@dataclass(frozen=True)
class Compression:
    """One of the known compressions.

    Attributes:
        name: Its name.
        ending: The ending of the names of such objects.
        magic: The first bytes of such objects.
    """

    name: str
    ending: str
    magic: re.Pattern[bytes]


GZIP: Final = Compression("gzip", ".gz", re.compile(rb"\x1f\x8b"))
#: A text may begin with "BZh9"; what follows is the magic of a block, or of the end of an empty stream.
BZIP2: Final = Compression("bzip2", ".bz2", re.compile(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)"))
ZSTD: Final = Compression("zstd", ".zst", re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18"))
ZIP: Final = Compression("zip", ".zip", re.compile(rb"PK(?:\x03\x04|\x05\x06)"))
COMPRESSIONS: Final = (GZIP, BZIP2, ZSTD, ZIP)


def compression_of(name: str) -> Compression | None:
    """Return the compression that the name of an object declares."""
    return next((each for each in COMPRESSIONS if name.endswith(each.ending)), None)


def compression_in(head: bytes) -> Compression | None:
    """Return the compression that the first bytes of an object show."""
    return next((each for each in COMPRESSIONS if each.magic.match(head)), None)


def decompressed(
    compression: Compression, chunks: Iterable[bytes], file: Callable[[], BinaryIO], *, piece_bytes: int
) -> Iterator[bytes]:
    """Decompress an object, piece by piece.

    Args:
        compression: How it is compressed.
        chunks: Its bytes; they are not read if it is an archive.
        file: Opens it as a seekable file, for archives.
        piece_bytes: Maximum size of an uncompressed piece.

    Raises:
        DamagedStreamError: If it is truncated or damaged.
    """
    if compression is ZIP:
        return unzip(file(), piece_bytes=piece_bytes)
    if compression is ZSTD:
        return unzstd(chunks, piece_bytes=piece_bytes)
    if compression is BZIP2:
        return bunzip2(chunks, piece_bytes=piece_bytes)
    return gunzip(chunks, piece_bytes=piece_bytes, allow_padding=False)


def compressed_as(name: str, body: bytes) -> bytes:
    """Compress the content of an object as its name declares; the same content is always the same bytes."""
    compression = compression_of(name)
    if compression is ZIP:
        return zip_of(name.rpartition("/")[2].removesuffix(ZIP.ending), body)
    if compression is ZSTD:
        return zstd_of(body)
    if compression is BZIP2:
        return bz2.compress(body)
    return packed_as(name, body)
