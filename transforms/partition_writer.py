"""Arrow tables, buffered by partition and written when there are enough rows."""

from collections.abc import Callable, Sequence
from typing import Final, Generic, NamedTuple, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

#: Memory of an array besides its values: with few rows it exceeds them.
_ARRAY_BYTES: Final = 1 << 10
#: Rows of several partitions that are grouped at once, which needs as much memory again.
_MIXED_BYTES: Final = 64 << 20

File = TypeVar("File")


class _Piece(NamedTuple):
    """Rows of one partition: some of a table, which are not sliced before they are written."""

    table: pa.Table
    start: int
    rows: int


class PartitionWriter(Generic[File]):
    """Buffers rows by partition, and writes a file per partition when the buffer is full.

    Partitions are written in the order of their first rows, and the rows of a partition keep their order.
    """

    def __init__(self, buffer_bytes: int, write: Callable[[str, pa.Table], File]) -> None:
        """Begin with an empty buffer; ``write`` writes rows of a partition, and returns the file."""
        self._buffer_bytes, self._write = buffer_bytes, write
        self._waiting: dict[str, list[_Piece]] = {}
        self._bytes = 0
        self._mixed: list[tuple[Sequence[str], pa.Table]] = []
        self._mixed_partitions: set[str] = set()
        self._mixed_bytes = 0
        self.files: list[File] = []

    def add(self, partition: str, rows: pa.Table) -> None:
        """Add rows of a partition."""
        if partition in self._mixed_partitions:
            self.add_mixed([partition] * rows.num_rows, rows)
            return
        self._waiting.setdefault(partition, []).append(_Piece(rows, 0, rows.num_rows))
        self._count(_memory_of(rows))

    def add_mixed(self, partitions: Sequence[str], rows: pa.Table) -> None:
        """Add rows, each of its partition; the rows of several calls are grouped at once."""
        if (
            partitions
            and partitions.count(partitions[0]) == len(partitions)
            and partitions[0] not in self._mixed_partitions
        ):
            self.add(partitions[0], rows)
            return
        self._mixed.append((partitions, rows))
        for partition in dict.fromkeys(partitions):
            self._waiting.setdefault(partition, [])
            self._mixed_partitions.add(partition)
        size = _memory_of(rows)
        self._mixed_bytes += size
        if self._mixed_bytes >= _MIXED_BYTES:
            self._group()
        self._count(size)

    def absorb(self, other: "PartitionWriter[File]") -> None:
        """Take over the rows and files of another writer."""
        self.files += other.files
        if any(other._waiting.values()):
            self._group()
        for partition, pieces in other._waiting.items():
            self._waiting.setdefault(partition, []).extend(pieces)
        for partitions, rows in other._mixed:
            self.add_mixed(partitions, rows)
        self._count(other._bytes - other._mixed_bytes)

    def flush(self) -> None:
        """Write all buffered rows."""
        self._group()
        while self._waiting:
            partition = next(iter(self._waiting))
            pieces = self._waiting.pop(partition)
            rows = pa.concat_tables([piece.table.slice(piece.start, piece.rows) for piece in pieces])
            self.files.append(self._write(partition, rows))
        self._bytes = 0

    def _count(self, size: int) -> None:
        self._bytes += size
        if self._bytes >= self._buffer_bytes:
            self.flush()

    def _group(self) -> None:
        """Sort the rows of several partitions by partition."""
        if not self._mixed:
            return
        numbers = {partition: number for number, partition in enumerate(self._mixed_partitions)}
        codes = pa.array([numbers[name] for partitions, _ in self._mixed for name in partitions], pa.int32())
        rows = pa.concat_tables([rows for _, rows in self._mixed]).combine_chunks()
        self._mixed, self._mixed_partitions, self._mixed_bytes = [], set(), 0
        rows = rows.take(pc.array_sort_indices(codes))  # stable
        counts = pc.value_counts(codes)
        of_code = dict(zip(counts.field("values").to_pylist(), counts.field("counts").to_pylist(), strict=True))
        start = 0
        for partition, number in numbers.items():
            self._waiting[partition].append(_Piece(rows, start, of_code[number]))
            start += of_code[number]


def _memory_of(rows: pa.Table) -> int:
    size: int = rows.nbytes + _ARRAY_BYTES * sum(column.num_chunks for column in rows.itercolumns())
    return size
