"""Files that are written under a hidden name, and get their own name when they are whole."""

import contextlib
import fcntl
import os
import uuid
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import BinaryIO, Final

_SUFFIX: Final = ".lakewright-tmp"
_PATTERN: Final = "." + "[0-9a-f]" * 32 + _SUFFIX


@contextlib.contextmanager
def temporary_file(folder: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """Open a new hidden file beside the one that it will replace; what is left of it in the end is removed.

    It is locked while it is open. Its lock dies with its writer, which is how others know what is abandoned.
    """
    path, file = _open_locked(folder)
    try:
        with file:
            yield path, file
    finally:
        path.unlink(missing_ok=True)


def is_temporary(name: str) -> bool:
    """Tell whether a file is one that somebody writes, or wrote."""
    return fnmatchcase(name, _PATTERN)


def remove_abandoned(path: Path) -> None:
    """Remove a temporary file if its writer was killed; where that cannot be told or done, it stays hidden."""
    with contextlib.suppress(OSError), path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink()


def remove_abandoned_in(folder: Path) -> None:
    """Remove the temporary files of a folder whose writers were killed."""
    for path in folder.glob(_PATTERN):
        remove_abandoned(path)


def _open_locked(folder: Path) -> tuple[Path, BinaryIO]:
    while True:
        path = folder / f".{uuid.uuid4().hex}{_SUFFIX}"
        file = path.open("xb")
        with contextlib.suppress(OSError):  # where there are no locks, nobody can take it for abandoned either
            fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file.fileno()).st_nlink:
            return path, file
        file.close()  # between its opening and its locking, another process took it for abandoned
