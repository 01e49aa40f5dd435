"""Objects in a lake: one small interface, over S3 and over a local folder.

Paths are relative to the lake's root, with ``/`` between segments. Every write is whole or not at all.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class StoredObject:
    """An object as a listing shows it; ``etag`` changes whenever the object is written again, at ``modified``.

    ``problem`` says why it cannot be read as data: a symbolic link that leads elsewhere. It is empty for all others.
    """

    path: str
    size: int
    etag: str
    modified: datetime
    problem: str = ""


class Lake(Protocol):
    """The root that holds all zones."""

    uri: str

    def check(self) -> None:
        """Make sure that the lake is there and may be listed.

        Raises:
            ConfigError: If there is no such folder or bucket.
            UnreachableError: If it cannot be reached, or refuses access.
        """

    def list(self, prefix: str, *, after: str = "") -> Iterator[StoredObject]:
        """List the objects below ``prefix`` (a folder, ending in ``/``) whose paths come after ``after``, sorted.

        A symbolic link below ``prefix`` that leads out of the lake, or back to a folder it lies in, is listed as one
        object with a ``problem``, and not followed.
        """

    def folders(self, prefix: str) -> Sequence[str]:
        """Name the folders that lie directly in ``prefix`` (a folder, ending in ``/``), sorted."""

    def read(self, path: str, *, start: int = 0, length: int | None = None, etag: str = "") -> bytes:
        """Read an object, or ``length`` bytes of it; with ``etag``, only of that version.

        Raises:
            FileNotFoundError: If it is not there, or is another version.
            ObjectRefusedError: If it is archived, and must be restored first.
        """

    def pieces(self, path: str, *, length: int) -> Iterator[bytes]:
        """Read an object in pieces of ``length`` bytes, the last one perhaps shorter, all of one version of it.

        Raises:
            FileNotFoundError: If it is not there, or is replaced while it is read.
            ObjectRefusedError: If it is archived, and must be restored first.
        """

    def stat(self, path: str) -> StoredObject | None:
        """Look one object up; None if it is not there."""

    def create(self, path: str, body: bytes) -> bool:
        """Write an object only if there is none; False if one is there that has another body."""

    def replace(self, path: str, body: bytes, *, etag: str) -> bool:
        """Write over an object only if it still has ``etag``; False if it is gone or another."""

    def move_all(self, moves: Mapping[str, str]) -> Sequence[str]:
        """Move objects, each from a source to its destination; a no-op for those that were moved before.

        Returns:
            The destinations of objects that neither end has, in the order of ``moves``; all others have been moved.
        """

    def delete(self, path: str) -> None:
        """Delete an object; a no-op if it is gone."""

    def delete_all(self, paths: Iterable[str]) -> None:
        """Delete objects; a no-op for those that are gone.

        Raises:
            AccessDeniedError: If one may not be deleted, named in the error; others may be gone by then.
            UnreachableError: Likewise, if one cannot be deleted for another reason.
        """

    def delete_folder(self, folder: str) -> None:
        """Delete all that lies below a folder (ending in ``/``), and the folder."""

    def remove_abandoned(self, folder: str) -> None:
        """Remove what killed writers left half written below a folder (ending in ``/``); a listing never shows it."""

    def spark_uri(self, path: str) -> str:
        """Name a path as Spark opens it, and as ``_metadata.file_path`` begins."""
