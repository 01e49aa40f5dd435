"""The content of objects that were read whole with their header: workers need not read them again."""

import threading
from collections.abc import Iterable
from typing import Final

from lakewright.sources.reader import Found
from lakewright.storage.lake import ByteReader

#: Content of all objects of a batch, which the driver holds until their rows are written.
_MOST_BYTES: Final = 16 << 20


class SmallObjects:
    """Reads heads of objects from a lake, and keeps the content of small ones, as far as there is room.

    Attributes:
        contents: The content of objects, by path; of the version that was listed.
    """

    def __init__(self, reader: ByteReader, objects: Iterable[Found]) -> None:
        self.contents: dict[str, bytes] = {}
        self._reader, self._listed = reader, {each.path: each for each in objects}
        self._room, self._lock = _MOST_BYTES, threading.Lock()

    def read(self, path: str, *, start: int = 0, length: int | None = None, etag: str = "") -> bytes:
        """See ``ByteReader.read``; if an object was rewritten since it was listed, read the head of its new version."""
        listed = self._listed[path]
        if start or etag:
            return self._reader.read(path, start=start, length=length, etag=etag)
        try:
            head = self._reader.read(path, length=length, etag=listed.etag)
        except FileNotFoundError:
            return self._reader.read(path, length=length)
        if len(head) == listed.size:
            self._keep(path, head)
        return head

    def _keep(self, path: str, content: bytes) -> None:
        with self._lock:
            if len(content) <= self._room:
                self._room -= len(content)
                self.contents[path] = content
