"""Objects that are rewritten in place: read as a stream, and replaced atomically if they are unchanged."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final, Protocol

PIECE_BYTES: Final = 1 << 20

#: Why an archived object is refused (Glacier, Deep Archive, Intelligent-Tiering).
ARCHIVED: Final = "it is archived; restore it first"

#: The tag that keeps the timer from reacting to the scrub's output, and the scrub from repeating work.
PROCESSED: Final = ("PROCESSED", "True")


@dataclass(frozen=True)
class Opened:
    """An opened object; its replacement keeps its ``properties`` (headers, metadata, tags, …)."""

    etag: str
    size: int
    pieces: Generator[bytes]
    is_processed: bool = False
    version: str = ""
    properties: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Replaced:
    """An object after its replacement; ``version`` is empty without versioning."""

    etag: str
    size: int
    version: str = ""


class ObjectsInPlace(Protocol):
    """The objects of one bucket, or below one local folder, by their paths."""

    def open(self, path: str) -> Opened | None:
        """Open an object; None if it does not exist.

        Raises:
            ObjectRefusedError: If it cannot be rewritten in place (archived, ten tags, …).
            UnreachableError: If it cannot be read.
        """

    def replace(self, path: str, opened: Opened, body: BinaryIO, size: int, *, is_same: bool) -> Replaced | None:
        """Replace an object and mark it as processed, atomically; with ``is_same``, only the mark is new.

        If the object already equals its replacement byte for byte, an earlier attempt succeeded and its response was
        lost.

        Returns:
            None if the object has changed since it was opened.
        """

    def older_versions(self, path: str, version: str) -> list[str]:
        """Return the versions of an object that are older than ``version``."""

    def delete_versions(self, path: str, newest: Replaced, versions: list[str]) -> None:
        """Delete versions permanently, after verifying the newest one.

        Raises:
            UnreachableError: If one of them cannot be deleted.
        """
