"""Arrow tables to staged Parquet files, which workers write directly to the lake."""

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lakewright.errors import StateError
from lakewright.log.records import DataFile
from lakewright.parquet.place import FILE_BYTES, Compression, TablePlace
from lakewright.parquet.provenance import KEYS, LINE, OBJECT, OFFSET, PARTITION, PROVENANCE_TYPES, TOPIC
from lakewright.storage.lake import Lake
from lakewright.storage.object_file import ObjectFile
from transforms.errors import DataError
from transforms.partition_writer import PartitionWriter

PROVENANCE: Final = {name: pa.int64() if kind == "bigint" else pa.string() for name, kind in PROVENANCE_TYPES.items()}

#: Files up to this size are read whole, which takes no longer than separate requests for columns.
_READ_WHOLE_BYTES: Final = 1 << 20
#: Spark 3 refuses dates before 1582 and timestamps before 1900 in files of an unknown writer, whose calendar it cannot
#: know. This names the first version with the calendar of Arrow.
_CALENDAR: Final = {"org.apache.spark.version": "3.0.0"}
#: Encodings that Spark, Trino (hence Athena) and DuckDB read. Not DELTA_LENGTH_BYTE_ARRAY: Spark 3.5's vectorized
#: reader fails on some files with it ("Failed to read 47 bytes"), and other engines lack it.
_DISTINCT: Final = (
    (pa.types.is_int64, "DELTA_BINARY_PACKED"),
    (pa.types.is_timestamp, "DELTA_BINARY_PACKED"),
    (pa.types.is_string, "PLAIN"),
)
_FEWEST: Final = 100
#: Values that repeat only over more rows than this would not fit into a dictionary either.
_SAMPLED: Final = 100_000
_COUNTED_UP: Final = (OFFSET, LINE)


class TableWriter(PartitionWriter[DataFile]):
    """Stages the rows of a table, in files of one partition each."""

    def __init__(self, lake: Lake, place: TablePlace) -> None:
        super().__init__(FILE_BYTES, partial(write_file, lake, place))


def write_file(lake: Lake, place: TablePlace, partition: str, rows: pa.Table) -> DataFile:
    """Stage rows as one Parquet file, sorted.

    Raises:
        DataError: If the sort columns include an array.
    """
    by = [name for name in place.sort_by if name in rows.column_names]
    if nested := [name for name in by if pa.types.is_nested(rows.schema.field(name).type)]:
        raise DataError(f"rows cannot be sorted by {nested[0]}, a column of arrays; remove it from target.sort_by")
    if by:
        rows = rows.sort_by([(name, "ascending") for name in (*by, *KEYS) if name in rows.column_names])
    body = _as_parquet(rows, place.compression)
    name = f"{uuid.uuid4().hex}.parquet"
    folder = f"{partition}/" if partition else ""
    staged = f"{place.staging}{folder}{name}"
    lake.create(staged, body)
    return DataFile(
        path=f"{place.destination}{folder}{place.prefix}{name}",
        staged=staged,
        partition=partition,
        rows=rows.num_rows,
        size=len(body),
        objects=sorted(pc.unique(rows[OBJECT]).to_pylist()) if OBJECT in rows.column_names else [],
        offsets=_offset_ranges(rows) if OFFSET in rows.column_names else {},
        arrow_bytes=rows.nbytes,
    )


def read_file(lake: Lake, path: str, columns: Sequence[str] | None = None) -> pa.Table:
    """Read a file that ``write_file`` wrote, or those of some columns that it has.

    For larger files, only these columns are read; adjacent ones share a request.

    Raises:
        FileNotFoundError: If it does not exist, or is rewritten while it is read.
        StateError: If it is damaged.
    """
    if columns is None:
        return _read_whole(lake, path, None)
    found = lake.stat(path)
    if found is None:
        raise FileNotFoundError(f"{lake.uri}/{path}")
    if found.size <= _READ_WHOLE_BYTES:
        return _read_whole(lake, path, columns)
    # pyarrow trusts footers: one of a source file could crash the process.
    file = pa.PythonFile(ObjectFile(lake, path, found.size, etag=found.etag), mode="r")
    with _refusing_damage(path), pq.ParquetFile(file, pre_buffer=True) as parquet:
        return parquet.read(columns=list(columns))


def _read_whole(lake: Lake, path: str, columns: Sequence[str] | None) -> pa.Table:
    body = pa.BufferReader(lake.read(path))
    with _refusing_damage(path), pq.ParquetFile(body) as file:
        return file.read(columns=list(columns) if columns is not None else None)


@contextmanager
def _refusing_damage(path: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise
    except (pa.ArrowException, OSError) as error:  # Arrow raises OSError for damage behind the footer
        raise StateError(f"{path} is damaged; restore it, or run `rebuild`") from error


def _as_parquet(rows: pa.Table, compression: Compression) -> bytes:
    sink = pa.BufferOutputStream()
    distinct = {field.name: encoding for field in rows.schema if (encoding := _encoding_of_distinct(rows, field))}
    others = [leaf for field in rows.schema if field.name not in distinct for leaf in _leaves(field.name, field.type)]
    with pq.ParquetWriter(
        sink,
        rows.schema,
        compression=compression,
        use_dictionary=others,
        column_encoding=distinct or None,
        store_decimal_as_integer=True,
        store_schema=False,
    ) as writer:
        writer.write_table(rows)
        writer.add_key_value_metadata(_CALENDAR)
    return bytes(sink.getvalue())


def _encoding_of_distinct(rows: pa.Table, field: pa.Field) -> str:
    """Choose the encoding of a column whose values rarely repeat; empty for columns that suit a dictionary."""
    encoding = next((encoding for is_kind, encoding in _DISTINCT if is_kind(field.type)), "")
    if not encoding or field.name in _COUNTED_UP:
        return encoding
    sample = rows[field.name].slice(0, _SAMPLED)
    values = len(sample) - sample.null_count
    repeats = values < _FEWEST or pc.count_distinct(sample).as_py() < values / 2
    return "" if repeats else encoding


def _leaves(path: str, kind: Any) -> list[str]:
    if pa.types.is_list(kind):
        return _leaves(f"{path}.list.element", kind.value_type)
    if pa.types.is_map(kind):
        places = {"key": kind.key_type, "value": kind.item_type}
        return [leaf for name, part in places.items() for leaf in _leaves(f"{path}.key_value.{name}", part)]
    if pa.types.is_struct(kind):
        return [leaf for field in kind for leaf in _leaves(f"{path}.{field.name}", field.type)]
    return [path]


def _offset_ranges(rows: pa.Table) -> dict[str, tuple[int, int]]:
    ranges = rows.group_by([TOPIC, PARTITION]).aggregate([(OFFSET, "min"), (OFFSET, "max")]).to_pylist()
    return {f"{row[TOPIC]}/{row[PARTITION]}": (row[f"{OFFSET}_min"], row[f"{OFFSET}_max"]) for row in ranges}
