"""Parquet files as AWS DMS delivers them: full loads (``LOAD….parquet``) and files of changes, one folder a table.

Each file has a schema of its own, which its footer tells. Footers are read without Spark, a few kilobytes a file.
"""

import io
import re
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import reduce
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from lakewright.config import MAX_RECORD_BYTES
from lakewright.engine.spark.csv import hadoop_uri
from lakewright.parquet.values import find_long_value
from lakewright.runs.log import SourceObject
from lakewright.storage.lake import Lake
from transforms.changes.load_files import LOAD_PATH
from transforms.spark.changes import ABSENT, BEFORE, FILE, IS_LOAD, KIND, OBJECT, POSITION, SEQUENCE, TIME

_LOAD: Final = re.compile(LOAD_PATH, re.DOTALL)
#: DMS names a file of changes after the moment that it was written: 20260801-101500123.parquet.
_STAMP: Final = re.compile(r"(?:.*/)?(\d{8})-?(\d{6})(\d*)[^/]*\.parquet", re.DOTALL)
_TAIL_BYTES: Final = 64 << 10
_FOOTERS_AT_ONCE: Final = 16
_LONGEST_PATH: Final = 1 << 16
#: Spark reads so many rows at once, or as many as have these bytes.
_ROWS_AT_ONCE: Final = 4096
_BYTES_AT_ONCE: Final = 64 << 20
_NAMES: Final = {"string": "string", "large_string": "string", "bool": "boolean", "float": "float", "double": "double"}
_WHOLE: Final = {"int8": "int", "int16": "int", "int32": "int", "int64": "bigint"}
_UNSIGNED: Final = {"uint8": "int", "uint16": "int", "uint32": "bigint", "uint64": "decimal(20,0)"}
_ALIKE: Final = _NAMES | _WHOLE | _UNSIGNED | {"binary": "binary", "date32[day]": "date"}
#: As Spark reads the physical column, where that is narrower than what we make of it.
_READ_AS: Final = {"int8": "tinyint", "int16": "smallint", "uint8": "smallint", "uint16": "int"}


#: What pyarrow raises over a file that is damaged.
_DAMAGE: Final = (pa.ArrowException, OSError, UnicodeDecodeError)
_UNREADABLE: Final = "no Parquet file that can be read"


@dataclass(frozen=True)
class ChangeColumns:
    """The columns that say what a change is; their names are exact, since a table may have ``op`` beside ``Op``.

    ``before_prefix`` begins the names of the columns that hold values as they were before an update (empty: there are
    none), ``before`` are the columns of the table that are wanted so. ``added`` are columns that are never the table's.
    """

    kind: str = "Op"
    time: str = ""
    sequence: str = "AR_H_CHANGE_SEQ"
    before_prefix: str = ""
    before: tuple[str, ...] = ()
    added: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Footer:
    """What a file says of itself: its rows, its columns, and how Spark must read those that it would read narrower.

    ``row_bytes`` are those of a row once unpacked, on average over the row group where they are most.
    """

    rows: int
    columns: dict[str, str]
    read_as: dict[str, str] = field(default_factory=dict)
    row_bytes: int = 0


def is_load(path: str) -> bool:
    """Tell whether a path is that of a full load's file."""
    return _LOAD.fullmatch(path) is not None


def written_at(path: str) -> str:
    """Read off the name of a file of changes when it was written, as digits; empty where the name does not say."""
    match = _STAMP.fullmatch(path)
    return "".join(match.groups()) if match else ""


def read_footers(
    lake: Lake, objects: Iterable[SourceObject], *, max_record_bytes: int = MAX_RECORD_BYTES
) -> tuple[dict[str, Footer], dict[str, str]]:
    """Read the footers of files: what they say by path, and why some cannot be read.

    A file with a value above ``max_record_bytes`` cannot be: Spark's memory would not do for it.
    """
    found: dict[str, Footer] = {}
    refused: dict[str, str] = {}

    def look(taken: SourceObject) -> Footer | str:
        file = _Tail(lake, taken.path, taken.size)
        try:
            metadata = pq.read_metadata(pa.PythonFile(file, mode="r"))
            return find_long_value(file, metadata, max_record_bytes) or _footer(metadata)
        except FileNotFoundError:
            return "gone since it was listed"
        except (*_DAMAGE, _UnreadableTypeError) as error:
            return f"{_UNREADABLE}: {str(error).splitlines()[0]}"

    wanted = list(objects)
    with ThreadPoolExecutor(_FOOTERS_AT_ONCE) as pool:
        for taken, answer in zip(wanted, pool.map(look, wanted), strict=True):
            if isinstance(answer, Footer):
                found[taken.path] = answer
            else:
                refused[taken.path] = answer
    return found, refused


def first_time(lake: Lake, loads: Iterable[SourceObject], time_column: str) -> str:
    """Give the lowest time of a full load's rows, as digits; empty if its files do not tell."""
    times: list[str] = []
    for taken in loads:
        file = pq.ParquetFile(_open(lake, taken))
        if time_column not in file.schema_arrow.names:
            return ""
        columns = (file.read_row_group(number, [time_column])[time_column] for number in range(file.num_row_groups))
        lowest = [pc.min(column).as_py() for column in columns]
        if not lowest or None in lowest:
            return ""
        times.append(min("".join(filter(str.isdigit, str(time))) for time in lowest))
    return min(times, default="")


def find_damaged(lake: Lake, objects: Iterable[SourceObject]) -> dict[str, str]:
    """Read whole files for damage that their footers do not show; a row group of a file is in memory at a time.

    Returns:
        Why files are damaged, by path.
    """
    damaged = {}
    for taken in objects:
        try:
            file = pq.ParquetFile(_open(lake, taken))
            for group in range(file.num_row_groups):
                file.read_row_group(group)
        except _DAMAGE as error:
            damaged[taken.path] = f"damaged Parquet file: {str(error).splitlines()[0]}"
    return damaged


def read_changes(
    spark: SparkSession,
    lake: Lake,
    folder: str,
    footers: Mapping[str, Footer],
    *,
    columns: Mapping[str, str],
    names: ChangeColumns,
) -> DataFrame:
    """Read files of one table, however their schemas differ.

    ``columns`` are the names and types to give; a file's own column is looked up by its exact name, or else without
    regard to case, and is null where the file has none.

    Columns out: ``columns``, then those of ``transforms.spark.changes`` that a reader adds; of ``names.before`` also
                 the values before the update
    Rows:        every row of every file
    """
    widest = max((footer.row_bytes for footer in footers.values()), default=0)
    rows_at_once = max(1, min(_ROWS_AT_ONCE, _BYTES_AT_ONCE // max(widest, 1)))
    spark.conf.set("spark.sql.parquet.columnarReaderBatchSize", rows_at_once)
    alike: dict[tuple[bool, tuple[tuple[str, str], ...]], list[str]] = {}
    for path, footer in footers.items():
        physical = footer.columns | footer.read_as
        alike.setdefault((is_load(path), tuple(physical.items())), []).append(path)
    parts = [_read_alike(spark, lake, folder, dict(key[1]), paths, columns, names) for key, paths in alike.items()]
    return reduce(DataFrame.unionByName, parts)


def _read_alike(
    spark: SparkSession,
    lake: Lake,
    folder: str,
    physical: Mapping[str, str],
    paths: Sequence[str],
    columns: Mapping[str, str],
    names: ChangeColumns,
) -> DataFrame:
    schema = ", ".join(f"{_quoted(name)} {kind}" for name, kind in physical.items())
    reader = spark.read.schema(schema).options(recursiveFileLookup=True, __globPaths__=False)
    rows = reader.parquet(*(lake.spark_uri(path) for path in paths))
    # Where the source has op and DMS adds Op, the column of the table is op.
    of_source = [name for name in physical if name not in names.added]
    known = {name.casefold(): name for name in of_source}
    by_case = {name.casefold(): name for name in physical}

    def own(found: str | None, kind: str) -> Column:
        return (F.col(_quoted(found)) if found is not None and found in physical else F.lit(None)).cast(kind)

    def of_table(name: str) -> str | None:
        return name if name in of_source else known.get(name.casefold())

    def before(name: str) -> str | None:
        """A column without a before image is taken for unchanged."""
        return by_case.get((names.before_prefix + name).casefold(), of_table(name))

    file = _file_below(lake.spark_uri(folder) + "/", paths, lake)
    return rows.select(
        *(own(of_table(name), kind).alias(name) for name, kind in columns.items()),
        *(own(before(name), columns[name]).alias(BEFORE + name) for name in names.before),
        F.array(*(F.lit(name) for name in columns if of_table(name) is None)).cast("array<string>").alias(ABSENT),
        own(names.kind, "string").alias(KIND),
        own(names.sequence, "string").alias(SEQUENCE),
        own(names.time, "timestamp").alias(TIME),
        F.lit(is_load(paths[0])).alias(IS_LOAD),
        F.concat(F.lit(folder), file).alias(OBJECT),
        file.alias(FILE),
        F.col("_metadata.row_index").alias(POSITION),
    )


def _file_below(root: str, paths: Sequence[str], lake: Lake) -> Column:
    """Give the path of a row's file below a folder, as it is named there."""
    uri, start = F.col("_metadata.file_path"), hadoop_uri(root)
    if not any("%" in hadoop_uri(lake.spark_uri(path)) for path in paths):
        return uri.substr(len(start) + 1, _LONGEST_PATH)
    # A plus is a plus in a path, and would be a blank to url_decode.
    decoded = F.url_decode(F.replace(uri, F.lit("+"), F.lit("%2B")))
    return decoded.substr(len(root) + 1, _LONGEST_PATH)


def _footer(metadata: Any) -> Footer:
    columns: dict[str, str] = {}
    read_as: dict[str, str] = {}
    for position, column in enumerate(metadata.schema.to_arrow_schema()):
        columns[column.name] = _ddl_type(column, metadata.schema.column(position).physical_type)
        if str(column.type) in _READ_AS:
            read_as[column.name] = _READ_AS[str(column.type)]
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    row_bytes = max((group.total_byte_size // max(group.num_rows, 1) for group in groups), default=0)
    return Footer(metadata.num_rows, columns, read_as, row_bytes)


def _ddl_type(column: Any, physical: str) -> str:
    """Name a column's type as Spark does; whole numbers are int or bigint, as Hudi knows them."""
    kind = str(column.type)
    if kind in _ALIKE:
        return _ALIKE[kind]
    if kind.startswith("decimal128"):
        return f"decimal({column.type.precision},{column.type.scale})"
    if kind.startswith("timestamp") and (physical == "INT96" or column.type.unit in ("ms", "us")):
        return "timestamp"
    raise _UnreadableTypeError(f"column {column.name!r} is {kind}, which Spark does not read")


def _quoted(name: str) -> str:
    return f"`{name.replace('`', '``')}`"


def _open(lake: Lake, taken: SourceObject) -> Any:
    # A chunk's own metadata are not looked at from here: where they are damaged, pyarrow ends the process.
    return pa.PythonFile(_Tail(lake, taken.path, taken.size), mode="r")


class _UnreadableTypeError(Exception):
    """Raised when a file has a column that Spark cannot read."""


class _Tail(io.RawIOBase):
    """The end of an object as a file: footers lie there, so that one read of it is mostly enough."""

    def __init__(self, lake: Lake, path: str, size: int) -> None:
        self._lake, self._path, self._size, self._at = lake, path, size, 0
        self._start = max(0, size - _TAIL_BYTES)
        self._bytes = lake.read(path, start=self._start, length=size - self._start) if size else b""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = base + offset
        return self._at

    def read(self, length: int = -1) -> bytes:
        end = self._size if length < 0 else min(self._size, self._at + length)
        if self._at < self._start:
            body = self._lake.read(self._path, start=self._at, length=end - self._at)
        else:
            body = self._bytes[self._at - self._start : end - self._start]
        self._at += len(body)
        return body
