"""Flatten JSON records into typed columns by a schema, and learn a schema from records."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import msgspec
import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import (
    ArrayType,
    BinaryType,
    BooleanType,
    DataType,
    DateType,
    DecimalType,
    DoubleType,
    LongType,
    MapType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

from transforms.errors import MissingColumnsError
from transforms.events import types as event_types
from transforms.events.blocks import no_search_for_cycles
from transforms.events.column_names import clean_key
from transforms.events.declared.encodings import DIGITS
from transforms.events.declared.times import TIME_FORMATS
from transforms.events.flat_texts import BESIDE, FAULT, LEFT_OUT, TEXT, TextFlattener, observe_texts
from transforms.events.record_shape import RecordShape
from transforms.events.schema import EventSchema, News, Path, learn_columns
from transforms.key_paths import read_path
from transforms.spark.names import column as named_column

VALUE: Final = "value"
#: Times in structs are written with microseconds and offset.
_WRITTEN: Final = {"timestampFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX"}
_BESIDE: Final = {FAULT: StringType(), TEXT: StringType(), LEFT_OUT: MapType(StringType(), StringType())}
_SCALARS: Final[dict[str, DataType]] = {
    "bigint": LongType(),
    "double": DoubleType(),
    "string": StringType(),
    "boolean": BooleanType(),
    "timestamp": TimestampType(),
    "date": DateType(),
    "map<string,string>": MapType(StringType(), StringType()),
}


def flatten_events(records: DataFrame, *, schema: EventSchema) -> DataFrame:
    """Flatten JSON records into the columns of a schema, as learned by ``learn_schema``.

    Columns in:  value (string or binary: one JSON record in UTF-8; or a struct, which is serialized to JSON first)
    Columns out: every input column but value; the schema's columns, in order; _lakewright_fault (string; the rule that
                 a rejected record breaks), _lakewright_text (string; its text), _lakewright_left_out (map of attribute
                 to text; values without a column in the schema); these three are null in a clean row
    Rows:        one per record, including rejected ones, whose schema columns are null; none for null and blank texts

    The rules are json, encoding, record, doubled_key, nesting, number; see ``transforms.events.lines.RejectedLine``. A
    value that does not fit its column is stored in the column ``<name>__text``, if the schema has one.

    Raises:
        MissingColumnsError: If ``value`` is absent.
        ValueError: If an input column has the name of an added one.
        DataError: In the task that processes them, if records have more than 5,000 attributes.
    """
    _require_value(records)
    columns = schema.columns
    kept = [name for name in records.columns if name != VALUE]
    _refuse_shared_names(kept, [*(column.name for column in columns), *_BESIDE])
    added = {column.name: _spark_type(column.type) for column in columns} | _BESIDE
    out = [*(records.schema[name] for name in kept), *(StructField(name, kind) for name, kind in added.items())]

    def flatten_batches(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        flattener = TextFlattener(columns)
        with no_search_for_cycles():
            for batch in batches:
                *others, texts = batch.columns
                for rows, flat in flattener.flatten(texts):
                    yield pa.record_batch([*(other.take(rows) for other in others), *flat.values()], [*kept, *flat])

    return records.select(*map(named_column, kept), _text(records)).mapInArrow(flatten_batches, StructType(out))


def learn_schema(
    records: DataFrame,
    *,
    timestamps: Mapping[str, str] | None = None,
    separator: str = "_",
    known: EventSchema | None = None,
) -> EventSchema:
    """Learn the schema of JSON records from all of them, as the job does. This is an action: it reads the records once.

    Args:
        records: The column value is as in ``flatten_events``. Names of other columns are reserved; rejected records
            are ignored.
        timestamps: Attributes that are times, such as ``meta.ts``, and their format: epoch_seconds, epoch_millis,
            epoch_micros, epoch_nanos or iso.
        separator: The separator between the keys of a path in a column's name.
        known: The schema so far; its columns are unchanged, and new ones are appended.

    Raises:
        MissingColumnsError: If ``value`` is absent.
        ValueError: If ``timestamps`` or ``separator`` is invalid, or ``known`` has another type for a time.
        DataError: In the task that processes them, if records have more than 5,000 attributes.
    """
    _require_value(records)
    if clean_key(separator) != separator or not separator:
        raise ValueError(f"separator {separator!r} cannot be part of a column's name; use _ or letters")
    schema = known or EventSchema()
    kinds = _time_formats(timestamps or {}, schema)
    columns = schema.columns

    def observe_batches(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        shape, seen = RecordShape(), News()
        with no_search_for_cycles():
            for batch in batches:
                for news in observe_texts(batch.column(0), shape, EventSchema(columns), kinds):
                    seen = seen.merge(news)
        yield pa.record_batch([pa.array([msgspec.msgpack.encode(seen)], pa.binary())], ["news"])

    news = News()
    for row in records.select(_text(records)).mapInArrow(observe_batches, "news binary").collect():
        news = news.merge(msgspec.msgpack.decode(row.news, type=News))
    reserved = [*(name for name in records.columns if name != VALUE), *BESIDE]
    return schema.plus(learn_columns(schema, news, separator=separator, reserved=reserved, formats=kinds))


def _time_formats(timestamps: Mapping[str, str], known: EventSchema) -> dict[Path, str]:
    if unknown := sorted(set(timestamps.values()) - set(TIME_FORMATS)):
        raise ValueError(f"unknown time format {unknown[0]!r}; known are {', '.join(TIME_FORMATS)}")
    kinds = {read_path(path): kind for path, kind in timestamps.items()}
    for path, column in known.values.items():
        if path in kinds and column.type != f"timestamp({kinds[path]})":
            raise ValueError(f"column {column.name} is {column.type} in the known schema, not timestamp({kinds[path]})")
    return kinds


def _require_value(records: DataFrame) -> None:
    if VALUE not in records.columns:
        raise MissingColumnsError([VALUE], records.columns)


def _refuse_shared_names(kept: Iterable[str], added: Iterable[str]) -> None:
    kept_names = {name.lower(): name for name in kept}
    if shared := sorted(name for name in added if name.lower() in kept_names):
        raise ValueError(
            f"the records have a column {kept_names[shared[0].lower()]!r}, and so has the schema; drop or rename it, "
            "or learn the schema from these records"
        )


def _text(records: DataFrame) -> Column:
    if isinstance(records.schema[VALUE].dataType, StructType):
        return F.to_json(VALUE, _WRITTEN).cast(BinaryType()).alias(VALUE)
    return F.col(VALUE).cast(BinaryType())


def _spark_type(kind: event_types.Type) -> DataType:
    if isinstance(kind, event_types.ArrayType):
        return ArrayType(_spark_type(kind.element))
    if isinstance(kind, event_types.RecordType):
        return StructType([StructField(field.name, _spark_type(field.type)) for field in kind.fields])
    ddl = event_types.ddl_type(kind)
    return DecimalType(DIGITS, event_types.scale_of(ddl)) if ddl.startswith("decimal") else _SCALARS[ddl]
