"""Parquet files of a lake as the rows that a gate judges, by DuckDB in this process.

Files are read through the lake and pass to DuckDB as Arrow batches, so that DuckDB needs no extension and no
credentials for S3. Each query reads only its columns, and each file once.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lakewright.errors import ConfigError
from lakewright.log.records import DataFile
from lakewright.quality.judged_table import ROWS, Dialect
from lakewright.storage.lake import Lake
from lakewright.storage.object_file import ObjectFile
from transforms.partition_folders import values_of_folder

_TYPES_OF_FOLDERS: Final = {
    "boolean": pa.bool_(),
    "int": pa.int32(),
    "bigint": pa.int64(),
    "double": pa.float64(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", "UTC"),
}
_BATCH_ROWS: Final = 1 << 17
#: Of the row's source object; see ``lakewright.parquet.provenance``.
_OBJECT: Final = "_object"


def connect(*, threads: int = 0) -> Any:
    """Open an in-memory database that reaches neither files nor the network.

    Raises:
        ConfigError: If DuckDB is not installed.
    """
    try:
        import duckdb
    except ModuleNotFoundError as error:
        raise ConfigError("gates need DuckDB, which is not installed; install it with: pip install duckdb") from error
    config: dict[str, Any] = {"enable_external_access": "false", "autoload_known_extensions": "false"}
    connection = duckdb.connect(config=config | ({"threads": threads} if threads else {}))
    connection.execute("SET TimeZone = 'UTC'")
    return connection


@dataclass(frozen=True)
class ParquetTable:
    """See ``JudgedTable``.

    Attributes:
        files: The files, by the path at which they are now.
        types: The columns of the table with their types.
        moved: Source objects whose rows were in the table before; these rows are not judged.
    """

    lake: Lake
    files: Mapping[str, DataFile]
    types: Mapping[str, str]
    moved: frozenset[str] = frozenset()

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

    def one_row(self, sql: str, columns: Sequence[str]) -> Mapping[str, Any]:
        """See ``JudgedTable.one_row``."""
        wanted = [*dict.fromkeys(columns)] or list(self.types)[:1]
        reader = pa.RecordBatchReader.from_batches(self._schema(wanted), self._batches(wanted))
        with connect() as connection:
            connection.register(ROWS, reader)
            found = connection.execute(sql)
            names = [column[0] for column in found.description]
            (row,) = found.fetchall()
        return dict(zip(names, row, strict=True))

    def frame(self, columns: Sequence[str], *, rows: bool = True) -> Any:
        """See ``JudgedTable.frame``: nullable types instead of float64 and object, times in UTC without a zone."""
        import pandas as pd

        nullable = {pa.int32(): pd.Int32Dtype(), pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}
        batches = self._batches(columns) if rows else ()
        table = pa.Table.from_batches(batches, self._schema(columns))
        for place, field in enumerate(table.schema):
            if pa.types.is_timestamp(field.type):
                table = table.set_column(place, field.name, table[field.name].cast(pa.timestamp("us")))
        return table.to_pandas(types_mapper=nullable.get, date_as_object=True)

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
