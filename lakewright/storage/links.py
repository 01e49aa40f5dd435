"""Symbolic links in a local lake: those that lead out of it, to nothing or in circles are listed but not followed."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from lakewright.errors import AccessDeniedError

LEADS_OUT: Final = "a symbolic link that leads out of the lake; copy the data into the lake"
_LEADS_NOWHERE: Final = "a symbolic link to nothing, or to itself"
_LEADS_BACK: Final = "a symbolic link leads back to this folder, which is listed already"


class LinksWithin:
    """The symbolic links of one lake.

    The listed folder may itself be a link, since the feed's author chose it. Everything below comes from uploaders.
    """

    def __init__(self, root: Path) -> None:
        self._root = os.path.realpath(root)

    def problem_with(self, path: Path, listed: Path) -> str:
        """Return why a link below a listed folder is not followed; empty if it stays in the lake, or in that folder."""
        target = os.path.realpath(path)
        is_within = _is_within(target, self._root) or _is_within(target, os.path.realpath(listed))
        return "" if is_within else LEADS_OUT

    def files_below(self, folder: Path) -> Iterator[tuple[Path, str]]:
        """Return all files below a folder, and links that are not followed with the reason.

        Raises:
            AccessDeniedError: If a folder cannot be read.
        """
        pending: list[tuple[Path, tuple[str, ...]]] = [(folder, (os.path.realpath(folder),))]
        while pending:
            below, ancestors = pending.pop()
            for entry in _entries(below):
                path = Path(entry.path)
                problem = self._problem_with_link(path, folder) if entry.is_symlink() else ""
                if problem or not entry.is_dir():
                    yield path, problem
                    continue
                real = os.path.realpath(path) if entry.is_symlink() else f"{ancestors[-1]}/{entry.name}"
                if real in ancestors:
                    yield path, _LEADS_BACK
                else:
                    pending.append((path, (*ancestors, real)))

    def _problem_with_link(self, link: Path, listed: Path) -> str:
        return self.problem_with(link, listed) or ("" if link.exists() else _LEADS_NOWHERE)


def _is_within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except PermissionError as error:
        raise AccessDeniedError(f"no permission to list {error.filename}") from error
    except (FileNotFoundError, NotADirectoryError):  # as in a bucket, a file or a missing folder has no objects
        return []
