"""An object as a file that can be read at any place: of a Parquet file, the footer and some columns."""

import io
from typing import Final

from lakewright.storage.lake import Lake

#: Footers lie at the end, so that one read of this is mostly all that a footer takes.
TAIL_BYTES: Final = 64 << 10


class ObjectFile(io.RawIOBase):
    """An object of a known size. Its end is read when the file is opened and kept, all else each time it is asked for.

    With ``etag``, all reads are of that version; each raises ``FileNotFoundError`` once there is another.
    """

    def __init__(self, lake: Lake, path: str, size: int, *, etag: str = "") -> None:
        self._lake, self._path, self._size, self._etag = lake, path, size, etag
        self._at = 0
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
        """See ``io.RawIOBase``; fewer bytes than asked for are there only at the end."""
        end = self._size if length < 0 else min(self._size, self._at + length)
        if self._at < self._tail_start:
            body = self._read(self._at, end)
        else:
            body = self._tail[self._at - self._tail_start : end - self._tail_start]
        self._at += len(body)
        return body

    def _read(self, start: int, end: int) -> bytes:
        return self._lake.read(self._path, start=start, length=end - start, etag=self._etag) if start < end else b""
