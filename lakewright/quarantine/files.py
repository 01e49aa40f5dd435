"""The Parquet files of rejected rows."""

import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lakewright.concurrency import ThreadPool
from lakewright.log.records import DataFile
from lakewright.quarantine.place import QuarantinePlace
from lakewright.quarantine.rows import rule_name
from lakewright.storage.lake import Lake
from lakewright.storage.object_file import ObjectFile
from transforms.partition_writer import PartitionWriter

COMPRESSION: Final = "zstd"
#: In memory.
_BUFFER_BYTES: Final = 64 << 20
_ROWS_AT_ONCE: Final = 1 << 14
_FILES_AT_ONCE: Final = 8
_DESCRIBED: Final = ("object", "first_seen", "reasons")


class QuarantineWriter(PartitionWriter[DataFile]):
    """Stages rejected rows, in files of one partition each."""

    def __init__(self, lake: Lake, place: QuarantinePlace) -> None:
        super().__init__(_BUFFER_BYTES, partial(write_file, lake, place))


def write_file(lake: Lake, place: QuarantinePlace, partition: str, rows: pa.Table) -> DataFile:
    """Stage rejected rows as one file."""
    sink = pa.BufferOutputStream()
    pq.write_table(rows, sink, compression=COMPRESSION, store_schema=False)
    body, staged = bytes(sink.getvalue()), f"{place.staging}{uuid.uuid4().hex}.parquet"
    lake.create(staged, body)
    content = _Content()
    content.add(rows)
    return content.describe(place, staged, partition, len(body))


def rewrite_file(lake: Lake, file: DataFile, rows: pa.Table, *, staging: str) -> list[DataFile]:
    """Stage some rows of a file, for the same folder; without rows, there is no file."""
    place = QuarantinePlace(staging, f"{file.path.rpartition('/')[0]}/", run="", day="")
    return [write_file(lake, place, file.partition, rows)] if rows.num_rows else []


def staged_files(lake: Lake, place: QuarantinePlace) -> list[DataFile]:
    """Describe the files that Spark has staged for a place, in folders of their partitions; empty ones are left out."""
    staged = [entry for entry in lake.list(place.staging) if entry.path.endswith(".parquet")]
    with ThreadPool(_FILES_AT_ONCE) as pool:
        contents = pool.map(lambda entry: _content_of(lake, entry.path, entry.size), staged)
        return [
            content.describe(place, entry.path, entry.path[len(place.staging) :].rpartition("/")[0], entry.size)
            for entry, content in zip(staged, contents, strict=True)
            if content.rows
        ]


def total_rules(files: Iterable[DataFile]) -> dict[str, int]:
    """Count how many rows of files break each rule."""
    return dict(sorted(sum((Counter(file.rules) for file in files), Counter[str]()).items()))


def read_batches(lake: Lake, path: str, size: int, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
    """Read a file of this size, or some of its columns, some rows at a time.

    Raises:
        FileNotFoundError: If it does not exist.
    """
    file = pa.PythonFile(ObjectFile(lake, path, size), mode="r")
    with pq.ParquetFile(file, pre_buffer=True) as parquet:
        yield from parquet.iter_batches(_ROWS_AT_ONCE, columns=None if columns is None else list(columns))


def read_first_seen(lake: Lake, files: Iterable[DataFile]) -> dict[tuple[str, str], date]:
    """Return when rows of each version of an object (path, ETag) were first rejected, as files note it."""

    def look(file: DataFile) -> list[tuple[str, str, date]]:
        columns = ["object", "etag", "first_seen"]
        try:
            batches = list(read_batches(lake, file.path, file.size, columns))
        except FileNotFoundError:  # it was deleted by hand
            return []
        days = pa.Table.from_batches(batches).group_by(columns[:2]).aggregate([("first_seen", "min")])
        return [tuple(row.values()) for row in days.to_pylist()]

    first_seen: dict[tuple[str, str], date] = {}
    with ThreadPool(_FILES_AT_ONCE) as pool:
        for rows in pool.map(look, files):
            for name, etag, day in rows:
                first_seen[name, etag] = min(day, first_seen.get((name, etag), day))
    return first_seen


@dataclass
class _Content:
    """What the log notes of a file's rows."""

    rows: int = 0
    objects: set[str] = field(default_factory=set)
    days: set[date] = field(default_factory=set)
    rules: Counter[str] = field(default_factory=Counter)

    def add(self, rows: pa.Table) -> None:
        self.rows += rows.num_rows
        self.objects.update(pc.unique(rows["object"]).to_pylist())
        self.days.update(pc.unique(rows["first_seen"]).to_pylist())
        reasons = pc.list_flatten(rows["reasons"])
        broken = pa.table({name: pc.struct_field(reasons, name) for name in ("rule", "column")})
        for row in broken.group_by(["rule", "column"]).aggregate([([], "count_all")]).to_pylist():
            self.rules[rule_name(row["rule"], row["column"])] += row["count_all"]

    def describe(self, place: QuarantinePlace, staged: str, partition: str, size: int) -> DataFile:
        days = sorted(day.isoformat() for day in self.days)
        return DataFile(
            path=f"{place.destination}{uuid.uuid4().hex}.parquet",
            staged=staged,
            partition=partition,
            rows=self.rows,
            size=size,
            objects=sorted(self.objects),
            rules=dict(sorted(self.rules.items())),
            first_seen=(days[0], days[-1]) if days else None,
        )


def _content_of(lake: Lake, path: str, size: int) -> _Content:
    content = _Content()
    for batch in read_batches(lake, path, size, _DESCRIBED):
        content.add(pa.Table.from_batches([batch]))
    return content
