"""Scan CSV objects in Python workers, and read those that Spark's reader would misread."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from lakewright.csv.heads import Header
from lakewright.csv.objects import Finding, look_through, read_lines
from lakewright.csv.options import CsvOptions
from lakewright.engine.spark.workers import SparkWorkers, with_aws_settings
from lakewright.storage.lake import Lake
from lakewright.storage.uris import open_lake
from transforms.csv.quotes import Record, cut_records
from transforms.spark.typed_rows import FAULT, TEXT

_TASKS_PER_CORE: Final = 4
_BATCH_ROWS: Final = 10_000
_BATCH_CHARACTERS: Final = 8 << 20


def look_through_objects(
    spark: SparkSession, lake: Lake, paths: Iterable[str], headers: Mapping[str, Header], options: CsvOptions
) -> dict[str, Finding]:
    """Scan objects in Spark's Python workers; see ``lakewright.csv.objects.look_through``."""
    named = [(path, headers[path]) for path in sorted(set(paths))]
    uri = lake.uri

    def look(pack: Sequence[tuple[str, Header]]) -> list[tuple[str, Finding]]:
        opened = open_lake(uri)
        return [(path, look_through(opened, path, header, options)) for path, header in pack]

    packs = _task_count(spark, len(named))
    answers = SparkWorkers().run(look, [named[first::packs] for first in range(packs)])
    return dict(finding for answer in answers for finding in answer)


def read_records(
    spark: SparkSession,
    lake: Lake,
    objects: Mapping[str, str],
    header: Header,
    options: CsvOptions,
    *,
    cells: Sequence[str],
    uri: str,
) -> DataFrame:
    """Read objects (URI by path) with the same header.

    Columns out: ``cells`` (string), ``uri`` (string), _lakewright_text (the record as written), _lakewright_fault
                 (field_count, quote, or null)
    Rows:        every record except the first, which is the header
    """
    lake_uri, encoding, delimiter, multiline = lake.uri, options.encoding, options.delimiter, options.multiline
    line_end, width = header.line_end, len(cells)
    schema = pa.schema([(name, pa.string()) for name in (*cells, uri, TEXT, FAULT)])

    def cut(tasks: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        opened = open_lake(lake_uri)
        for task in (task for batch in tasks for task in batch.to_pylist()):
            lines = read_lines(opened, task["path"], encoding, line_end)
            records = cut_records(lines, delimiter=delimiter, line_end=line_end, multiline=multiline)
            next(records, None)
            for pack in _packs(records):
                yield _as_batch(pack, task["uri"], width, schema)

    slices = _task_count(spark, len(objects))
    tasks = spark.sparkContext.parallelize(list(objects.items()), slices).toDF("path string, uri string")
    ddl = ", ".join(f"`{name}` string" for name in schema.names)
    return tasks.mapInArrow(with_aws_settings(cut), ddl)


def _task_count(spark: SparkSession, objects: int) -> int:
    return min(objects, spark.sparkContext.defaultParallelism * _TASKS_PER_CORE)


def _as_batch(records: Sequence[Record], uri: str, width: int, schema: pa.Schema) -> pa.RecordBatch:
    no_cells = (None,) * width
    faults = [
        "quote" if record.fields is None else "field_count" if len(record.fields) != width else None
        for record in records
    ]
    fitting = [no_cells if fault else record.fields for record, fault in zip(records, faults, strict=True)]
    columns = [*zip(*fitting, strict=True), [uri] * len(records), [record.text for record in records], faults]
    return pa.record_batch([pa.array(column, pa.string()) for column in columns], schema=schema)


def _packs(records: Iterable[Record]) -> Iterator[list[Record]]:
    pack: list[Record] = []
    characters = 0
    for record in records:
        pack.append(record)
        characters += len(record.text)
        if len(pack) == _BATCH_ROWS or characters > _BATCH_CHARACTERS:
            yield pack
            pack, characters = [], 0
    if pack:
        yield pack
