"""Arrow tables, buffered by partition and written when there are enough rows."""

from collections.abc import Callable
from typing import Generic, TypeVar

import pyarrow as pa

File = TypeVar("File")


class PartitionWriter(Generic[File]):
    """Buffers rows by partition, and writes a file per partition when the buffer is full."""

    def __init__(self, buffer_bytes: int, write: Callable[[str, pa.Table], File]) -> None:
        """Begin with an empty buffer; ``write`` writes rows of a partition, and returns the file."""
        self._buffer_bytes, self._write = buffer_bytes, write
        self._waiting: dict[str, list[pa.Table]] = {}
        self._bytes = 0
        self.files: list[File] = []

    def add(self, partition: str, rows: pa.Table) -> None:
        """Add rows of a partition."""
        self._waiting.setdefault(partition, []).append(rows)
        self._bytes += rows.nbytes
        if self._bytes >= self._buffer_bytes:
            self.flush()

    def absorb(self, other: "PartitionWriter[File]") -> None:
        """Take over the rows and files of another writer."""
        self.files += other.files
        for partition, tables in other._waiting.items():
            for table in tables:
                self.add(partition, table)

    def flush(self) -> None:
        """Write all buffered rows."""
        for partition, tables in self._waiting.items():
            self.files.append(self._write(partition, pa.concat_tables(tables)))
        self._waiting, self._bytes = {}, 0
