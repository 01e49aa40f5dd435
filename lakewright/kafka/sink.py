"""Objects of a Kafka Connect S3 sink: the listing of each topic, and the text of an object."""

import codecs
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from functools import cached_property
from itertools import chain
from typing import Final

from lakewright.errors import DamagedGzipError, TruncatedGzipError
from lakewright.measuring.work import Done, advance
from lakewright.sources.listing import NOT_UTF8
from lakewright.storage.compression.gzip import MAGIC, gunzip
from lakewright.storage.lake import Lake, StoredObject
from transforms.events.lines import is_cut_off
from transforms.events.sink_names import (
    JSON_ENDINGS,
    SinkName,
    compile_object_name,
    match_sink_name,
    read_sink_name,
)
from transforms.object_names import as_text, is_folder_marker

_READ_BYTES: Final = 8 << 20
#: A few hundred events: their values are still in the CPU cache when they become columns.
_TEXT_BYTES: Final = 256 << 10
_LOOKED_AT: Final = 1 << 10
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")


@dataclass(frozen=True, slots=True)
class SinkObject:
    """An object of a sink."""

    path: str
    size: int
    etag: str
    modified: datetime
    name: SinkName


@dataclass(frozen=True)
class EventObject:
    """An object to read; ``day`` is the partition of its rows unless the rows determine it.

    Attributes:
        lake_uri: The lake that contains it, if that is not the source's.
        superseded: The lines that corrections replace.
        offsets: Of a correction, the offset of each line's record, unless the record carries one.
    """

    path: str
    size: int
    name: SinkName
    day: str
    etag: str
    lake_uri: str = ""
    superseded: frozenset[int] = frozenset()
    offsets: tuple[int, ...] = ()


@dataclass(frozen=True)
class SinkListing:
    """The content of a sink's folder: the objects of each selected topic, and other objects with the reason."""

    topics: Mapping[str, list[SinkObject]] = field(default_factory=dict)
    strays: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ObjectNames:
    """How a sink names its objects.

    Attributes:
        delimiter: The sink's ``file.delim``.
        endings: The endings of names.
        template: The pattern of paths below the source's folder, instead of delimiter and endings.
    """

    delimiter: str = "+"
    endings: tuple[str, ...] = JSON_ENDINGS
    template: str = ""

    def read(self, path: str) -> SinkName | str:
        """Parse a path below the source's folder, or return why it is not an object of the sink."""
        if not self.template:
            return read_sink_name(path, self.delimiter, self.endings)
        return match_sink_name(path, self._pattern, self.template)

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return compile_object_name(self.template)


@dataclass(frozen=True)
class SinkFolder:
    """A sink's folder (its ``topics.dir``) and the selected topics.

    Attributes:
        folder: The folder in the lake, with its slash; empty for the lake's root.
        names: How the sink names its objects.
        topics: Names or patterns of the selected topics; case-sensitive.
    """

    lake: Lake
    folder: str
    names: ObjectNames
    topics: tuple[str, ...]

    def list(self, topic: str = "") -> SinkListing:
        """List the objects of all selected topics, or of one of them."""
        found: dict[str, list[SinkObject]] = {}
        strays: dict[str, str] = {}
        for entry in self.lake.list(self.folder_of(topic) if topic else self.folder):
            name = self._name_of(entry)
            if not self._may_be_wanted(entry.path, name):
                continue
            if isinstance(name, str):
                strays[as_text(entry.path)] = name
            else:
                sink_object = SinkObject(entry.path, entry.size, entry.etag, entry.modified, name)
                found.setdefault(name.topic, []).append(sink_object)
        if topic:
            found = {topic: found[topic]} if topic in found else {}
        return SinkListing(found, strays)

    def narrowed(self, listing: SinkListing, topics: Sequence[str]) -> SinkListing:
        """Restrict a listing to some topics, and to other objects that are in no other topic's folder."""
        has_folders = not self.names.template
        others = tuple(self.folder_of(topic) for topic in listing.topics if has_folders and topic not in topics)
        strays = {path: why for path, why in listing.strays.items() if not path.startswith(others)}
        return SinkListing({topic: listing.topics[topic] for topic in topics}, strays)

    def _name_of(self, entry: StoredObject) -> SinkName | str:
        """Read what an object says of itself; a marker of a folder, or a link that leads elsewhere, says nothing."""
        if is_folder_marker(entry.path, entry.size):
            return "a folder marker"
        problem = entry.problem or (NOT_UTF8 if as_text(entry.path) != entry.path else "")
        return problem or self.read_name(entry.path)

    def _may_be_wanted(self, path: str, name: SinkName | str) -> bool:
        """Return whether an object is of a selected topic, as far as its path shows."""
        if not self.names.template:
            return is_wanted(path[len(self.folder) :].split("/", 1)[0], self.topics)
        return isinstance(name, str) or is_wanted(name.topic, self.topics)

    def folder_of(self, topic: str) -> str:
        """Return the folder to list for a topic; with a pattern of names, that of all topics."""
        return self.folder if self.names.template else f"{self.folder}{topic}/"

    def read_name(self, path: str) -> SinkName | str:
        """Parse the path of an object, or return why it is not one of the sink's."""
        return self.names.read(path[len(self.folder) :])


def is_wanted(topic: str, patterns: tuple[str, ...]) -> bool:
    """Return whether a topic matches a pattern; case-sensitive."""
    return any(fnmatchcase(topic, pattern) for pattern in patterns)


class ObjectText:
    """The text of one version of an object, decompressed if the content is gzip, regardless of its name.

    After reading, ``damage`` is the reason why the text is incomplete; empty if it is complete. If ``is_counted``, what
    is read counts as progress of the task.
    """

    def __init__(
        self,
        lake: Lake,
        path: str,
        size: int,
        etag: str,
        *,
        is_counted: bool = False,
        read_bytes: int = _READ_BYTES,
    ) -> None:
        """Open an object; ``read_bytes`` of it are read at once."""
        self._lake, self._path, self._size, self._etag = lake, path, size, etag
        self._is_counted, self._read_bytes = is_counted, read_bytes
        self.damage = ""
        self._is_in_line = False

    def __iter__(self) -> Iterator[bytes]:
        pieces = self._lake.pieces(self._path, length=self._read_bytes, etag=self._etag)
        pieces = _counted(pieces) if self._is_counted else pieces
        first = next(pieces, b"") if self._size else b""
        pieces = chain([first], pieces)
        if first and MAGIC.startswith(first[: len(MAGIC)]):
            blocks = self._unpacked(pieces)
        elif self._path.endswith(".gz") and not _is_text(first):
            self.damage = "its name ends in .gz, but it is neither gzip nor text"
            return
        else:
            blocks = _cut(pieces)
        for block in blocks:
            self._is_in_line = not block.endswith(b"\n")
            yield block

    def again(self) -> "ObjectText":
        """Return the text to be read from its beginning."""
        return ObjectText(self._lake, self._path, self._size, self._etag, read_bytes=self._read_bytes)

    def find_damage(self, lines: int, last: bytes) -> str:
        """Return the reason to refuse an object that has been read; empty if there is none.

        Args:
            lines: The number of lines read.
            last: The last of them.
        """
        if self.damage:
            return f"{self.damage}, at about line {lines + 1}; none of its rows were read"
        if self._is_in_line and is_cut_off(last):
            return f"it is truncated: line {lines}, the last, ends within a record; none of its rows were read"
        return ""

    def _unpacked(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        try:
            yield from gunzip(pieces, piece_bytes=_TEXT_BYTES)
        except DamagedGzipError as error:
            is_cut_off = isinstance(error, TruncatedGzipError)
            self.damage = f"the gzip stream is {'truncated' if is_cut_off else 'damaged'}"


def _is_text(beginning: bytes) -> bool:
    """Return whether an object starts, up to its first line end, with UTF-8 without control characters."""
    line = beginning[:_LOOKED_AT].split(b"\n", 1)[0]
    try:
        codecs.getincrementaldecoder("utf-8")().decode(line)
    except UnicodeDecodeError:
        return False
    return _CONTROL.search(line) is None


def _counted(pieces: Iterable[bytes]) -> Iterator[bytes]:
    for piece in pieces:
        advance(Done(bytes=len(piece)))
        yield piece


def _cut(pieces: Iterable[bytes]) -> Iterator[bytes]:
    for piece in pieces:
        for start in range(0, len(piece), _TEXT_BYTES):
            yield piece[start : start + _TEXT_BYTES]
