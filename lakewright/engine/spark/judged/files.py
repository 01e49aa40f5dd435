"""Staged Parquet files that a gate judges on Spark: DuckDB in the workers counts, in parts of the files.

Keys are unique if they ascend in each part, as in most exports, and no two parts overlap. Otherwise it follows from
their hashes: if these differ, so do the keys. Workers sort the hashes of their files; Spark shuffles them by range, and
each range is merged by one worker. Only if hashes are equal, which is very likely due to equal keys, Spark compares the
keys themselves.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

import numpy as np

from lakewright.engine.spark.judged.rows import SparkTable, read_staged
from lakewright.log.records import DataFile
from lakewright.quality.sql.counts import Counts, Keys
from lakewright.quality.sql.dialects import Dialect
from lakewright.storage.uris import open_lake
from lakewright.workers import Workers

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lakewright.quality.duckdb_table import Ascent, ParquetTable

#: The most hashes that one worker merges, on average: 32 MB, and as much again to sort them.
_MOST_MERGED: Final = 1 << 22
#: Parts of the files per task that runs concurrently, so that no worker waits long for the last one.
_PARTS_EACH: Final = 4

T = TypeVar("T")
B = TypeVar("B")
R = TypeVar("R")
#: The name of some keys, and sorted hashes of them; none if two were equal.
_Block = tuple[str, bytes]


class MergingWorkers(Workers, Protocol):
    """Workers that can merge what their tasks find; see ``SparkWorkers``."""

    def run_merged(
        self,
        split: Callable[[T], Iterable[tuple[int, B]]],
        merge: Callable[[Iterable[B]], R],
        tasks: Sequence[T],
        parts: int,
    ) -> list[R]:
        """See ``SparkWorkers.run_merged``."""


@dataclass(frozen=True)
class _Part:
    """Some of the files, for a worker, which opens the lake itself: clients of S3 cannot be pickled."""

    lake_uri: str
    files: Mapping[str, DataFile]
    types: Mapping[str, str]
    moved: frozenset[str]

    def table(self) -> "ParquetTable":
        """Return the files as a table that one thread queries."""
        from lakewright.quality.duckdb_table import ParquetTable

        return ParquetTable(open_lake(self.lake_uri), self.files, self.types, self.moved, threads=1)


@dataclass(frozen=True)
class JudgedFiles:
    """See ``JudgedTable``."""

    table: "ParquetTable"
    workers: MergingWorkers

    @property
    def columns(self) -> Mapping[str, str]:
        """See ``JudgedTable.columns``."""
        return self.table.columns

    @property
    def dialect(self) -> Dialect:
        """See ``JudgedTable.dialect``."""
        return self.table.dialect

    def count(self) -> int:
        """See ``JudgedTable.count``."""
        return sum(self.workers.run(_rows, self._parts)) if self.table.moved else self.table.count()

    def counts(self, counts: Counts, columns: Sequence[str]) -> Mapping[str, int]:
        """See ``JudgedTable.counts``."""
        found: Counter[str] = Counter()
        ascents: dict[str, list[Ascent | None]] = defaultdict(list)
        for row, of_part in self.workers.run(partial(_measured, counts, columns), self._parts):
            found.update(row)
            for name, ascent in of_part.items():
                ascents[name].append(ascent)
        again = self._repeated({name: keys for name, keys in counts.copies.items() if not _differ(ascents[name])})
        repeated = {name: keys for name, keys in counts.copies.items() if name in again}
        copies = self._in_spark.counts(Counts({}, repeated), columns) if repeated else {}
        return {**found, **dict.fromkeys(counts.copies, 0), **copies}

    def frame(self, columns: Sequence[str], *, rows: bool = True) -> Any:
        """See ``JudgedTable.frame``."""
        return self._in_spark.frame(columns, rows=rows)

    def _repeated(self, copies: Mapping[str, Keys]) -> set[str]:
        """Return the names of keys of which at least two have the same hash."""
        if not copies:
            return set()
        hashes = len(copies) * sum(file.rows for file in self.table.files.values())
        parts = max(self.workers.at_once, -(-hashes // _MOST_MERGED))
        return set().union(*self.workers.run_merged(partial(_hashes, copies, parts), _merged, self._parts, parts))

    @cached_property
    def _parts(self) -> list[_Part]:
        """Parts of the files with about as many rows each, in the order of the files."""
        table, count = self.table, _PARTS_EACH * self.workers.at_once
        rows = sum(file.rows for file in table.files.values()) or 1
        parts: dict[int, dict[str, DataFile]] = defaultdict(dict)
        before = 0
        for path, file in table.files.items():
            parts[before * count // rows][path] = file
            before += file.rows
        return [_Part(table.lake.uri, files, table.types, table.moved) for files in parts.values()]

    @cached_property
    def _in_spark(self) -> SparkTable:
        return read_staged(self.table.lake, self.table.files, self.table.types, self.table.moved)


def _rows(part: _Part) -> int:
    return part.table().count()


def _measured(
    counts: Counts, columns: Sequence[str], part: _Part
) -> tuple[Mapping[str, int], Mapping[str, "Ascent | None"]]:
    """Return the measures of a part, and the ascent of each of its keys."""
    table = part.table()
    measured = table.counts(Counts(counts.measures, {}), columns) if counts.measures else {}
    return measured, {name: table.ascent(keys) for name, keys in counts.copies.items()}


def _differ(ascents: Sequence["Ascent | None"]) -> bool:
    """Return whether all keys of all parts differ, as far as their ascents tell."""
    if None in ascents:
        return False
    ordered = sorted(ascent for ascent in ascents if ascent)
    return all(greatest < least for (_, greatest), (least, _) in pairwise(ordered))


def _hashes(copies: Mapping[str, Keys], parts: int, part: _Part) -> Iterator[tuple[int, _Block]]:
    """Return the hashes of a part of the files by range of hashes; of keys that are not unique there, not all."""
    begins = np.array([(number << 64) // parts for number in range(1, parts)], np.uint64)
    table = part.table()
    for name, keys in copies.items():
        for block in table.hashes(keys):
            hashes = np.sort(block)
            if _has_equal(hashes):
                yield 0, (name, b"")
                break
            ranges = np.split(hashes, np.searchsorted(hashes, begins))
            yield from ((number, (name, each.tobytes())) for number, each in enumerate(ranges) if each.size)


def _merged(blocks: Iterable[_Block]) -> set[str]:
    """Return the names of keys with equal hashes in a range."""
    repeated: set[str] = set()
    by_name: dict[str, list[NDArray[np.uint64]]] = defaultdict(list)
    for name, block in blocks:
        if not block:
            repeated.add(name)
        by_name[name].append(np.frombuffer(block, np.uint64))
    return repeated.union(name for name, each in by_name.items() if _has_equal(np.sort(np.concatenate(each))))


def _has_equal(hashes: "NDArray[np.uint64]") -> bool:
    """Return whether two of the sorted hashes are equal."""
    return bool((hashes[1:] == hashes[:-1]).any())
