"""Files that are written under a hidden name, and renamed when they are complete."""

import contextlib
import fcntl
import os
import time
import uuid
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import BinaryIO, Final

from lakewright.errors import UnreachableError

_SUFFIX: Final = ".lakewright-tmp"
_PATTERN: Final = "." + "[0-9a-f]" * 32 + _SUFFIX
#: A folder is locked while a file is compared and renamed; a stopped process keeps its lock.
_LOCK_SECONDS: Final = 60.0
_SECONDS_BETWEEN_TRIES: Final = 0.01


@contextlib.contextmanager
def temporary_file(folder: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """Open a new hidden file in the folder of the file that it will replace; delete it at the end if it still exists.

    It is locked while it is open. The lock ends with the writer's process, so other processes can detect abandoned
    files.
    """
    path, file = _open_locked(folder)
    try:
        with file:
            yield path, file
    finally:
        path.unlink(missing_ok=True)


def is_temporary(name: str) -> bool:
    """Return whether a name is that of a temporary file."""
    return fnmatchcase(name, _PATTERN)


def lock_folder(descriptor: int, folder: Path) -> None:
    """Lock an open folder against other lakewright processes, until it is closed.

    Raises:
        UnreachableError: If another process keeps the lock.
    """
    deadline = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise UnreachableError(
                    f"another process has locked {folder} for {_LOCK_SECONDS:g} s; check whether one is suspended"
                ) from None
            time.sleep(_SECONDS_BETWEEN_TRIES)
        else:
            return


def remove_abandoned(path: Path) -> None:
    """Remove a temporary file if its writer was killed; if that is unknown or removal fails, it stays hidden."""
    with contextlib.suppress(OSError), path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink()


def remove_abandoned_in(folder: Path) -> None:
    """Remove the temporary files of a folder whose writers were killed."""
    for path in folder.glob(_PATTERN):
        remove_abandoned(path)


def _open_locked(folder: Path) -> tuple[Path, BinaryIO]:
    while True:  # ends: every try uses a new name, and losing the race below is rare
        path = folder / f".{uuid.uuid4().hex}{_SUFFIX}"
        file = path.open("xb")
        with contextlib.suppress(OSError):  # on file systems without locks, other processes cannot remove it either
            fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file.fileno()).st_nlink:
            return path, file
        file.close()  # another process removed it as abandoned, between opening and locking
