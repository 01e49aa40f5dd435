"""A seekable file over an object, for reading a Parquet file's footer and single columns."""

import io
from contextvars import copy_context
from typing import Any, Final

from lakewright.storage.lake import ByteReader

#: Footers are at the end; one read of this size covers most of them.
TAIL_BYTES: Final = 64 << 10


class ObjectFile(io.RawIOBase):
    """An object of known size. Its tail is read once, on opening, and kept; all other ranges are read on demand.

    With ``etag``, all reads are of that version, and raise ``FileNotFoundError`` once the object is rewritten. All
    reads are in the context in which the file was opened, although Arrow reads ahead in threads of its own.
    """

    def __init__(self, reader: ByteReader, path: str, size: int, *, etag: str = "") -> None:
        self._reader, self._path, self._size, self._etag = reader, path, size, etag
        self._at, self._context = 0, copy_context()
        self._tail_start = max(0, size - TAIL_BYTES)
        self._tail = self._read(self._tail_start, size)

    def readable(self) -> bool:
        """See ``io.IOBase``."""
        return True

    def seekable(self) -> bool:
        """See ``io.IOBase``."""
        return True

    def tell(self) -> int:
        """See ``io.IOBase``."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """See ``io.IOBase``."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = base + offset
        return self._at

    def read(self, length: int = -1) -> bytes:
        """See ``io.RawIOBase``; short reads happen only at the end."""
        end = self._size if length < 0 else min(self._size, self._at + length)
        if self._at < self._tail_start:
            body = self._read(self._at, end)
        else:
            body = self._tail[self._at - self._tail_start : end - self._tail_start]
        self._at += len(body)
        return body

    def readinto(self, buffer: Any) -> int:
        """See ``io.RawIOBase``; for buffered readers."""
        body = self.read(len(buffer))
        buffer[: len(body)] = body
        return len(body)

    def _read(self, start: int, end: int) -> bytes:
        if start >= end:
            return b""
        context = self._context.copy()  # several threads may read at once
        return context.run(self._reader.read, self._path, start=start, length=end - start, etag=self._etag)


def open_buffered(reader: ByteReader, path: str, size: int, *, etag: str = "", buffer_bytes: int) -> io.BufferedReader:
    """Open an object as a file that reads ``buffer_bytes`` at once."""
    return io.BufferedReader(ObjectFile(reader, path, size, etag=etag), buffer_bytes)
