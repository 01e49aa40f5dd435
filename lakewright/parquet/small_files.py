"""Decide from the log which small files to merge.

The policy is size-tiered: a file is merged only with smaller ones that are together at least half as large. Whenever a
row is rewritten, its file therefore grows by at least half, so that the rows of a partition filled by N batches are
rewritten about log N times. Of the files that stay, each is more than twice as large as all smaller ones together.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import attrgetter, itemgetter
from typing import Final

from lakewright.log.records import DataFile
from lakewright.parquet.place import FILE_BYTES

#: Files with less are small. As in Iceberg, three quarters of the size of a full file.
_SMALL_BYTES: Final = FILE_BYTES * 3 // 4
#: A file may be this many times as large as all smaller files together with which it is merged.
_MOST_TIMES: Final = 2
#: Bytes in memory per byte of Parquet, if unknown.
_ARROW_PER_PARQUET: Final = 3


@dataclass(frozen=True)
class Merge:
    """Small files of one partition to merge into one file, in the order of their batches."""

    partition: str
    files: Sequence[DataFile]

    @property
    def rows(self) -> int:
        """The number of rows."""
        return sum(file.rows for file in self.files)

    @property
    def size(self) -> int:
        """The size of the files."""
        return sum(file.size for file in self.files)


def plan_merges(files: Iterable[DataFile]) -> list[Merge]:
    """Choose the files to merge; the files of one merge fit into one full file."""
    by_partition: dict[str, list[DataFile]] = defaultdict(list)
    for file in files:
        by_partition[file.partition].append(file)
    return [
        Merge(partition, sorted(chosen, key=attrgetter("path")))
        for partition, of_partition in sorted(by_partition.items(), key=itemgetter(0))
        for packed in _pack(small_files(of_partition))
        if len(chosen := packed[: tier_of(list(map(_weight, packed)))]) > 1
    ]


def tier_of(sizes: Sequence[int], *, added: int = 0) -> int:
    """Return how many of the smallest files to merge: up to the last one that the smaller ones are large enough for.

    Args:
        sizes: Sizes of the files, ascending, in any unit.
        added: Size of the new rows that are written to the same file.
    """
    smaller = accumulate(sizes, initial=added)
    fits = [size <= _MOST_TIMES * total for size, total in zip(sizes, smaller, strict=False)]
    return max((count for count, is_fit in enumerate(fits, start=1) if is_fit), default=0)


def small_files(files: Iterable[DataFile]) -> list[DataFile]:
    """Return the files that are not full."""
    return [file for file in files if _weight(file) < _SMALL_BYTES]


def partitions_above(files: Mapping[str, DataFile], written: Iterable[str], limit: int) -> frozenset[str]:
    """Return the partitions of written files with more than ``limit`` small files, if some of these can be merged."""
    touched = {files[path].partition for path in written if path in files}
    counts = dict.fromkeys(touched, 0)
    small = [file for file in small_files(files.values()) if file.partition in touched]
    for file in small:
        counts[file.partition] += 1
    above = {partition for partition, count in counts.items() if count > limit}
    return frozenset(merge.partition for merge in plan_merges(file for file in small if file.partition in above))


def _pack(files: Iterable[DataFile]) -> list[list[DataFile]]:
    """Gather files, the smallest first, up to the size of a full file."""
    packs: list[list[DataFile]] = []
    size = 0
    for file in sorted(files, key=_weight):
        if not packs or size + _weight(file) > FILE_BYTES:
            packs.append([])
            size = 0
        packs[-1].append(file)
        size += _weight(file)
    return packs


def _weight(file: DataFile) -> int:
    return file.arrow_bytes or file.size * _ARROW_PER_PARQUET
