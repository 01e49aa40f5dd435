"""Files that are written under a hidden name, and get their own name when they are whole."""

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
#: A folder is locked for as long as a file takes to be compared and renamed; a process that was stopped keeps its lock.
_LOCK_SECONDS: Final = 60.0
_SECONDS_BETWEEN_TRIES: Final = 0.01


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


def lock_folder(descriptor: int, folder: Path) -> None:
    """Lock an open folder among our own; closing it ends that.

    Raises:
        UnreachableError: If another process keeps it locked.
    """
    deadline = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise UnreachableError(
                    f"another process has kept {folder} locked for {_LOCK_SECONDS:g} s; is one stopped?"
                ) from None
            time.sleep(_SECONDS_BETWEEN_TRIES)
        else:
            return


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
    while True:  # ends: each try has a file of another name, which others can take for abandoned only by chance
        path = folder / f".{uuid.uuid4().hex}{_SUFFIX}"
        file = path.open("xb")
        with contextlib.suppress(OSError):  # where there are no locks, nobody can take it for abandoned either
            fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file.fileno()).st_nlink:
            return path, file
        file.close()  # between its opening and its locking, another process took it for abandoned
