"""Streaming decompression of bzip2 and zstd: one or more streams, one after the other; damage is always an error."""

import bz2
from collections.abc import Iterable, Iterator
from typing import Final

from lakewright.errors import DamagedStreamError

_CONTENT: Final = "its content is damaged"
#: Errors of zstd, in terms of files.
_ZSTD_PROBLEMS: Final = {
    "Unknown frame descriptor": "bytes that are not zstd follow its end",
    "too much memory": "its window is larger than 128 MiB; compress it without --long or --ultra",
    "checksum": "its checksum does not match its content",
}


def bunzip2(chunks: Iterable[bytes], *, piece_bytes: int) -> Iterator[bytes]:
    """Decompress bzip2, piece by piece.

    Raises:
        DamagedStreamError: If it is truncated or damaged. Everything before the damage has been returned by then.
    """
    stream, is_within, has_ended = bz2.BZ2Decompressor(), False, False
    for chunk in chunks:
        packed = chunk
        while True:
            try:
                piece = stream.decompress(packed, piece_bytes)
            except OSError as error:
                is_other = has_ended and not is_within
                problem = "bytes that are not bzip2 follow its end" if is_other else _CONTENT
                raise DamagedStreamError("bzip2", problem) from error
            is_within, packed = is_within or bool(packed), b""
            if piece:
                yield piece
            if stream.eof:
                packed, stream, is_within, has_ended = stream.unused_data, bz2.BZ2Decompressor(), False, True
                if not packed:
                    break
            elif stream.needs_input:
                break
    if is_within or not has_ended:
        raise DamagedStreamError("bzip2", is_truncated=True)


def unzstd(chunks: Iterable[bytes], *, piece_bytes: int) -> Iterator[bytes]:
    """Decompress zstd, piece by piece.

    Raises:
        DamagedStreamError: If it is truncated or damaged. Everything before the last piece has been returned by then.
    """
    import pyarrow as pa  # which runs without new objects do not need

    source = _ChunkFile(chunks)
    stream = pa.CompressedInputStream(pa.PythonFile(source, mode="r"), "zstd")
    while True:
        try:
            piece = stream.read(piece_bytes)
        except OSError as error:
            if source.failure is not None:
                raise source.failure from None
            if "Truncated" in str(error):
                raise DamagedStreamError("zstd", is_truncated=True) from error
            problem = next((problem for words, problem in _ZSTD_PROBLEMS.items() if words in str(error)), _CONTENT)
            raise DamagedStreamError("zstd", problem) from error
        if not piece:
            break
        yield piece
    if not source.has_bytes:
        raise DamagedStreamError("zstd", is_truncated=True)


def zstd_of(body: bytes) -> bytes:
    """Compress with zstd; the same content is always the same bytes."""
    import pyarrow as pa  # which runs without corrections do not need

    return bytes(pa.compress(body, codec="zstd", asbytes=True))


class _ChunkFile:
    """A file over chunks.

    Attributes:
        has_bytes: Whether a byte was read.
        failure: What went wrong while the chunks were read.
    """

    closed = False

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self.has_bytes = False
        self.failure: Exception | None = None
        self._chunks, self._rest = iter(chunks), b""

    def read(self, length: int) -> bytes:
        try:
            while not self._rest and (chunk := next(self._chunks, None)) is not None:
                self._rest = chunk
        except Exception as error:
            self.failure = error
            raise
        data, self._rest = self._rest[:length], self._rest[length:]
        self.has_bytes |= bool(data)
        return data

    def close(self) -> None:
        """Nothing is open."""
