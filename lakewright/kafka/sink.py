"""Objects of a Kafka Connect S3 sink: which there are of each topic, and the text in one."""

import codecs
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from itertools import chain
from typing import Final

from lakewright.errors import DamagedGzipError, TruncatedGzipError
from lakewright.sources.listing import NOT_UTF8
from lakewright.storage.gzip import MAGIC, gunzip
from lakewright.storage.lake import Lake, StoredObject
from transforms.events.lines import is_cut_off
from transforms.events.sink_names import SinkName, read_sink_name
from transforms.object_names import as_text, is_folder_marker

_READ_BYTES: Final = 8 << 20
#: Some hundred events: their values are still in the processor's cache when they are made columns.
_TEXT_BYTES: Final = 256 << 10
_LOOKED_AT: Final = 1 << 10
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")


@dataclass(frozen=True, slots=True)
class SinkObject:
    """An object of a sink as it lies there."""

    path: str
    size: int
    etag: str
    modified: datetime
    name: SinkName


@dataclass(frozen=True)
class SinkListing:
    """What lies below a sink's folder: the objects of each wanted topic, and what is none, with the reason."""

    topics: Mapping[str, list[SinkObject]] = field(default_factory=dict)
    strays: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SinkFolder:
    """Where a sink writes (its ``topics.dir``), and what is wanted of it.

    Attributes:
        folder: The folder in the lake, with its slash; empty for the lake's root.
        delimiter: The sink's ``file.delim``.
        topics: Names or patterns of the topics that are wanted; capitals count.
    """

    lake: Lake
    folder: str
    delimiter: str
    topics: tuple[str, ...]

    def list(self, topic: str = "") -> SinkListing:
        """List the objects of all wanted topics, or of one of them."""
        found: dict[str, list[SinkObject]] = {}
        strays: dict[str, str] = {}
        for entry in self.lake.list(self.folder_of(topic) if topic else self.folder):
            name = self._name_of(entry)
            if not is_wanted(entry.path[len(self.folder) :].split("/", 1)[0], self.topics):
                continue
            if isinstance(name, str):
                strays[as_text(entry.path)] = name
            else:
                taken = SinkObject(entry.path, entry.size, entry.etag, entry.modified, name)
                found.setdefault(name.topic, []).append(taken)
        return SinkListing(found, strays)

    def narrowed(self, listing: SinkListing, topics: Sequence[str]) -> SinkListing:
        """Keep some topics of a listing, and of what is none of the sink's, what lies in no other topic's folder."""
        others = tuple(self.folder_of(topic) for topic in listing.topics if topic not in topics)
        strays = {path: why for path, why in listing.strays.items() if not path.startswith(others)}
        return SinkListing({topic: listing.topics[topic] for topic in topics}, strays)

    def _name_of(self, entry: StoredObject) -> SinkName | str:
        """Read what an object says of itself; a marker of a folder, or a link that leads elsewhere, says nothing."""
        if is_folder_marker(entry.path, entry.size):
            return "a folder marker"
        problem = entry.problem or (NOT_UTF8 if as_text(entry.path) != entry.path else "")
        return problem or self.read_name(entry.path)

    def folder_of(self, topic: str) -> str:
        """Name the folder of a topic."""
        return f"{self.folder}{topic}/"

    def read_name(self, path: str) -> SinkName | str:
        """Read what the path of an object says, or say why it is none of the sink's."""
        return read_sink_name(path[len(self.folder) :], self.delimiter)


def is_wanted(topic: str, patterns: tuple[str, ...]) -> bool:
    """Tell whether a topic matches a pattern; capitals count."""
    return any(fnmatchcase(topic, pattern) for pattern in patterns)


class ObjectText:
    """The text of an object, unpacked if it is gzip, whatever its name says.

    ``damage`` says, once all is read, why what could be unpacked is not all that was written; empty if it is.
    """

    def __init__(self, lake: Lake, path: str, size: int) -> None:
        self._lake, self._path, self._size = lake, path, size
        self.damage = ""
        self._is_in_line = False

    def __iter__(self) -> Iterator[bytes]:
        pieces = self._lake.pieces(self._path, length=_READ_BYTES)
        first = next(pieces, b"") if self._size else b""
        pieces = chain([first], pieces)
        if first and MAGIC.startswith(first[: len(MAGIC)]):
            blocks = self._unpacked(pieces)
        elif self._path.endswith(".gz") and not _is_text(first):
            self.damage = "its name says gzip, but it is neither gzip nor text"
            return
        else:
            blocks = _cut(pieces)
        for block in blocks:
            self._is_in_line = not block.endswith(b"\n")
            yield block

    def find_damage(self, lines: int, last: bytes) -> str:
        """Say why an object that has been read must be refused whole; empty if it need not.

        Args:
            lines: How many lines could be read.
            last: The last of them.
        """
        if self.damage:
            return f"{self.damage}, at about line {lines + 1}; nothing of it was taken"
        if self._is_in_line and is_cut_off(last):
            return f"it is cut off: line {lines}, the last, ends within a record; nothing of it was taken"
        return ""

    def _unpacked(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        try:
            yield from gunzip(pieces, piece_bytes=_TEXT_BYTES)
        except DamagedGzipError as error:
            is_cut_off = isinstance(error, TruncatedGzipError)
            self.damage = f"the gzip stream is {'cut off' if is_cut_off else 'broken'}"


def _is_text(beginning: bytes) -> bool:
    """Tell whether the beginning of an object, up to the end of its first line, is UTF-8 without control characters."""
    line = beginning[:_LOOKED_AT].split(b"\n", 1)[0]
    try:
        codecs.getincrementaldecoder("utf-8")().decode(line)
    except UnicodeDecodeError:
        return False
    return _CONTROL.search(line) is None


def _cut(pieces: Iterable[bytes]) -> Iterator[bytes]:
    for piece in pieces:
        for start in range(0, len(piece), _TEXT_BYTES):
            yield piece[start : start + _TEXT_BYTES]
