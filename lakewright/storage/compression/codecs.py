"""The known compressions: endings of names, first bytes, and how to compress and decompress."""

import bz2
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO, Final, Protocol

from lakewright.storage.compression.gzip import MAGIC, gunzip, gzip_of
from lakewright.storage.compression.streams import bunzip2, unzstd, zstd_of
from lakewright.storage.compression.zip_archive import unzip, zip_of

OpenFile = Callable[[], BinaryIO]


class Decompress(Protocol):
    """Decompresses an object, piece by piece."""

    def __call__(self, chunks: Iterable[bytes], file: OpenFile, *, piece_bytes: int) -> Iterator[bytes]:
        """Return the pieces of the content.

        Args:
            chunks: The object's bytes; not read if it is an archive.
            file: Opens the object as a seekable file, for archives.
            piece_bytes: Maximum size of an uncompressed piece.

        Raises:
            DamagedStreamError: If it is truncated or damaged.
        """


class _DecompressStream(Protocol):
    def __call__(self, chunks: Iterable[bytes], *, piece_bytes: int) -> Iterator[bytes]: ...


@dataclass(frozen=True)
class Compression:
    """One of the known compressions.

    Attributes:
        name: Its name.
        ending: The ending of the names of such objects.
        magic: The first bytes of such objects.
        compress: Compresses a content, given its file name; the same content is always the same bytes.
        decompress: Decompresses an object.
    """

    name: str
    ending: str
    magic: re.Pattern[bytes]
    compress: Callable[[str, bytes], bytes]
    decompress: Decompress


def _of_stream(decompress: _DecompressStream) -> Decompress:
    return lambda chunks, file, *, piece_bytes: decompress(chunks, piece_bytes=piece_bytes)  # noqa: ARG005


def _of_archive(chunks: Iterable[bytes], file: OpenFile, *, piece_bytes: int) -> Iterator[bytes]:  # noqa: ARG001
    return unzip(file(), piece_bytes=piece_bytes)


GZIP: Final = Compression(
    "gzip",
    ".gz",
    re.compile(re.escape(MAGIC)),
    lambda _, content: gzip_of(content),
    _of_stream(partial(gunzip, allow_padding=False)),
)
BZIP2: Final = Compression(
    "bzip2",
    ".bz2",
    # A text may begin with "BZh9"; what follows is the magic of a block, or of the end of an empty stream.
    re.compile(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)"),
    lambda _, content: bz2.compress(content),
    _of_stream(bunzip2),
)
ZSTD: Final = Compression(
    "zstd",
    ".zst",
    re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18"),
    lambda _, content: zstd_of(content),
    _of_stream(unzstd),
)
ZIP: Final = Compression("zip", ".zip", re.compile(rb"PK(?:\x03\x04|\x05\x06)"), zip_of, _of_archive)
COMPRESSIONS: Final = (GZIP, BZIP2, ZSTD, ZIP)


def compression_of(name: str) -> Compression | None:
    """Return the compression that the name of an object declares."""
    return next((each for each in COMPRESSIONS if name.endswith(each.ending)), None)


def compression_in(head: bytes) -> Compression | None:
    """Return the compression that the first bytes of an object show."""
    return next((each for each in COMPRESSIONS if each.magic.match(head)), None)


def compressed_as(name: str, content: bytes) -> bytes:
    """Compress the content of an object as its name declares."""
    compression = compression_of(name)
    if compression is None:
        return content
    return compression.compress(name.rpartition("/")[2].removesuffix(compression.ending), content)
