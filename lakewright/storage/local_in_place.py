"""Files of a local folder, rewritten in place; see ``lakewright.storage.in_place.ObjectsInPlace``."""

import contextlib
import os
import shutil
from collections.abc import Generator
from pathlib import Path
from typing import BinaryIO

from lakewright.errors import AccessDeniedError
from lakewright.storage.in_place import PIECE_BYTES, Opened, Replaced
from lakewright.storage.local import etag_of
from lakewright.storage.temporary_files import lock_folder, remove_abandoned_in, temporary_file


class LocalInPlace:
    """See ``lakewright.storage.in_place.ObjectsInPlace``; only the feed's log knows which files are processed."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def open(self, path: str) -> Opened | None:
        """See ``ObjectsInPlace.open``."""
        try:
            file = (self._root / path).open("rb")
        except FileNotFoundError:
            return None
        except PermissionError as error:
            raise AccessDeniedError(f"no permission to read {self._root / path}") from error
        stat = os.fstat(file.fileno())
        return Opened(etag_of(stat), stat.st_size, _pieces(file))

    def replace(self, path: str, opened: Opened, body: BinaryIO, size: int, *, is_same: bool) -> Replaced | None:
        """See ``ObjectsInPlace.replace``: a temporary file is renamed over it, and keeps its mode and links to it."""
        final = (self._root / path).resolve()
        if is_same:
            return Replaced(opened.etag, opened.size)
        if (self._root / path).is_symlink():  # no run cleans up in the link's target folder
            remove_abandoned_in(final.parent)
        folder = os.open(final.parent, os.O_RDONLY)
        try:
            with temporary_file(final.parent) as (temporary, file):
                shutil.copyfileobj(body, file, PIECE_BYTES)
                file.flush()
                os.fsync(file.fileno())
                lock_folder(folder, final.parent)
                if etag_of(final.stat()) != opened.etag:
                    return None
                shutil.copymode(final, temporary)
                with contextlib.suppress(PermissionError):  # only root may set another owner
                    os.chown(temporary, final.stat().st_uid, final.stat().st_gid)
                written = etag_of(temporary.stat())
                temporary.replace(final)
                return Replaced(written, size)
        except FileNotFoundError:
            return None
        except PermissionError as error:
            raise AccessDeniedError(f"no permission to write {final}") from error
        finally:
            os.close(folder)

    def older_versions(self, path: str, version: str) -> list[str]:  # noqa: ARG002 - a folder keeps none
        """See ``ObjectsInPlace.older_versions``."""
        return []

    def delete_versions(self, path: str, newest: Replaced, versions: list[str]) -> None:
        """See ``ObjectsInPlace.delete_versions``."""


def _pieces(file: BinaryIO) -> Generator[bytes]:
    with file:
        while piece := file.read(PIECE_BYTES):
            yield piece
