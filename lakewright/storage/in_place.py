"""Objects that are rewritten where they lie: opened as a stream, replaced whole, and only if still the same."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final, Protocol

PIECE_BYTES: Final = 1 << 20

#: Why an object is refused that lies in an archive (Glacier, Deep Archive, Intelligent-Tiering).
ARCHIVED: Final = "it is archived; restore it first"

#: The tag that keeps the timer from starting again on its own output, and the scrub from doing work twice.
PROCESSED: Final = ("PROCESSED", "True")


@dataclass(frozen=True)
class Opened:
    """An object as it was opened; ``properties`` are what its replacement keeps (headers, metadata, tags, …)."""

    etag: str
    size: int
    pieces: Generator[bytes]
    is_processed: bool = False
    version: str = ""
    properties: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Replaced:
    """An object as it is after it was replaced; ``version`` is empty where no versions are kept."""

    etag: str
    size: int
    version: str = ""


class ObjectsInPlace(Protocol):
    """The objects of one bucket, or below one local folder, by their paths."""

    def open(self, path: str) -> Opened | None:
        """Open an object; None if there is none.

        Raises:
            ObjectRefusedError: If it cannot be rewritten where it lies (archived, ten tags, …).
            UnreachableError: If it cannot be read.
        """

    def replace(self, path: str, opened: Opened, body: BinaryIO, size: int, *, is_same: bool) -> Replaced | None:
        """Replace an object and mark it as processed, in one step; ``is_same`` says that only the mark is new.

        An object that is by now, bit for bit, what it is to be replaced by was replaced before: the answer was lost.

        Returns:
            None if the object is no longer the one that was opened.
        """

    def older_versions(self, path: str, version: str) -> list[str]:
        """Name the versions of an object that are older than one of them."""

    def delete_versions(self, path: str, newest: Replaced, versions: list[str]) -> None:
        """Delete versions for good, after a look at the newest one.

        Raises:
            UnreachableError: If one of them cannot be deleted.
        """
