"""A lake in a local folder. The ETag of a file is its size and its time of writing."""

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from lakewright.errors import AccessDeniedError, ConfigError
from lakewright.storage.lake import StoredObject
from lakewright.storage.temporary_files import (
    is_temporary,
    lock_folder,
    remove_abandoned,
    remove_abandoned_in,
    temporary_file,
)


class LocalLake:
    """See ``lakewright.storage.lake.Lake``."""

    def __init__(self, root: str) -> None:
        self.root = Path(root)
        self.uri = root

    def check(self) -> None:
        """See ``Lake.check``."""
        if not self.root.exists():
            raise ConfigError(f"no such lake: {self.root}")
        if not self.root.is_dir():
            raise ConfigError(f"the lake {self.root} is a file, not a folder")
        if not os.access(self.root, os.R_OK | os.W_OK | os.X_OK):
            raise AccessDeniedError(f"no rights to read and write the lake {self.root}")

    def list(self, prefix: str, *, after: str = "") -> Iterator[StoredObject]:
        """See ``Lake.list``; a folder that cannot be read is an error, not an empty one.

        What a killed writer of ours left half written is removed on the way.
        """
        found = []
        for folder, _, names in os.walk(self.root / prefix, onerror=_raise_unless_missing, followlinks=True):
            for name in names:
                path = Path(folder, name).relative_to(self.root).as_posix()
                if is_temporary(name):
                    remove_abandoned(self.root / path)
                elif path > after and (entry := self.stat(path)):
                    found.append(entry)
        yield from sorted(found, key=lambda entry: entry.path)

    def folders(self, prefix: str) -> Sequence[str]:
        """See ``Lake.folders``."""
        folder = self.root / prefix
        return sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []

    def read(self, path: str, *, start: int = 0, length: int | None = None) -> bytes:
        """See ``Lake.read``."""
        try:
            with (self.root / path).open("rb") as file:
                file.seek(start)
                return file.read(-1 if length is None else length)
        except PermissionError as error:
            raise AccessDeniedError(f"no rights to read {self.root / path}") from error

    def pieces(self, path: str, *, length: int) -> Iterator[bytes]:
        """See ``Lake.pieces``; what is open stays the same file when another takes its place."""
        try:
            with (self.root / path).open("rb") as file:
                etag = etag_of(os.fstat(file.fileno()))
                while piece := file.read(length):
                    yield piece
                    if etag_of(os.fstat(file.fileno())) != etag:
                        raise FileNotFoundError(f"{self.root / path} was written again while it was read")
        except PermissionError as error:
            raise AccessDeniedError(f"no rights to read {self.root / path}") from error

    def stat(self, path: str) -> StoredObject | None:
        """See ``Lake.stat``."""
        try:
            stat = (self.root / path).stat()
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno == errno.ELOOP:  # a link that leads to itself is nothing
                return None
            raise
        return StoredObject(path, stat.st_size, etag_of(stat), datetime.fromtimestamp(stat.st_mtime, UTC))

    def create(self, path: str, body: bytes) -> bool:
        """See ``Lake.create``; a link is what POSIX makes only if nothing is there."""
        with self._written(path, body) as temporary:
            try:
                os.link(temporary, self.root / path)
            except FileExistsError:
                return self.read(path) == body
        return True

    def replace(self, path: str, body: bytes, *, etag: str) -> bool:
        """See ``Lake.replace``; a lock on the folder makes comparing and replacing one step among our own."""
        with self._written(path, body) as temporary:
            folder = os.open(temporary.parent, os.O_RDONLY)
            try:
                lock_folder(folder, temporary.parent)
                current = self.stat(path)
                if current is None or current.etag != etag:
                    return False
                temporary.replace(self.root / path)
                return True
            finally:
                os.close(folder)

    def move(self, source: str, destination: str) -> bool:
        """See ``Lake.move``."""
        while (self.root / source).exists():
            (self.root / destination).parent.mkdir(parents=True, exist_ok=True)
            # Another run may have moved the source, or removed the empty folder: look again.
            with contextlib.suppress(FileNotFoundError):
                (self.root / source).replace(self.root / destination)
        self._prune((self.root / source).parent)
        return (self.root / destination).exists()

    def delete(self, path: str) -> None:
        """See ``Lake.delete``; folders that become empty go too."""
        (self.root / path).unlink(missing_ok=True)
        self._prune((self.root / path).parent)

    def delete_folder(self, folder: str) -> None:
        """See ``Lake.delete_folder``."""
        shutil.rmtree(self.root / folder, ignore_errors=True)
        self._prune((self.root / folder).parent)

    def spark_uri(self, path: str) -> str:
        """See ``Lake.spark_uri``."""
        return f"file:{self.root}/{path}".rstrip("/")

    @contextlib.contextmanager
    def _written(self, path: str, body: bytes) -> Iterator[Path]:
        folder = (self.root / path).parent
        folder.mkdir(parents=True, exist_ok=True)
        remove_abandoned_in(folder)
        try:
            with temporary_file(folder) as (temporary, file):
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
                yield temporary
        except PermissionError as error:
            raise AccessDeniedError(f"no rights to write {folder}") from error

    def _prune(self, folder: Path) -> None:
        while folder != self.root:
            try:
                folder.rmdir()
            except OSError:
                return
            folder = folder.parent


def etag_of(stat: os.stat_result) -> str:
    """Give the ETag of a local file: its size and its time of writing."""
    return f"{stat.st_size:x}-{stat.st_mtime_ns:x}"


def _raise_unless_missing(error: OSError) -> None:
    if isinstance(error, PermissionError):
        raise AccessDeniedError(f"no rights to list {error.filename}") from error
    if not isinstance(error, FileNotFoundError | NotADirectoryError):  # in a bucket, too, nothing lies below an object
        raise error
