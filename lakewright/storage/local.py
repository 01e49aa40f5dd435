"""A lake in a local folder. The ETag of a file is its size and modification time."""

import contextlib
import errno
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, MutableSequence, Sequence
from datetime import UTC, datetime
from pathlib import Path

from lakewright.errors import AccessDeniedError, ConfigError
from lakewright.measuring.work import Done, advance
from lakewright.storage.lake import StoredObject
from lakewright.storage.links import LinksWithin
from lakewright.storage.temporary_files import (
    is_temporary,
    lock_folder,
    remove_abandoned,
    remove_abandoned_in,
    temporary_file,
)


class LocalLake:
    """See ``lakewright.storage.lake.Lake``."""

    has_empty_folders = True

    def __init__(self, root: str) -> None:
        self.root = Path(root)
        self.uri = root
        self._tidied: set[Path] = set()

    def check(self) -> None:
        """See ``Lake.check``."""
        if not self.root.exists():
            raise ConfigError(f"no such lake: {self.root}")
        if not self.root.is_dir():
            raise ConfigError(f"the lake {self.root} is a file, not a folder")
        if not os.access(self.root, os.R_OK | os.W_OK | os.X_OK):
            raise AccessDeniedError(f"no permission to read and write the lake {self.root}")

    def clock(self) -> None:
        """See ``Lake.clock``; a clock of this machine stands still while the machine does."""

    def list(self, prefix: str, *, after: str = "") -> Iterator[StoredObject]:
        """See ``Lake.list``; a folder that cannot be read is an error, not an empty one."""
        entries = []
        for file, problem in LinksWithin(self.root).files_below(self.root / prefix):
            path = file.relative_to(self.root).as_posix()
            if path > after and not is_temporary(file.name) and (entry := self._entry(path, problem)):
                entries.append(entry)
        yield from sorted(entries, key=lambda entry: entry.path)

    def folders(self, prefix: str) -> Sequence[str]:
        """See ``Lake.folders``."""
        folder = self.root / prefix
        return sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []

    def read(self, path: str, *, start: int = 0, length: int | None = None, etag: str = "") -> bytes:
        """See ``Lake.read``."""
        try:
            with (self.root / path).open("rb") as file:
                file.seek(start)
                body = file.read(-1 if length is None else length)
                if etag and etag_of(os.fstat(file.fileno())) != etag:
                    raise self._rewritten(path)
                return body
        except PermissionError as error:
            raise AccessDeniedError(f"no permission to read {self.root / path}") from error

    def pieces(self, path: str, *, length: int, etag: str = "") -> Iterator[bytes]:
        """See ``Lake.pieces``; an open file stays readable after it is replaced."""
        try:
            with (self.root / path).open("rb") as file:
                opened = etag_of(os.fstat(file.fileno()))
                if etag not in ("", opened):
                    raise self._rewritten(path)
                while piece := file.read(length):
                    yield piece
                    if etag_of(os.fstat(file.fileno())) != opened:
                        raise self._rewritten(path)
        except PermissionError as error:
            raise AccessDeniedError(f"no permission to read {self.root / path}") from error

    def stat(self, path: str) -> StoredObject | None:
        """See ``Lake.stat``."""
        return self._entry(path, LinksWithin(self.root).problem_with(self.root / path, self.root))

    def _entry(self, path: str, problem: str) -> StoredObject | None:
        if problem:
            stat = (self.root / path).lstat()
            return StoredObject(path, 0, etag_of(stat), datetime.fromtimestamp(stat.st_mtime, UTC), problem)
        try:
            stat = (self.root / path).stat()
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno == errno.ELOOP:  # a link to itself
                return None
            raise
        return StoredObject(path, stat.st_size, etag_of(stat), datetime.fromtimestamp(stat.st_mtime, UTC))

    def create(self, path: str, body: bytes) -> str:
        """See ``Lake.create``; in POSIX, creating a hard link fails if the name exists."""
        with self._written(path, body) as temporary:
            try:
                os.link(temporary, self.root / path)
            except FileExistsError:
                with (self.root / path).open("rb") as existing:
                    return etag_of(os.fstat(existing.fileno())) if existing.read() == body else ""
            return etag_of(temporary.stat())

    def replace(self, path: str, body: bytes, *, etag: str) -> str:
        """See ``Lake.replace``; a lock on the folder makes compare and replace atomic among lakewright processes."""
        with self._written(path, body) as temporary:
            folder = os.open(temporary.parent, os.O_RDONLY)
            try:
                lock_folder(folder, temporary.parent)
                current = self.stat(path)
                if current is None or current.etag != etag:
                    return ""
                written = etag_of(temporary.stat())
                temporary.replace(self.root / path)
                return written
            finally:
                os.close(folder)

    def move_all(
        self,
        moves: Mapping[str, str],
        *,
        sizes: Mapping[str, int] | None = None,  # noqa: ARG002 - files are renamed
        undeleted: MutableSequence[str] | None = None,  # noqa: ARG002 - likewise
    ) -> Sequence[str]:
        """See ``Lake.move_all``."""
        for folder in {(self.root / destination).parent for destination in moves.values()}:
            remove_abandoned_in(folder)
        return [destination for source, destination in moves.items() if not self._move(source, destination)]

    def _move(self, source: str, destination: str) -> bool:
        """Move a file, unless it was moved before; False if it is missing at both ends."""
        try:
            while (self.root / source).exists():
                (self.root / destination).parent.mkdir(parents=True, exist_ok=True)
                # Another run may have moved the source, or removed the empty folder: look again.
                with contextlib.suppress(FileNotFoundError):
                    (self.root / source).replace(self.root / destination)
        except PermissionError as error:
            raise AccessDeniedError(f"no permission to move {source} to {destination}") from error
        self._prune((self.root / source).parent)
        advance(Done(files=1))
        return (self.root / destination).exists()

    def delete(self, path: str) -> None:
        """See ``Lake.delete``; also deletes folders that become empty."""
        try:
            (self.root / path).unlink(missing_ok=True)
        except PermissionError as error:
            raise AccessDeniedError(f"no permission to delete {self.root / path}") from error
        self._prune((self.root / path).parent)

    def delete_all(self, paths: Iterable[str]) -> None:
        """See ``Lake.delete_all``."""
        for path in paths:
            self.delete(path)

    def delete_folder(self, folder: str) -> None:
        """See ``Lake.delete_folder``."""
        path = self.root / folder
        # The parents of a folder that does not exist may be new: Hadoop cannot create a folder whose parent vanishes.
        if path.exists():
            shutil.rmtree(path, ignore_errors=True)
            self._prune(path.parent)

    def remove_abandoned(self, folder: str) -> None:
        """See ``Lake.remove_abandoned``."""
        for file in _files_below(self.root / folder):
            if is_temporary(file.name):
                remove_abandoned(file)

    def spark_uri(self, path: str) -> str:
        """See ``Lake.spark_uri``."""
        return f"file:{self.root}/{path}".rstrip("/")

    @contextlib.contextmanager
    def _written(self, path: str, body: bytes) -> Iterator[Path]:
        folder = (self.root / path).parent
        folder.mkdir(parents=True, exist_ok=True)
        if folder not in self._tidied:  # once: a folder may get thousands of files
            self._tidied.add(folder)
            remove_abandoned_in(folder)
        try:
            with temporary_file(folder) as (temporary, file):
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
                yield temporary
        except PermissionError as error:
            raise AccessDeniedError(f"no permission to write {folder}") from error

    def _rewritten(self, path: str) -> FileNotFoundError:
        return FileNotFoundError(f"{self.root / path} was rewritten while it was read")

    def _prune(self, folder: Path) -> None:
        while folder != self.root:
            try:
                folder.rmdir()
            except OSError:
                return
            folder = folder.parent


def etag_of(stat: os.stat_result) -> str:
    """Return the ETag of a local file: its size and modification time."""
    return f"{stat.st_size:x}-{stat.st_mtime_ns:x}"


def _files_below(folder: Path) -> Iterator[Path]:
    for below, _, names in os.walk(folder):
        yield from (Path(below, name) for name in names)
