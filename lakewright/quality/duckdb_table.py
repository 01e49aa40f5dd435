"""Parquet files of a lake as the rows that a gate judges, by DuckDB in this process.

DuckDB reads files on this machine itself. Objects in a bucket are read through the lake, so that DuckDB needs no
extension and no credentials: into a temporary database on disk, if the query scans its columns repeatedly.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from tempfile import TemporaryDirectory
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lakewright.concurrency import in_this_context
from lakewright.log.records import DataFile
from lakewright.quality.duckdb_connection import connect
from lakewright.quality.judged_table import ROWS
from lakewright.quality.sql.counts import Counts, Keys
from lakewright.quality.sql.dialects import Dialect
from lakewright.storage.lake import Lake
from lakewright.storage.object_file import ObjectFile
from transforms.errors import LakewrightError
from transforms.partition_folders import values_of_folder

_TYPES_OF_FOLDERS: Final = {
    "boolean": pa.bool_(),
    "int": pa.int32(),
    "bigint": pa.int64(),
    "double": pa.float64(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", "UTC"),
}
#: Characters that DuckDB may read as patterns, or as separators of folders.
_NOT_PLAIN: Final = re.compile(r"[*?\[\]{}\\]")
#: Decimals with more digits would be rounded as doubles.
_EXACT_DIGITS: Final = 15
_BATCH_ROWS: Final = 1 << 17
#: Types whose values Python orders as DuckDB does.
_ORDERED: Final = re.compile(r"tinyint|smallint|int|bigint|decimal\(.*\)|date|string")
#: Of the row's source object; see ``lakewright.parquet.provenance``.
_OBJECT: Final = "_object"

#: The least and the greatest key of rows in ascending order; empty if there are none.
Ascent = tuple[()] | tuple[tuple[Any, ...], tuple[Any, ...]]


@dataclass(frozen=True)
class ParquetTable:
    """See ``JudgedTable``.

    Attributes:
        files: The files, by the path at which they are now.
        types: The columns of the table with their types.
        moved: Source objects whose rows were in the table before; these rows are not judged.
        threads: How many threads run a query; 0: as many as there are cores.
    """

    lake: Lake
    files: Mapping[str, DataFile]
    types: Mapping[str, str]
    moved: frozenset[str] = frozenset()
    threads: int = 0

    @property
    def columns(self) -> Mapping[str, str]:
        """See ``JudgedTable.columns``."""
        return self.types

    @property
    def dialect(self) -> Dialect:
        """See ``JudgedTable.dialect``."""
        return "duckdb"

    def count(self) -> int:
        """See ``JudgedTable.count``."""
        if not self.moved:
            return sum(file.rows for file in self.files.values())
        return sum(batch.num_rows for batch in self._batches([_OBJECT]))

    def counts(self, counts: Counts, columns: Sequence[str]) -> Mapping[str, int]:
        """See ``JudgedTable.counts``."""
        return self.one_row(counts.statement(ROWS, "duckdb"), columns, scans_once=not counts.copies)

    def one_row(self, sql: str, columns: Sequence[str], *, scans_once: bool = False) -> Mapping[str, Any]:
        """Run a query over ``ROWS`` that uses these columns and returns one row."""
        with self._connected(columns, scans_once=scans_once) as connection:
            found = connection.execute(sql)
            names = [column[0] for column in found.description]
            (row,) = found.fetchall()
        return dict(zip(names, row, strict=True))

    def ascent(self, keys: Keys) -> Ascent | None:
        """Return the least and the greatest key if the rows considered are in the order of their keys, else None.

        If there are no rows, it is empty. Keys that Python may order otherwise than DuckDB, such as nulls, count as
        unordered.
        """
        if not all(_ORDERED.fullmatch(self.types[column]) for column in keys.columns):
            return None
        with self._connected(keys.columns, scans_once=True) as connection:
            rows, ascending, nulls, least, greatest = connection.execute(keys.ascent(ROWS)).fetchone()
        if nulls or rows - ascending > 1:
            return None
        return (least, greatest) if rows else ()

    def hashes(self, keys: Keys) -> Iterator[Any]:
        """Return arrays with hashes of 64 bits of the keys of the rows considered.

        Equal keys have equal hashes, in all files of a batch, since a column has the same type in them: the hash of a
        number depends on its type.
        """
        hashed = f"hash({', '.join(keys.names('duckdb'))})"
        with self._connected(keys.columns, scans_once=True) as connection:
            found = connection.sql(f"SELECT {hashed} AS hash FROM {ROWS} WHERE {keys.rows('duckdb')}")  # noqa: S608
            for batch in found.to_arrow_reader(_BATCH_ROWS):
                yield batch["hash"].to_numpy()

    def frame(self, columns: Sequence[str], *, rows: bool = True) -> Any:
        """See ``JudgedTable.frame``: nullable types instead of float64 and object, times in UTC without a zone."""
        import pandas as pd

        schema = self._schema(columns)
        table = pa.Table.from_batches(self._batches(columns) if rows else (), schema)
        return pd.DataFrame({name: _series(table[name]) for name in columns})

    @contextmanager
    def _connected(self, columns: Sequence[str], *, scans_once: bool) -> Iterator[Any]:
        """Open a database in which ``ROWS`` has these columns."""
        wanted = list(columns) or list(self.types)[:1]
        errors: list[LakewrightError] = []
        with TemporaryDirectory(prefix="lakewright-gate-") as folder:
            files = self._local_files(wanted)
            connection = connect(f"{folder}/rows.duckdb", threads=self.threads, reads_files=bool(files))
            try:
                if files:
                    relation = connection.read_parquet(files, union_by_name=True, hive_partitioning=False)
                    relation.create_view(ROWS)
                else:
                    batches = in_this_context(self._batches(wanted))  # DuckDB asks for them in threads of its own
                    reader = pa.RecordBatchReader.from_batches(self._schema(wanted), _noting(batches, errors))
                    connection.register(ROWS if scans_once else "arrow_rows", reader)
                    if not scans_once:
                        connection.execute(f"CREATE TABLE {ROWS} AS FROM arrow_rows")
                yield connection
            except Exception:
                if errors:
                    raise copy(errors[0]) from None  # DuckDB keeps the original, whose traceback would keep DuckDB
                raise
            finally:
                connection.close()

    def _local_files(self, columns: Sequence[str]) -> list[str]:
        """Return the paths of files that DuckDB can read itself: on this machine, and with all columns."""
        if "://" in self.lake.uri or self.moved or not set(columns) <= set(self._arrow_types):
            return []
        paths = [f"{self.lake.uri}/{path}" for path in self.files]
        return [] if any(_NOT_PLAIN.search(path) for path in paths) else paths

    def _schema(self, columns: Sequence[str]) -> Any:
        return pa.schema([(name, self._arrow_types.get(name) or _type_of_folder(self.types[name])) for name in columns])

    @cached_property
    def _arrow_types(self) -> Mapping[str, Any]:
        """The types of columns in the files, which have all columns that are not in their folders' names."""
        found: dict[str, Any] = {}
        for path, file in self.files.items():
            with self._opened(path, file) as parquet:
                found = {field.name: field.type for field in parquet.schema_arrow} | found
            if set(self.types) <= {*found, *values_of_folder(file.partition)}:
                break
        return found

    def _opened(self, path: str, file: DataFile) -> Any:
        stored = ObjectFile(self.lake, path, file.size)
        return pq.ParquetFile(pa.PythonFile(stored, mode="r"), pre_buffer=True)

    def _batches(self, columns: Sequence[str]) -> Iterator[Any]:
        """Read columns; those that a file does not have are its partition's, or null."""
        schema = self._schema(columns)
        for path, file in self.files.items():
            constants, moved = values_of_folder(file.partition), self.moved.intersection(file.objects)
            with self._opened(path, file) as parquet:
                present = [name for name in columns if name in parquet.schema_arrow.names]
                read = [*present, *([_OBJECT] if moved and _OBJECT not in present else [])]
                for batch in parquet.iter_batches(_BATCH_ROWS, columns=read):
                    rows = _without(batch, moved) if moved else batch
                    yield pa.RecordBatch.from_arrays(
                        [
                            rows[field.name].cast(field.type)
                            if field.name in present
                            else pa.repeat(_value(constants.get(field.name), field.type), rows.num_rows)
                            for field in schema
                        ],
                        schema=schema,
                    )


def _noting(items: Iterator[Any], errors: list[LakewrightError]) -> Iterator[Any]:
    """Iterate, and note a known error, of which Arrow and DuckDB would pass on the text only."""
    try:
        yield from items
    except LakewrightError as error:
        errors.append(error)
        raise


def _series(values: Any) -> Any:
    """Return a column as the library compares it best, which knows nothing of Arrow's types."""
    import pandas as pd

    kind = values.type
    if pa.types.is_timestamp(kind):
        values = values.cast(pa.timestamp("us"))
    elif pa.types.is_decimal(kind) and kind.precision <= _EXACT_DIGITS:
        values = values.cast(pa.float64())
    nullable = {pa.int32(): pd.Int32Dtype(), pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}
    has_nulls = values.null_count > 0
    return values.to_pandas(types_mapper=nullable.get if has_nulls else None, date_as_object=True)


def _without(rows: Any, objects: Collection[str]) -> Any:
    """Return the rows of other objects."""
    return rows.filter(pc.invert(pc.is_in(rows[_OBJECT], pa.array(sorted(objects), pa.string()))))


def _value(text: str | None, kind: Any) -> Any:
    """Return the value of a partition column."""
    if text is None:
        return pa.scalar(None, kind)
    if pa.types.is_timestamp(kind):
        return pa.scalar(text).cast(pa.timestamp("us")).cast(kind)
    return pa.scalar(text).cast(kind)


def _type_of_folder(kind: str) -> Any:
    """Return the Arrow type of a partition column, from its type as Spark writes it."""
    if kind.startswith("decimal"):
        precision, scale = kind.removeprefix("decimal(").removesuffix(")").split(",")
        return pa.decimal128(int(precision), int(scale))
    return _TYPES_OF_FOLDERS.get(kind, pa.string())
