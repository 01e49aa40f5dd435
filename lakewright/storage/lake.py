"""The interface to the objects of a lake, implemented for S3 and for local folders.

Paths are relative to the lake's root, with ``/`` between segments. Every write is atomic.
"""

from collections.abc import Iterable, Iterator, Mapping, MutableSequence, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class StoredObject:
    """A listed object; ``etag`` changes whenever the object is rewritten, and ``modified`` is the time of that.

    ``problem`` is why it cannot be read as data (a symbolic link out of the lake), else empty.
    """

    path: str
    size: int
    etag: str
    modified: datetime
    problem: str = ""


class ByteReader(Protocol):
    """Reads the bytes of objects: the part of a lake that suffices for headers and footers."""

    def read(self, path: str, *, start: int = 0, length: int | None = None, etag: str = "") -> bytes:
        """Read an object, or ``length`` bytes of it; with ``etag``, only of that version.

        Raises:
            FileNotFoundError: If it does not exist, or has another ETag.
            ObjectRefusedError: If it is archived and must be restored first.
        """


class Lake(ByteReader, Protocol):
    """The root of all zones.

    Attributes:
        has_empty_folders: Whether folders can stay without objects.
    """

    uri: str
    has_empty_folders: bool

    def check(self) -> None:
        """Check that the lake exists and may be listed.

        Raises:
            ConfigError: If the folder or bucket does not exist.
            UnreachableError: If it cannot be reached, or denies access.
        """

    def clock(self) -> float | None:
        """Return when the lake last responded to a write, in seconds by the storage's own clock; None if unknown."""

    def list(self, prefix: str, *, after: str = "") -> Iterator[StoredObject]:
        """List the objects below ``prefix`` (a folder, ending in ``/``) whose paths come after ``after``, sorted.

        A symbolic link below ``prefix`` that leads out of the lake, or back to one of its parent folders, is listed as
        an object with a ``problem``, and not followed.
        """

    def folders(self, prefix: str) -> Sequence[str]:
        """Return the names of the direct subfolders of ``prefix`` (a folder, ending in ``/``), sorted."""

    def pieces(self, path: str, *, length: int, etag: str = "") -> Iterator[bytes]:
        """Read one version of an object in pieces of ``length`` bytes; the last one may be shorter.

        Raises:
            FileNotFoundError: If it does not exist, has another ETag than ``etag``, or is rewritten while it is read.
            ObjectRefusedError: If it is archived and must be restored first.
        """

    def stat(self, path: str) -> StoredObject | None:
        """Look up one object; None if it does not exist."""

    def create(self, path: str, body: bytes) -> str:
        """Write an object only if it does not exist; return its ETag, empty if it exists with another body."""

    def replace(self, path: str, body: bytes, *, etag: str) -> str:
        """Overwrite an object only if it has ``etag``; return its new ETag, empty if it has changed or is gone."""

    def move_all(
        self,
        moves: Mapping[str, str],
        *,
        sizes: Mapping[str, int] | None = None,
        undeleted: MutableSequence[str] | None = None,
    ) -> Sequence[str]:
        """Move objects (source → destination); a no-op for objects that were moved before.

        ``sizes`` are those of the sources, as far as they are known. A source disappears only once its object is at its
        destination, so that any that are left show that the moves are incomplete. With ``undeleted``, sources
        whose deletion takes a request of its own are added to it instead, for the caller to delete.

        Returns:
            The destinations of objects that are missing at both ends, in the order of ``moves``; all others are moved.
        """

    def delete(self, path: str) -> None:
        """Delete an object; a no-op if it is gone."""

    def delete_all(self, paths: Iterable[str]) -> None:
        """Delete objects; a no-op for those that are gone.

        Raises:
            AccessDeniedError: If permission is denied for an object, which the error names; others may be deleted.
            UnreachableError: If an object cannot be deleted for another reason, likewise.
        """

    def delete_folder(self, folder: str) -> None:
        """Delete a folder (ending in ``/``) and everything below it."""

    def remove_abandoned(self, folder: str) -> None:
        """Remove unfinished files of killed writers below a folder (ending in ``/``); they are never listed."""

    def spark_uri(self, path: str) -> str:
        """Return the URI with which Spark opens a path, and with which ``_metadata.file_path`` begins."""
