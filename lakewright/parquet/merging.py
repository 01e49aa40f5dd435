"""A worker's part of a compaction: small files in, one larger file out, with the same rows and all columns."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from lakewright.concurrency import ThreadPool
from lakewright.errors import AccountingError, StateError
from lakewright.log.records import DataFile, MergedFile
from lakewright.log.schemas import known_schema
from lakewright.log.state import TableState
from lakewright.measuring.work import Done, advance
from lakewright.parquet.arrow import PROVENANCE, read_file, write_file
from lakewright.parquet.place import FILE_BYTES, TablePlace
from lakewright.storage.lake import Lake
from lakewright.storage.object_file import ObjectFile
from lakewright.storage.uris import open_lake
from transforms.errors import DataError

_TYPES: Final = {
    "string": pa.string(),
    "bigint": pa.int64(),
    "int": pa.int32(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", tz="UTC"),
}
#: Size in memory above which another file is started, since the sizes of planned merges are estimates.
_MOST_BYTES: Final = FILE_BYTES * 5 // 4
#: Small files are read concurrently, up to this number and this size at a time.
_READ_AT_ONCE: Final = 16
_READ_BYTES: Final = 8 << 20


@dataclass(frozen=True)
class MergeTask:
    """Files to merge, and the columns of the table in their order, with the types that are known."""

    lake_uri: str
    partition: str
    files: Sequence[DataFile]
    columns: Sequence[str]
    types: Mapping[str, Any]
    table: TablePlace


def table_types(state: TableState) -> dict[str, Any]:
    """Return the Arrow types of a table's columns, except those that only a file determines."""
    if state.schema_versions:
        return PROVENANCE | known_schema(state.schema_versions).arrow_types
    return {name: kind for name, ddl in state.columns.items() if (kind := _arrow_type(ddl)) is not None}


def merge_files(task: MergeTask) -> list[MergedFile]:
    """Merge files; into more than one if they turn out to be larger in memory than expected.

    Raises:
        AccountingError: If a file has another number of rows than the log or its inputs.
        StateError: If a file is missing.
        DataError: If files have the same column with different types.
    """
    lake = open_lake(task.lake_uri)
    merged: list[MergedFile] = []
    waiting: list[pa.Table] = []
    inputs: dict[str, int] = {}
    for files in _read_together(task.files):
        rows = _read(lake, task, files)
        if waiting and sum(each.nbytes for each in waiting) + rows.nbytes > _MOST_BYTES:
            merged.append(_write(lake, task, waiting, inputs))
            waiting, inputs = [], {}
        waiting.append(rows)
        inputs |= {file.path: file.rows for file in files}
    return [*merged, _write(lake, task, waiting, inputs)]


def _read_together(files: Sequence[DataFile]) -> Iterator[list[DataFile]]:
    together: list[DataFile] = []
    for file in files:
        if together and (
            len(together) == _READ_AT_ONCE or sum(each.size for each in together) + file.size > _READ_BYTES
        ):
            yield together
            together = []
        together.append(file)
    yield together


def _read(lake: Lake, task: MergeTask, files: Sequence[DataFile]) -> pa.Table:
    """Read files as one table; many small tables would need more memory than their rows."""
    with ThreadPool(len(files)) as pool:
        return _concatenated(list(pool.map(partial(_read_one, lake, task), files)), task.partition).combine_chunks()


def _read_one(lake: Lake, task: MergeTask, file: DataFile) -> pa.Table:
    try:
        rows = read_file(lake, file.path)
    except FileNotFoundError:
        raise StateError(
            f"{file.path} is in the log and not in the lake; restore it, or run `rebuild`; nothing was merged"
        ) from None
    if rows.num_rows != file.rows:
        raise AccountingError(f"{file.path} has {rows.num_rows} rows instead of {file.rows}; nothing was merged")
    advance(Done(bytes=file.size, rows=file.rows))
    # The schema of the file is not kept, since it may declare columns as not null.
    return pa.table({name: _as_declared(rows[name], task.types.get(name), file, name) for name in rows.column_names})


def _as_declared(values: pa.ChunkedArray, kind: Any, file: DataFile, name: str) -> pa.ChunkedArray:
    if kind is None or values.type == kind:
        return values
    try:
        return values.cast(kind)
    except pa.ArrowException:
        raise DataError(_other_type(file.partition, name)) from None


def _concatenated(tables: Sequence[pa.Table], partition: str) -> pa.Table:
    try:
        return pa.concat_tables(tables, promote_options="default")
    except pa.ArrowException:
        names = dict.fromkeys(name for table in tables for name in table.column_names)
        kinds = {name: {t.schema.field(name).type for t in tables if name in t.column_names} for name in names}
        name = next(name for name in names if len(kinds[name]) > 1)
        raise DataError(_other_type(partition, name)) from None


def _other_type(partition: str, name: str) -> str:
    return f"files of {partition or 'the table'} have column {name} with different types; run `rebuild`"


def _write(lake: Lake, task: MergeTask, tables: Sequence[pa.Table], inputs: Mapping[str, int]) -> MergedFile:
    """Write the rows of whole files as one, and count them in its footer."""
    whole = _with_all_columns(tables, task)
    file = write_file(lake, task.table, task.partition, whole)
    with pq.ParquetFile(pa.PythonFile(ObjectFile(lake, file.staged, file.size), mode="r")) as written:
        rows = written.metadata.num_rows
    if rows != sum(inputs.values()):
        raise AccountingError(
            f"{len(inputs)} files of {task.partition or 'the table'} have {sum(inputs.values())} rows, and the merged "
            f"one has {rows}; nothing was published"
        )
    return MergedFile(file, dict(inputs), is_sorted=any(name in whole.column_names for name in task.table.sort_by))


def _with_all_columns(tables: Sequence[pa.Table], task: MergeTask) -> pa.Table:
    """Return rows with the columns of the table in their order, then those that the table no longer has."""
    rows = _concatenated(tables, task.partition)
    absent = {
        name: kind
        for name, kind in task.types.items()
        if name not in rows.column_names and name not in task.table.partition_by
    }
    for name, kind in absent.items():
        rows = rows.append_column(name, pa.nulls(rows.num_rows, kind))
    places = {name: place for place, name in enumerate(task.columns)}
    return rows.select(sorted(rows.column_names, key=lambda name: places.get(name, len(places))))


def _arrow_type(ddl: str) -> Any:
    if ddl.startswith("decimal("):
        precision, scale = ddl.removeprefix("decimal(").removesuffix(")").split(",")
        return pa.decimal128(int(precision), int(scale))
    return _TYPES.get(ddl)
